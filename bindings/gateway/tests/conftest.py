"""The gateway under test is the program that an operator runs: the release build, with a configuration of its own."""

import contextlib
import http.client
import json
import os
import pathlib
import signal
import socket
import struct
import subprocess
import threading
import time
import uuid
import wave

import pytest

ROOT = pathlib.Path(__file__).parents[3]
TARGET = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
PROGRAM = TARGET / "release" / "veravox-gateway"
CALLS = ROOT / "testdata" / "calls"
# Both legs of this call are machines.
CALL = CALLS / "04-parcel-driver.pcm16.wav"


def free_port():
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        return held.getsockname()[1]


def eventually(what, seconds=20, every=0.05):
    """The first true value, or the last one."""
    end = time.monotonic() + seconds
    while not (value := what()) and time.monotonic() < end:
        time.sleep(every)
    return value


class Gateway:
    """A gateway that runs, and how to ask it."""

    def __init__(self, folder, token=None, http="", program=PROGRAM, wait=True, **sections):
        self.folder = pathlib.Path(folder)
        self.token = token
        self.port, self.audio_port = free_port(), free_port()
        lines = [f'[audiosocket]\nlisten = "127.0.0.1:{self.audio_port}"', f'[http]\nlisten = "127.0.0.1:{self.port}"\n{http}']
        if token:
            (self.folder / "token").write_text(token + "\n")
            lines.append(f'token_file = "{self.folder / "token"}"')
        lines += [f"[{name}]\n{text}" for name, text in sections.items()]
        self.config = self.folder / "gateway.toml"
        self.config.write_text("\n".join(lines) + "\n")
        self.log = self.folder / "log"
        self.program = program
        self.process = None
        self.start(wait)

    def start(self, wait=True):
        with self.log.open("ab") as log:
            self.process = subprocess.Popen([self.program, "--config", self.config], stderr=log, stdin=subprocess.DEVNULL)
        if wait:
            assert eventually(self.is_ready), self.log.read_text()

    def is_ready(self):
        assert self.process.poll() is None, self.log.read_text()
        with contextlib.suppress(OSError):
            return self.ask("GET", "/readyz", token=None)[0] == 200
        return False

    def ask(self, method, path, body=None, token="its own", timeout=60, **headers):
        """Status, headers, and the body: JSON where it is that."""
        token = self.token if token == "its own" else token
        headers = {name.replace("_", "-"): value for name, value in headers.items()}
        if token:
            headers["Authorization"] = f"Bearer {token}"
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        try:
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            text = answer.read()
        finally:
            connection.close()
        is_json = (answer.headers.get_content_type() or "").endswith("json")
        return answer.status, answer.headers, json.loads(text) if is_json else text.decode("utf-8", "replace")

    def get(self, path, **headers):
        status, _, body = self.ask("GET", path, **headers)
        assert status == 200, body
        return body

    def events(self, path="/v1/events", last=None, timeout=30):
        """The server-sent events, as (id, name, data), until the connection ends."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        headers = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        connection.request("GET", path, headers=headers | ({"Last-Event-ID": last} if last else {}))
        answer = connection.getresponse()
        assert (answer.status, answer.headers.get_content_type()) == (200, "text/event-stream"), answer.read()
        with contextlib.closing(connection):
            event = {}
            for line in answer:
                name, _, value = line.decode().rstrip("\n").partition(":")
                if name:
                    event[name] = value.removeprefix(" ")
                elif event:
                    yield event.get("id"), event.get("event"), json.loads(event["data"])
                    event = {}
                else:
                    continue
                event.pop("", None)

    def memory_kb(self):
        text = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return int(text.split("VmRSS:")[1].split()[0])

    def stop(self, how=signal.SIGTERM, timeout=30):
        if self.process.poll() is None:
            self.process.send_signal(how)
        return self.process.wait(timeout)


class Call(threading.Thread):
    """A call that Asterisk brings by AudioSocket: frames of 20 ms of 8 kHz, at so many times the pace of speech."""

    def __init__(self, port, file=CALL, seconds=None, track=0, call=None, speed=4):
        super().__init__(daemon=True)
        self.port, self.uuid, self.speed = port, call or uuid.uuid4(), speed
        with wave.open(str(file)) as audio:
            assert (audio.getframerate(), audio.getsampwidth()) == (8000, 2)
            step = 2 * audio.getnchannels()
            whole = audio.readframes(audio.getnframes())
        samples = b"".join(whole[at + 2 * track : at + 2 * track + 2] for at in range(0, len(whole), step))
        self.frames = [samples[at : at + 320] for at in range(0, len(samples), 320)]
        if seconds is not None:
            n_frames = int(seconds * 50)
            self.frames = (self.frames * (n_frames // len(self.frames) + 1))[:n_frames]
        self.hung_up = threading.Event()
        self.start()

    def run(self):
        with socket.create_connection(("127.0.0.1", self.port), timeout=10) as stream:
            stream.sendall(struct.pack("!BH", 1, 16) + self.uuid.bytes)
            began = time.monotonic()
            for n, frame in enumerate(self.frames):
                if self.hung_up.is_set():
                    break
                time.sleep(max(0.0, began + n * 0.02 / self.speed - time.monotonic()))
                try:
                    stream.sendall(struct.pack("!BH", 0x10, len(frame)) + frame)
                except OSError:
                    return
            # Asterisk ends with the end of the stream, without a word.
            with contextlib.suppress(OSError):
                stream.shutdown(socket.SHUT_WR)
                while stream.recv(4096):
                    pass

    def hang_up(self):
        self.hung_up.set()
        self.join(10)


@pytest.fixture
def gateway(tmp_path):
    """Starts gateways, and ends them."""
    started = []

    def start(name="gateway", **settings):
        folder = tmp_path / name
        folder.mkdir()
        started.append(Gateway(folder, **settings))
        return started[-1]

    yield start
    for one in started:
        one.stop(signal.SIGKILL)


