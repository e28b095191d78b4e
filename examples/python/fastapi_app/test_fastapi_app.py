"""The service, asked as its clients ask it."""

import importlib.util
import pathlib
import threading

import numpy as np
import pytest
import veravox

CALL = pathlib.Path("testdata/calls/01-helpdesk-reset.mulaw.wav")


@pytest.fixture(scope="module")
def app(need):
    need("fastapi", "httpx")
    spec = importlib.util.spec_from_file_location("fastapi_app", pathlib.Path(__file__).with_name("app.py"))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def client(app):
    from fastapi.testclient import TestClient

    with TestClient(app.app) as client:
        yield client


def test_it_is_well(client):
    health = client.get("/health")
    assert health.status_code == 200 and health.json()["status"] == "ok" and health.json()["model"].startswith("phone ")


def test_a_recording_gets_its_report(client):
    answer = client.post("/scan", content=CALL.read_bytes())
    assert answer.status_code == 200 and veravox.Report.from_dict(answer.json()) == veravox.scan(CALL)


@pytest.mark.parametrize("content,status,kind", [(b"no audio at all", 415, "unsupported_audio"), (b"", 415, "unsupported_audio")])
def test_what_is_no_audio_is_said(client, content, status, kind):
    answer = client.post("/scan", content=content)
    assert answer.status_code == status and answer.json()["error"]["kind"] == kind


def test_what_is_too_large_or_too_long_is_refused(app, client, monkeypatch):
    monkeypatch.setattr(app, "MAX_RECORDING_SECONDS", 10.0)
    answer = client.post("/scan", content=CALL.read_bytes())
    assert answer.status_code == 413 and answer.json()["error"]["kind"] == "limit_exceeded"
    monkeypatch.setattr(app, "MAX_UPLOAD_BYTES", 1_000)

    for content in (bytes(1_001), (bytes(100) for _ in range(11))):
        assert client.post("/scan", content=content).status_code == 413


def test_several_scan_at_once(client):
    answers = []
    threads = [threading.Thread(target=lambda: answers.append(client.post("/scan", content=CALL.read_bytes()))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert [answer.status_code for answer in answers] == [200] * 4


def test_a_call_that_goes_on_is_watched(client):
    samples, rate = veravox.read_audio(CALL)
    audio = np.round(samples[0] * 32_768).astype("<i2").tobytes()
    with client.websocket_connect(f"/live?sample_rate={rate}") as socket:
        for start in range(0, len(audio), 3_200):
            socket.send_bytes(audio[start : start + 3_200])
        socket.send_text("end")
        events = [socket.receive_json()]
        while events[-1]["event"] not in ("ended", "failed"):
            events.append(socket.receive_json())
    assert {"window", "verdict", "ended"} == {event["event"] for event in events}
    assert events[-1]["decision"] == "synthetic"


@pytest.mark.parametrize(
    "rate,message,kind", [(8_000, b"odd", "invalid_argument"), (8_000, bytes(2**20 + 2), "limit_exceeded"), (7, b"", "limit_exceeded")]
)
def test_what_cannot_be_watched_is_said(client, rate, message, kind):
    with client.websocket_connect(f"/live?sample_rate={rate}") as socket:
        socket.send_bytes(message)
        last = socket.receive_json()
    assert last["event"] == "failed" and last["kind"] == kind


def test_who_hangs_up_is_let_go(client):
    with client.websocket_connect("/live") as socket:
        socket.send_bytes(bytes(320))
    assert client.get("/health").status_code == 200
