"""Legs of a call that goes on, for programs that have their samples from an iterator or on asyncio."""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterable, Iterator
from types import TracebackType
from typing import Any, TypeVar

from ._sources import Chunk
from .detector import Stream
from .events import Ended, Event, Failed, Verdict
from .findings import Leg, Window

# `Stream` and its events are found here, too: pickles of earlier versions name them so.
__all__ = ["AsyncStream", "Ended", "Event", "Failed", "Stream", "Verdict", "watch"]

_T = TypeVar("_T")


def watch(chunks: Iterable[Chunk], sample_rate: float) -> Iterator[Event]:
    """Watches one leg of a call to its end, live, with the models that come with the package: `Stream(rate).watch(chunks)`.

    >>> import veravox
    >>> samples, rate = veravox.read_audio("testdata/calls/03-bank-card.alaw.wav")
    >>> packets = (samples[0, start : start + 160] for start in range(0, samples.shape[1], 160))
    >>> for event in veravox.watch(packets, rate):
    ...     if isinstance(event, veravox.Verdict):
    ...         print(event.stage, event.decision)
    provisional synthetic
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
