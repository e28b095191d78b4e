"""One leg of a call that goes on, from samples to events.

Times are seconds from the start of the leg. `llr` is a natural-log likelihood ratio: positive speaks for a synthetic voice,
0 for neither.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterable, Iterator
from dataclasses import dataclass
from types import TracebackType
from typing import Any, ClassVar, Literal, TypeAlias, TypeVar, Union

from . import _core
from ._sources import Chunk, chunk, rate_of
from .detector import Detector, builtin
from .errors import InvalidArgumentError, VeravoxError, of_kind
from .report import Decision, Leg, Stage, Window, as_json, read

__all__ = ["AsyncStream", "Ended", "Event", "Failed", "Stream", "Verdict", "watch"]

_T = TypeVar("_T")


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


def _events(text: str | None) -> list[Window | Verdict]:
    return [] if text is None else [event_of(form) for form in json.loads(text)]  # type: ignore[misc]


class Stream:
    """Watches one leg of a call at `sample_rate` hertz, from samples as they come, in chunks of any size.

    Say what is missing, too: `lost`, `silence`, `hold`. Samples that are not numbers count as zero, and many of them make
    the leg inconclusive. Memory does not grow with the call. Threads that share a stream take turns, without the
    interpreter's lock.

    With `live` there is a first look at 3 s of speech and a score for every second of it, and the windows of the last five
    minutes are kept for the verdict at the end; without it everything is as in the scan of a recording. `update_seconds`,
    the speech between two scores, `first_look_seconds` and `max_windows_kept` take the place of these.

    As a context manager it finishes the leg at the end, whose verdict is then `stream.leg`, unless an exception ended it.

    Raises `InvalidArgumentError` for what cannot be, also from every call on a stream that is over, `LimitExceededError` for
    a rate outside the limits, and `InferenceError` when the model fails, after which the stream is over.

    >>> import numpy as np
    >>> import veravox
    >>> with veravox.Stream(8_000) as stream:
    ...     for packet in np.zeros((100, 160), dtype=np.int16):
    ...         for event in stream.push(packet):
    ...             print(event)
    ...     events = stream.lost(320)            # two packets of 20 ms
    >>> stream.leg.decision, stream.leg.reasons
    ('inconclusive', ('no_signal', 'too_little_speech'))
    """

    def __init__(
        self,
        sample_rate: float,
        *,
        live: bool = True,
        update_seconds: float | None = None,
        first_look_seconds: float | None = None,
        max_windows_kept: int | None = None,
        detector: Detector | None = None,
    ) -> None:
        detector = builtin() if detector is None else detector
        rate = rate_of(sample_rate)
        self._inner = _core.Stream(detector._inner, rate, live, update_seconds, first_look_seconds, max_windows_kept)
        self._leg: Leg | None = None

    def push(self, samples: Chunk) -> list[Window | Verdict]:
        """Takes the next samples: float in [-1, 1] or int16 in an array `[n]`, or bytes of 16 bits, little-endian.

        Returns the windows that they completed, and the verdict where it is another than before.
        """
        return _events(self._inner.push(chunk(samples)))

    def lost(self, n_samples: int) -> list[Window | Verdict]:
        """`n_samples` of the leg, at its own rate, never came. A hole of up to 0.1 s is filled with silence; over a longer
        one no window is spliced."""
        return _events(self._inner.lost(n_samples))

    def silence(self, n_samples: int) -> list[Window | Verdict]:
        """`n_samples` were not sent since the other side was silent, or are comfort noise that was not pushed."""
        return _events(self._inner.silence(n_samples))

    def hold(self) -> list[Window | Verdict]:
        """The call is on hold: what is pushed until `resume` is not listened to."""
        return _events(self._inner.hold())

    def resume(self) -> list[Window | Verdict]:
        """The hold is over."""
        return _events(self._inner.resume())

    def change_rate(self, sample_rate: float) -> list[Window | Verdict]:
        """The source goes on at another rate, as after a change of codec. The model stays the one of the beginning."""
        return _events(self._inner.change_rate(rate_of(sample_rate)))

    def verdict(self) -> Verdict:
        """The verdict as if the leg ended now."""
        return read(Verdict, json.loads(self._inner.verdict()))

    def finish(self) -> Leg:
        """Ends the leg: scores what is left and gives the verdict."""
        self._leg = Leg.from_json(self._inner.finish())
        return self._leg

    @property
    def leg(self) -> Leg:
        """The verdict on the leg once it is finished; before that `InvalidArgumentError`."""
        if self._leg is None:
            raise InvalidArgumentError("the leg is not finished: verdict() says how it stands")
        return self._leg

    def watch(self, chunks: Iterable[Chunk]) -> Iterator[Event]:
        """Pushes chunk after chunk and finishes the leg; yields what happens. The last event is `Ended`, with the verdict.

        `chunks` may be endless; each is what `push` takes.
        """
        for samples in chunks:
            yield from self.push(samples)
        yield Ended(self.finish())

    def __enter__(self) -> Stream:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if kind is None and self._leg is None:
            self.finish()


def watch(chunks: Iterable[Chunk], sample_rate: float) -> Iterator[Event]:
    """Watches one leg of a call to its end, live, with the models that come with the package: `Stream(rate).watch(chunks)`.

    >>> import veravox
    >>> samples, rate = veravox.read_audio("testdata/calls/03-bank-card.alaw.wav")
    >>> packets = (samples[0, start : start + 160] for start in range(0, samples.shape[1], 160))
    >>> for event in veravox.watch(packets, rate):
    ...     if isinstance(event, veravox.Verdict):
    ...         print(event.stage, event.decision)
    provisional inconclusive
    firm synthetic
    """
    return Stream(sample_rate).watch(chunks)


class AsyncStream:
    """A `Stream` for servers on asyncio: each call works in a thread, so that the loop goes on meanwhile.

    Calls of several tasks are served in the order in which they came. What the methods take and give is as in `Stream`. For
    hundreds of calls at once there is `Engine`, whose legs need no thread for a packet.

    >>> import asyncio
    >>> import veravox
    >>> async def silence():
    ...     for _ in range(100):
    ...         yield bytes(320)
    >>> async def listen():
    ...     async with veravox.AsyncStream(veravox.Stream(8_000)) as stream:
    ...         async for event in stream.watch(silence()):
    ...             print(event.event, event.leg.reasons)
    >>> asyncio.run(listen())
    ended ('no_signal', 'too_little_speech')
    """

    def __init__(self, stream: Stream) -> None:
        # Programs that have no use for it are spared a third of veravox's own import time.
        import asyncio

        self._to_thread = asyncio.to_thread
        self._stream = stream
        self._turn = asyncio.Lock()

    async def _run(self, what: Callable[..., _T], *arguments: Any) -> _T:
        async with self._turn:
            return await self._to_thread(what, *arguments)

    async def push(self, samples: Chunk) -> list[Window | Verdict]:
        """As `Stream.push`. What is pushed must not be changed until this returns."""
        return await self._run(self._stream.push, samples)

    async def lost(self, n_samples: int) -> list[Window | Verdict]:
        """As `Stream.lost`."""
        return await self._run(self._stream.lost, n_samples)

    async def silence(self, n_samples: int) -> list[Window | Verdict]:
        """As `Stream.silence`."""
        return await self._run(self._stream.silence, n_samples)

    async def hold(self) -> list[Window | Verdict]:
        """As `Stream.hold`."""
        return await self._run(self._stream.hold)

    async def resume(self) -> list[Window | Verdict]:
        """As `Stream.resume`."""
        return await self._run(self._stream.resume)

    async def change_rate(self, sample_rate: float) -> list[Window | Verdict]:
        """As `Stream.change_rate`."""
        return await self._run(self._stream.change_rate, sample_rate)

    async def verdict(self) -> Verdict:
        """As `Stream.verdict`."""
        return await self._run(self._stream.verdict)

    async def finish(self) -> Leg:
        """As `Stream.finish`."""
        return await self._run(self._stream.finish)

    @property
    def leg(self) -> Leg:
        """As `Stream.leg`."""
        return self._stream.leg

    async def watch(self, chunks: AsyncIterable[Chunk]) -> AsyncIterator[Event]:
        """As `Stream.watch`, of chunks that come asynchronously."""
        async for samples in chunks:
            for event in await self.push(samples):
                yield event
        yield Ended(await self.finish())

    async def __aenter__(self) -> AsyncStream:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._run(self._stream.__exit__, kind, error, trace)
