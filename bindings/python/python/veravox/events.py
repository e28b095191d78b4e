"""What happens on a leg of a call that goes on.

Times are seconds from the start of the leg. `llr` is a natural-log likelihood ratio: positive speaks for a synthetic voice,
0 for neither.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal, TypeAlias, Union

from .errors import VeravoxError, of_kind
from .findings import Decision, Leg, Stage, Thresholds, Window, as_json, holds, read


@dataclass(frozen=True, slots=True)
class Verdict:
    """How things stand on a leg. As an event: the verdict is another than before, or better founded."""

    event: ClassVar[Literal["verdict"]] = "verdict"
    stage: Stage
    """How far the decision is founded; `"firm"` when the evidence suffices."""
    decision: Decision
    """The decision if the leg ended now."""
    llr: float | None
    """Since the voice last changed; None before the first score."""
    probability: float | None
    """Of a synthetic voice, 0 to 1, at the prior of the thresholds."""
    speech_seconds: float
    """Seconds of voice so far."""
    reasons: tuple[str, ...]
    """Why it is inconclusive, as in `"too_little_speech"`; empty otherwise."""
    given_by: str | None = field(default=None, metadata={"may_be_absent": True})
    """The model of a cascade that most of the evidence is from; None without a cascade."""
    thresholds: Thresholds | None = field(default=None, repr=False, metadata={**holds(Thresholds), "may_be_absent": True})
    """Where the leg is decided on; None before the band of its voice, and with it its model, is known."""

    def to_dict(self) -> dict[str, Any]:
        """The event as `veravox live --json` has it."""
        return {"event": self.event, **as_json(self)}


@dataclass(frozen=True, slots=True)
class Ended:
    """The leg ended; no event comes after this."""

    event: ClassVar[Literal["ended"]] = "ended"
    leg: Leg

    def to_dict(self) -> dict[str, Any]:
        """The event as `veravox live --json` has it."""
        return {"event": self.event, **self.leg.to_dict()}


@dataclass(frozen=True, slots=True)
class Failed:
    """The leg failed; no event comes after this."""

    event: ClassVar[Literal["failed"]] = "failed"
    kind: str
    message: str

    @property
    def error(self) -> VeravoxError:
        """As an exception, to be raised."""
        return of_kind(self.kind, self.message)

    def to_dict(self) -> dict[str, Any]:
        """The event as `veravox live --json` has it."""
        return {"event": self.event, **as_json(self)}


#: What happens on a leg: a window was scored, the verdict is another, the leg ended or failed.
Event: TypeAlias = Union[Window, Verdict, Ended, Failed]


def event_of(form: dict[str, Any]) -> Event:
    name = form.pop("event")
    if name == "ended":
        return Ended(read(Leg, form))
    if name == "failed":
        return Failed(**form)
    return read(Window, form) if name == "window" else read(Verdict, form)
