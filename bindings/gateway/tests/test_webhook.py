"""Verdicts to a webhook: signed, tried again, kept across the worst."""

import base64
import contextlib
import http.server
import json
import pathlib
import signal
import socket
import ssl
import subprocess
import threading
import time

import pytest
from conftest import PROGRAM, Call, eventually
from standardwebhooks import Webhook
from test_http import of_contract

SECRET = "whsec_" + base64.b64encode(bytes(range(32))).decode()


# A certificate of a server, and of nobody else.
REQUEST = """[req]
distinguished_name = name
x509_extensions = of_a_server
prompt = no
[name]
CN = localhost
[of_a_server]
subjectAltName = DNS:localhost
basicConstraints = critical, CA:FALSE
"""


class Receiver(http.server.ThreadingHTTPServer):
    """A target that checks signatures with the reference library, answers what it is told to, and remembers."""

    allow_reuse_address = daemon_threads = True

    def __init__(self, port=0, certificate=None):
        receiver = self
        self.answer = 204
        self.accepted, self.attempts, self.signed = {}, [], True
        self.connections = set()

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def setup(self):
                super().setup()
                receiver.connections.add(self.connection)

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                headers = {name.lower(): value for name, value in self.headers.items()}
                message = Webhook(SECRET).verify(body, headers) if receiver.signed else json.loads(body)
                answer = receiver.answer(message) if callable(receiver.answer) else receiver.answer
                receiver.attempts.append((time.monotonic(), headers["webhook-id"], answer))
                if 200 <= answer < 300:
                    receiver.accepted.setdefault(headers["webhook-id"], []).append(message)
                self.send_response(answer)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        super().__init__(("127.0.0.1", port), Handler)
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            self.socket = context.wrap_socket(self.socket, server_side=True)
        self.port = self.server_address[1]
        threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True).start()

    def messages(self):
        return [message for sent in self.accepted.values() for message in sent]

    def types(self):
        return [message["type"] for message in self.messages()]

    def handle_error(self, *_):
        """A connection that `close` ended."""

    def close(self):
        """As a target that is switched off: what is connected goes too."""
        self.shutdown()
        self.server_close()
        for connection in self.connections:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)


@pytest.fixture
def receiver():
    one = Receiver()
    yield one
    one.close()


def settings(folder, port, spool=True, **more):
    secret = pathlib.Path(folder) / "webhook-secret"
    secret.write_text(SECRET + "\n")
    lines = [f'url = "http://127.0.0.1:{port}/hook"', f'secret_file = "{secret}"']
    if spool:
        lines.append(f'spool = "{pathlib.Path(folder) / "spool"}"')
    return "\n".join(lines + [f"{name} = {value}" for name, value in more.items()])


def kept(folder):
    return sorted((pathlib.Path(folder) / "spool").glob("msg_*.json"))


def waiting(gateway):
    return gateway.get("/v1/status")["webhook"]["waiting"]


def test_a_call_comes_signed_and_whole(gateway, receiver, tmp_path):
    gateway = gateway(webhook=settings(tmp_path, receiver.port))
    call = Call(gateway.audio_port)
    call.join(60)
    assert eventually(lambda: "leg.ended" in receiver.types())
    messages = receiver.messages()
    for message in messages:
        of_contract("WebhookMessage", message)
        assert message["data"]["call"] == str(call.uuid)
    assert sorted(set(receiver.types())) == ["leg.ended", "leg.opened", "leg.verdict"]
    [end] = [message for message in messages if message["type"] == "leg.ended"]
    assert len(end["data"]["report"]["windows"]) >= 5 and end["data"]["status"] in ("HUMAN", "SYNTHETIC", "NOTSURE")
    assert eventually(lambda: waiting(gateway) == 0) and kept(tmp_path) == []
    stats = gateway.get("/v1/status")["webhook"]
    assert (stats["offered"], stats["delivered"], stats["lost"], stats["unspooled"]) == (len(messages), len(messages), 0, 0)


def test_what_is_refused_holds_nobody_up(gateway, receiver, tmp_path):
    receiver.answer = lambda message: 400 if message["type"] == "leg.opened" else 200
    gateway = gateway(webhook=settings(tmp_path, receiver.port))
    Call(gateway.audio_port, seconds=2).join(60)
    assert eventually(lambda: "leg.ended" in receiver.types())
    assert "leg.opened" not in receiver.types() and waiting(gateway) == 1
    receiver.answer = 200
    assert eventually(lambda: "leg.opened" in receiver.types(), 30)


def test_a_target_that_is_down_gets_everything_once_it_is_back(gateway, receiver, tmp_path):
    gateway = gateway(webhook=settings(tmp_path, receiver.port, timeout_seconds=1.0))
    receiver.close()
    calls = [Call(gateway.audio_port, seconds=4) for _ in range(5)]
    for call in calls:
        call.join(60)
    eventually(lambda: sum(gateway.get("/v1/status")["ended"].values()) == 5)
    stats = gateway.get("/v1/status")["webhook"]
    assert stats["target_down"] and stats["waiting"] == stats["offered"] >= 10 and stats["failed_attempts"] < 10, stats
    assert eventually(lambda: len(kept(tmp_path)) == stats["offered"])
    back = Receiver(receiver.port)
    try:
        assert eventually(lambda: back.types().count("leg.ended") == 5, 40)
        assert eventually(lambda: waiting(gateway) == 0)
        assert len(back.accepted) == stats["offered"]
    finally:
        back.close()


def test_nothing_is_lost_by_kill_and_restart(gateway, receiver, tmp_path):
    receiver.answer = 503
    gateway = gateway(webhook=settings(tmp_path, receiver.port))
    Call(gateway.audio_port, seconds=5).join(60)
    assert eventually(lambda: sum(gateway.get("/v1/status")["ended"].values()) == 1)
    offered = gateway.get("/v1/status")["webhook"]["offered"]
    assert eventually(lambda: len(kept(tmp_path)) == offered)
    assert gateway.stop(signal.SIGKILL) == -signal.SIGKILL
    # What a crash left half written.
    (tmp_path / "spool" / "msg_00000000000001_0000000000000001.json.part").write_text('{"ty')
    receiver.answer = 200
    gateway.start()
    assert eventually(lambda: len(receiver.accepted) == offered)
    ended = [message for message in receiver.messages() if message["type"] == "leg.ended"]
    assert len(ended) == 1 and ended[0]["data"]["report"]["windows"]
    assert eventually(lambda: [path.name for path in (tmp_path / "spool").iterdir()] == ["lock"])


def test_what_waits_is_there_after_an_orderly_end_too(gateway, receiver, tmp_path):
    receiver.answer = 500
    gateway = gateway(webhook=settings(tmp_path, receiver.port), limits="drain_seconds = 2.0")
    call = Call(gateway.audio_port, seconds=30)
    eventually(lambda: gateway.get("/v1/legs")["legs"])
    assert gateway.stop() == 0
    call.hang_up()
    # The leg that the end ended is among them.
    types = [json.loads(path.read_text())["type"] for path in kept(tmp_path)]
    assert types.count("leg.opened") == types.count("leg.ended") == 1


def test_without_a_spool_the_end_says_what_it_loses(gateway, receiver, tmp_path):
    receiver.answer = 503
    gateway = gateway(webhook=settings(tmp_path, receiver.port, spool=False), limits="drain_seconds = 1.0")
    Call(gateway.audio_port, seconds=2).join(30)
    assert eventually(lambda: sum(gateway.get("/v1/status")["ended"].values()) == 1)
    waits = waiting(gateway)
    assert waits >= 2 and gateway.stop() == 0
    lost = [line for line in gateway.log.read_text().splitlines() if "a webhook message is lost" in line]
    assert lost and "no spool has it" in lost[-1]


def test_a_full_spool_keeps_nothing_back(gateway, receiver, tmp_path):
    small = tmp_path / "small"
    small.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=16k", "tmpfs", small], check=False)
    if mounted.returncode != 0:
        pytest.skip("a small file system cannot be mounted here; the spool's own tests have one that is full")
    try:
        receiver.answer = 503
        gateway = gateway(webhook=settings(small, receiver.port))
        for _ in range(3):
            Call(gateway.audio_port, seconds=4).join(60)
        eventually(lambda: sum(gateway.get("/v1/status")["ended"].values()) == 3)
        stats = gateway.get("/v1/status")["webhook"]
        assert stats["unspooled"] > 0 and stats["lost"] == 0
        assert not list((small / "spool").glob("*.part")), "nothing half written"
        assert "cannot keep" in gateway.log.read_text()
        receiver.answer = 200
        assert eventually(lambda: receiver.types().count("leg.ended") == 3, 40)
        assert eventually(lambda: waiting(gateway) == 0)
        gateway.stop()
    finally:
        subprocess.run(["umount", "-l", small], check=True)


def test_a_target_that_speaks_tls_is_asked_for_a_certificate_that_is_trusted(gateway, tmp_path, monkeypatch):
    certificate = tmp_path / "certificate.pem"
    (tmp_path / "request").write_text(REQUEST)
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-config", tmp_path / "request", "-keyout", certificate]
    subprocess.run([*command, "-out", tmp_path / "c.pem"], check=True, capture_output=True)
    certificate.write_text(certificate.read_text() + (tmp_path / "c.pem").read_text())
    receiver = Receiver(certificate=certificate)
    try:
        text = settings(tmp_path, receiver.port, spool=False).replace("http://127.0.0.1", "https://localhost")
        stranger = gateway("stranger", webhook=text)
        Call(stranger.audio_port, seconds=2).join(30)
        assert eventually(lambda: stranger.get("/v1/status")["webhook"]["target_down"])
        assert "certificate" in stranger.log.read_text() and not receiver.attempts
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "c.pem"))
        friend = gateway("friend", webhook=text)
        Call(friend.audio_port, seconds=2).join(30)
        assert eventually(lambda: "leg.ended" in receiver.types())
    finally:
        receiver.close()


def test_settings_that_cannot_be_are_refused(gateway, tmp_path):
    (tmp_path / "secret").write_text("not a secret of this kind\n")
    for text, name in [
        ('url = "ftp://host/"', "webhook.url"),
        (f'url = "http://localhost/"\nsecret_file = "{tmp_path / "secret"}"', "webhook.secret_file"),
        ('url = "http://localhost/"\nsecret_file = "/nowhere"', "/nowhere"),
        ('spool = "/tmp"', "webhook.spool"),
        ('url = "http://localhost/"\nqueue = 0', "webhook.queue"),
    ]:
        config = tmp_path / "bad.toml"
        config.write_text(f"[webhook]\n{text}\n")
        done = subprocess.run([PROGRAM, "--check", "--config", config], capture_output=True, text=True, timeout=60)
        assert done.returncode == 2 and name in done.stderr, done.stderr
        assert "not a secret of this kind" not in done.stderr
