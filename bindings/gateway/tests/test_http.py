"""What is asked of the gateway by HTTP: recordings, legs, news, figures; and who may ask."""

import http.client
import json
import os
import socket
import subprocess
import sys
import threading
import time
import uuid

import jsonschema
from conftest import CALL, CALLS, ROOT, Call, eventually
from openapi_spec_validator import validate
from prometheus_client.parser import text_string_to_metric_families

TOKEN = "a token of the tests"
CONTRACT = json.loads((ROOT / "bindings/gateway/openapi.json").read_text("utf-8"))
REPORT = json.loads((ROOT / "core/schemas/report.schema.json").read_text("utf-8"))
PROBLEM = "application/problem+json"
# What no schema says: that bytes are a recording, that rate goes with raw, which names a codec has.
TESTER = """
[[operations]]
include-operation-id = ["scan", "openRtp"]
checks.positive_data_acceptance.expected-statuses = ["2xx", "400", "401", "415", "422", "5xx"]
"""


def of_contract(name, value):
    schema = {"$ref": f"#/components/schemas/{name}", "components": CONTRACT["components"]}
    jsonschema.Draft202012Validator(schema, format_checker=jsonschema.FormatChecker()).validate(value)


def form(name, data, field="file"):
    boundary = uuid.uuid4().hex
    head = f'--{boundary}\r\nContent-Disposition: form-data; name="{field}"; filename="{name}"\r\nContent-Type: audio/wav\r\n\r\n'
    return head.encode() + data + f"\r\n--{boundary}--\r\n".encode(), f"multipart/form-data; boundary={boundary}"


def test_the_contract_is_what_its_program_makes_and_is_valid():
    subprocess.run([sys.executable, ROOT / "bindings/gateway/make_openapi.py", "--check"], check=True)
    validate(CONTRACT)


def test_a_recording_gives_the_report_that_the_command_gives(gateway):
    gateway = gateway()
    status, headers, report = gateway.ask("POST", "/v1/scan", CALL.read_bytes(), content_type="audio/wav")
    assert (status, headers.get_content_type()) == (200, "application/json")
    jsonschema.validate(report, REPORT)
    of_contract("Report", report)
    command = os.environ.get("VERAVOX_COMMAND", gateway.program.with_name("veravox"))
    line = json.loads(subprocess.run([command, "scan", "--json", "--quiet", "--runtime", "builtin", CALL], capture_output=True, check=True).stdout)[0]
    if line["runtime"] == report["runtime"]:
        assert line["legs"] == report["legs"]
    assert (report["path"], report["audio"]) == ("upload", line["audio"])
    # In a form, with a name; and headerless.
    body, content_type = form("../../evil/call 1.wav", CALL.read_bytes())
    of_form = gateway.ask("POST", "/v1/scan", body, content_type=content_type)[2]
    assert of_form["path"] == "call 1.wav" and of_form["legs"] == report["legs"]
    headerless = CALL.read_bytes()[44:]
    status, _, raw = gateway.ask("POST", "/v1/scan?raw=s16le&rate=8000", headerless, content_type="application/octet-stream")
    assert status == 200 and raw["audio"]["container"] == "raw" and len(raw["legs"]) == 1


def test_what_is_wrong_with_a_recording_is_a_problem_in_words(gateway):
    gateway = gateway(scan="max_mb = 1\nmax_duration_seconds = 5.0")
    wav = CALL.read_bytes()
    two_files = form("a.wav", wav)[0].rsplit(b"--\r\n", 1)[0] + b"\r\n" + form("b.wav", wav)[0]
    no_file = b'--x\r\nContent-Disposition: form-data; name="file"\r\n\r\nhello\r\n--x--\r\n'
    cases = [
        ("", b"", "audio/wav", 415, "unsupported_audio"),
        ("", b"no audio at all " * 100, "audio/wav", 415, "unsupported_audio"),
        ("", wav, "text/html", 415, "unsupported_media_type"),
        ("", b"\0" * (2 << 20), "audio/wav", 413, "too_large"),
        ("", wav, "audio/wav", 422, "limit_exceeded"),
        ("?raw=opus", wav, "audio/wav", 400, "invalid_argument"),
        ("?rate=8000", wav, "audio/wav", 400, "invalid_argument"),
        ("?raw=s16le&rate=0", wav[44:], "audio/wav", 422, "limit_exceeded"),
        ("?raw=s16le&channels=99", wav[44:], "audio/wav", 422, "limit_exceeded"),
        ("?colour=red", wav, "audio/wav", 400, "invalid_argument"),
        ("", b"", "multipart/form-data", 400, "invalid_argument"),
        ("", two_files, "multipart/form-data; boundary=x", 400, "invalid_argument"),
        ("", no_file, "multipart/form-data; boundary=x", 400, "invalid_argument"),
    ]
    for query, body, content_type, wanted, kind in cases:
        status, headers, problem = gateway.ask("POST", f"/v1/scan{query}", body, content_type=content_type)
        assert (status, problem["kind"], headers.get_content_type()) == (wanted, kind, PROBLEM), (query, content_type, problem)
        of_contract("Problem", problem)
        assert problem["status"] == status and problem["detail"]
    bad = [path for path in (ROOT / "testdata/bad").iterdir() if path.is_file() and path.suffix not in (".py", ".md", ".tsv", ".json")]
    statuses = {gateway.ask("POST", "/v1/scan", path.read_bytes(), content_type="application/octet-stream")[0] for path in bad}
    assert {415, 422} <= statuses <= {200, 413, 415, 422}, "whatever the recording is, it has an answer"
    for method, path, wanted in [("GET", "/nothing", 404), ("PUT", "/v1/scan", 405), ("DELETE", "/healthz", 405)]:
        status, headers, problem = gateway.ask(method, path)
        assert (status, headers.get_content_type(), problem["status"]) == (wanted, PROBLEM, wanted)
        assert ("Allow" in headers) == (wanted == 405)


def test_too_many_recordings_are_told_to_come_again_and_slow_ones_are_given_up(gateway):
    gateway = gateway(scan="at_once = 1\nwaiting = 0\nupload_seconds = 1.5")
    with socket.create_connection(("127.0.0.1", gateway.port)) as slow:
        slow.sendall(b"POST /v1/scan HTTP/1.1\r\nHost: localhost\r\nContent-Type: audio/wav\r\nContent-Length: 9999\r\n\r\nRIFF")
        time.sleep(0.3)
        status, headers, problem = gateway.ask("POST", "/v1/scan", CALL.read_bytes(), content_type="audio/wav")
        assert (status, problem["kind"], headers["Retry-After"]) == (503, "overloaded", "5")
        assert slow.recv(4096).startswith(b"HTTP/1.1 408 ")
    assert gateway.ask("POST", "/v1/scan", CALL.read_bytes(), content_type="audio/wav")[0] == 200


def test_whoever_has_no_token_learns_nothing(gateway):
    gateway = gateway(token=TOKEN)
    for method, path in [("GET", "/v1/legs"), ("GET", "/v1/status"), ("GET", "/v1/events"), ("GET", "/metrics"), ("POST", "/v1/scan"), ("POST", "/v1/rtp")]:
        for token in (None, "wrong", TOKEN[:-1]):
            status, headers, problem = gateway.ask(method, path, token=token)
            assert (status, headers["WWW-Authenticate"]) == (401, 'Bearer realm="veravox"'), path
            of_contract("Problem", problem)
        # Not in an address, which ends up in logs.
        assert gateway.ask(method, f"{path}?token={TOKEN.replace(' ', '%20')}", token=None)[0] == 401
    for path in ("/healthz", "/readyz", "/", "/v1/openapi.json"):
        assert gateway.ask("GET", path, token=None)[0] == 200
    assert gateway.get("/v1/legs") == {"legs": []}
    assert gateway.get("/v1/openapi.json", token=None) == CONTRACT
    assert TOKEN not in gateway.log.read_text()


def test_the_page_logs_in_once_and_its_cookie_only_reads(gateway):
    gateway = gateway(token=TOKEN)

    def login(token, **headers):
        return gateway.ask("POST", "/login", json.dumps({"token": token}), token=None, content_type="application/json", **headers)

    assert login("wrong")[0] == 401
    assert gateway.ask("POST", "/login", "{}", token=None, content_type="application/json")[0] == 422
    assert gateway.ask("POST", "/login", "x" * 9_000, token=None, content_type="application/json")[0] == 413
    assert login(TOKEN, Sec_Fetch_Site="cross-site")[0] == 403
    status, headers, _ = login(TOKEN)
    cookie = headers["Set-Cookie"]
    assert status == 204 and {"HttpOnly", "SameSite=Strict", "Path=/"} <= {part.strip() for part in cookie.split(";")}
    cookie = cookie.split(";")[0]
    assert TOKEN not in cookie
    assert gateway.ask("GET", "/v1/legs", token=None, Cookie=f"other=1; {cookie}")[0] == 200
    assert gateway.ask("POST", "/v1/scan", CALL.read_bytes(), token=None, Cookie=cookie)[0] == 401
    until, _, tag = cookie.partition("=")[2].partition(".")
    for forged in (f"veravox={int(until) + 1}.{tag}", f"veravox={until}.", f"veravox={until}.{tag[:-2]}AA", "veravox=1.AAAA", "veravox="):
        assert gateway.ask("GET", "/v1/legs", token=None, Cookie=forged)[0] == 401, forged
    assert gateway.ask("GET", "/v1/legs", token=None, Cookie=cookie, Sec_Fetch_Site="cross-site")[0] == 403
    assert "Max-Age=0" in gateway.ask("POST", "/logout", token=None)[1]["Set-Cookie"]
    gateway.stop()
    gateway.start()
    assert gateway.ask("GET", "/v1/legs", token=None, Cookie=cookie)[0] == 401, "void after a restart"


def test_without_a_token_a_foreign_name_is_not_answered(gateway):
    gateway = gateway()
    assert gateway.ask("GET", "/v1/legs", Host=f"localhost:{gateway.port}")[0] == 200
    status, _, problem = gateway.ask("GET", "/v1/legs", Host="rebound.example")
    assert (status, problem["kind"]) == (421, "other_host")
    assert gateway.ask("GET", "/healthz", Host="rebound.example")[0] == 200


def test_a_call_is_seen_from_its_beginning_to_its_end(gateway):
    gateway = gateway()
    news, names = [], []

    def read():
        for _, name, data in gateway.events():
            names.append(name)
            news.append(data)
            if name == "ended":
                return

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    time.sleep(0.3)
    call = Call(gateway.audio_port, speed=2)
    [leg] = eventually(lambda: gateway.get("/v1/legs")["legs"])
    of_contract("Leg", leg)
    assert (leg["call"], leg["protocol"], leg["status"]) == (str(call.uuid), "audio_socket", "NOTSURE")
    call.join(60)
    reader.join(20)
    assert not reader.is_alive(), names
    assert names[0] == "opened" and names[-1] == "ended" and {"window", "verdict"} <= set(names)
    for one in news:
        of_contract("News", one)
        assert (one["leg"], one["call"]) == (leg["leg"], str(call.uuid))
    end = news[-1]
    assert end["report"]["windows"] == [] and end["report"]["stage"] == end["stage"]
    assert sum(name == "window" for name in names) >= 5
    assert gateway.get("/v1/legs") == {"legs": []}
    status = gateway.get("/v1/status")
    of_contract("GatewayStatus", status)
    assert status["opened"]["audio_socket"] == 1 and sum(status["ended"].values()) == 1
    assert str(call.uuid) not in gateway.log.read_text(), "nothing of a call in the log"


def test_the_news_go_on_until_the_last_verdicts_are_told(gateway):
    gateway = gateway()
    news = []
    reader = threading.Thread(target=lambda: news.extend(gateway.events()), daemon=True)
    reader.start()
    time.sleep(0.3)
    calls = [Call(gateway.audio_port, seconds=60, speed=1) for _ in range(3)]
    assert eventually(lambda: len(gateway.get("/v1/legs")["legs"]) == 3)
    time.sleep(4)
    assert gateway.stop() == 0
    reader.join(20)
    assert not reader.is_alive()
    ends = [data for _, name, data in news if name == "ended"]
    assert len(ends) == len(calls) and all(end["report"] for end in ends), [name for _, name, _ in news]


def test_a_page_of_another_site_asks_for_nothing(gateway):
    gateway = gateway(http='allowed_origins = ["https://phone.example"]')
    for method, path in [("POST", "/v1/rtp"), ("POST", "/v1/scan"), ("POST", "/login"), ("POST", "/logout"), ("GET", "/v1/legs"), ("GET", "/v1/media/fork")]:
        for origin in ("http://evil.example", f"http://127.0.0.1:{gateway.audio_port}", "null"):
            status, headers, problem = gateway.ask(method, path, Origin=origin)
            assert (status, problem["kind"], headers.get_content_type()) == (403, "other_site", PROBLEM), (path, origin)
            of_contract("Problem", problem)
    assert gateway.ask("GET", "/v1/legs", Origin=f"http://127.0.0.1:{gateway.port}")[0] == 200
    assert gateway.ask("POST", "/v1/rtp", Origin="https://phone.example", Sec_Fetch_Site="cross-site")[0] == 201


def test_a_reader_comes_back_where_it_was(gateway):
    gateway = gateway()
    Call(gateway.audio_port).join(60)
    eventually(lambda: sum(gateway.get("/v1/status")["ended"].values()) == 1)

    def until_end(**how):
        found = []
        for event in gateway.events(**how):
            found.append(event)
            if event[1] == "ended":
                return found
        raise AssertionError("the stream ended")

    all_of_it = until_end(path="/v1/events?kept=true")
    assert [name for _, name, _ in all_of_it][0] == "opened"
    assert until_end(last=all_of_it[3][0]) == all_of_it[4:]
    assert [name for _, name, _ in until_end(path="/v1/events?kept=true&events=opened,ended")] == ["opened", "ended"]
    for bad, header in [("?kept=perhaps", None), ("?events=noise", None), ("?since=1", None), ("", "yesterday")]:
        status, headers, _ = gateway.ask("GET", f"/v1/events{bad}", **({"Last_Event_ID": header} if header else {}))
        assert (status, headers.get_content_type()) == (400, PROBLEM), bad
    before = all_of_it[3][0]
    gateway.stop()
    gateway.start()
    Call(gateway.audio_port).join(60)
    eventually(lambda: sum(gateway.get("/v1/status")["ended"].values()) == 1)
    assert until_end(last=before)[0][1] == "opened", "of another run: with what is kept"


def test_a_reader_who_does_not_read_costs_no_memory(gateway):
    gateway = gateway()
    before = gateway.memory_kb()
    with socket.create_connection(("127.0.0.1", gateway.port)) as slow:
        slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
        slow.sendall(b"GET /v1/events HTTP/1.1\r\nHost: localhost\r\n\r\n")
        calls = [Call(gateway.audio_port) for _ in range(8)]
        for call in calls:
            call.join(60)
        eventually(lambda: sum(gateway.get("/v1/status")["ended"].values()) == 8)
    assert gateway.memory_kb() - before < 40_000
    assert "veravox_event_readers 1" in gateway.get("/metrics") or eventually(lambda: "veravox_event_readers 0" in gateway.get("/metrics"))


def test_prometheus_reads_the_metrics(gateway):
    gateway = gateway()
    call = Call(gateway.audio_port)
    eventually(lambda: gateway.get("/v1/legs")["legs"])
    status, headers, text = gateway.ask("GET", "/metrics")
    assert status == 200 and headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    families = {family.name: family for family in text_string_to_metric_families(text)}
    assert all(family.documentation and family.type in ("counter", "gauge") for family in families.values())
    assert {name.removeprefix("veravox_") for name in families} >= {"legs", "legs_opened", "legs_ended", "windows_scored", "windows_shed", "engine_up"}
    assert families["veravox_legs"].samples[0].value == 1
    opened = {sample.labels["protocol"]: sample.value for sample in families["veravox_legs_opened"].samples}
    assert opened["audio_socket"] == 1 and set(opened) == set(CONTRACT["components"]["schemas"]["Protocol"]["enum"])
    assert str(call.uuid) not in text
    call.hang_up()


def test_readiness_says_why_not(gateway):
    gateway = gateway(wait=False, scoring='model = "/nowhere"')
    assert eventually(lambda: answers(gateway))
    status, _, body = gateway.ask("GET", "/readyz")
    assert (status, body) == (503, {"ready": False, "cause": "model"})
    of_contract("Readiness", body)
    assert gateway.get("/healthz") == "ok\n"
    status, headers, problem = gateway.ask("POST", "/v1/scan", CALL.read_bytes(), content_type="audio/wav")
    assert (status, problem["kind"]) == (503, "model") and int(headers["Retry-After"]) > 0


def answers(gateway):
    try:
        return gateway.ask("GET", "/healthz")[0] == 200
    except OSError:
        return False


def test_recordings_of_all_kinds(gateway):
    gateway = gateway()
    for name in ("05-pharmacy-one-track.m4a", "08-werkstatt-german.mp3", "10-biblioteca-spanish.ogg"):
        status, _, report = gateway.ask("POST", "/v1/scan", (CALLS / name).read_bytes(), content_type="application/octet-stream")
        assert status == 200, (name, report)
        jsonschema.validate(report, REPORT)


def test_a_client_that_goes_away_ends_its_scan(gateway):
    gateway = gateway()
    # Ten minutes of speech take seconds.
    samples = CALL.read_bytes()[44:]
    long = (samples * (10 * 60 * 16_000 // len(samples) + 1))[: 10 * 60 * 16_000]
    connection = http.client.HTTPConnection("127.0.0.1", gateway.port)
    connection.request("POST", "/v1/scan?raw=s16le", long, {"Content-Type": "audio/l16"})
    time.sleep(0.2)
    connection.close()
    began = time.monotonic()
    assert gateway.ask("POST", "/v1/scan", CALL.read_bytes(), content_type="audio/wav")[0] == 200
    print(f"the next was answered after {time.monotonic() - began:.2f} s")


def test_a_contract_tester_finds_nothing(gateway, tmp_path):
    gateway = gateway(token=TOKEN, scan="max_mb = 1")
    schema = tmp_path / "openapi.json"
    # A stream that does not end is nothing for it.
    contract = json.loads(json.dumps(CONTRACT))
    del contract["paths"]["/v1/events"]
    schema.write_text(json.dumps(contract))
    (tmp_path / "schemathesis.toml").write_text(TESTER)
    command = [sys.executable, "-m", "schemathesis.cli", "run", schema, "--url", f"http://127.0.0.1:{gateway.port}", "--max-examples=15",
               "--checks=all", "--seed=1", "--no-color", "--request-timeout=20", "--header", f"Authorization: Bearer {TOKEN}"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]


def test_the_log_is_json_where_that_is_wanted_and_tells_nothing_of_a_caller(gateway):
    gateway = gateway(log='format = "json"')
    call = Call(gateway.audio_port, seconds=3)
    call.join(30)
    eventually(lambda: sum(gateway.get("/v1/status")["ended"].values()) == 1)
    lines = [json.loads(line) for line in gateway.log.read_text().splitlines()]
    assert all({"timestamp", "level", "message"} <= set(line) for line in lines)
    [end] = [line for line in lines if line["message"] == "a leg ended"]
    assert (end["protocol"], end["level"]) == ("audio_socket", "INFO") and end["heard_ms"] > 2_000
    assert str(call.uuid) not in gateway.log.read_text()
