"""`veravox live` and `veravox loadtest`."""

import io
import json
import os
import signal
import subprocess
import time
import wave

import pytest
import soundfile
from conftest import COMMAND, ROOT, environment

CALL = ROOT / "testdata" / "calls" / "04-parcel-driver.pcm16.wav"
STEREO = ROOT / "testdata" / "calls" / "01-helpdesk-reset.mulaw.wav"


def live(*arguments, audio=b"", timeout=120):
    command = [COMMAND, "live", *map(str, arguments)]
    return subprocess.run(command, input=audio, capture_output=True, timeout=timeout, env=environment())


def events_of(done):
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def pcm():
    samples, rate = soundfile.read(CALL, dtype="int16")
    assert rate == 8000
    return samples.tobytes()


def wav_of_unknown_length():
    """As a recorder writes it to a pipe: it cannot know how much will come."""
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setparams((1, 2, 8000, 0, "NONE", ""))
        file.writeframes(pcm())
    data = bytearray(out.getvalue())
    data[4:8], data[40:44] = (0x7FFFFFFF).to_bytes(4, "little"), (0x7FFFFFFF - 36).to_bytes(4, "little")
    return bytes(data)


def test_raw_audio_and_wav_from_standard_input_and_a_file_are_the_same_call():
    piped = events_of(live("--rate", 8000, "--json", audio=pcm()))
    assert events_of(live("--json", audio=wav_of_unknown_length()))[-1] == piped[-1]
    assert events_of(live("--json", "--speed", 0, CALL))[-1] == piped[-1]
    kinds = [event["event"] for event in piped]
    assert kinds[0] == "verdict" and kinds[-1] == "ended" and kinds.count("window") >= 5
    first, last = piped[0], piped[-1]
    assert first["stage"] == "provisional" and 3 <= first["speech_seconds"] < 3.3
    assert first["at_seconds"] < 5, "a provisional verdict comes in the first seconds"
    assert last["leg"] == 0 and last["windows"][-1]["end_seconds"] <= last["at_seconds"] + 0.1
    assert [e["at_seconds"] for e in piped] == sorted(e["at_seconds"] for e in piped)


def test_a_person_reads_how_it_stands():
    words = live("--speed", 0, STEREO).stdout.decode()
    assert "leg 0  provisional: " in words and "leg 0  firm: " in words and "leg 1  provisional: " in words
    assert words.count("at the end") == 2 and "\x1b" not in words


def test_a_file_is_played_at_the_pace_of_speech():
    started = time.monotonic()
    live("--speed", 4, CALL)
    assert time.monotonic() - started > 10 / 4 * 0.9, "ten seconds of audio, four times as fast"


def test_a_capture_of_packets_is_watched_leg_by_leg():
    captures = ROOT / "testdata" / "captures"
    events = events_of(live("--json", "--speed", 0, captures / "g711.ethernet.pcap"))
    ended = [event for event in events if event["event"] == "ended"]
    assert [event["stream"]["name"] for event in ended] == ["1a2b3c4d A>B", "5e6f7081 B>A"]
    # Both say as much; the second begins to speak later.
    assert [event["at_seconds"] for event in ended] == pytest.approx([1.8, 2.1], abs=0.01)
    started = time.monotonic()
    words = live("--speed", 1, captures / "g711.ethernet.pcap").stdout.decode()
    assert time.monotonic() - started > 2.1 * 0.9 and "leg 1  " in words

    [call] = [event for event in events_of(live("--json", "--speed", 0, captures / "g711.mishaps.pcap")) if event["event"] == "ended"]
    assert call["interruptions"]["lost_seconds"] == pytest.approx(0.06) and call["stream"]["n_lost"] == 3
    assert call["at_seconds"] == pytest.approx(2.3)

    refused = live(captures / "opus.unannounced.pcap")
    assert refused.returncode == 2 and b"--rtp-map 97=opus/48000" in refused.stderr
    [opus] = [e for e in events_of(live("--json", "--speed", 0, "--rtp-map", "97=opus/48000", captures / "opus.unannounced.pcap")) if e["event"] == "ended"]
    assert opus["stream"]["codec"] == "opus"
    piped = live(audio=(captures / "g711.ethernet.pcap").read_bytes())
    assert piped.returncode == 2 and b"twice" in piped.stderr


def test_ctrl_c_ends_the_leg_in_order():
    process = subprocess.Popen([COMMAND, "live", "--json", STEREO], stdout=subprocess.PIPE, text=True, env=environment())
    first = json.loads(process.stdout.readline())
    process.send_signal(signal.SIGINT)
    rest, _ = process.communicate(timeout=30)
    assert process.returncode == 130
    events = [first, *map(json.loads, rest.splitlines())]
    assert [e["leg"] for e in events if e["event"] == "ended"] == [0, 1]
    assert events[-1]["at_seconds"] < 12, "not the whole call was heard"


def test_ctrl_c_is_heard_while_nothing_comes():
    process = subprocess.Popen([COMMAND, "live", "--rate", "8000"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment())
    process.stdin.write(b"\0" * 16_000)
    process.stdin.flush()
    time.sleep(1.5)
    process.send_signal(signal.SIGINT)
    assert process.wait(timeout=30) == 130
    assert b"at the end" in process.stdout.read()


@pytest.mark.parametrize(
    "arguments, audio, words",
    [
        ((), b"no header at all" * 100, "needs --rate"),
        ((), b"", "needs --rate"),
        (("nowhere.wav",), b"", "does not exist"),
        (("--rate", 8000, "--update", 0), b"", "update_seconds of 0.1"),
        (("--rate", 7), b"\0" * 100, "sample rate"),
    ],
)
def test_what_cannot_be_is_refused_in_words(arguments, audio, words):
    done = live(*arguments, audio=audio)
    assert done.returncode == 2 and words in done.stderr.decode(), done.stderr


def test_odd_ends_and_silence_are_no_trouble():
    events = events_of(live("--rate", 8000, "--json", audio=b"\0" * 32_001))
    assert [e["event"] for e in events] == ["note", "ended"], "half a sample was left out"
    assert events[1]["reasons"] == ["no_signal", "too_little_speech"]


def test_the_load_test_measures_what_it_says(veravox):
    done = veravox("loadtest", "--legs", 6, "--seconds", 7, "--cores", 1, "--json")
    assert done.returncode == 0, done.stderr
    figures = json.loads(done.stdout)
    assert figures["legs"] == 6 and figures["cores"] == 1 and figures["runtime"].startswith("rten")
    for key in ("compute_delay_ms", "push_us"):
        assert 0 < figures[key]["p50"] <= figures[key]["p99"] <= figures[key]["max"]
    assert figures["dropped_legs"] == figures["dropped_samples"] == 0
    # Legs begin within four seconds and have their first window after four more.
    assert figures["scored_windows"] + figures["shed_windows"] >= 3
    if os.path.exists("/proc/self/status"):
        # So few legs fit into what the warm-up left.
        assert figures["bytes_per_leg"] >= 0 and figures["legs_per_core"] > 0
        assert 0 < figures["scoring_share"] and 0 < figures["hearing_share"] and figures["scoring_share"] + figures["hearing_share"] < 1.1
    assert "legs a core" in veravox("loadtest", "--legs", 2, "--seconds", 1).stdout


def test_a_burst_of_a_few_legs_sheds_nothing(veravox):
    done = veravox("loadtest", "--legs", 8, "--seconds", 6, "--cores", 1, "--burst", "--json")
    assert done.returncode == 0, done.stderr
    figures = json.loads(done.stdout)
    assert figures["burst"] and figures["scored_windows"] >= 8
    # All are ready at the same time, and each has its turn.
    assert figures["shed_windows"] == figures["replaced_windows"] == 0


def test_the_capacity_lies_between_legs_that_are_carried_and_too_many(veravox):
    # Nothing is scored within a millisecond: the search goes down to no leg at all, and says so.
    done = veravox("loadtest", "--find-capacity", "--legs", 2, "--seconds", 5, "--cores", 1, "--within-ms", 1, "--json")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["legs"] == 0 and [trial["legs"] for trial in found["trials"]] == [2, 1]
    assert all(trial["compute_delay_ms"]["p99"] > 1 for trial in found["trials"])
