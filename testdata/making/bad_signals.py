"""Valid files with nothing, or nothing good, to hear; and files that are no audio at all."""

import struct
import zlib

import numpy as np

from . import tones
from .bad import either, inconclusive, refused, scans
from .ffmpeg import to_int16
from .voices import RATE_HZ
from .wav import FLOAT, wav

CORRUPT, UNSUPPORTED = "corrupt_audio", "unsupported_audio"
SHORT, SILENT, MUSIC, NOISE = "too little speech", "no signal", "music or tones", "noise"


def all_files(speech, adpcm):
    """`speech` is 2.4 s at 8 kHz; `adpcm` codes samples as IMA ADPCM, 4 bits each, in WAV."""
    yield from _no_speech(adpcm)
    yield from _poor_speech(speech)
    yield from _not_numbers(speech)
    yield from _not_audio()


def _no_speech(adpcm):
    seconds = 4.7  # the longest that fits
    random = np.random.RandomState(7)
    yield inconclusive("silence-1s.wav", wav(bytes(2 * RATE_HZ)), "1 s of zeros", SILENT, SHORT)
    yield inconclusive(
        "dc-only.wav",
        wav(to_int16(np.full(RATE_HZ // 4, 0.25)).tobytes()),
        "0.25 s of a constant 0.25",
        SILENT,
        SHORT,
    )
    yield inconclusive("tone-440.wav", adpcm(tones.sine(440.0, seconds)), f"{seconds} s at 440 Hz", MUSIC, SHORT)
    keys = ("0123456789*#ABCD" * 2)[: int(seconds / 0.2)]
    yield inconclusive("dtmf.wav", adpcm(tones.keypad(keys)), "keypad tones", MUSIC, SHORT)
    noise = np.clip(0.1 * random.standard_normal(round(seconds * RATE_HZ)), -1.0, 1.0)
    yield inconclusive("white-noise.wav", adpcm(noise), f"{seconds} s of white noise", NOISE, SHORT)
    six = np.stack([tones.sine(200.0 * (leg + 1), 0.2) for leg in range(6)], axis=1)
    yield inconclusive(
        "six-channels.wav",
        wav(to_int16(six).tobytes(), channels=6),
        "valid: six legs, each with 0.2 s of another tone",
        MUSIC,
        SHORT,
        remark="six verdicts",
    )


def _poor_speech(speech):
    yield scans("u8-speech.wav", _unsigned8(speech), "valid: 8-bit unsigned speech, 2.4 s")
    yield scans(
        "dc-offset.wav",
        _unsigned8(speech + 0.25),
        "the same speech on a constant 0.25",
        remark="the offset is no signal and no clipping",
    )
    yield inconclusive(
        "clipped-speech.wav",
        _unsigned8(np.clip(20.0 * speech, -1.0, 127 / 128)),
        "the same speech 26 dB too loud, cut off at full scale",
        "clipping",
        SHORT,
        remark="2.4 s: play it twice for a test of clipping alone",
    )


def _not_numbers(speech):
    """32-bit floats; whatever comes of them, no score may be anything but a finite number."""
    samples = speech[:4400].astype("<f4")
    finite = dict(remark="never a score that is not a number")
    poisoned = samples.copy()
    poisoned[np.random.RandomState(8).random_sample(2200).argsort()[:220]] = np.nan
    poisoned[3000:3010] = np.inf
    poisoned[3500:3510] = -np.inf
    yield either(
        "nan.wav",
        _floats(poisoned),
        "speech, 10 % of its first half not numbers, infinities in the second",
        CORRUPT,
        **finite,
    )
    yield either(
        "all-nan.wav",
        _floats(np.full(2000, np.nan, "<f4")),
        "0.25 s of values that are not numbers",
        CORRUPT,
        **finite,
    )
    yield either(
        "float-huge.wav",
        _floats(np.where(np.arange(2000) % 2 == 0, 3e38, -3e38).astype("<f4")),
        "values of 3e38, whose squares are infinite",
        CORRUPT,
        **finite,
    )
    yield inconclusive(
        "float-denormal.wav",
        _floats(samples[:2000] * np.float32(1e-40)),
        "values of 1e-41, slow on some processors",
        SILENT,
        SHORT,
    )


def _not_audio():
    text = b"09:14 caller asks for the refund, call back on Monday.\n" * 20
    yield refused("text.wav", text, "a text file named .wav", UNSUPPORTED)
    yield refused("text.txt", text, "a text file", UNSUPPORTED)
    yield refused(
        "random.bin",
        np.random.RandomState(9).bytes(4096),
        "4 KiB of random bytes",
        UNSUPPORTED,
        CORRUPT,
    )
    yield refused("zeros.wav", bytes(4096), "4 KiB of zero bytes", UNSUPPORTED, CORRUPT)
    yield refused("png-named.flac", _png(), "a picture named .flac", UNSUPPORTED, CORRUPT)


def _unsigned8(samples):
    levels = np.clip(np.round(samples * 128.0) + 128.0, 0, 255).astype(np.uint8)
    return wav(levels.tobytes(), bits=8)


def _floats(samples):
    return wav(samples.astype("<f4").tobytes(), codec=FLOAT, bits=32)


def _png():
    """One black pixel."""

    def part(kind, body):
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0)
    pixels = zlib.compress(b"\0\0")
    return b"\x89PNG\r\n\x1a\n" + part(b"IHDR", header) + part(b"IDAT", pixels) + part(b"IEND", b"")
