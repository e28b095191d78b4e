"""What the pages on the gateway show is run as it stands, against a gateway that runs."""

import json
import os
import re
import subprocess
import sys

import pytest
from conftest import PROGRAM, ROOT, Call, eventually
from test_http import CONTRACT
from test_webhook import SECRET, Receiver, settings

HTTP = (ROOT / "docs/reference/gateway-http.md").read_text("utf-8")
RUN = (ROOT / "docs/how-to/run-the-gateway.md").read_text("utf-8")
BLOCK = re.compile(r'^```(?P<language>\w+)(?: title="(?P<title>[^"]*)")?\n(?P<text>.*?)^```$', re.M | re.S)


def blocks(page):
    found = [match.groupdict() for match in BLOCK.finditer(page)]
    for block, after in zip(found, [*found[1:], {"title": None}], strict=False):
        if block["title"] is None:
            yield block["language"], block["text"], after["text"] if after["title"] == "Answer" else None


def is_like(printed, expected):
    pattern = re.escape(expected.strip()).replace("…", ".*?")
    assert re.fullmatch(pattern, printed.strip(), re.S), f"this is printed:\n{printed}\nand this stands on the page:\n{expected}"


@pytest.fixture
def place(gateway, monkeypatch, tmp_path):
    one = gateway()
    Call(one.audio_port).join(60)
    eventually(lambda: sum(one.get("/v1/status")["ended"].values()) == 1)
    monkeypatch.chdir(ROOT)
    return one


def test_the_examples_print_what_stands_below_them(place):
    ran = {"python": 0, "sh": 0}
    for language, text, expected in blocks(HTTP):
        if language not in ran:
            continue
        text = text.replace("127.0.0.1:8088", f"127.0.0.1:{place.port}")
        command = [sys.executable, "-c", text] if language == "python" else ["bash", "-ec", text]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, env=os.environ | {"NO_PROXY": "*"})
        assert done.returncode == 0, text + done.stderr
        ran[language] += 1
        if expected is not None:
            is_like(done.stdout, expected)
        if "curl" in text and "/v1/scan" in text and expected is None:
            decoder, rest = json.JSONDecoder(), done.stdout.strip()
            while rest:
                report, end = decoder.raw_decode(rest)
                assert report["legs"]
                rest = rest[end:].strip()
    assert ran == {"python": 3, "sh": 4}


def test_the_receiver_of_the_page_knows_our_messages(gateway, tmp_path):
    [code] = [text for language, text, _ in blocks(HTTP) if language == "python" and "def is_ours" in text]
    names = {}
    exec(code, names)
    seen = []
    receiver = Receiver()
    original = receiver.RequestHandlerClass.do_POST

    def do_POST(handler):
        body = handler.rfile.read(int(handler.headers["Content-Length"]))
        seen.append(({name.lower(): value for name, value in handler.headers.items()}, body))
        handler.send_response(204)
        handler.end_headers()

    receiver.RequestHandlerClass.do_POST = do_POST
    try:
        one = gateway(webhook=settings(tmp_path, receiver.port))
        Call(one.audio_port, seconds=2).join(30)
        assert eventually(lambda: seen)
    finally:
        receiver.RequestHandlerClass.do_POST = original
        receiver.close()
    headers, body = seen[0]
    assert names["is_ours"](headers, body, SECRET)
    assert not names["is_ours"](headers, body + b" ", SECRET)
    assert not names["is_ours"](headers | {"webhook-timestamp": "1"}, body, SECRET)


def test_what_is_told_in_tables_is_there(place, tmp_path):
    metrics = place.get("/metrics")
    section = HTTP.partition("## Figures")[2].partition("## When")[0]
    for name in re.findall(r"`([a-z_]+)(?:\{\w+\})?`", section.partition("To be woken")[0]):
        outlet = name.startswith(("webhook_", "ami_")) or name == "veravox_"
        assert outlet or f"veravox_{name}" in metrics, name
    source = (ROOT / "bindings/gateway/src/api/metrics.rs").read_text()
    for name in re.findall(r"`((?:webhook|ami)_[a-z_]+)`", section):
        assert f'"{name.removesuffix("_total")}"' in source, name
    for path in CONTRACT["paths"]:
        assert f"{path}`" in HTTP, path
    kinds = set(re.findall(r'"([a-z_]+)", ', " ".join(re.findall(r"Problem::\w+\([^;]*?\)", "".join(file.read_text() for file in (ROOT / "bindings/gateway/src/api").glob("*.rs"))))))
    assert {kind for kind in kinds if "_" in kind} - {"internal"} <= set(re.findall(r"`(\w+)`", HTTP)), kinds


def test_the_settings_of_the_pages_are_good(tmp_path):
    (tmp_path / "secret").write_text(SECRET + "\n")
    for page in (RUN, HTTP):
        for language, text, _ in blocks(page):
            if language == "toml":
                config = tmp_path / "gateway.toml"
                config.write_text(re.sub(r"/etc/veravox/[a-z-]+", str(tmp_path / "secret"), text))
                done = subprocess.run([PROGRAM, "--check", "--config", config], capture_output=True, text=True, timeout=60)
                assert done.returncode == 0, text + done.stderr


def test_the_pictures_are_there():
    for name in re.findall(r"\(\.\./gateway/(\S+?\.png)", RUN):
        assert (ROOT / "docs/gateway" / name).stat().st_size > 20_000
