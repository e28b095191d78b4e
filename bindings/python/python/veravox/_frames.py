"""Reports as tables, by pandas or polars."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterable, Iterator
from dataclasses import fields, is_dataclass
from typing import Any, Literal, TypeAlias

from .errors import InvalidArgumentError, VeravoxError
from .findings import Findings, Interruptions, Leg, Segment, Signal, Window

#: What a row of a table stands for.
Rows: TypeAlias = Literal["legs", "windows", "segments"]
#: The library that makes the table.
Library: TypeAlias = Literal["pandas", "polars"]


def table(reports: Iterable[tuple[dict[str, Any], Findings | VeravoxError | None]], rows: Rows, library: Library | None) -> Any:
    """One table of many reports, each with the columns that stand before its own, or the error in its place."""
    if rows not in ("legs", "windows", "segments"):
        raise InvalidArgumentError(f"expected rows to be legs, windows or segments, got {rows!r}")
    records = list(_records(reports, rows))
    # Not every row has every column, and a call without windows has no rows.
    columns = dict.fromkeys(name for record in records for name in record)
    if not records and rows != "legs":
        columns = dict.fromkeys(["leg", *(field.name for field in fields(Window if rows == "windows" else Segment))])
    return _library(library).DataFrame({name: [record.get(name) for record in records] for name in columns})


def _records(
    reports: Iterable[tuple[dict[str, Any], Findings | VeravoxError | None]], rows: Rows
) -> Iterator[dict[str, Any]]:
    for start, report in reports:
        if isinstance(report, Findings):
            for leg in report.legs:
                if rows == "legs":
                    yield {**start, **_of_leg(report, leg)}
                else:
                    stretches: tuple[Window | Segment, ...] = leg.windows if rows == "windows" else leg.segments
                    yield from ({**start, "leg": leg.leg, **_plain(stretch)} for stretch in stretches)
        elif rows == "legs" and report is not None:
            yield {**start, "error_kind": report.kind, "error_message": str(report)}


def _of_leg(report: Findings, leg: Leg) -> dict[str, Any]:
    model = leg.model or report.model
    return {
        **_plain(leg),
        **_plain(leg.interruptions),
        **({} if leg.signal is None else _plain(leg.signal)),
        "reasons": " ".join(leg.reasons),
        "n_windows": len(leg.windows),
        "n_segments": len(leg.segments),
        "n_changes": len(leg.changes),
        "duration_seconds": report.audio.duration_seconds,
        "model": model.name,
        "model_version": model.version,
    }


def _plain(record: Leg | Window | Segment | Interruptions | Signal) -> dict[str, Any]:
    """The fields that fit in a cell."""
    values = {field.name: getattr(record, field.name) for field in fields(record)}
    return {name: value for name, value in values.items() if not isinstance(value, tuple) and not is_dataclass(value)}


def _library(library: Library | None) -> Any:
    wanted = ["pandas", "polars"] if library is None else [library]
    for name in sorted(wanted, key=lambda name: name not in sys.modules):
        try:
            return importlib.import_module(name)
        except ModuleNotFoundError:
            continue
    raise ImportError(f"a table needs {' or '.join(wanted)}: pip install 'veravox[dataframe]'")
