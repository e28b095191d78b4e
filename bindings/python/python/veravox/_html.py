"""A report in a notebook: one piece of HTML that needs nothing else."""

from __future__ import annotations

import base64
import html
import struct
import zlib

import numpy as np
from numpy.typing import NDArray

from ._timeline import COLOURS, clock, notes, timeline
from .findings import Decision, Findings, Leg

_WIDTH, _STRIP_HEIGHT, _PICTURE_HEIGHT = 600, 18, 96
_LEGEND: tuple[tuple[Decision | None, str], ...] = (
    ("synthetic", "points to a machine"),
    ("bonafide", "to a person"),
    ("inconclusive", "to neither"),
    (None, "not scored"),
)


def render(report: Findings) -> str:
    audio = report.audio
    facts = f"{clock(audio.duration_seconds)}, {audio.sample_rate_hz / 1000:g} kHz {audio.codec}"
    parts = [
        '<div style="font-family: sans-serif; font-size: 13px; line-height: 1.5; max-width: 640px">',
        f"<div>{html.escape(facts)} · model {html.escape(report.model.name)} {html.escape(report.model.version)}</div>",
        *(f"<div>note: {html.escape(warning)}</div>" for warning in report.warnings),
        *(f"<div>note on leg {leg.leg}: {html.escape(note)}</div>" for leg in report.legs for note in leg.notes),
    ]
    for index, leg in enumerate(report.legs):
        picture = None if report.spectrogram is None else report.spectrogram[index]
        parts += [_verdict(leg), _svg(report, leg, picture)]
    legend = " ".join(f'<span style="color: {COLOURS[points_to]}">■</span> {words}' for points_to, words in _LEGEND)
    return "".join([*parts, f'<div style="opacity: 0.7; font-size: 11px">{legend}</div></div>'])


def _verdict(leg: Leg) -> str:
    scores = "" if leg.llr is None else f" · llr {leg.llr:+.1f} · p {leg.probability:.2f}"
    firm = "" if leg.firm_at_seconds is None else f" · firm at {clock(leg.firm_at_seconds)}"
    why = "".join(f" · {html.escape(note)}" for note in notes(leg))
    return (
        f'<div style="margin-top: 6px"><b>leg {leg.leg}: <span style="color: {COLOURS[leg.decision]}">{leg.decision}</span></b>'
        f"{scores} · {leg.speech_seconds:.1f} s of speech{firm}{why}</div>"
    )


def _svg(report: Findings, leg: Leg, picture: NDArray[np.uint8] | None) -> str:
    top = 0 if picture is None else _PICTURE_HEIGHT
    height = top + _STRIP_HEIGHT
    parts = [f'<svg viewBox="0 0 {_WIDTH} {height}" width="100%" role="img" xmlns="http://www.w3.org/2000/svg">']
    parts.append(f"<title>leg {leg.leg}: {leg.decision}</title>")
    if picture is not None:
        encoded = base64.b64encode(_png(picture[::-1])).decode("ascii")
        parts.append(
            f'<image width="{_WIDTH}" height="{top}" preserveAspectRatio="none" href="data:image/png;base64,{encoded}"/>'
        )
    # Steps of one colour are one rectangle.
    steps = timeline(report, leg, _WIDTH // 2)
    start = 0
    for end in range(1, len(steps) + 1):
        if end == len(steps) or steps[end] != steps[start]:
            parts.append(
                f'<rect x="{2 * start}" y="{top}" width="{2 * (end - start)}" height="{_STRIP_HEIGHT}" fill="{COLOURS[steps[start]]}"/>'
            )
            start = end
    scale = _WIDTH / max(report.audio.duration_seconds, 1e-9)
    for segment in leg.segments:
        words = f"suspicious {clock(segment.start_seconds)} to {clock(segment.end_seconds)}, llr {segment.llr:+.1f}"
        x, width = segment.start_seconds * scale, (segment.end_seconds - segment.start_seconds) * scale
        parts.append(
            f'<rect x="{x:.1f}" y="{top}" width="{width:.1f}" height="{_STRIP_HEIGHT}" fill="none" stroke="#000" stroke-opacity="0.6">'
            f"<title>{words}</title></rect>"
        )
    for change in leg.changes:
        x = change.at_seconds * scale
        parts.append(
            f'<line x1="{x:.1f}" x2="{x:.1f}" y1="0" y2="{height}" stroke="#000" stroke-width="2">'
            f"<title>{change.decision} voice from {clock(change.at_seconds)}</title></line>"
        )
    return "".join([*parts, "</svg>"])


def _png(picture: NDArray[np.uint8]) -> bytes:
    """A grey PNG, loud is dark."""
    n_rows, n_columns = picture.shape
    # Each row starts with the number of its filter, 0 for none.
    rows = np.concatenate([np.zeros((n_rows, 1), np.uint8), 255 - picture], axis=1)
    header = struct.pack(">IIBBBBB", n_columns, n_rows, 8, 0, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(rows.tobytes(), 9)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data)) for name, data in chunks
    )
