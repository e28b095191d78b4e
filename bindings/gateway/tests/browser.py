"""A Chromium without a window, told what to do by the DevTools protocol."""

import base64
import contextlib
import json
import pathlib
import shutil
import subprocess
import tempfile
import time
import urllib.request

from websockets.sync.client import connect

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
FLAGS = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking --disable-component-update "
    "--disable-sync --remote-debugging-port=0 --force-color-profile=srgb --hide-scrollbars"
)


class Browser:
    """One page; its console, its errors and what its policy refused are kept in `complaints`."""

    def __init__(self):
        self.profile = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        self.process = subprocess.Popen(
            [CHROMIUM, *FLAGS.split(), f"--user-data-dir={self.profile.name}", "about:blank"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        port_file = pathlib.Path(self.profile.name) / "DevToolsActivePort"
        end = time.monotonic() + 60
        while not (port_file.exists() and port_file.read_text().strip()):
            assert time.monotonic() < end and self.process.poll() is None, "Chromium does not start"
            time.sleep(0.05)
        port = port_file.read_text().split()[0]
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/json/list") as answer:
            [page] = [one for one in json.load(answer) if one["type"] == "page"]
        self.held = contextlib.ExitStack()
        self.line = self.held.enter_context(connect(page["webSocketDebuggerUrl"], max_size=None, ping_interval=None))
        self.last_id = 0
        self.complaints, self.requests = [], []
        for domain in ("Page", "Runtime", "Log", "Network", "Accessibility"):
            self.tell(f"{domain}.enable")

    def tell(self, method, **params):
        self.last_id += 1
        self.line.send(json.dumps({"id": self.last_id, "method": method, "params": params}))
        while True:
            message = json.loads(self.line.recv(timeout=60))
            if message.get("id") == self.last_id:
                assert "error" not in message, message
                return message["result"]
            self.note(message)

    def note(self, message):
        method, params = message.get("method"), message.get("params", {})
        if method == "Runtime.exceptionThrown":
            self.complaints.append(params["exceptionDetails"].get("exception", {}).get("description") or params["exceptionDetails"]["text"])
        elif method == "Log.entryAdded" and params["entry"]["level"] in ("error", "warning"):
            self.complaints.append(params["entry"]["text"])
        elif method == "Network.requestWillBeSent":
            self.requests.append(params["request"]["url"])

    def run(self, code):
        """The value of JavaScript, of a promise too. The page's policy does not hold for it."""
        done = self.tell("Runtime.evaluate", expression=code, awaitPromise=True, returnByValue=True)
        assert "exceptionDetails" not in done, done["exceptionDetails"]
        return done["result"].get("value")

    def open(self, url):
        self.tell("Page.navigate", url=url)

    def until(self, code, seconds=30):
        end = time.monotonic() + seconds
        while not (value := self.run(f"(() => {{ try {{ return !!({code}) }} catch (e) {{ return false }} }})()")):
            assert time.monotonic() < end, f"{code} never held: {self.run('document.body.innerText')[:800]}"
            time.sleep(0.1)
        return value

    def text(self, selector):
        return self.run(f"document.querySelector({json.dumps(selector)}).innerText")

    def press(self, key, text=None):
        named = {"Tab": 9, "Enter": 13, " ": 32}
        more = {"windowsVirtualKeyCode": named[key], "code": "Space" if key == " " else key} if key in named else {}
        text = text or {"Enter": "\r", " ": " "}.get(key)
        self.tell("Input.dispatchKeyEvent", type="keyDown", key=key, **more, **({"text": text} if text else {}))
        self.tell("Input.dispatchKeyEvent", type="keyUp", key=key, **more)

    def type(self, text):
        self.tell("Input.insertText", text=text)

    def look(self, width, height, dark=False, scale=1):
        self.tell("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=scale, mobile=False)
        scheme = "dark" if dark else "light"
        self.tell("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])

    def picture(self, path):
        path.write_bytes(base64.b64decode(self.tell("Page.captureScreenshot", format="png")["data"]))

    def close(self):
        self.held.close()
        self.process.terminate()
        self.process.wait(20)
        self.profile.cleanup()
