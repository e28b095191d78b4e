"""Writes openapi.json, the contract of the gateway's HTTP; with --check, says whether it is the one that is committed.

The report on a recording is core/schemas/report.schema.json, taken over as it is: its parts become components.
"""

import json
import pathlib
import re
import sys

HERE = pathlib.Path(__file__).parent
ROOT = HERE.parents[1]
TARGET = HERE / "openapi.json"
VERSION = re.search(r'^version = "(.+)"', (ROOT / "Cargo.toml").read_text(), re.M)[1]


def ref(name):
    return {"$ref": f"#/components/schemas/{name}"}


def array(of, **more):
    return {"type": "array", "items": of, **more}


def record(properties, optional=(), **more):
    required = [name for name in properties if name not in optional]
    return {"type": "object", "required": required, "properties": properties, **more}


def nullable(schema):
    return {"oneOf": [schema, {"type": "null"}]}


def answer(words, schema, media="application/json", **more):
    return {"description": words, "content": {media: {"schema": schema}}, **more}


def problem(words, **more):
    return answer(words, ref("Problem"), "application/problem+json", **more)


RETRY_AFTER = {"Retry-After": {"description": "Seconds until it may be tried again.", "schema": {"type": "integer", "minimum": 1}}}
UNSIGNED = {"type": "integer", "minimum": 0}
NUMBER = {"type": "number"}
POSITIVE = {"type": "number", "minimum": 0}
TEXT = {"type": "string"}
FLAG = {"type": "boolean"}
UUID = {"type": "string", "format": "uuid"}
LLR = {"type": ["number", "null"], "description": "Natural-log likelihood ratio, positive for synthetic; null before anything was scored."}


def report_schemas():
    """The report's schema and its parts, with references of this document."""
    schema = json.loads((ROOT / "core/schemas/report.schema.json").read_text())
    names = {"thresholds": "Thresholds", "member": "Member", "leg": "LegReport", "change": "Change", "window": "Window", "scored_stretch": "Segment"}

    def moved(part):
        if isinstance(part, dict):
            return {key: names_of(value) if key == "$ref" else moved(value) for key, value in part.items()}
        return [moved(one) for one in part] if isinstance(part, list) else part

    def names_of(reference):
        return f"#/components/schemas/{names[reference.removeprefix('#/$defs/')]}"

    parts = {names[name]: moved(part) for name, part in schema.pop("$defs").items()}
    for key in ("$schema", "$id", "title"):
        del schema[key]
    schema["description"] = "core/schemas/report.schema.json, version 1. " + schema["description"].partition(". ")[2]
    # A recording that has no report has a problem instead.
    del schema["oneOf"], schema["properties"]["error"]
    schema["required"] += ["legs", "audio", "warnings"]
    return {"Report": moved(schema), **parts}


WORDS = {
    "status": ref("Status"),
    "stage": {"enum": ["listening", "provisional", "firm", "changed"], "description": "How far the verdict is founded."},
    "cause": {
        **TEXT,
        "description": "Why it is NOTSURE, reasons with commas between, or ERROR: model, settings, runtime, overloaded, sample_rate, protocol, stopped, internal. Empty otherwise.",
    },
    "score": LLR,
    "speech_ms": {**UNSIGNED, "description": "Milliseconds of voice that the verdict rests on."},
    "thresholds": {**nullable(ref("Thresholds")), "description": "Where the leg is decided on; null before the band of its voice, and with it its model, is known."},
}
LEG = {
    "leg": {**UUID, "description": "Of this leg alone; random."},
    "call": {**UUID, "description": "Of all legs of the call: the id that the protocol brings where that is a UUID, else random."},
    "protocol": ref("Protocol"),
    "track": {**UNSIGNED, "description": "Which side of the call, from 0."},
    "sample_rate_hz": {"type": "integer", "minimum": 1},
    "started_ms": {**UNSIGNED, "description": "When it began, in milliseconds since 1970 by the gateway's clock."},
}
NEWS = {
    **LEG,
    "at_ms": {**UNSIGNED, "description": "When, in milliseconds since 1970 by the gateway's clock."},
    "heard_ms": {**UNSIGNED, "description": "Milliseconds of audio heard by then."},
}


def news(event, more, words):
    return record({**NEWS, "event": {"const": event}, **more}, description=words)


def schemas():
    counts = {"type": "object", "additionalProperties": UNSIGNED}
    engine = {
        **{name: UNSIGNED for name in ("legs", "refused_legs", "failed_legs", "scored_windows", "shed_windows", "replaced_windows", "dropped_samples", "missed_events")},
        "compute_delay_ms": record({"p50": POSITIVE, "p99": POSITIVE, "max": POSITIVE}),
        "hearing_seconds": POSITIVE,
        "scoring_seconds": POSITIVE,
    }
    webhook = {**{name: UNSIGNED for name in ("offered", "delivered", "failed_attempts", "lost", "unspooled", "waiting", "spool_bytes")}, "target_down": FLAG}
    ami = {**{name: UNSIGNED for name in ("told", "gone", "not_found", "refused", "connections", "legs")}, "connected": FLAG}
    report = report_schemas()
    head = {name: report["Report"]["properties"][name] for name in ("schema_version", "model", "runtime", "thresholds", "calibration")}
    return {
        "Status": {
            "enum": ["HUMAN", "SYNTHETIC", "NOTSURE", "ERROR"],
            "description": "What a dialplan branches on. No verdict is never HUMAN.",
        },
        "Protocol": {"enum": ["audio_socket", "asterisk", "fork", "twilio", "audio_hook", "rtp"], "description": "How the audio comes."},
        "Leg": record({**LEG, **WORDS, "heard_ms": {**UNSIGNED, "description": "Milliseconds of audio heard, pauses and losses included."}}, description="A leg in progress."),
        "Legs": record({"legs": array(ref("Leg"), description="Oldest first.")}),
        "News": {
            "oneOf": [ref("Opened"), ref("WindowScored"), ref("Verdict"), ref("Ended")],
            "description": "The data of a server-sent event, whose name is the same as `event`; and of a message to the webhook.",
        },
        "Opened": news("opened", {}, "The leg's audio begins."),
        "WindowScored": news("window", {"window": ref("Window")}, "A window was scored. Not sent to the webhook."),
        "Verdict": news("verdict", WORDS, "Another verdict than before, or a better founded one."),
        "Ended": news(
            "ended",
            {**WORDS, "report": nullable(ref("LegReport"))},
            "The last of a leg: its audio ended, or it was not watched; then there is no report. In events the report has no windows, since each was told by itself; the webhook's has.",
        ),
        "WebhookMessage": record(
            {"type": {"enum": ["leg.opened", "leg.verdict", "leg.ended"]}, "timestamp": {**TEXT, "format": "date-time"}, "data": ref("News")},
            description="What the webhook is sent, in the form of Standard Webhooks 1.0.",
        ),
        "GatewayStatus": record(
            {
                "version": TEXT,
                "uptime_seconds": UNSIGNED,
                "guarded": {**FLAG, "description": "A token is asked for."},
                "legs": {**UNSIGNED, "description": "Legs in progress."},
                "opened": {**counts, "description": "Legs since the start, by protocol."},
                "ended": {**counts, "description": "Legs that ended, by their last status."},
                "models": array(record(head, optional=["calibration"]), description="What scores audio of each model's rate; empty where nothing does."),
                "engine": nullable(record(engine)),
                "webhook": nullable(record(webhook)),
                "ami": nullable(record(ami)),
            }
        ),
        "Readiness": record(
            {"ready": FLAG, "cause": {**TEXT, "description": "Why not: stopping, or the cause of the status ERROR that legs would have now."}}, optional=["cause"]
        ),
        "RtpAsk": record(
            {
                "call": {"type": ["string", "null"], "format": "uuid", "description": "The call, so that its legs are found together."},
                "codecs": array(
                    record({"name": {**TEXT, "pattern": "^(PCMU|PCMA|L16/[0-9]{4,6})$"}, "payload_type": {"type": ["integer", "null"], "minimum": 0, "maximum": 127}}, optional=["payload_type"], additionalProperties=False),
                    minItems=1,
                    maxItems=16,
                    description="As in SDP; PCMU and PCMA without it.",
                ),
            },
            optional=["call", "codecs"],
            additionalProperties=False,
        ),
        "RtpPort": record({"id": UUID, "call": UUID, "address": TEXT, "port": {"type": "integer", "minimum": 1, "maximum": 65535}, "sdp": {**TEXT, "description": "The same as a session description."}}),
        "Login": record({"token": TEXT}, additionalProperties=False),
        "Problem": record(
            {
                "title": TEXT,
                "status": {"type": "integer", "minimum": 400, "maximum": 599},
                "detail": {**TEXT, "description": "In words; it repeats nothing of what was sent."},
                "kind": {**TEXT, "description": "For programs: a kind of the library's errors (report.schema.json), or a word of the gateway's."},
            },
            description="RFC 9457.",
        ),
        **report,
    }


def paths():
    no_token = {
        "401": problem("The token is missing or wrong.", headers={"WWW-Authenticate": {"schema": TEXT}}),
        "403": problem("A browser's page of another site asked, which http.allowed_origins does not list."),
        "421": problem("There is no token, and the request names another host than this machine."),
    }
    get = {"security": [{"token": []}, {"cookie": []}, {}]}
    raw = [
        {
            "name": "raw",
            "in": "query",
            "description": "Read the recording as headerless audio of this encoding.",
            "schema": {"enum": ["s16le", "f32le", "alaw", "mulaw"]},
        },
        {
            "name": "rate",
            "in": "query",
            "description": "Sample rate of headerless audio; 8000 without it.",
            "schema": {"type": "integer", "minimum": 4000, "maximum": 384000},
        },
        {"name": "channels", "in": "query", "description": "Channels of headerless audio, interleaved; 1 without it.", "schema": {"type": "integer", "minimum": 1, "maximum": 16}},
    ]
    binary = {"schema": {"type": "string", "contentMediaType": "application/octet-stream"}}
    form = {"schema": record({"file": {"type": "string", "contentMediaType": "application/octet-stream"}})}
    scan = {
        "operationId": "scan",
        "summary": "Scan a recording",
        "description": "The recording is held in memory, and never on disk. The body is the recording itself, or a form with one file.",
        "security": [{"token": []}, {}],
        "parameters": raw,
        "requestBody": {
            "required": True,
            "content": {"application/octet-stream": binary, "audio/*": binary, "multipart/form-data": form},
        },
        "responses": {
            "200": answer("The report.", ref("Report")),
            "400": problem("A parameter or the form cannot be."),
            **no_token,
            "408": problem("The upload took too long."),
            "413": problem("The recording is too large."),
            "415": problem("This is no recording, or none that is read."),
            "422": problem("The recording is broken, or beyond a limit."),
            "500": problem("The scan failed."),
            "503": problem("There is too much to do, or nothing can be scanned.", headers=RETRY_AFTER),
        },
    }
    events = {
        "operationId": "events",
        "summary": "The news of all legs, as they come",
        "description": "Server-sent events, named opened, window, verdict, ended; and missed, whose data is {\"missed\": n}, where the reader was too slow. With Last-Event-ID it goes on behind that event, as far as news are kept.",
        **get,
        "parameters": [
            {"name": "kept", "in": "query", "description": "Begin with the news that are kept.", "schema": {**FLAG, "default": False}},
            {
                "name": "events",
                "in": "query",
                "description": "Only these, with commas between.",
                "style": "form",
                "explode": False,
                "schema": array({"enum": ["opened", "window", "verdict", "ended"]}, minItems=1),
            },
            {"name": "Last-Event-ID", "in": "header", "description": "The id of the last event that was received.", "schema": {**TEXT, "pattern": "^[0-9a-f]{1,16}-[0-9]{1,19}$"}},
        ],
        "responses": {
            "200": answer("A stream that does not end. The data of each event is a News.", TEXT, "text/event-stream"),
            "400": problem("A parameter cannot be."),
            **no_token,
            "503": problem("As many read as may.", headers=RETRY_AFTER),
        },
    }
    rtp = {
        "operationId": "openRtp",
        "summary": "Open a port for a leg by RTP",
        "security": [{"token": []}, {}],
        "requestBody": {"required": False, "content": {"application/json": {"schema": ref("RtpAsk")}}},
        "responses": {
            "201": answer("The port is open until it is closed or nothing comes any more.", ref("RtpPort")),
            "400": problem("The JSON is not of the form."),
            **no_token,
            "413": problem("The body is too large."),
            "503": problem("No port is free, or as many connections are open as are let in.", headers=RETRY_AFTER),
        },
    }
    rtp_end = {
        "operationId": "closeRtp",
        "summary": "Close a port",
        "security": [{"token": []}, {}],
        "parameters": [{"name": "id", "in": "path", "required": True, "description": "As POST /v1/rtp gave it.", "schema": UUID}],
        "responses": {"204": {"description": "The leg ends."}, **no_token, "404": problem("No port of this id is open.")},
    }
    cookie = {"Set-Cookie": {"schema": TEXT}}
    return {
        "/healthz": {"get": {"operationId": "healthz", "summary": "The process answers", "security": [], "responses": {"200": answer("It does.", TEXT, "text/plain")}}},
        "/login": {
            "post": {
                "operationId": "login",
                "summary": "The token for a cookie, for the live page",
                "security": [],
                "requestBody": {"required": True, "content": {"application/json": {"schema": ref("Login")}}},
                "responses": {
                    "204": {"description": "The cookie lets through reading, for 12 hours.", "headers": cookie},
                    "400": problem("The body is no JSON."),
                    **no_token,
                    "408": problem("The body took too long."),
                    "413": problem("The body is too large."),
                    "415": problem("The body is not called JSON."),
                    "422": problem("The JSON is not of the form."),
                },
            }
        },
        "/logout": {
            "post": {
                "operationId": "logout",
                "summary": "The cookie is taken back",
                "security": [],
                "responses": {"204": {"description": "It is.", "headers": cookie}, "403": no_token["403"]},
            }
        },
        "/metrics": {
            "get": {
                "operationId": "metrics",
                "summary": "What was counted, for Prometheus",
                **get,
                "responses": {"200": answer("Text format 0.0.4.", TEXT, "text/plain"), **no_token},
            }
        },
        "/readyz": {
            "get": {
                "operationId": "readyz",
                "summary": "Calls can be watched",
                "security": [],
                "responses": {"200": answer("They can.", ref("Readiness")), "503": answer("They cannot.", ref("Readiness"))},
            }
        },
        "/v1/events": {"get": events},
        "/v1/legs": {"get": {"operationId": "legs", "summary": "The legs in progress", **get, "responses": {"200": answer("All of them.", ref("Legs")), **no_token}}},
        "/v1/openapi.json": {
            "get": {"operationId": "openapi", "summary": "This document", "security": [], "responses": {"200": answer("OpenAPI 3.1.", {"type": "object"})}}
        },
        "/v1/rtp": {"post": rtp},
        "/v1/rtp/{id}": {"delete": rtp_end},
        "/v1/scan": {"post": scan},
        "/v1/status": {
            "get": {"operationId": "status", "summary": "What the gateway does", **get, "responses": {"200": answer("Counters since the start.", ref("GatewayStatus")), **no_token}}
        },
    }


def document():
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "veravox-gateway",
            "version": VERSION,
            "summary": "Recordings, legs in progress, their verdicts.",
            "description": "Scores have one direction everywhere: llr is a natural-log likelihood ratio, positive for synthetic. Where http.token_file is set, all but what says otherwise asks for the token.",
            "license": {"name": "MIT OR Apache-2.0", "identifier": "MIT OR Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "paths": paths(),
        "webhooks": {
            "verdict": {
                "post": {
                    "operationId": "webhook",
                    "summary": "What webhook.url is sent",
                    "description": "Signed as Standard Webhooks 1.0 has it: webhook-signature is v1, and the base64 of HMAC-SHA256 over webhook-id.webhook-timestamp.body.",
                    "parameters": [{"name": name, "in": "header", "required": name != "webhook-signature", "schema": TEXT} for name in ("webhook-id", "webhook-timestamp", "webhook-signature")],
                    "requestBody": {"required": True, "content": {"application/json": {"schema": ref("WebhookMessage")}}},
                    "responses": {
                        "2XX": {"description": "Accepted."},
                        "410": {"description": "Not wanted any more; not sent again."},
                        "default": {"description": "Sent again later."},
                    },
                }
            }
        },
        "components": {
            "securitySchemes": {
                "token": {"type": "http", "scheme": "bearer"},
                "cookie": {"type": "apiKey", "in": "cookie", "name": "veravox", "description": "From /login; for GET alone."},
            },
            "schemas": schemas(),
        },
    }


def main():
    text = json.dumps(document(), indent=1, ensure_ascii=False) + "\n"
    if "--check" not in sys.argv[1:]:
        TARGET.write_text(text, "utf-8")
    elif TARGET.read_text("utf-8") != text:
        sys.exit("bindings/gateway/openapi.json is not what make_openapi.py makes: run it")


if __name__ == "__main__":
    main()
