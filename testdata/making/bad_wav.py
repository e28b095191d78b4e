"""WAV files whose headers are broken or lie."""

import struct

from .bad import either, inconclusive, refused, scans
from .wav import ALAW, EXTENSIBLE, FLOAT, IMA_ADPCM, MS_ADPCM, MULAW, chunk, fmt, riff, wav

CORRUPT, UNSUPPORTED, LIMIT = "corrupt_audio", "unsupported_audio", "limit_exceeded"
SHORT = "too little speech"
PCM_GUID = bytes.fromhex("0100000000001000800000aa00389b71")
# The seven coefficient pairs that every MS ADPCM header repeats.
MS_COEFFICIENTS = struct.pack("<HH14h", 2, 7, 256, 0, 512, -256, 0, 0, 192, 64, 240, 0, 460, -208, 392, -232)


def all_files(pcm16):
    """`pcm16` is a quarter of a second of 8 kHz speech, for the files that hold real samples."""
    yield from _without_samples(pcm16)
    yield from _lies_about_shape(pcm16)
    yield from _lies_about_size(pcm16)
    yield from _odd_chunks(pcm16)
    yield from _codecs(pcm16)


def _without_samples(pcm16):
    yield refused("empty.wav", b"", "0 bytes", UNSUPPORTED)
    yield refused(
        "header-only.wav",
        riff(fmt(), chunk(b"data", size=16000), size=36 + 16000),
        "a header that promises 1 s, and nothing after it",
        CORRUPT,
    )
    yield inconclusive("zero-length-data.wav", wav(b""), "a valid header, 0 samples", "no signal", SHORT)
    yield inconclusive("one-byte.wav", wav(b"\0"), "half a sample", "no signal", SHORT)
    yield refused("no-data.wav", riff(fmt()), "no `data` chunk", UNSUPPORTED, CORRUPT)
    yield refused("no-fmt.wav", riff(chunk(b"data", pcm16)), "no `fmt ` chunk", CORRUPT)
    yield refused(
        "data-before-fmt.wav",
        riff(chunk(b"data", pcm16), fmt()),
        "`data` stands before `fmt `",
        CORRUPT,
    )
    yield refused("riff-only.wav", b"RIFF\x24\0\0\0WAVE", "12 bytes of header", UNSUPPORTED, CORRUPT)


def _lies_about_shape(pcm16):
    limit = dict(remark="and no memory taken for them")
    yield refused(
        "billion-channels.wav",
        wav(bytes(64), channels=65535),
        "65,535 channels, the most that WAV can say",
        LIMIT,
        CORRUPT,
        **limit,
    )
    yield refused(
        "billion-channels-mulaw.wav",
        wav(bytes(64), codec=MULAW, channels=65535, bits=8, extra=b""),
        "65,535 channels of mu-law",
        LIMIT,
        CORRUPT,
        **limit,
    )
    yield refused(
        "seventeen-channels.wav",
        wav(bytes(17 * 2 * 400), channels=17),
        "valid, one channel more than the default limit of 16",
        LIMIT,
    )
    yield refused("zero-channels.wav", wav(pcm16, channels=0), "0 channels", CORRUPT)
    yield refused("rate-2e32.wav", wav(pcm16, rate_hz=0xFFFFFFFF), "4,294,967,295 Hz", LIMIT)
    yield refused("rate-1hz.wav", wav(pcm16, rate_hz=1), "1 Hz", LIMIT)
    yield refused("rate-zero.wav", wav(pcm16, rate_hz=0), "0 Hz", LIMIT, CORRUPT)
    yield refused("bits-zero.wav", wav(pcm16, bits=0), "0 bits a sample", CORRUPT, UNSUPPORTED)
    yield refused("bits-33.wav", wav(pcm16, bits=33), "33 bits a sample", CORRUPT, UNSUPPORTED)
    yield refused("float-bits-16.wav", wav(pcm16, codec=FLOAT), "16-bit floats", CORRUPT, UNSUPPORTED)
    yield scans(
        "block-align-zero.wav",
        wav(pcm16, block_align=0),
        "0 bytes a block in PCM, where the field says nothing new",
        remark="the field is not needed",
    )


def _lies_about_size(pcm16):
    early = dict(remark="with a warning that it ends early")
    yield scans(
        "truncated.wav",
        wav(pcm16 * 4)[: 44 + len(pcm16)],
        "ends after a quarter of what the header says",
        **early,
    )
    yield scans(
        "chunk-size-max.wav",
        riff(fmt(), chunk(b"data", pcm16, size=0xFFFFFFFF), size=0xFFFFFFFF),
        "all sizes 0xFFFFFFFF, as programs write that stream to a pipe",
        remark="read to the end of the file",
    )
    yield scans(
        "data-4gib.wav",
        riff(fmt(), chunk(b"data", pcm16, size=0xFFFFFFF0), size=0xFFFFFFFF),
        "4 GiB of samples promised, 4 kB there, as programs write that stream to a pipe",
        remark="read to the end of the file",
    )
    yield scans(
        "unpatched-header.wav",
        riff(fmt(), chunk(b"data", pcm16, size=0), size=0),
        "sizes 0, as a recorder leaves them that never came to the end; 0.25 s of samples follow",
        remark="read to the end of the file, with a warning",
    )
    yield refused(
        "chunk-past-end.wav",
        riff(fmt(), chunk(b"junk", bytes(16), size=1_000_000_000), chunk(b"data", pcm16)),
        "a chunk of 1 GB in a file of 4 kB",
        CORRUPT,
    )
    yield refused(
        "fmt-past-end.wav",
        riff(b"fmt " + struct.pack("<I", 0x7FFFFFFF) + fmt()[8:]),
        "a `fmt ` chunk of 2 GiB",
        CORRUPT,
        UNSUPPORTED,
    )
    yield refused(
        "fmt-too-small.wav",
        riff(chunk(b"fmt ", bytes(8)), chunk(b"data", pcm16)),
        "a `fmt ` chunk of 8 bytes",
        CORRUPT,
    )
    yield refused(
        "info-4gib.wav",
        riff(
            fmt(),
            b"LIST\xf0\xff\xff\xffINFOISFT" + struct.pack("<I", 0xFFFFFF00) + b"x" * 64,
            size=0xFFFFFFFF,
        ),
        "a comment of 4 GiB",
        CORRUPT,
        UNSUPPORTED,
        remark="and no memory taken for it",
    )
    yield scans(
        "rf64-size-max.wav",
        b"RF64\xff\xff\xff\xffWAVE" + chunk(b"ds64", b"\xff" * 28) + fmt() + chunk(b"data", pcm16),
        "RF64 with sizes of 2^64 - 1",
        remark="read to the end of the file",
    )


def _odd_chunks(pcm16):
    nested = b""
    for _ in range(900):
        nested = chunk(b"LIST", b"junk" + nested)
    yield scans("nested-lists.wav", riff(fmt(), nested, chunk(b"data", pcm16)), "900 nested lists")
    yield scans(
        "empty-chunks.wav",
        riff(chunk(b"junk") * 1000, fmt(), chunk(b"LIST", b"INFO") * 50, chunk(b"data", pcm16)),
        "1,000 chunks of 0 bytes, 50 empty lists",
    )
    yield refused(
        "fmt-twice.wav",
        riff(fmt(), fmt(codec=ALAW, channels=20000, bits=8, extra=b""), chunk(b"data", pcm16)),
        "a second `fmt ` chunk says 20,000 channels",
        CORRUPT,
        LIMIT,
    )


def _codecs(pcm16):
    unknown = chunk(b"data", pcm16)
    yield refused("unknown-codec.wav", wav(pcm16, codec=0x1234, extra=b""), "codec 0x1234", UNSUPPORTED)
    yield refused(
        "extensible-unknown-codec.wav",
        riff(fmt(EXTENSIBLE, extra=struct.pack("<HI", 16, 4) + b"\xab" * 16), unknown),
        "an extensible header with a codec that does not exist",
        UNSUPPORTED,
    )
    yield either(
        "extensible-valid-bits-zero.wav",
        riff(fmt(EXTENSIBLE, extra=struct.pack("<HI", 0, 4) + PCM_GUID), unknown),
        "16-bit samples of which 0 bits are said to be valid",
        CORRUPT,
    )
    yield either(
        "extensible-mask-full.wav",
        riff(fmt(EXTENSIBLE, extra=struct.pack("<HI", 16, 0xFFFFFFFF) + PCM_GUID), unknown),
        "one channel, at 32 places at once",
        CORRUPT,
    )
    ima = dict(codec=IMA_ADPCM, bits=4, extra=struct.pack("<H", 505))
    ima_block = struct.pack("<hBB", 0, 255, 0) + bytes(252)
    yield either(
        "adpcm-bad-step.wav",
        wav(ima_block * 4, block_align=256, **ima),
        "IMA ADPCM blocks with step 255 of a table of 89",
        CORRUPT,
    )
    for align, said in ((0, "0 bytes"), (1, "1 byte")):
        yield refused(
            f"adpcm-block-align-{align}.wav",
            wav(ima_block, block_align=align, **ima),
            f"IMA ADPCM blocks of {said}",
            CORRUPT,
        )
    yield refused(
        "adpcm-three-channels.wav",
        wav(ima_block, channels=3, block_align=256, **ima),
        "IMA ADPCM with 3 channels",
        UNSUPPORTED,
    )
    ms_block = struct.pack("<Bhhh", 255, 16, 0, 0) + bytes(249)
    yield either(
        "adpcm-bad-predictor.wav",
        wav(ms_block * 4, codec=MS_ADPCM, bits=4, block_align=256, extra=MS_COEFFICIENTS),
        "MS ADPCM blocks with predictor 255 of a table of 7",
        CORRUPT,
    )
