"""`Engine`: many legs at once."""

import os
import time

import numpy as np
import pytest
import veravox

CALL = "testdata/calls/03-bank-card.alaw.wav"


@pytest.fixture(scope="module")
def call():
    samples, rate = veravox.read_audio(CALL)
    return samples[0], rate


@pytest.fixture
def engine():
    # Audio is pushed as fast as there is room, which a call never does: nothing is shed for it.
    with veravox.Engine(workers=2, max_legs=8, buffer_seconds=60, max_delay_seconds=60) as engine:
        yield engine


def test_legs_say_what_streams_say(engine, call):
    samples, rate = call
    whole = np.round(samples * 32_768).astype(np.int16)
    legs = [engine.open(rate) for _ in range(4)]
    for start in range(0, len(whole), 160):
        packet = whole[start : start + 160]
        for leg, form in zip(legs, (packet, packet / np.float32(32_768), packet.tobytes(), list(packet / 32_768)), strict=True):
            assert leg.push(form) == len(packet)
    stream = veravox.Stream(rate)
    stream.push(whole)
    expected = stream.finish()
    for found in [leg.finish() for leg in legs]:
        assert found.decision == expected.decision and found.speech_seconds == expected.speech_seconds
        np.testing.assert_allclose([w.llr for w in found.windows], [w.llr for w in expected.windows], atol=1e-3)
    stats = engine.stats
    assert stats.legs == 0 and stats.scored_windows >= 4 * len(expected.windows) and stats.dropped_samples == 0
    assert 0 < stats.compute_delay_ms.p50 <= stats.compute_delay_ms.p99 <= stats.compute_delay_ms.max
    assert stats.to_dict()["compute_delay_ms"]["max"] == stats.compute_delay_ms.max


def test_events_are_fetched_up_to_the_last(engine, call):
    samples, rate = call
    leg = engine.open(rate)
    assert leg.poll() is None
    for start in range(0, len(samples), 1_600):
        leg.push(samples[start : start + 1_600])
    leg.lost(800), leg.silence(800), leg.hold(), leg.resume(), leg.change_rate(rate), leg.end()
    events, until = [], time.monotonic() + 30
    while not leg.is_over and time.monotonic() < until:
        events += leg.events()
        time.sleep(0.005)
    assert {"window", "verdict"} <= {event.event for event in events}
    assert {event.thresholds for event in events if event.event == "verdict"} == {events[-1].leg.model.thresholds}
    assert isinstance(events[-1], veravox.Ended) and events[-1].leg.interruptions.lost_seconds == pytest.approx(0.1)
    assert leg.poll() is None


def test_what_is_too_much_is_refused_or_counted(call):
    _, rate = call
    with veravox.Engine(workers=1, max_legs=1, buffer_seconds=0.1) as engine:
        leg = engine.open(rate)
        with pytest.raises(veravox.LimitExceededError, match="at most 1 open legs"):
            engine.open(rate)
        assert leg.push(np.zeros(10 * rate, np.int16)) <= rate // 10
        assert engine.stats.refused_legs == 1 and engine.stats.dropped_samples >= 9 * rate
        assert leg.finish().interruptions.lost_seconds >= 9


def test_an_engine_that_was_stopped_says_so(call):
    _, rate = call
    with veravox.Engine(workers=1) as engine:
        leg = engine.open(rate)
    failed = leg.poll()
    assert isinstance(failed, veravox.Failed) and "stopped" in failed.message and leg.is_over
    assert isinstance(failed.error, veravox.ScanCancelledError)
    for use in (lambda: engine.open(rate), lambda: engine.stats):
        with pytest.raises(veravox.InvalidArgumentError, match="engine was stopped"):
            use()
    engine.stop()


def test_a_leg_ends_once(engine):
    leg = engine.open(8_000)
    assert leg.finish().decision == "inconclusive"
    for use in (lambda: leg.push(bytes(2)), leg.poll, leg.end, leg.finish):
        with pytest.raises(veravox.InvalidArgumentError, match="finished"):
            use()
    assert leg.is_over


def test_a_verdict_that_takes_too_long_is_given_up(call):
    samples, rate = call
    with veravox.Engine(workers=1, buffer_seconds=60, max_delay_seconds=60) as engine:
        leg = engine.open(rate)
        leg.push(np.tile(samples, 4))
        with pytest.raises(veravox.ScanCancelledError, match="longer than the time given"):
            leg.finish(timeout=0)


@pytest.mark.parametrize(
    "options,words",
    [
        ({"workers": 0}, "1 to 1024 workers"),
        ({"buffer_seconds": 0.01}, "buffer of 0.1 s"),
        ({"buffer_seconds": -1}, "buffer_seconds of 0 or more"),
        ({"max_delay_seconds": float("nan")}, "max_delay_seconds"),
        ({"update_seconds": -1}, "update_seconds above 0"),
    ],
)
def test_options_that_cannot_be_are_refused(options, words):
    with pytest.raises(veravox.InvalidArgumentError, match=words):
        veravox.Engine(**options)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_a_fork_is_told_that_it_has_no_engine(engine):
    child = os.fork()
    if child == 0:
        try:
            engine.open(8_000)
        except veravox.InvalidArgumentError:
            os._exit(0)
        os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
