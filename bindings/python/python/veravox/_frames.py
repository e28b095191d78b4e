"""Reports as tables, by pandas or polars."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterable, Iterator
from dataclasses import fields
from typing import Any, Literal, TypeAlias

from .errors import InvalidArgumentError
from .report import FileResult, Interruptions, Leg, Report, Segment, Window

__all__ = ["Library", "Rows", "to_dataframe"]

#: What a row of a table stands for.
Rows: TypeAlias = Literal["legs", "windows", "segments"]
#: The library that makes the table.
Library: TypeAlias = Literal["pandas", "polars"]


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
       leg   decision         error_kind
    0  0.0  synthetic                NaN
    1  1.0  synthetic                NaN
    2  NaN        NaN  unsupported_audio
    """
    if rows not in ("legs", "windows", "segments"):
        raise InvalidArgumentError(f"expected rows to be legs, windows or segments, got {rows!r}")
    records = list(_records(results, rows))
    # Not every row has every column, and a call without windows has no rows.
    columns = dict.fromkeys(name for record in records for name in record)
    if not records and rows != "legs":
        columns = dict.fromkeys(["leg", *(field.name for field in fields(Window if rows == "windows" else Segment))])
    return _library(library).DataFrame({name: [record.get(name) for record in records] for name in columns})


def _records(results: Iterable[Report | FileResult], rows: Rows) -> Iterator[dict[str, Any]]:
    for result in results:
        report, start = (result, {}) if isinstance(result, Report) else (result.report, {"path": result.path})
        if report is not None:
            for leg in report.legs:
                if rows == "legs":
                    yield {**start, **_of_leg(report, leg)}
                else:
                    stretches: tuple[Window | Segment, ...] = leg.windows if rows == "windows" else leg.segments
                    yield from ({**start, "leg": leg.leg, **_plain(stretch)} for stretch in stretches)
        elif rows == "legs" and isinstance(result, FileResult) and result.error is not None:
            yield {**start, "error_kind": result.error.kind, "error_message": str(result.error)}


def _of_leg(report: Report, leg: Leg) -> dict[str, Any]:
    return {
        **_plain(leg),
        **_plain(leg.interruptions),
        "reasons": " ".join(leg.reasons),
        "n_windows": len(leg.windows),
        "n_segments": len(leg.segments),
        "n_changes": len(leg.changes),
        "duration_seconds": report.audio.duration_seconds,
        "model": report.model.name,
        "model_version": report.model.version,
    }


def _plain(record: Leg | Window | Segment | Interruptions) -> dict[str, Any]:
    """The fields that fit in a cell."""
    values = {field.name: getattr(record, field.name) for field in fields(record)}
    return {name: value for name, value in values.items() if not isinstance(value, tuple | Interruptions)}


def _library(library: Library | None) -> Any:
    wanted = ["pandas", "polars"] if library is None else [library]
    for name in sorted(wanted, key=lambda name: name not in sys.modules):
        try:
            return importlib.import_module(name)
        except ModuleNotFoundError:
            continue
    raise ImportError(f"a table needs {' or '.join(wanted)}: pip install 'veravox[dataframe]'")
