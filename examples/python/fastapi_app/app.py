"""A small service: recordings go in by POST /scan, calls that go on by the websocket /live; reports come out as JSON.

    pip install -r examples/python/fastapi_app/requirements.txt
    uvicorn --app-dir examples/python/fastapi_app --limit-concurrency 64 app:app
    curl --data-binary @testdata/calls/03-bank-card.alaw.wav http://127.0.0.1:8000/scan

The limit on concurrency bounds the uploads in memory. There are no users and no encryption: put it behind what your house
has for both.
"""

import asyncio
import os
from collections.abc import AsyncIterator

import veravox
from fastapi import FastAPI, HTTPException, Request, WebSocket, WebSocketDisconnect
from fastapi.responses import JSONResponse

MAX_UPLOAD_BYTES = 64 * 2**20
MAX_RECORDING_SECONDS = 3_600.0
MAX_MESSAGE_BYTES = 2**20
MAX_CALL_SECONDS = 4 * 3_600.0

STATUS_OF_KIND = {"unsupported_audio": 415, "corrupt_audio": 422, "limit_exceeded": 413, "invalid_argument": 422}

app = FastAPI(title="veravox", version=veravox.__version__)
detector = veravox.Detector()
# More scans at once than cores would only make each slower.
scanning = asyncio.Semaphore(os.cpu_count() or 1)


@app.exception_handler(veravox.VeravoxError)
async def say_what_went_wrong(_: Request, error: veravox.VeravoxError) -> JSONResponse:
    return JSONResponse(failure(error), STATUS_OF_KIND.get(error.kind, 500))


def failure(error: veravox.VeravoxError) -> dict[str, dict[str, str]]:
    return {"error": {"kind": error.kind, "message": str(error)}}


@app.get("/health")
async def health() -> dict[str, str]:
    manifest = detector.manifest()
    return {"status": "ok", "version": veravox.__version__, "model": f"{manifest['name']} {manifest['version']}"}


@app.post("/scan")
async def scan(request: Request) -> JSONResponse:
    """The body is the file itself. A form's upload would be spooled to disk, where recordings of calls have no business."""
    content = await body_of(request)
    async with scanning:
        report = await asyncio.to_thread(detector.scan, content, max_duration_seconds=MAX_RECORDING_SECONDS)
    return JSONResponse(report.to_dict())


async def body_of(request: Request) -> bytes:
    content = bytearray()
    async for part in request.stream():
        content += part
        # Counted as it comes: what the header says of the length need not be true.
        if len(content) > MAX_UPLOAD_BYTES:
            raise HTTPException(413, f"a recording may have {MAX_UPLOAD_BYTES} bytes at most")
    return bytes(content)


@app.websocket("/live")
async def live(socket: WebSocket, sample_rate: int = 8_000) -> None:
    """One leg of a call. Binary messages are its samples, 16 bits, little-endian; any text ends it. Events come back as JSON,
    the last of them `ended` with the verdict, or `failed`."""
    await socket.accept()
    try:
        async with veravox.AsyncStream(detector.stream(sample_rate)) as stream:
            async for event in stream.watch(audio_from(socket, sample_rate)):
                await socket.send_json(event.to_dict())
    except veravox.VeravoxError as error:
        await socket.send_json(veravox.Failed(error.kind, str(error)).to_dict())
    except WebSocketDisconnect:
        return
    await socket.close()


async def audio_from(socket: WebSocket, sample_rate: int) -> AsyncIterator[bytes]:
    bytes_left = MAX_CALL_SECONDS * 2 * sample_rate
    while True:
        message = await socket.receive()
        if message["type"] == "websocket.disconnect":
            raise WebSocketDisconnect(message.get("code", 1000))
        audio = message.get("bytes")
        if audio is None:
            return
        bytes_left -= len(audio)
        if len(audio) > MAX_MESSAGE_BYTES or bytes_left < 0:
            raise veravox.LimitExceededError(f"a message may have {MAX_MESSAGE_BYTES} bytes, a call {MAX_CALL_SECONDS:.0f} s")
        yield audio
