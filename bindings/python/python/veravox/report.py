"""The report on a call, and what came of each file of many."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from ._frames import Library, Rows, table
from ._timeline import clock, notes
from .errors import InvalidArgumentError, VeravoxError, of_kind
from .findings import (
    Audio,
    Change,
    Decision,
    Findings,
    Interruptions,
    Leg,
    Model,
    Segment,
    Stage,
    Thresholds,
    Window,
    read,
)

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# What a report is made of is found beside it, too: pickles of earlier versions name it here.
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
    "to_dataframe",
]


@dataclass(frozen=True, slots=True, repr=False)
class Report(Findings):
    """The report on one call: a verdict for each leg. Legs are never mixed.

    >>> import veravox
    >>> report = veravox.scan("testdata/formats/clip.flac")
    >>> print(report)
    0:01.8, 1 leg, 8 kHz flac, by phone 0.7.0
      leg 0  inconclusive  llr +2.2  p 0.90   1.7 s speech  undecided
    >>> report.legs[0].decision, report.legs[0].reasons
    ('inconclusive', ('undecided',))
    >>> veravox.Report.from_json(report.to_json()) == report
    True
    """

    _json: str = field(default="", compare=False)

    @classmethod
    def from_json(cls, text: str) -> Report:
        """A report from its JSON form, as `to_json` and a line of `veravox scan --jsonl` have it."""
        return cls.from_dict(json.loads(text), text)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any], _json: str | None = None) -> Report:
        """A report from its JSON form as Python objects."""
        try:
            report = read(cls, data)
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
        return table([({}, self)], rows, library)

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
        lines += [f"  note   leg {leg.leg}: {note}" for leg in self.legs for note in leg.notes]
        for leg in self.legs:
            scores = " " * 17 if leg.llr is None else f"llr {leg.llr:+4.1f}  p {leg.probability:.2f} "
            line = f"  leg {leg.leg}  {leg.decision:12}  {scores} {leg.speech_seconds:4.1f} s speech  {', '.join(notes(leg))}"
            lines.append(line.rstrip())
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
        name = {"path": as_text(self.path)}
        if name["path"] != self.path:
            name["path_bytes"] = os.fsencode(self.path).hex()
        line = {**name, **json.loads(rest)}
        if self.error is not None:
            line["error"] = {"kind": self.error.kind, "message": str(self.error)}
        return json.dumps(line, ensure_ascii=False)

    @classmethod
    def from_json(cls, line: str) -> FileResult:
        """A result from a line that `to_json` or `veravox scan --jsonl` wrote."""
        data = json.loads(line)
        path, error, name = data.pop("path", None), data.pop("error", None), data.pop("path_bytes", None)
        if path is None:
            raise InvalidArgumentError("this is no line of results of veravox: it names no path")
        if name is not None:
            path = os.fsdecode(bytes.fromhex(name))
        if error is None:
            return cls(path, Report.from_dict(data))
        return cls(path, None, of_kind(error["kind"], error["message"]), json.dumps(data))


def read_results(jsonl: str | os.PathLike[str]) -> list[FileResult]:
    """The results in a JSONL file that `scan_many` or `veravox scan --jsonl` wrote."""
    with open(jsonl, encoding="utf-8") as lines:
        return [FileResult.from_json(line) for line in lines]


def to_dataframe(
    results: Iterable[Report | FileResult], rows: Rows = "legs", library: Library | None = None
) -> Any:
    """One table of many reports or results of `scan_many`, with a row for each leg, window or segment.

    Columns are named as the fields of `Leg`, `Interruptions`, `Window` and `Segment`, after the `path` of a `FileResult` and the `leg`. Among
    the legs a file that could not be scanned has one row, with `error_kind` and `error_message`. Without `library` it is
    the one of pandas and polars that the program has imported, or else that is installed, pandas first.

    Raises `ImportError` when neither is installed (`pip install veravox[dataframe]`).

    >>> import veravox
    >>> results = veravox.scan_many(["testdata/calls/01-helpdesk-reset.mulaw.wav", "testdata/bad/empty.wav"])
    >>> table = veravox.to_dataframe(results, library="pandas")
    >>> print(table[["leg", "decision", "error_kind"]])
       leg      decision         error_kind
    0  0.0     synthetic                NaN
    1  1.0  inconclusive                NaN
    2  NaN           NaN  unsupported_audio
    """
    return table(map(_with_path, results), rows, library)


def _with_path(result: Report | FileResult) -> tuple[dict[str, Any], Report | VeravoxError | None]:
    """What a table takes of a result: the columns before its own, and the report or the error."""
    if isinstance(result, Report):
        return {}, result
    return {"path": result.path}, result.error if result.report is None else result.report
