"""WAV files byte by byte, so that every field can lie."""

import struct

PCM, MS_ADPCM, FLOAT, ALAW, MULAW, IMA_ADPCM, EXTENSIBLE = 1, 2, 3, 6, 7, 0x11, 0xFFFE


def chunk(tag, body=b"", size=None):
    """A RIFF chunk, padded to an even length; `size` is what its header says, true by default."""
    said = len(body) if size is None else size
    return tag + struct.pack("<I", said) + body + b"\0" * (len(body) % 2)


def fmt(codec=PCM, channels=1, rate_hz=8000, bits=16, block_align=None, extra=None):
    align = channels * bits // 8 if block_align is None else block_align
    body = struct.pack(
        "<HHIIHH",
        codec,
        channels,
        rate_hz,
        rate_hz * align & 0xFFFFFFFF,
        align & 0xFFFF,
        bits,
    )
    if extra is not None:
        body += struct.pack("<H", len(extra)) + extra
    return chunk(b"fmt ", body)


def riff(*chunks, size=None):
    body = b"WAVE" + b"".join(chunks)
    return b"RIFF" + struct.pack("<I", len(body) if size is None else size) + body


def wav(body, **fields):
    """A whole file with these sample bytes; `fields` are those of `fmt`."""
    return riff(fmt(**fields), chunk(b"data", body))
