"""Asks rtpengine for a copy of one side of a call, and hands it to the gateway.

    python watch.py [CALL-ID FROM-TAG] [--rtpengine 127.0.0.1:2223] [--gateway http://127.0.0.1:8088]

Without them call-id and tag are those of the message that Kamailio runs it for (`exec_msg`), in SIP_HF_CALLID and SIP_HF_FROM.

A port is opened at the gateway (`POST /v1/rtp`); rtpengine is asked for a subscription and told that port in the answer. The gateway
closes the port when nothing comes any more. Nothing but Python's own library is needed; rtpengine speaks bencode over UDP.
"""

import argparse
import json
import os
import socket
import urllib.request
import uuid


def encode(value):
    if isinstance(value, int):
        return b"i%de" % value
    if isinstance(value, str):
        value = value.encode()
    if isinstance(value, bytes):
        return b"%d:%s" % (len(value), value)
    if isinstance(value, list):
        return b"l" + b"".join(map(encode, value)) + b"e"
    return b"d" + b"".join(encode(key) + encode(value[key]) for key in sorted(value)) + b"e"


def decode(text, at=0):
    kind = text[at : at + 1]
    if kind == b"i":
        end = text.index(b"e", at)
        return int(text[at + 1 : end]), end + 1
    if kind in b"ld":
        items, at = [], at + 1
        while text[at : at + 1] != b"e":
            item, at = decode(text, at)
            items.append(item)
        return (items if kind == b"l" else dict(zip(items[::2], items[1::2], strict=True))), at + 1
    colon = text.index(b":", at)
    end = colon + 1 + int(text[at:colon])
    return text[colon + 1 : end].decode(), end


def ask(rtpengine, command):
    host, port = rtpengine.rsplit(":", 1)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as line:
        line.settimeout(2)
        cookie = uuid.uuid4().hex.encode()
        line.sendto(cookie + b" " + encode(command), (host, int(port)))
        answer, _ = decode(line.recv(65_536).partition(b" ")[2])
    if answer["result"] not in ("ok", "pong"):
        raise SystemExit(f"rtpengine: {answer.get('error-reason', answer['result'])}")
    return answer


def open_port(gateway, sdp):
    """A port for the codec that the caller speaks: the first of the offer."""
    number = int(next(line for line in sdp.splitlines() if line.startswith("m=audio")).split()[3])
    name = {0: "PCMU", 8: "PCMA"}.get(number)
    if name is None:
        raise SystemExit("the caller speaks neither PCMU nor PCMA; let rtpengine transcode")
    headers = {"content-type": "application/json"}
    if token := os.environ.get("VERAVOX_TOKEN"):
        headers["authorization"] = f"Bearer {token}"
    body = json.dumps({"codecs": [{"name": name}]}).encode()
    with urllib.request.urlopen(urllib.request.Request(f"{gateway}/v1/rtp", body, headers)) as answer:
        return json.load(answer)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("call_id", nargs="?", default=os.environ.get("SIP_HF_CALLID"))
    parser.add_argument("from_tag", nargs="?", default=os.environ.get("SIP_HF_FROM", "").partition(";tag=")[2].partition(";")[0])
    parser.add_argument("--rtpengine", default="127.0.0.1:2223")
    parser.add_argument("--gateway", default="http://127.0.0.1:8088")
    arguments = parser.parse_args()
    call = {"call-id": arguments.call_id}
    offer = ask(arguments.rtpengine, {"command": "subscribe request", "from-tag": arguments.from_tag, **call})
    opened = open_port(arguments.gateway, offer["sdp"])
    ask(arguments.rtpengine, {"command": "subscribe answer", "to-tag": offer["to-tag"], "sdp": opened["sdp"], **call})
    print(opened["id"])


if __name__ == "__main__":
    main()
