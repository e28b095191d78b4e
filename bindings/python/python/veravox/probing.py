"""What a recording or a packet capture is, without a verdict."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from . import _core
from ._sources import FileSource, options_of, path_or_bytes
from .findings import Audio, PacketStream, Signal, as_json, holds, read


@dataclass(frozen=True, slots=True)
class LegProbe:
    """What a leg is like."""

    leg: int
    """The channel, from 0."""
    speech_seconds: float
    """Seconds of voice."""
    signal: Signal = field(metadata=holds(Signal))
    lost_seconds: float
    """Audio that was sent and never came; of a file none."""
    notes: tuple[str, ...] = ()
    """What is odd about it, in words."""
    stream: PacketStream | None = field(default=None, metadata={**holds(PacketStream), "may_be_absent": True})
    """The stream of a capture that it is; None of a file."""


@dataclass(frozen=True, slots=True)
class Probe:
    """What a recording or capture is."""

    schema_version: int
    """Rises when a field changes its meaning or goes away."""
    audio: Audio = field(metadata=holds(Audio))
    warnings: tuple[str, ...]
    """What was wrong with it and could be read past."""
    legs: tuple[LegProbe, ...] = field(metadata=holds(LegProbe))

    def to_dict(self) -> dict[str, Any]:
        """The JSON form as Python objects, as `veravox probe --json` has it."""
        form: dict[str, Any] = as_json(self)
        return form


def probe(
    source: FileSource,
    sample_rate: float | None = None,
    *,
    encoding: str | None = None,
    channels: int | None = None,
    max_duration_seconds: float | None = None,
    limits: Mapping[str, float] | None = None,
    rtp_map: Iterable[str] = (),
) -> Probe:
    """Says what a recording or capture is: container, codec, rate, and of each leg band, level, clipping, offset, loss and
    speech. Nothing is scored. Arguments and errors are those of `scan`.

    >>> import veravox
    >>> leg = veravox.probe("testdata/formats/clip.pcm_s16.48000hz.wav").legs[0]
    >>> leg.signal.upsampled_from_hz, round(leg.signal.bandwidth_hz, -2)
    (8000, 3800.0)
    """
    options = options_of(sample_rate, encoding, channels, max_duration_seconds, limits, rtp_map)
    return read(Probe, json.loads(_core.probe(path_or_bytes(source), options)))
