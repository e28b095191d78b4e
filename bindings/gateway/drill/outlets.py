"""What becomes of verdicts, and of memory, when something goes wrong behind the gateway: one table.

    python bindings/gateway/drill/outlets.py [--calls N] [--only NAME] [--write PAGE]

Each line runs a gateway of its own (the release build) with real calls by AudioSocket. "Lost" are verdicts and ends that a reader of
/v1/events saw and the target did not get. --write puts the table between the marks of a page.
"""

import argparse
import contextlib
import http.client
import json
import os
import pathlib
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

HERE = pathlib.Path(__file__).parent
sys.path.insert(0, str(HERE.parent / "tests"))

from ami_fake import Asterisk  # noqa: E402
from browser import CHROMIUM, Browser  # noqa: E402
from conftest import PROGRAM, Call, Gateway, eventually  # noqa: E402
from test_ami import settings as ami_settings  # noqa: E402
from test_webhook import Receiver, kept  # noqa: E402
from test_webhook import settings as webhook_settings  # noqa: E402

MARKS = ("<!-- drill: outlets -->", "<!-- end of drill: outlets -->")
FAKETIME = "/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1"


class Truth(threading.Thread):
    """What a reader of /v1/events sees of verdicts and ends."""

    def __init__(self, gateway):
        super().__init__(daemon=True)
        self.gateway, self.seen = gateway, []
        self.start()
        time.sleep(0.3)

    def run(self):
        with contextlib.suppress(OSError, http.client.HTTPException, AssertionError):
            for _, name, data in self.gateway.events("/v1/events?events=verdict,ended", timeout=600):
                self.seen.append((time.monotonic(), key(name, data)))

    def keys(self):
        return [one for _, one in self.seen]


def key(name, data):
    return (data["leg"], name, data["at_ms"])


def got(receiver):
    return {key(message["data"]["event"], message["data"]) for message in receiver.messages()}


def calls(gateway, n, seconds=8, speed=2, wait=True):
    made = [Call(gateway.audio_port, seconds=seconds, speed=speed) for _ in range(n)]
    if wait:
        for call in made:
            call.join(120)
        eventually(lambda: gateway.get("/v1/status")["legs"] == 0, 30)
    return made


def settle(gateway, seconds=60):
    return eventually(lambda: gateway.get("/v1/status")["webhook"]["waiting"] == 0, seconds)


@contextlib.contextmanager
def running(folder, **sections):
    gateway = Gateway(folder, **sections)
    try:
        calls(gateway, 8, 4)  # memory that belongs to no call comes to its size
        yield gateway
    finally:
        gateway.stop(signal.SIGKILL)


def mb(kb):
    return f"{kb / 1024:.0f} MB"


def dropped(gateway):
    status = gateway.get("/v1/status")
    return f"{status['ended']['ERROR']} of {sum(status['ended'].values())}"


def target_down(folder, n):
    """The webhook's target is down for a minute, with a spool."""
    receiver = Receiver()
    with running(folder, webhook=webhook_settings(folder, receiver.port)) as gateway:
        truth, before = Truth(gateway), gateway.memory_kb()
        receiver.close()
        until = time.monotonic() + 60
        n_calls = 0
        while time.monotonic() < until:
            calls(gateway, n)
            n_calls += n
        waiting = gateway.get("/v1/status")["webhook"]["waiting"]
        after = gateway.memory_kb()
        back = Receiver(receiver.port)
        back.accepted = dict(receiver.accepted)
        began = time.monotonic()
        assert settle(gateway, 400)
        lost = [one for one in truth.keys() if one not in got(back)]
        words = f"{n_calls} calls meanwhile, {waiting} messages waited, all there {time.monotonic() - began:.0f} s after it was back"
        back.close()
        return words, dropped(gateway), f"{len(lost)} of {len(truth.seen)}", before, after


def disk_full(folder, n):
    """The spool's disk is full, and the target is down."""
    small = folder / "small"
    small.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", small], check=True)
    try:
        receiver = Receiver()
        receiver.answer = 503
        with running(folder, webhook=webhook_settings(small, receiver.port)) as gateway:
            truth, before = Truth(gateway), gateway.memory_kb()
            for _ in range(4):
                calls(gateway, n)
            stats, after = gateway.get("/v1/status")["webhook"], gateway.memory_kb()
            receiver.answer = 204
            assert settle(gateway, 400)
            lost = [one for one in truth.keys() if one not in got(receiver)]
            half = list((small / "spool").glob("*.part"))
            words = f"{stats['unspooled']} of {stats['offered']} messages found no room and stayed in memory; {len(half)} files half written"
            receiver.close()
            return words, dropped(gateway), f"{len(lost)} of {len(truth.seen)}", before, after
    finally:
        subprocess.run(["umount", "-l", small], check=True)


def kill(folder, n):
    """kill -9 in the midst of calls and a restart, with a spool."""
    receiver = Receiver()
    receiver.answer = 503
    with running(folder, webhook=webhook_settings(folder, receiver.port)) as gateway:
        truth, before = Truth(gateway), gateway.memory_kb()
        calls(gateway, n)
        made = calls(gateway, n, 60, wait=False)
        time.sleep(6)
        gateway.process.kill()
        killed = time.monotonic()
        gateway.process.wait()
        n_legs = len(made)
        for call in made:
            call.hung_up.set()
        on_disk = len(kept(folder))
        receiver.answer = 204
        gateway.start()
        assert settle(gateway, 60)
        after = gateway.memory_kb()
        lost = [(killed - at) * 1_000 for at, one in truth.seen if one not in got(receiver)]
        words = f"{on_disk} messages on the disk, all delivered after the restart; {n_legs} calls were up and ended with the process"
        if lost:
            words += f"; the lost were told {max(lost):.0f} ms before the kill at most"
        receiver.close()
        return words, f"{n_legs} of {2 * n}", f"{len(lost)} of {len(truth.seen)}", before, after


def slow_reader(folder, n):
    """Eight readers of /v1/events that do not read."""
    with running(folder) as gateway:
        slow = []
        for _ in range(8):
            stream = socket.socket()
            stream.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            stream.connect(("127.0.0.1", gateway.port))
            stream.sendall(b"GET /v1/events HTTP/1.1\r\nHost: localhost\r\n\r\n")
            slow.append(stream)
        truth, before = Truth(gateway), gateway.memory_kb()
        for _ in range(4):
            calls(gateway, n)
        after = gateway.memory_kb()
        ended = sum(gateway.get("/v1/status")["ended"].values()) - 8
        seen = sum(one[1] == "ended" for one in truth.keys())
        for stream in slow:
            stream.close()
        return f"{4 * n} calls meanwhile; a reader beside them misses nothing", dropped(gateway), f"{ended - seen} of {ended} ends", before, after


def clock(folder, n):
    """The clock is set an hour forward and two back while the target is down."""
    receiver = Receiver()
    receiver.signed = False  # its library refuses what is an hour old, as it should
    setting = folder / "faketime"
    setting.write_text("+0\n")
    preloaded = folder / "veravox-gateway"
    preloaded.write_text(
        f'#!/bin/sh\nLD_PRELOAD={FAKETIME} DONT_FAKE_MONOTONIC=1 FAKETIME_NO_CACHE=1 FAKETIME_TIMESTAMP_FILE={setting} exec {PROGRAM} "$@"\n'
    )
    preloaded.chmod(0o755)
    with running(folder, program=preloaded, webhook=webhook_settings(folder, receiver.port)) as gateway:
        truth, before = Truth(gateway), gateway.memory_kb()
        receiver.answer = 503
        calls(gateway, n)
        setting.write_text("+3600\n")
        calls(gateway, n)
        setting.write_text("-3600\n")
        calls(gateway, n)
        receiver.answer = 204
        assert settle(gateway, 120)
        after = gateway.memory_kb()
        lost = [one for one in truth.keys() if one not in got(receiver)]
        steps = {round((at - time.time() * 1_000) / 3_600_000) for _, _, at in truth.keys()}
        assert steps == {0, 1, -1}, f"the clock was set: {steps}"
        receiver.close()
        return f"{3 * n} calls, tried again by a clock that cannot be set", dropped(gateway), f"{len(lost)} of {len(truth.seen)}", before, after


def ami_away(folder, n):
    """Asterisk's manager interface is away for a minute."""
    asterisk = Asterisk()
    port = asterisk.start()
    with running(folder, ami=ami_settings(folder, port)) as gateway:
        before = gateway.memory_kb()
        channels = [asterisk.audiosocket(number) for number in range(n)]
        made = [Call(gateway.audio_port, call=call_id, seconds=100, speed=1) for _, call_id in channels]
        eventually(lambda: all(channel.variables for channel, _ in channels), 20)
        asterisk.stop()
        for channel, _ in channels:
            channel.variables.clear()
        time.sleep(60)
        after = gateway.memory_kb()
        asterisk.start(port)
        began = time.monotonic()
        assert eventually(lambda: all("VERAVOX_STATUS" in channel.variables for channel, _ in channels), 60)
        waited = time.monotonic() - began
        n_untold = sum("VERAVOX_STATUS" not in channel.variables for channel, _ in channels)
        for call in made:
            call.hung_up.set()
        asterisk.stop()
        return f"{n} calls were up; their channels were told {waited:.0f} s after it was back", dropped(gateway), f"{n_untold} of {n} channels", before, after


def page(folder, n):
    """500 legs on the live page, in a browser on the same machine."""
    if CHROMIUM is None:
        raise SystemExit("no Chromium")
    n = 500
    gateway = Gateway(folder, scoring=f"max_legs = {n}")
    browser = Browser()
    browser.look(1100, 900)
    try:
        before = gateway.memory_kb()
        browser.open(f"http://127.0.0.1:{gateway.port}/")
        browser.until("document.querySelector('#connection').textContent === 'Connected'")
        code = CALLER.format(port=gateway.audio_port, n=n, voice=json.dumps(str(Call.__init__.__defaults__[0])))
        caller = subprocess.Popen([sys.executable, "-c", code])
        browser.until(f"document.querySelector('#n-legs').textContent === '{n}'", 120)
        time.sleep(10)
        browser.tell("Performance.enable", timeDomain="threadTicks")
        busy = task_seconds(browser)
        browser.run(
            "window.frames_ = []; window.tasks_ = []; let last = performance.now();"
            "(function next() { requestAnimationFrame((now) => { frames_.push(now - last); last = now; next(); }) })();"
            "new PerformanceObserver((l) => l.getEntries().forEach((e) => tasks_.push(e.duration))).observe({type: 'longtask'}); true"
        )
        time.sleep(20)
        busy = (task_seconds(browser) - busy) / 20
        frames, tasks = sorted(browser.run("frames_")), browser.run("tasks_")
        press = browser.run(
            "new Promise((done) => { const began = performance.now(); const s = document.querySelector('#order'); s.value = 'llr';"
            "s.dispatchEvent(new Event('change')); requestAnimationFrame(() => done(performance.now() - began)) })"
        )
        after = gateway.memory_kb()
        caller.terminate()
        caller.wait()
        slowest = max(tasks, default=0)
        words = (
            f"the page takes {100 * busy:.0f} % of a core; {len(frames) / 20:.0f} pictures a second, 99 of 100 within {frames[int(0.99 * len(frames))]:.0f} ms of the last, "
            f"longest task {slowest:.0f} ms; another order in {press:.0f} ms. Two cores with a load of {os.getloadavg()[0]:.0f}: "
            "gateway, 500 callers, browser, and whatever else ran"
        )
        return words, dropped(gateway), "–", before, after
    finally:
        browser.close()
        gateway.stop(signal.SIGKILL)


def task_seconds(browser):
    """Processor time of the page's main thread."""
    return {one["name"]: one["value"] for one in browser.tell("Performance.getMetrics")["metrics"]}["TaskDuration"]


# In a process of its own: five frames of 20 ms at a time, by one loop.
CALLER = """
import asyncio, struct, time, uuid, wave
with wave.open({voice}) as audio:
    samples = audio.readframes(audio.getnframes())
frames = [samples[at : at + 320] for at in range(0, len(samples) - 319, 320)]
async def call(number):
    await asyncio.sleep(number * 0.02)
    reader, writer = await asyncio.open_connection("127.0.0.1", {port})
    writer.write(struct.pack("!BH", 1, 16) + uuid.uuid4().bytes)
    began, n = time.monotonic(), number * 7
    sent = 0
    while True:
        for _ in range(5):
            frame = frames[n % len(frames)]
            writer.write(struct.pack("!BH", 0x10, len(frame)) + frame)
            n += 1
        sent += 5
        await writer.drain()
        await asyncio.sleep(max(0, began + sent * 0.02 - time.monotonic()))
async def main():
    await asyncio.gather(*(call(number) for number in range({n})))
asyncio.run(main())
"""

LINES = {
    "target": target_down,
    "disk": disk_full,
    "reader": slow_reader,
    "clock": clock,
    "kill": kill,
    "ami": ami_away,
    "page": page,
}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--calls", type=int, default=20, help="calls at once")
    parser.add_argument("--only", choices=LINES, action="append")
    parser.add_argument("--write", type=pathlib.Path, help="a page with the marks of this table")
    options = parser.parse_args()
    rows = ["| what went wrong | what was seen | calls with an error | verdicts lost | memory before, after |", "|---|---|---|---|---|"]
    for name in options.only or LINES:
        with tempfile.TemporaryDirectory() as folder:
            words, errors, lost, before, after = LINES[name](pathlib.Path(folder), options.calls)
        rows.append(f"| {LINES[name].__doc__.rstrip('.')} | {words} | {errors} | {lost} | {mb(before)}, {mb(after)} |")
        print(rows[-1], flush=True)
    if options.write:
        text = options.write.read_text("utf-8")
        head, _, rest = text.partition(MARKS[0])
        _, _, tail = rest.partition(MARKS[1])
        options.write.write_text("\n".join([head + MARKS[0], "", *rows, "", MARKS[1]]) + tail, "utf-8")


if __name__ == "__main__":
    main()
