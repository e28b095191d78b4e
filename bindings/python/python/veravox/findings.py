"""What a scan finds, as typed objects with the names of the JSON form (`core/schemas/report.schema.json`).

Times are seconds from the start of the audio. `llr` is a natural-log likelihood ratio: positive speaks for a synthetic
voice, 0 for neither. Objects cannot be changed; they compare by value and can be pickled.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, is_dataclass
from typing import Any, ClassVar, Literal, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

from . import _core

#: The answer on a leg: a machine, a person, or no verdict.
Decision: TypeAlias = Literal["synthetic", "bonafide", "inconclusive"]

#: How far a decision is founded.
Stage: TypeAlias = Literal["listening", "provisional", "firm", "changed"]

_T = TypeVar("_T")


def holds(cls: type) -> dict[str, type]:
    """Metadata of a field that holds an object of this class, or several."""
    return {"of": cls}


def read(cls: type[_T], data: Mapping[str, Any]) -> _T:
    """An object from its JSON form. A name that this version does not know is passed over: newer reports can be read."""
    values: dict[str, Any] = {}
    for known in fields(cls):  # type: ignore[arg-type]
        # What does not count in a comparison is no part of the JSON form.
        if known.compare and known.name in data:
            value, of = data[known.name], known.metadata.get("of")
            if isinstance(value, list):
                value = tuple(value if of is None else (read(of, one) for one in value))
            elif of is not None and value is not None:
                value = read(of, value)
            values[known.name] = value
    return cls(**values)


def as_json(value: Any) -> Any:
    """The JSON form of an object of this package as Python objects."""
    if is_dataclass(value):
        named = ((known, getattr(value, known.name)) for known in fields(value) if known.compare)
        return {known.name: as_json(held) for known, held in named if not _is_absent(known.metadata, held)}
    return [as_json(one) for one in value] if isinstance(value, tuple) else value


def _is_absent(metadata: Mapping[str, Any], held: Any) -> bool:
    return (held is None and bool(metadata.get("may_be_absent"))) or (not held and bool(metadata.get("absent_if_empty")))


@dataclass(frozen=True, slots=True)
class Member:
    """A model of a fusion."""

    name: str
    version: str
    sha256: str


@dataclass(frozen=True, slots=True)
class Model:
    """Which model scored; where legs have different ones, that of the first leg that was scored."""

    name: str
    version: str
    sha256: str
    """Of its ONNX file."""
    members: tuple[Member, ...] = field(default=(), kw_only=True, metadata={**holds(Member), "absent_if_empty": True})
    """The models that it adds up, where it is a fusion."""


@dataclass(frozen=True, slots=True)
class Cascade:
    """Which cascade it was; the report's `model` is its first."""

    name: str
    version: str
    second: Model = field(metadata=holds(Model))
    """The model that is asked where the first does not know."""


@dataclass(frozen=True, slots=True)
class Second:
    """What the second model of a cascade had to do with a leg, in windows."""

    name: str
    version: str
    asked: int
    answered: int
    """Whose score is its."""
    late: int
    """Whose answer came too late: the first model's score stands."""
    over_budget: int
    """That it would have been asked about, had the budget allowed."""


@dataclass(frozen=True, slots=True)
class Calibration:
    """Which site calibration was in use."""

    name: str
    digest: str


@dataclass(frozen=True, slots=True)
class Thresholds:
    """Where decisions are made."""

    prior: float
    """Prior probability of a synthetic voice that `probability` is stated at."""
    synthetic_llr: float
    """A leg at or above it is `synthetic`."""
    bonafide_llr: float
    """A leg at or below it is `bonafide`."""

    @classmethod
    def from_costs(cls, prior: float, *, false_synthetic: float, false_bonafide: float, inconclusive: float) -> Thresholds:
        """Answers are given where they cost less than none: what a person who is called synthetic costs, what a machine that
        is called bona fide, and what no answer, in any one unit.

        Raises `InvalidArgumentError` when the prior is not inside (0, 1), or no answer costs nothing, or more than answering
        blindly.

        >>> import veravox
        >>> thresholds = veravox.Thresholds.from_costs(0.5, false_synthetic=1, false_bonafide=1, inconclusive=0.15)
        >>> round(thresholds.synthetic_llr, 2), round(thresholds.bonafide_llr, 2)
        (1.73, -1.73)
        """
        return cls(prior, *_core.thresholds_from_costs(prior, false_synthetic, false_bonafide, inconclusive))

    @classmethod
    def from_rates(cls, prior: float, *, false_alarm: float, miss: float) -> Thresholds:
        """A person is called synthetic with a probability of about `false_alarm`, a machine bona fide with one of about
        `miss`, if the llrs are what they claim to be. The prior only states the probability.

        Raises `InvalidArgumentError` when one of the three is not inside (0, 1), or the rates sum up to 1 or more.

        >>> import veravox
        >>> round(veravox.Thresholds.from_rates(0.5, false_alarm=0.01, miss=0.05).synthetic_llr, 2)
        4.55
        """
        return cls(prior, *_core.thresholds_from_rates(prior, false_alarm, miss))


#: Why a leg has the model that it has.
Because: TypeAlias = Literal["only", "rate", "band", "no_voice"]


@dataclass(frozen=True, slots=True)
class LegModel(Model):
    """The model that scored a leg."""

    because: Because
    """Why it was this one: the detector has no other; the sample rate can hold the band of no wider one; the band of the first
    two seconds of speech; or nobody spoke."""
    thresholds: Thresholds = field(metadata=holds(Thresholds))


@dataclass(frozen=True, slots=True)
class Signal:
    """What is measured of a leg's signal."""

    bandwidth_hz: float | None
    """Where the sound ends: above it less is left than 50 dB under the strongest part of speech. None where too little sounds."""
    level_dbfs: float | None
    """Level of the voice in decibels of full scale (RMS); None without one."""
    clipped_share: float
    """Share of the samples that are clipped."""
    dc_offset: float
    """Mean of the samples, of full scale."""
    upsampled_from_hz: int | None = field(default=None, metadata={"may_be_absent": True})
    """The rate that the audio may have had before, where its band says that it was brought to a higher one."""


@dataclass(frozen=True, slots=True)
class PacketStream:
    """A stream of a packet capture."""

    name: str
    """Its SSRC in hexadecimal and the parties by letters, as in `"1a2b3c4d A>B"`."""
    codec: str
    sample_rate_hz: int
    start_seconds: float
    """When it begins, after the first of the capture's legs."""
    n_packets: int
    n_lost: int
    """Packets that never came."""
    n_damaged: int
    """Packets that did not decode."""
    n_duplicates: int
    n_reordered: int
    """Packets that came after a later one, and in time."""
    n_late: int
    """Packets that came too late."""
    n_keys: int
    """Keys that were pressed (RFC 4733)."""
    n_comfort_noise: int


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

    event: ClassVar[Literal["window"]] = "window"
    start_seconds: float
    end_seconds: float
    llr: float
    reason: str | None = field(default=None, metadata={"may_be_absent": True})
    """Why it does not count, as in `"music_or_tones"`; None where it does."""
    fresh_share: float = 1.0
    """Share of its speech that no window before it held: what it counts for."""
    by_second: bool = field(default=False, metadata={"absent_if_empty": True})
    """Whether the second model of a cascade gave the score."""

    def to_dict(self) -> dict[str, Any]:
        """The event as `veravox live --json` has it."""
        return {"event": self.event, **as_json(self)}


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
    replaced_windows: int = 0
    """Windows that were not scored since a newer one was ready."""


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
    windows: tuple[Window, ...] = field(default=(), repr=False, metadata=holds(Window))
    segments: tuple[Segment, ...] = field(default=(), metadata=holds(Segment))
    stage: Stage = "provisional"
    """How far the decision is founded: whether the evidence sufficed, and whether another voice spoke later."""
    firm_at_seconds: float | None = None
    """Where the windows end that made it firm; None when it never was."""
    changes: tuple[Change, ...] = field(default=(), metadata=holds(Change))
    """Where the voice changed after that."""
    interruptions: Interruptions = field(default=Interruptions(), metadata=holds(Interruptions))
    notes: tuple[str, ...] = ()
    """What is odd about the leg, in words: samples that were misread, another leg's voice in it."""
    people_above: float | None = field(default=None, metadata={"may_be_absent": True})
    """The share of the site's people who score at least as high, where a site calibration knows it."""
    given_by: str | None = field(default=None, metadata={"may_be_absent": True})
    """The model of a cascade that most of the evidence is from; None without a cascade."""
    second: Second | None = field(default=None, metadata={**holds(Second), "may_be_absent": True})
    """What the second model of a cascade had to do with it; None without a cascade."""
    model: LegModel | None = field(default=None, repr=False, metadata={**holds(LegModel), "may_be_absent": True})
    """The model that scored it; None in reports from before it was told."""
    signal: Signal | None = field(default=None, repr=False, metadata={**holds(Signal), "may_be_absent": True})
    """What is measured of its signal; None in reports from before it was."""
    stream: PacketStream | None = field(default=None, repr=False, metadata={**holds(PacketStream), "may_be_absent": True})
    """The stream of a capture that it was; None of a file."""

    @classmethod
    def from_json(cls, text: str) -> Leg:
        """A leg from its JSON form."""
        return read(cls, json.loads(text))

    def to_dict(self) -> dict[str, Any]:
        """The JSON form as Python objects, as a report has it among its `legs`."""
        form: dict[str, Any] = as_json(self)
        return form


@dataclass(frozen=True, slots=True)
class Findings:
    """What a report says of one call. The views of a report are made of this; `Report` gives it to them."""

    schema_version: int
    """Rises when a field changes its meaning or goes away."""
    model: Model = field(metadata=holds(Model))
    runtime: str
    """The inference runtime and its version."""
    thresholds: Thresholds = field(metadata=holds(Thresholds))
    audio: Audio = field(metadata=holds(Audio))
    warnings: tuple[str, ...]
    """What was wrong with the audio and could be read past."""
    legs: tuple[Leg, ...] = field(default=(), metadata=holds(Leg))
    spectrogram: NDArray[np.uint8] | None = field(default=None, compare=False)
    """Small pictures of the legs, `[legs, n_frequencies, n_times]`, lowest frequency first, kept when a scan was asked to.
    No part of the JSON form."""
    calibration: Calibration | None = field(default=None, metadata={**holds(Calibration), "may_be_absent": True})
    """The site's calibration; None without one."""
    cascade: Cascade | None = field(default=None, metadata={**holds(Cascade), "may_be_absent": True})
    """The cascade that scored; None where one model did."""
