"""What a scan says, as typed objects with the names of the JSON form (`core/schemas/report.schema.json`).

Times are seconds from the start of the audio. `llr` is a natural-log likelihood ratio: positive speaks for a synthetic
voice, 0 for neither. Objects cannot be changed; they compare by value and can be pickled.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

from ._timeline import clock
from .errors import InvalidArgumentError, VeravoxError, of_kind

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from ._frames import Library, Rows

__all__ = [
    "Audio",
    "Change",
    "Decision",
    "FileResult",
    "Interruptions",
    "Leg",
    "Model",
    "Report",
    "Segment",
    "Stage",
    "Thresholds",
    "Window",
    "read_results",
]

#: The answer on a leg: a machine, a person, or no verdict.
Decision: TypeAlias = Literal["synthetic", "bonafide", "inconclusive"]

#: How far a decision is founded.
Stage: TypeAlias = Literal["listening", "provisional", "firm", "changed"]

_T = TypeVar("_T")


def _of(cls: type) -> dict[str, type]:
    """Metadata of a field that holds an object of this class, or several."""
    return {"of": cls}


def _read(cls: type[_T], data: Mapping[str, Any]) -> _T:
    """An object from its JSON form. A name that this version does not know is passed over: newer reports can be read."""
    values: dict[str, Any] = {}
    for known in fields(cls):  # type: ignore[arg-type]
        # What does not count in a comparison is no part of the JSON form.
        if known.compare and known.name in data:
            value, of = data[known.name], known.metadata.get("of")
            if isinstance(value, list):
                value = tuple(value if of is None else (_read(of, one) for one in value))
            elif of is not None and value is not None:
                value = _read(of, value)
            values[known.name] = value
    return cls(**values)


@dataclass(frozen=True, slots=True)
class Model:
    """Which model scored."""

    name: str
    version: str
    sha256: str
    """Of its ONNX file."""


@dataclass(frozen=True, slots=True)
class Thresholds:
    """Where decisions are made."""

    prior: float
    """Prior probability of a synthetic voice that `probability` is stated at."""
    synthetic_llr: float
    """A leg at or above it is `synthetic`."""
    bonafide_llr: float
    """A leg at or below it is `bonafide`."""


@dataclass(frozen=True, slots=True)
class Audio:
    """What the audio was."""

    container: str
    """As in `"wave"`; `"raw"` for headerless audio, `"array"` for samples in memory."""
    codec: str
    """As in `"pcm_mulaw"`; the type of an array's samples."""
    sample_rate_hz: int
    channels: int
    duration_seconds: float


@dataclass(frozen=True, slots=True)
class Window:
    """One scored window. Windows overlap."""

    start_seconds: float
    end_seconds: float
    llr: float
    reason: str | None = None
    """Why it does not count, as in `"music_or_tones"`; None where it does."""


@dataclass(frozen=True, slots=True)
class Change:
    """Another voice, from here on."""

    at_seconds: float
    """Where the speech begins that tells."""
    decision: Decision
    """What the voice is from there on."""


@dataclass(frozen=True, slots=True)
class Interruptions:
    """What was not heard, or not scored, of a leg."""

    lost_seconds: float = 0.0
    """Audio that never came."""
    held_seconds: float = 0.0
    """On hold."""
    shed_windows: int = 0
    """Windows that were not scored since there was no time for them."""


@dataclass(frozen=True, slots=True)
class Segment:
    """A stretch whose windows all point to a synthetic voice."""

    start_seconds: float
    end_seconds: float
    llr: float
    """The mean of its windows."""


@dataclass(frozen=True, slots=True)
class Leg:
    """The verdict on one leg."""

    leg: int
    """The channel, from 0."""
    decision: Decision
    llr: float | None
    """None when nothing was scored."""
    probability: float | None
    """Of a synthetic voice, 0 to 1, at `thresholds.prior`. None when nothing was scored."""
    speech_seconds: float
    """Seconds of voice, which is what the model hears."""
    reasons: tuple[str, ...]
    """Why the leg is inconclusive, as in `"too_little_speech"`; empty otherwise."""
    windows: tuple[Window, ...] = field(default=(), repr=False, metadata=_of(Window))
    segments: tuple[Segment, ...] = field(default=(), metadata=_of(Segment))
    stage: Stage = "provisional"
    """How far the decision is founded: whether the evidence sufficed, and whether another voice spoke later."""
    firm_at_seconds: float | None = None
    """Where the windows end that made it firm; None when it never was."""
    changes: tuple[Change, ...] = field(default=(), metadata=_of(Change))
    """Where the voice changed after that."""
    interruptions: Interruptions = field(default=Interruptions(), metadata=_of(Interruptions))


@dataclass(frozen=True, slots=True, repr=False)
class Report:
    """The report on one call: a verdict for each leg. Legs are never mixed.

    >>> import veravox
    >>> report = veravox.scan("testdata/calls/03-bank-card.alaw.wav")
    >>> print(report)
    0:12.8, 1 leg, 8 kHz pcm_alaw, by phone 0.2.0
      leg 0  synthetic     llr +3.3  p 0.96  12.4 s speech
    >>> report.legs[0].decision, report.legs[0].reasons
    ('synthetic', ())
    >>> veravox.Report.from_json(report.to_json()) == report
    True
    """

    schema_version: int
    """Rises when a field changes its meaning or goes away."""
    model: Model = field(metadata=_of(Model))
    runtime: str
    """The inference runtime and its version."""
    thresholds: Thresholds = field(metadata=_of(Thresholds))
    audio: Audio = field(metadata=_of(Audio))
    warnings: tuple[str, ...]
    """What was wrong with the audio and could be read past."""
    legs: tuple[Leg, ...] = field(default=(), metadata=_of(Leg))
    spectrogram: NDArray[np.uint8] | None = field(default=None, compare=False)
    """Small pictures of the legs, `[legs, n_frequencies, n_times]`, lowest frequency first, kept when a scan was asked to.
    No part of the JSON form."""
    _json: str = field(default="", compare=False)

    @classmethod
    def from_json(cls, text: str) -> Report:
        """A report from its JSON form, as `to_json` and a line of `veravox scan --jsonl` have it."""
        return cls.from_dict(json.loads(text), text)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any], _json: str | None = None) -> Report:
        """A report from its JSON form as Python objects."""
        try:
            report = _read(cls, data)
        except TypeError as error:
            raise InvalidArgumentError(f"this is no report of veravox: {error}") from None
        return replace(report, _json=_json or json.dumps(data))

    def to_json(self) -> str:
        """The JSON form, on one line."""
        return self._json

    def to_dict(self) -> dict[str, Any]:
        """The JSON form as Python objects."""
        data: dict[str, Any] = json.loads(self._json)
        return data

    def to_dataframe(self, rows: Rows = "legs", library: Library | None = None) -> Any:
        """A table with a row for each leg, window or segment, by pandas or polars; see `veravox.to_dataframe`."""
        from ._frames import to_dataframe

        return to_dataframe([self], rows, library)

    def plot(self) -> Figure:
        """A figure of the legs' scores over time, by matplotlib (`pip install veravox[plot]`)."""
        from ._plot import plot

        return plot(self)

    def _repr_html_(self) -> str:
        from ._html import render

        return render(self)

    def __str__(self) -> str:
        audio, legs = self.audio, "1 leg" if len(self.legs) == 1 else f"{len(self.legs)} legs"
        facts = f"{clock(audio.duration_seconds)}, {legs}, {audio.sample_rate_hz / 1000:g} kHz {audio.codec}"
        lines = [f"{facts}, by {self.model.name} {self.model.version}"]
        lines += [f"  note   {warning}" for warning in self.warnings]
        for leg in self.legs:
            scores = " " * 17 if leg.llr is None else f"llr {leg.llr:+4.1f}  p {leg.probability:.2f} "
            why = "  " + ", ".join(reason.replace("_", " ") for reason in leg.reasons) if leg.reasons else ""
            lines.append(f"  leg {leg.leg}  {leg.decision:12}  {scores} {leg.speech_seconds:4.1f} s speech{why}")
        return "\n".join(lines)

    def __repr__(self) -> str:
        legs = ", ".join(f"leg {leg.leg} {leg.decision}" for leg in self.legs)
        return f"<Report on {self.audio.duration_seconds:.1f} s: {legs}>"


def as_text(path: str) -> str:
    """A path as results have it: what is no text in the name of a file is replaced, as the command does."""
    return path.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


@dataclass(frozen=True, slots=True)
class FileResult:
    """What came of one file of many: its report, or the error."""

    path: str
    report: Report | None = None
    error: VeravoxError | None = None
    _head: str = field(default="{}", repr=False, compare=False)

    def to_dict(self) -> dict[str, Any]:
        """The JSON form as Python objects."""
        data: dict[str, Any] = json.loads(self.to_json())
        return data

    def to_json(self) -> str:
        """A line as `veravox scan --jsonl` writes it."""
        rest = self._head if self.report is None else self.report.to_json()
        line = {"path": as_text(self.path), **json.loads(rest)}
        if self.error is not None:
            line["error"] = {"kind": self.error.kind, "message": str(self.error)}
        return json.dumps(line, ensure_ascii=False)

    @classmethod
    def from_json(cls, line: str) -> FileResult:
        """A result from a line that `to_json` or `veravox scan --jsonl` wrote."""
        data = json.loads(line)
        path, error = data.pop("path", None), data.pop("error", None)
        if path is None:
            raise InvalidArgumentError("this is no line of results of veravox: it names no path")
        if error is None:
            return cls(path, Report.from_dict(data))
        return cls(path, None, of_kind(error["kind"], error["message"]), json.dumps(data))


def read_results(jsonl: str | os.PathLike[str]) -> list[FileResult]:
    """The results in a JSONL file that `scan_many` or `veravox scan --jsonl` wrote."""
    with open(jsonl, encoding="utf-8") as lines:
        return [FileResult.from_json(line) for line in lines]
