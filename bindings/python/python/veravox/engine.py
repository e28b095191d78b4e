"""Many calls at once, one model in memory."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any

from . import _core
from ._sources import Chunk, chunk, rate_of
from .detector import Detector, builtin
from .errors import InvalidArgumentError
from .events import Event, event_of
from .findings import Leg, as_json, holds, read

__all__ = ["Engine", "EngineStats", "LiveLeg", "Percentiles", "SecondCounts"]


@dataclass(frozen=True, slots=True)
class Percentiles:
    """Half, nearly all, and the worst of some delays, in milliseconds; exact to 9 %, the worst exactly."""

    p50: float
    p99: float
    max: float


@dataclass(frozen=True, slots=True)
class SecondCounts:
    """How often the second model of a cascade was asked, in windows, over all that is made from the detector."""

    asked: int
    answered: int
    """Whose score is its."""
    late: int
    """Whose answer came too late."""
    over_budget: int
    """That it would have been asked about, had the budget allowed."""


@dataclass(frozen=True, slots=True)
class EngineStats:
    """What an engine does, and did since it was started."""

    legs: int
    """That are open."""
    refused_legs: int
    """Since as many as are admitted were open."""
    failed_legs: int
    """That ended with an error."""
    scored_windows: int
    shed_windows: int
    """That were not scored, since they had waited for too long."""
    replaced_windows: int
    """That were not scored, since a newer one of the same leg was ready."""
    dropped_samples: int
    """That found no room; their legs count them as lost."""
    missed_events: int
    """Of windows, that nobody fetched in time."""
    compute_delay_ms: Percentiles = field(metadata=holds(Percentiles))
    """From the audio that completes a window to its score. A packet's own length is in it."""
    hearing_seconds: float
    """That the workers listened to audio: resampling, speech detection."""
    scoring_seconds: float
    """That they scored windows: features and model. That of a cascade's second model is not in it."""
    second: SecondCounts | None = field(default=None, metadata={**holds(SecondCounts), "may_be_absent": True})
    """How often the second model of a cascade was asked; None without a cascade."""

    def to_dict(self) -> dict[str, Any]:
        """The JSON form as Python objects."""
        form: dict[str, Any] = as_json(self)
        return form


class Engine:
    """Watches thousands of legs from a few threads of its own, which score their windows in batches.

    `workers` threads score, as many as there are cores without it. `max_legs` are admitted, 4,096 without it, and the next
    is refused. A leg holds `buffer_seconds` of audio while its worker is busy, 1 without it. Windows wait in one queue by the
    age of their speech; one that has waited for `max_delay_seconds`, 0.75 without it, is shed, which means not scored; where
    that is longer than it takes to speak the next, the next takes its place. What finds no room counts as lost. `batch` windows at most are scored together, 4 without it, and a leg keeps `max_events` events, 24 without it. The rest
    is as in `Stream`, live.

    As a context manager it is stopped at the end; legs that are still open then fail. An engine belongs to its process: it
    does not survive a fork.

    Raises `InvalidArgumentError` for options out of range and calls on an engine that was stopped, `InferenceError` when the
    runtime does not start.

    >>> import numpy as np
    >>> import veravox
    >>> with veravox.Engine(workers=1) as engine:
    ...     leg = engine.open(8_000)
    ...     for packet in np.zeros((100, 160), dtype=np.int16):
    ...         n_taken = leg.push(packet)
    ...         for event in leg.events():
    ...             print(event)
    ...     leg.finish(timeout=10).reasons[0]
    'no_signal'
    """

    def __init__(
        self,
        *,
        workers: int | None = None,
        max_legs: int | None = None,
        buffer_seconds: float | None = None,
        max_delay_seconds: float | None = None,
        batch: int | None = None,
        max_events: int | None = None,
        update_seconds: float | None = None,
        first_look_seconds: float | None = None,
        max_windows_kept: int | None = None,
        detector: Detector | None = None,
    ) -> None:
        self._inner = _core.Engine(
            (builtin() if detector is None else detector)._inner,
            workers,
            max_legs,
            buffer_seconds,
            max_delay_seconds,
            batch,
            max_events,
            update_seconds,
            first_look_seconds,
            max_windows_kept,
        )
        self._pid = os.getpid()

    def open(self, sample_rate: float) -> LiveLeg:
        """Opens a leg at `sample_rate` hertz.

        Raises `LimitExceededError` when as many legs as are admitted are open, or the rate is outside the limits.
        """
        if self._pid != os.getpid():
            raise InvalidArgumentError("an engine's threads do not survive a fork: start one in this process")
        return LiveLeg(self._inner.open(rate_of(sample_rate)))

    @property
    def stats(self) -> EngineStats:
        """What it does and did."""
        return read(EngineStats, json.loads(self._inner.stats()))

    def stop(self) -> None:
        """Stops the threads and waits until they have."""
        self._inner.stop()

    def __enter__(self) -> Engine:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.stop()


class LiveLeg:
    """One leg of an engine, made by `Engine.open`, for the thread that brings its audio. A leg that is dropped is given up.

    Every call but `finish` returns at once, whatever the model does meanwhile.
    """

    def __init__(self, _inner: _core.LiveLeg) -> None:
        self._inner = _inner

    def push(self, samples: Chunk) -> int:
        """Copies the next samples, as `Stream.push` takes them, into the leg's buffer. Returns how many found room; the
        others, if its worker is far behind, count as lost."""
        return self._inner.push(chunk(samples))

    def lost(self, n_samples: int) -> None:
        """As `Stream.lost`."""
        self._inner.lost(n_samples)

    def silence(self, n_samples: int) -> None:
        """As `Stream.silence`."""
        self._inner.silence(n_samples)

    def hold(self) -> None:
        """As `Stream.hold`."""
        self._inner.hold()

    def resume(self) -> None:
        """As `Stream.resume`."""
        self._inner.resume()

    def change_rate(self, sample_rate: float) -> None:
        """As `Stream.change_rate`."""
        self._inner.change_rate(rate_of(sample_rate))

    def poll(self) -> Event | None:
        """The next event, or None where there is none now. The last is `Ended` or `Failed`."""
        text = self._inner.poll()
        return None if text is None else event_of(json.loads(text))

    def events(self) -> Iterator[Event]:
        """The events that are there now."""
        while (event := self.poll()) is not None:
            yield event

    def end(self) -> None:
        """No more audio comes; the verdict is the last event."""
        self._inner.end()

    @property
    def is_over(self) -> bool:
        """The last event was fetched, or the leg finished."""
        return self._inner.is_over

    def finish(self, timeout: float = 10.0) -> Leg:
        """Ends the leg and waits up to `timeout` seconds for its verdict; events that were not fetched are passed over.

        Raises `ScanCancelledError` when it takes longer or the engine was stopped, `InferenceError` when the leg failed.
        """
        return Leg.from_json(self._inner.finish(timeout))
