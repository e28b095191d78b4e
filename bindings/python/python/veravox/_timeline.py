"""Where a leg's windows point over time, in equal steps, for views of a report."""

from __future__ import annotations

from .findings import Decision, Findings, Leg

#: One colour for each answer in every view.
COLOURS: dict[Decision | None, str] = {
    "synthetic": "#c0392b",
    "bonafide": "#2e8b57",
    "inconclusive": "#d9a521",
    None: "#e3e3e3",
}


def timeline(report: Findings, leg: Leg, n_steps: int) -> list[Decision | None]:
    """For each step where the windows over it point in their mean; None where nothing was scored that counts."""
    step_seconds = report.audio.duration_seconds / n_steps
    if step_seconds <= 0:
        return [None] * n_steps
    sums, counts = [0.0] * n_steps, [0] * n_steps
    for window in (window for window in leg.windows if window.reason is None):
        first = int(window.start_seconds / step_seconds)
        last = int(window.end_seconds / step_seconds - 1e-9)
        for step in range(first, min(last + 1, n_steps)):
            sums[step] += window.llr
            counts[step] += 1
    return [_points_to(report, total / count) if count else None for total, count in zip(sums, counts, strict=True)]


def _points_to(report: Findings, llr: float) -> Decision:
    if llr >= report.thresholds.synthetic_llr:
        return "synthetic"
    return "bonafide" if llr <= report.thresholds.bonafide_llr else "inconclusive"


def notes(leg: Leg) -> list[str]:
    """What a reader wants to know beside the decision: why there is none, whether the evidence suffices for it, and where
    another voice begins."""
    words = [reason.replace("_", " ") for reason in leg.reasons]
    if leg.decision != "inconclusive" and leg.stage == "provisional":
        words.append("provisional")
    return words + [f"{change.decision} voice from {clock(change.at_seconds)}" for change in leg.changes]


def clock(seconds: float) -> str:
    """As in 2:03.4."""
    minutes, tenths = divmod(round(seconds * 10), 600)
    return f"{minutes}:{tenths // 10:02}.{tenths % 10}"
