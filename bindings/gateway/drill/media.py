"""What may befall a gateway, tried on one as it is built while calls go on: calls dropped, verdicts lost, memory.

    cargo build --release -p veravox-gateway
    python bindings/gateway/drill/media.py [--only WORD] [--write docs/reference/gateway.md]

Each line has 20 calls by AudioSocket of its own that nothing is done to. A call of these is dropped if the gateway ends it; a verdict is
lost if a leg began whose end the webhook is not told. Needs Linux and sox; the line about the clock needs Debian's faketime.
"""

import argparse
import asyncio
import contextlib
import json
import os
import pathlib
import re
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time
import urllib.request
import uuid

ROOT = pathlib.Path(__file__).parents[3]
GATEWAY = ROOT / "target/release/veravox-gateway"
START, END = "<!-- the gateway's drill -->", "<!-- the end of the gateway's drill -->"
FAKETIME = next(pathlib.Path("/usr/lib").glob("*/faketime/libfaketime.so.1"), None)
N_CALLS = 20
HANG_UP = b"\0\0\0"


def speech():
    """The clip's samples, as sox makes them for a phone."""
    clip = ROOT / "testdata/calls/03-bank-card.alaw.wav"
    done = subprocess.run(["sox", clip, "-t", "raw", "-r", "8000", "-e", "signed", "-b", "16", "-"], capture_output=True, check=True)
    return done.stdout


VOICE = speech()


def free_port():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


class Target:
    """The webhook's: who listens there, and what it was told."""

    def __init__(self):
        self.port, self.ended, self.server = free_port(), set(), None

    async def listen(self):
        self.server = await asyncio.start_server(self.serve, "127.0.0.1", self.port)

    async def serve(self, reader, writer):
        with contextlib.suppress(asyncio.IncompleteReadError, OSError):
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                body = await reader.readexactly(int(re.search(rb"(?i)content-length: (\d+)", head)[1]))
                if b'ended"' in body:
                    self.ended.add(re.search(rb'"leg":"([^"]+)"', body)[1])
                writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")
                await writer.drain()


class Gateway:
    def __init__(self, folder, config="", environment=None):
        self.target = Target()
        self.audiosocket, self.http = free_port(), free_port()
        self.file = folder / "gateway.toml"
        self.environment = {**os.environ, **(environment or {})}
        self.configure(config)
        self.start()

    def configure(self, config):
        listeners = f'[audiosocket]\nlisten = "127.0.0.1:{self.audiosocket}"\n[http]\nlisten = "127.0.0.1:{self.http}"\n'
        listeners += f'[webhook]\nurl = "http://127.0.0.1:{self.target.port}/"\n'
        self.file.write_text(listeners + config)

    def start(self):
        self.process = subprocess.Popen([GATEWAY, "--config", self.file], stderr=subprocess.DEVNULL, env=self.environment)
        for _ in range(400):
            with contextlib.suppress(OSError):
                urllib.request.urlopen(f"http://127.0.0.1:{self.http}/healthz").read()
                return
            time.sleep(0.02)
        raise SystemExit("the gateway did not start")

    def metric(self, name):
        text = urllib.request.urlopen(f"http://127.0.0.1:{self.http}/metrics").read().decode()
        return sum(float(value) for value in re.findall(rf"(?m)^veravox_{name}(?:_total)?(?:{{[^}}]*}})? ([\d.e+-]+)$", text))

    def rss(self):
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(r"VmRSS:\s+(\d+)", status)[1]) / 1024

    async def stop(self):
        self.process.terminate()
        return await self.ended()

    async def ended(self):
        """Waits for its end, and gives its exit status."""
        return await asyncio.to_thread(self.process.wait, 60)


async def connect(port):
    return await asyncio.open_connection("127.0.0.1", port)


async def websocket(gateway, path):
    reader, writer = await connect(gateway.http)
    head = "upgrade: websocket\r\nconnection: upgrade\r\nsec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
    writer.write(f"GET {path} HTTP/1.1\r\nhost: localhost\r\n{head}\r\n".encode())
    await reader.readuntil(b"\r\n\r\n")
    return reader, writer


def frame_of(payload):
    """A binary message of a client, masked by zeros."""
    return b"\x82" + (bytes([0x80 | len(payload)]) if len(payload) < 126 else b"\xfe" + struct.pack(">H", len(payload))) + bytes(4) + payload


async def call(gateway, until, begun=None):
    """A call that nothing is done to. Says whether it held."""
    reader, writer = await connect(gateway.audiosocket)
    writer.write(b"\1\0\x10" + uuid.uuid4().bytes)
    if begun:
        begun.set()
    ended = asyncio.ensure_future(drain(reader))
    due, at = time.monotonic(), 0
    while not until.is_set() and not ended.done():
        payload = VOICE[at : at + 320]
        at = at + 320 if at + 640 < len(VOICE) else 0
        with contextlib.suppress(OSError):
            writer.write(b"\x10" + struct.pack(">H", len(payload)) + payload)
        due += 0.02
        await asyncio.sleep(max(0, due - time.monotonic()))
    held = not ended.done()
    with contextlib.suppress(OSError):
        writer.write(HANG_UP)
        await writer.drain()
    with contextlib.suppress(OSError, asyncio.TimeoutError):
        await asyncio.wait_for(ended, 15)
    writer.close()
    return held


async def drain(reader):
    """Until the gateway's hang-up frame, or the end of its side."""
    with contextlib.suppress(OSError, asyncio.IncompleteReadError):
        while True:
            kind, length = struct.unpack(">BH", await reader.readexactly(3))
            if kind == 0:
                return "hang-up"
            await reader.readexactly(length)
    return "end"


class Line:
    def __init__(self, name, n_lost, n_dropped, before, after, said):
        self.name, self.n_lost, self.n_dropped, self.before, self.after, self.said = name, n_lost, n_dropped, before, after, said


async def with_calls(name, folder, what, config="", environment=None, n_calls=N_CALLS):
    gateway = Gateway(folder, config, environment)
    await gateway.target.listen()
    until = asyncio.Event()
    # Calls before it: memory that belongs to no call comes to its size.
    warm, warm_until = [], asyncio.Event()
    warm = [asyncio.ensure_future(call(gateway, warm_until)) for _ in range(n_calls)]
    await asyncio.sleep(5)
    warm_until.set()
    await asyncio.gather(*warm)
    calls = [asyncio.ensure_future(call(gateway, until)) for _ in range(n_calls)]
    await asyncio.sleep(5)
    before = gateway.rss()
    said = await what(gateway)
    await asyncio.sleep(1)
    after = gateway.rss()
    until.set()
    held = await asyncio.gather(*calls)
    await asyncio.sleep(0.5)
    n_opened = gateway.metric("legs_opened")
    if await gateway.stop() != 0:
        said += "; **the gateway did not end in order**"
    return Line(name, int(n_opened) - len(gateway.target.ended), held.count(False), before, after, said)


async def peers_vanish(gateway):
    for _ in range(10):
        writers = []
        for _ in range(20):
            _, writer = await connect(gateway.audiosocket)
            writer.write(b"\1\0\x10" + uuid.uuid4().bytes + b"\x10\x01\x40" + bytes(320) + b"\x10\x01")
            writers.append(writer)
        await asyncio.sleep(0.2)
        for writer in writers:
            # A reset, in the midst of a frame.
            writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            writer.transport.abort()
    await until_legs(gateway, N_CALLS)
    return "200 calls end with what was heard of them"


async def until_legs(gateway, n_legs, seconds=30):
    deadline = time.monotonic() + seconds
    while gateway.metric("legs") != n_legs and time.monotonic() < deadline:
        await asyncio.sleep(0.1)
    if gateway.metric("legs") != n_legs:
        raise AssertionError(f"{gateway.metric('legs'):.0f} legs are open, not {n_legs}")


async def half_open(gateway):
    writers = [await connect(gateway.audiosocket) for _ in range(200)]
    for _, writer in writers:
        writer.write(b"\1\0\x10" + uuid.uuid4().bytes + b"\x10\x01\x40" + bytes(320))
    await until_legs(gateway, N_CALLS + 200)
    started = time.monotonic()
    # Nothing more comes, and nothing is read.
    await until_legs(gateway, N_CALLS)
    return f"200 calls are given up after {time.monotonic() - started:.0f} s (idle_seconds = 3)"


async def garbage_frames(gateway):
    for _ in range(10):
        for _ in range(50):
            _, writer = await connect(gateway.audiosocket)
            writer.write(b"\1\0\x10" + uuid.uuid4().bytes + os.urandom(4000))
    await until_legs(gateway, N_CALLS)
    return f"500 calls end: {gateway.metric('calls_broken'):.0f} by the protocol, the others by what is a frame of its"


async def garbage_handshakes(gateway):
    for port in (gateway.audiosocket, gateway.http):
        for _ in range(500):
            _, writer = await connect(port)
            writer.write(b"\x7f" + os.urandom(2000))
            if port == gateway.audiosocket:
                writer.close()
    return "1,000 connections are closed, no leg was opened"


async def slow_readers(gateway):
    writers = []
    for _ in range(50):
        reader, writer = await websocket(gateway, "/v1/media/fork?rate=8000")
        reader._transport.pause_reading()
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
        writers.append(writer)
    due = time.monotonic()
    for at in range(0, 15 * 16_000, 320):
        for writer in writers:
            writer.write(frame_of(VOICE[at % 160_000 : at % 160_000 + 320]))
        due += 0.02
        await asyncio.sleep(max(0, due - time.monotonic()))
    n = gateway.metric("legs")
    for writer in writers:
        writer.transport.abort()
    await until_legs(gateway, N_CALLS)
    return f"50 WebSockets that read nothing for 15 s, with a score every 0.1 s: {n - N_CALLS:.0f} of them are watched to their end"


async def ten_thousand_connections(gateway):
    started, n = time.monotonic(), 0
    while n < 10_000:
        for port in (gateway.audiosocket, gateway.http):
            _, writer = await connect(port)
            if port == gateway.audiosocket:
                writer.write(b"\1\0\x10" + uuid.uuid4().bytes + HANG_UP)
            writer.close()
            n += 1
        await asyncio.sleep(max(0, started + 60 * n / 10_000 - time.monotonic()))
    await until_legs(gateway, N_CALLS)
    return f"5,000 calls that end at once and 5,000 connections that say nothing, in {time.monotonic() - started:.0f} s"


async def gigabyte(gateway):
    closed = 0
    for path in ("/v1/media/fork", "/v1/media/asterisk", "/v1/media/twilio", "/v1/media/audiohook"):
        for _ in range(25):
            reader, writer = await websocket(gateway, path)
            writer.write(b"\x82\xff" + struct.pack(">Q", 1 << 30) + bytes(4) + bytes(60_000))
            try:
                await asyncio.wait_for(reader.read(), 10)
                closed += 1
            except TimeoutError:
                pass
            except ConnectionError:
                closed += 1
            writer.close()
    return f"{closed} of 100 WebSockets are closed at the frame's head"


async def slow_handshakes(gateway):
    started = time.monotonic()
    connections = [await connect(gateway.http) for _ in range(300)]
    for byte in b"GET /healthz HTTP/1.1\r\nx: ":
        for _, writer in connections:
            with contextlib.suppress(OSError):
                writer.write(bytes([byte]))
        await asyncio.sleep(0.15)
    for reader, _ in connections:
        with contextlib.suppress(OSError):
            await asyncio.wait_for(reader.read(), 10)
    return f"300 requests of a byte now and then are closed after {time.monotonic() - started:.0f} s (handshake_seconds = 3)"


async def given_back_of(gateway, n_calls):
    """Makes so many calls, and says how many the gateway gave back to their dialplan."""
    # A writer that nobody holds is closed.
    connections, fates = [], []
    for _ in range(n_calls):
        reader, writer = await connect(gateway.audiosocket)
        writer.write(b"\1\0\x10" + uuid.uuid4().bytes + b"\x10\x01\x40" + bytes(320))
        connections.append(writer)
        fates.append(asyncio.ensure_future(drain(reader)))
    given_back = (await asyncio.gather(*fates)).count("hang-up")
    for writer in connections:
        writer.close()
    return given_back


async def too_many_calls(gateway):
    given_back = await given_back_of(gateway, 100)
    return f"100 calls more than max_legs: {given_back} are given back to their dialplan, with ERROR, overloaded"


async def reloads(gateway):
    for _ in range(20):
        gateway.process.send_signal(signal.SIGHUP)
        await asyncio.sleep(0.25)
    return "20 times SIGHUP in 5 s: calls keep their engine"


async def clock_stepped(gateway):
    stamp = pathlib.Path(gateway.environment["FAKETIME_TIMESTAMP_FILE"])
    for step in ("+3600", "-86400", "+0"):
        stamp.write_text(step)
        await asyncio.sleep(2)
    return "an hour on, a day back, and back again: durations are none of the clock's"


async def model_missing(folder):
    gateway = Gateway(folder, '[scoring]\nmodel = "/nowhere"\n')
    await gateway.target.listen()
    before = gateway.rss()
    given_back = await given_back_of(gateway, N_CALLS)
    await asyncio.sleep(0.5)
    after, lost = gateway.rss(), N_CALLS - len(gateway.target.ended)
    gateway.configure("")
    gateway.process.send_signal(signal.SIGHUP)
    until = asyncio.Event()
    while not gateway.metric("engine_up"):
        await asyncio.sleep(0.05)
    asyncio.get_running_loop().call_later(3, until.set)
    held = await call(gateway, until)
    await gateway.stop()
    said = f"it starts and says so; {given_back} calls are given back, with ERROR, model; with a model and SIGHUP the next call {'is watched' if held else '**ends**'}"
    return Line("model missing at start", int(lost), N_CALLS - given_back, before, after, said)


async def terminated(folder):
    gateway = Gateway(folder)
    await gateway.target.listen()
    calls = []
    for _ in range(N_CALLS):
        reader, writer = await connect(gateway.audiosocket)
        writer.write(b"\1\0\x10" + uuid.uuid4().bytes)
        calls.append((asyncio.ensure_future(drain(reader)), writer))
    for at in range(0, 16_000 * 5, 320):
        for _, writer in calls:
            writer.write(b"\x10\x01\x40" + VOICE[at : at + 320])
        await asyncio.sleep(0.02)
    before = gateway.rss()
    gateway.process.terminate()
    started = time.monotonic()
    given_back = (await asyncio.gather(*(fate for fate, _ in calls))).count("hang-up")
    seconds = time.monotonic() - started
    for _, writer in calls:
        writer.close()
    code = await gateway.ended()
    ended = len(gateway.target.ended)
    said = f"{given_back} calls are given back within {seconds:.1f} s, {ended} verdicts are told, exit status {code}"
    return Line("SIGTERM with calls up", N_CALLS - ended, N_CALLS - given_back, before, before, said)


async def killed(folder):
    gateway = Gateway(folder)
    await gateway.target.listen()
    until = asyncio.Event()
    calls = [asyncio.ensure_future(call(gateway, until)) for _ in range(N_CALLS)]
    await asyncio.sleep(6)
    before = gateway.rss()
    gateway.process.kill()
    gateway.process.wait()
    until.set()
    await asyncio.gather(*calls)
    started = time.monotonic()
    gateway.start()
    seconds = time.monotonic() - started
    until = asyncio.Event()
    calls = [asyncio.ensure_future(call(gateway, until)) for _ in range(N_CALLS)]
    await asyncio.sleep(5)
    until.set()
    held = (await asyncio.gather(*calls)).count(True)
    after = gateway.rss()
    await gateway.stop()
    lost = 2 * N_CALLS - len(gateway.target.ended)
    said = f"calls that were up are watched no longer, and go on in their dialplan; it listens again after {seconds:.1f} s, and {held} calls after that hold"
    return Line("kill -9 with calls up, and restart", lost, N_CALLS, before, after, said)


def lines(folder):
    fake = {"LD_PRELOAD": str(FAKETIME), "FAKETIME_TIMESTAMP_FILE": str(folder / "clock"), "FAKETIME_NO_CACHE": "1"}
    fake["FAKETIME_DONT_FAKE_MONOTONIC"] = "1"
    (folder / "clock").write_text("+0")
    handshake, idle = "[limits]\nhandshake_seconds = 3.0\n", "[limits]\nidle_seconds = 3.0\n"
    often = "[scoring]\nupdate_seconds = 0.1\n"
    for name, what, config, environment in [
        ("peers vanish: a reset in the midst of a frame", peers_vanish, "", None),
        ("half-open: peers that are gone and never said so", half_open, idle, None),
        ("garbage after the call's first frame", garbage_frames, handshake, None),
        ("garbage instead of a handshake", garbage_handshakes, handshake, None),
        ("slow handshakes", slow_handshakes, handshake, None),
        ("slow readers", slow_readers, often, None),
        ("10,000 connections in a minute", ten_thousand_connections, "", None),
        ("1 GB announced in a frame", gigabyte, "", None),
        ("more calls than are admitted", too_many_calls, f"[scoring]\nmax_legs = {N_CALLS}\n", None),
        ("reloads while calls go on", reloads, "", None),
        ("the clock is stepped", clock_stepped, "", fake),
    ]:
        if environment and not FAKETIME:
            print(f"left out, for want of faketime: {name}")
            continue
        yield name, with_calls(name, folder, what, config, environment)
    yield "model missing at start", model_missing(folder)
    yield "SIGTERM with calls up", terminated(folder)
    yield "kill -9 with calls up, and restart", killed(folder)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", help="lines with this word in their name")
    parser.add_argument("--write", type=pathlib.Path, help="put the table into this page")
    arguments = parser.parse_args()
    done, n_failed = [], 0
    with tempfile.TemporaryDirectory() as folder:
        for name, line in lines(pathlib.Path(folder)):
            if arguments.only and arguments.only not in name:
                line.close()
                continue
            try:
                result = asyncio.run(line)
            except Exception as error:  # noqa: BLE001 (whatever goes wrong is what happened)
                result = Line(name, -1, -1, 0, 0, f"**{type(error).__name__}: {error}**")
            n_failed += "**" in result.said
            done.append(result)
            print(json.dumps(vars(result)), flush=True)
    rows = ["| what happens | calls dropped | verdicts lost | memory before, after | |", "|---|---|---|---|---|"]
    for line in done:
        rows.append(f"| {line.name} | {line.n_dropped} | {line.n_lost} | {line.before:.0f}, {line.after:.0f} MB | {line.said} |")
    table = "\n".join(rows)
    print(table)
    if arguments.write:
        text = arguments.write.read_text()
        before, after = text.split(START)[0], text.split(END)[1]
        arguments.write.write_text(f"{before}{START}\n\n{table}\n\n{END}{after}")
    return 1 if n_failed else 0


if __name__ == "__main__":
    sys.exit(main())
