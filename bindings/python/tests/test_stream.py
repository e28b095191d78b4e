"""`Stream`, `AsyncStream` and `watch`: one leg of a call that goes on."""

import asyncio
import json
import os
import signal
import threading
import time

import numpy as np
import pytest
import veravox

CALL = "testdata/calls/03-bank-card.alaw.wav"


@pytest.fixture(scope="module")
def call():
    samples, rate = veravox.read_audio(CALL)
    return samples[0], rate


def packets(samples, n=160):
    return (samples[start : start + n] for start in range(0, len(samples), n))


def whole(samples):
    return np.round(samples * 32_768).astype(np.int16)


def test_a_stream_without_live_says_what_a_scan_says(call):
    samples, rate = call
    with veravox.Stream(rate, live=False) as stream:
        events = [event for packet in packets(samples) for event in stream.push(packet)]
    leg = veravox.scan(CALL).legs[0]
    assert stream.leg == leg
    # The last window holds what is left at the end.
    windows = tuple(event for event in events if isinstance(event, veravox.Window))
    assert windows and windows == leg.windows[: len(windows)]


@pytest.mark.parametrize(
    "form",
    [
        lambda x: x,
        lambda x: whole(x).tobytes(),
        lambda x: bytearray(whole(x).tobytes()),
        lambda x: memoryview(whole(x)),
        lambda x: x.astype(np.float64),
        lambda x: x.astype(">f4"),
        lambda x: np.repeat(x, 2)[::2],
        lambda x: np.repeat(whole(x), 2)[::2],
        lambda x: x[np.newaxis],
        list,
    ],
    ids=["float32", "bytes", "bytearray", "memoryview", "float64", "big endian", "strided", "strided int16", "[1, n]", "list"],
)
def test_every_form_of_samples_gives_the_same_leg(call, form):
    samples, rate = call
    expected = veravox.Stream(rate)
    expected.push(whole(samples))
    stream = veravox.Stream(rate)
    for packet in packets(samples, 4_001):
        stream.push(form(packet))
    assert stream.finish() == expected.finish()


def test_a_verdict_comes_early_and_grows_firm(call):
    samples, rate = call
    verdicts = [event for event in veravox.watch(packets(samples), rate) if isinstance(event, veravox.Verdict)]
    assert verdicts[0].stage == "provisional" and verdicts[0].speech_seconds == pytest.approx(3, abs=0.1)
    firm = next(verdict for verdict in verdicts if verdict.stage == "firm")
    assert firm.decision == "synthetic" and firm.llr > 0 and 0.5 < firm.probability <= 1


def test_watching_ends_with_the_verdict_on_the_leg(call):
    samples, rate = call
    *events, last = veravox.watch(packets(samples), rate)
    assert isinstance(last, veravox.Ended) and last.leg.decision == "synthetic"
    assert not any(isinstance(event, veravox.Ended) for event in events)
    stream = veravox.Detector("phone", synthetic_llr=50).stream(rate, update_seconds=2)
    *fewer, last = stream.watch(packets(samples))
    assert last.leg is stream.leg and last.leg.decision == "inconclusive" and len(fewer) < len(events)


def test_events_have_the_form_of_the_command(call):
    samples, rate = call
    for event in veravox.watch(packets(samples), rate):
        form = event.to_dict()
        assert json.loads(json.dumps(form)) == form and form["event"] == event.event
        if isinstance(event, veravox.Window):
            assert set(form) == {"event", "start_seconds", "end_seconds", "llr", "fresh_share"}
    assert form == {"event": "ended", **event.leg.to_dict()}
    scanned = veravox.scan(CALL)
    assert [leg.to_dict() for leg in scanned.legs] == scanned.to_dict()["legs"]
    assert veravox.Failed("runtime", "words").error.kind == "runtime"


def test_what_is_missing_is_told(call):
    samples, rate = call
    stream = veravox.Stream(rate)
    stream.push(samples[:rate])
    assert stream.lost(rate) == [] and stream.silence(rate) == [] and stream.hold() == []
    stream.push(samples)
    assert stream.verdict().stage == "listening", "what comes on hold is not listened to"
    assert stream.resume() == [] and stream.change_rate(2 * rate) == []
    stream.push(np.repeat(samples, 2))
    leg = stream.finish()
    assert leg.interruptions == veravox.Interruptions(1.0, len(samples) / rate, 0) and leg.windows


def test_a_long_call_lists_what_was_asked_for(call):
    samples, rate = call
    stream = veravox.Stream(rate, max_windows_kept=2)
    events = stream.push(samples)
    assert len(events) > 3 and len(stream.finish().windows) == 2


def test_a_stream_ends_once(call):
    _, rate = call
    with veravox.Stream(rate) as stream:
        with pytest.raises(veravox.InvalidArgumentError, match="not finished"):
            stream.leg  # noqa: B018
        leg = stream.finish()
    assert stream.leg is leg
    for use in (lambda: stream.push(bytes(2)), lambda: stream.push(b""), stream.hold, stream.verdict, stream.finish):
        with pytest.raises(veravox.InvalidArgumentError, match="finished, or failed"):
            use()


def test_an_exception_leaves_a_stream_unfinished(call):
    samples, rate = call
    with pytest.raises(ZeroDivisionError), veravox.Stream(rate) as stream:
        stream.push(samples)
        1 / 0  # noqa: B018
    assert stream.verdict().decision == "synthetic" and stream.finish().decision == "synthetic"


@pytest.mark.parametrize(
    "samples,words",
    [
        (b"abc", "whole samples of 2 bytes each, got 3"),
        (np.zeros((2, 160)), r"a stream is one leg, .* got \[2, 160\]"),
        (np.zeros(160, np.int32), "full scale"),
        ("abc", "0 axes"),
        (["a"], "float in"),
        (None, "0 axes"),
    ],
)
def test_chunks_that_cannot_be_are_refused_and_the_stream_goes_on(samples, words):
    stream = veravox.Stream(8_000)
    with pytest.raises(veravox.InvalidArgumentError, match=words):
        stream.push(samples)
    assert stream.push(np.zeros(0)) == []


@pytest.mark.parametrize(
    "options,words",
    [
        ({"sample_rate": 8_000.5}, "whole number"),
        ({"sample_rate": 100}, "sample rate of 4000"),
        ({"sample_rate": 8_000, "update_seconds": 0}, "update_seconds above 0"),
        ({"sample_rate": 8_000, "first_look_seconds": float("nan")}, "first_look_seconds above 0"),
    ],
)
def test_options_that_cannot_be_are_refused(options, words):
    with pytest.raises(ValueError, match=words):
        veravox.Stream(**options)


def test_a_rate_that_cannot_be_leaves_the_stream_at_the_old_one(call):
    samples, rate = call
    stream = veravox.Stream(rate)
    with pytest.raises(veravox.LimitExceededError):
        stream.change_rate(100)
    stream.push(samples)
    assert stream.finish().decision == "synthetic"


def test_threads_take_turns(call):
    samples, rate = call
    stream = veravox.Stream(rate)
    chunks = list(packets(samples, 8_000))

    def push():
        for chunk in chunks:
            stream.push(chunk)
            stream.verdict()

    threads = [threading.Thread(target=push) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)
    assert stream.finish().speech_seconds > 2 * veravox.scan(CALL).legs[0].speech_seconds


@pytest.mark.skipif(os.name == "nt", reason="signals are sent otherwise")
def test_ctrl_c_ends_a_long_push(call):
    samples, rate = call
    stream, long_call = veravox.Stream(rate), np.tile(samples, 400)
    timer = threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT))
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        stream.push(long_call)
    timer.join()
    assert stream.finish().decision == "synthetic"


async def _packets(samples, pause=0.0):
    for packet in packets(samples):
        await asyncio.sleep(pause)
        yield packet


def test_a_server_watches_without_blocking_its_loop(call):
    samples, rate = call

    async def listen():
        longest, events, over = 0.0, [], asyncio.Event()

        async def breathe():
            nonlocal longest
            while not over.is_set():
                before = time.perf_counter()
                await asyncio.sleep(0.001)
                longest = max(longest, time.perf_counter() - before)

        breathing = asyncio.create_task(breathe())
        async with veravox.AsyncStream(veravox.Stream(rate)) as stream:
            # Some minutes in one push take a second.
            started = time.perf_counter()
            events += await stream.push(np.tile(samples, 30))
            taken = time.perf_counter() - started
            assert (await stream.verdict()).decision == "synthetic"
        over.set()
        await breathing
        return longest, taken, events, stream.leg

    longest, taken, events, leg = asyncio.run(listen())
    assert events and leg.decision == "synthetic"
    assert longest < taken / 2, "the loop stood still"


def test_an_asynchronous_watch_tells_the_same(call):
    samples, rate = call

    async def listen():
        async with veravox.AsyncStream(veravox.Stream(rate)) as stream:
            return [event async for event in stream.watch(_packets(samples))]

    assert asyncio.run(listen()) == list(veravox.watch(packets(samples), rate))


def test_tasks_are_served_in_their_order(call):
    samples, rate = call

    async def listen():
        stream = veravox.AsyncStream(veravox.Stream(rate))
        await asyncio.gather(*[stream.push(packet) for packet in packets(samples, 800)])
        await stream.lost(80), await stream.silence(80), await stream.hold(), await stream.resume()
        assert await stream.change_rate(rate) == []
        return await stream.finish()

    stream = veravox.Stream(rate)
    stream.push(samples), stream.lost(80), stream.silence(80), stream.hold(), stream.resume()
    assert asyncio.run(listen()) == stream.finish()


def test_a_task_that_is_cancelled_does_no_harm(call):
    samples, rate = call

    async def listen():
        with pytest.raises(asyncio.TimeoutError):
            async with veravox.AsyncStream(veravox.Stream(rate)) as stream:
                await asyncio.wait_for(stream.push(np.tile(samples, 10)), timeout=0.02)
        return await stream.finish()

    assert asyncio.run(listen()).decision == "synthetic"
