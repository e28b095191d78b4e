"""Packet captures by the command, and a call between two real telephones: sipp speaks, tcpdump listens.

    VERAVOX_CALL_SECONDS=60 pytest bindings/cli/tests/test_captures.py    # a call of a minute, which takes one
"""

import json
import os
import pathlib
import shutil
import socket
import subprocess
import time

import jsonschema
import pytest
from conftest import ROOT

CAPTURES = ROOT / "testdata" / "captures"
SIPP = pathlib.Path(__file__).parent / "sipp"
REPORT = json.loads((ROOT / "core" / "schemas" / "report.schema.json").read_text())
PROBE = json.loads((ROOT / "core" / "schemas" / "probe.schema.json").read_text())
SPEAKERS = {
    "caller": "testdata/calls/03-bank-card.alaw.wav",
    "callee": "testdata/calls/archive/2026-11/17-taxi-umbrella.mulaw.wav",
}


def mulaw(path):
    command = ["ffmpeg", "-v", "error", "-i", str(ROOT / path), "-ar", "8000", "-ac", "1", "-f", "mulaw", "-"]
    return subprocess.run(command, capture_output=True, check=True).stdout


def free_ports(n):
    """Even UDP ports that nobody has, each with its neighbour."""
    found, port = [], 21_000
    while len(found) < n:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as two:
            try:
                one.bind(("127.0.0.1", port))
                two.bind(("127.0.0.1", port + 1))
                found.append(port)
            except OSError:
                pass
        port += 10
    return found


def needs(tools):
    missing = [tool for tool in tools if shutil.which(tool) is None]
    if missing or (hasattr(os, "geteuid") and os.geteuid() != 0):
        words = f"needs {', '.join(missing) or 'the right to capture packets'}"
        if os.environ.get("CI") == "true" and missing:
            pytest.fail(f"CI must have {', '.join(missing)}")
        pytest.skip(words)


def test_a_call_between_two_telephones_is_scored_as_what_was_played(veravox, tmp_path):
    needs(["sipp", "tcpdump", "ffmpeg"])
    wanted = float(os.environ.get("VERAVOX_CALL_SECONDS", "8"))
    for name, path in SPEAKERS.items():
        data = mulaw(path)
        said = (data * (1 + int(wanted * 8000) // len(data)))[:int(wanted * 8000) // 160 * 160]
        (tmp_path / f"{name}.ulaw").write_bytes(said)
    for name in SPEAKERS:
        text = (SIPP / f"{name}.xml").read_text().replace("[call_ms]", str(int(wanted * 1000) + 800))
        (tmp_path / f"{name}.xml").write_text(text)
    sip_a, sip_b, media_a, media_b = free_ports(4)
    ports = " or ".join(f"port {port}" for port in (sip_a, sip_b, media_a, media_b))
    dump = subprocess.Popen(["tcpdump", "-i", "lo", "-U", "-w", "call.pcap", "-Z", "root", f"udp and ({ports})"], cwd=tmp_path, stderr=subprocess.PIPE, text=True)
    try:
        # It says so once it listens.
        first = dump.stderr.readline()
        while "listening" not in first and dump.poll() is None:
            first = dump.stderr.readline()
        common = ["-i", "127.0.0.1", "-mi", "127.0.0.1", "-m", "1", "-nostdin"]
        quiet = {"cwd": tmp_path, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        callee = subprocess.Popen(["sipp", "-sf", "callee.xml", "-p", str(sip_b), "-mp", str(media_b), *common], **quiet)
        time.sleep(0.5)
        caller = ["sipp", "-sf", "caller.xml", "-p", str(sip_a), "-mp", str(media_a), *common, f"127.0.0.1:{sip_b}"]
        assert subprocess.run(caller, timeout=wanted + 60, **quiet).returncode == 0
        assert callee.wait(timeout=20) == 0
        time.sleep(0.5)
    finally:
        dump.terminate()
        dump.wait()
    done = veravox("scan", "--jsonl", "--quiet", tmp_path / "call.pcap")
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    jsonschema.validate(report, REPORT)
    legs = report["legs"]
    assert [leg["stream"]["name"].split()[1] for leg in legs] == ["A>B", "B>A"]
    assert [leg["stream"]["n_lost"] for leg in legs] == [0, 0]
    # Either may be the first to speak.
    said = sorted((leg["llr"], leg["decision"], leg["windows"]) for leg in legs)
    played = []
    for name in SPEAKERS:
        of_file = json.loads(veravox("scan", "--jsonl", "--quiet", "--raw", "mulaw", tmp_path / f"{name}.ulaw").stdout)["legs"][0]
        played.append((of_file["llr"], of_file["decision"], of_file["windows"]))
    assert said == sorted(played)


def test_a_payload_type_is_said_by_hand(veravox):
    capture = CAPTURES / "opus.unannounced.pcap"
    refused = veravox("scan", capture)
    assert refused.returncode == 1 and "--rtp-map 97=opus/48000" in refused.stdout
    done = veravox("scan", "--jsonl", "--quiet", "--rtp-map", "97=opus/48000", capture)
    assert json.loads(done.stdout)["legs"][0]["stream"]["codec"] == "opus"
    wrong = veravox("scan", "--rtp-map", "97", capture)
    assert wrong.returncode == 2 and "expected a payload type and its codec" in wrong.stderr


def test_captures_in_a_folder_are_found(veravox):
    done = veravox("scan", "--jsonl", "--quiet", CAPTURES)
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(lines) == len(list(CAPTURES.glob("*.pcap*")))
    for line in lines:
        jsonschema.validate(line, REPORT)
    assert [line["path"] for line in lines if "error" in line] == [str(CAPTURES / "opus.unannounced.pcap")]


def test_probe_says_what_came_in(veravox):
    files = ["testdata/formats/clip.pcm_s16.48000hz.wav", "testdata/captures/g711.mishaps.pcap", "testdata/bad/text.wav"]
    done = veravox("probe", "--json", *files)
    assert done.returncode == 1
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    for line, file in zip(lines, files, strict=True):
        jsonschema.validate(line, PROBE)
        assert line["path"] == file
    clip, call, broken = lines
    assert clip["legs"][0]["signal"]["upsampled_from_hz"] == 8000
    assert call["legs"][0]["stream"]["n_lost"] == 3 and call["legs"][0]["lost_seconds"] == pytest.approx(0.06)
    assert broken["error"]["kind"] == "unsupported_audio"
    table = veravox("probe", *files)
    assert "band" in table.stdout and "not read" in table.stdout and "3.1 %" in table.stdout
    assert veravox("probe", "testdata/bad/text.wav").returncode == 2


def test_probe_and_scan_say_the_same_of_a_leg(veravox):
    call = "testdata/calls/01-helpdesk-reset.mulaw.wav"
    probed = json.loads(veravox("probe", "--json", call).stdout)
    scanned = json.loads(veravox("scan", "--jsonl", "--quiet", call).stdout)
    for one, other in zip(probed["legs"], scanned["legs"], strict=True):
        assert one["signal"] == other["signal"]
        assert one["speech_seconds"] == pytest.approx(other["speech_seconds"])
