"""A report as a figure of matplotlib."""

from __future__ import annotations

import io

from ._timeline import COLOURS, notes
from .findings import Findings

try:
    from matplotlib.figure import Figure
except ImportError as error:
    raise ImportError("plot needs matplotlib: pip install 'veravox[plot]'") from error


class _ShownFigure(Figure):
    """A figure that a notebook shows as it is; others wait for pyplot to be imported."""

    def _repr_png_(self) -> bytes:
        picture = io.BytesIO()
        self.savefig(picture, format="png")
        return picture.getvalue()


def plot(report: Findings) -> Figure:
    """A row for each leg: its windows' llr over time, the thresholds, suspicious stretches, the spectrogram if it is kept.

    The figure belongs to nobody's window: show it in a notebook, or `savefig` it.
    """
    n_legs = max(len(report.legs), 1)
    figure = _ShownFigure(figsize=(10, 2.4 * n_legs), layout="constrained")
    axes = figure.subplots(n_legs, 1, sharex=True, squeeze=False)[:, 0]
    thresholds, seconds = report.thresholds, report.audio.duration_seconds
    for index, (axis, leg) in enumerate(zip(axes, report.legs, strict=False)):
        llrs = [window.llr for window in leg.windows]
        low = min([thresholds.bonafide_llr, *llrs]) - 1
        high = max([thresholds.synthetic_llr, *llrs]) + 1
        if report.spectrogram is not None:
            axis.imshow(
                report.spectrogram[index], origin="lower", aspect="auto", cmap="Greys", extent=(0, seconds, low, high), alpha=0.5
            )
        for segment in leg.segments:
            axis.axvspan(segment.start_seconds, segment.end_seconds, color=COLOURS["synthetic"], alpha=0.15, linewidth=0)
        for window in leg.windows:
            axis.hlines(window.llr, window.start_seconds, window.end_seconds, color="black" if window.reason is None else "silver", linewidth=1)
        axis.axhline(thresholds.synthetic_llr, color=COLOURS["synthetic"], linestyle="--", linewidth=1)
        axis.axhline(thresholds.bonafide_llr, color=COLOURS["bonafide"], linestyle="--", linewidth=1)
        for change in leg.changes:
            axis.axvline(change.at_seconds, color=COLOURS[change.decision], linewidth=1)
        why = f" ({', '.join(notes(leg))})" if notes(leg) else ""
        axis.set_title(f"leg {leg.leg}: {leg.decision}{why}", loc="left")
        axis.set(xlim=(0, seconds), ylim=(low, high), ylabel="llr")
    axes[-1].set_xlabel("seconds")
    return figure
