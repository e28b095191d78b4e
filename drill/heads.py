"""Files as recorders, switches and cloud telephony write them: how much of each is heard."""

import struct
import subprocess
import sys

import numpy as np
from case import ROOT, Case, heard, heard_live, report

sys.path.insert(0, str(ROOT / "testdata"))
from making import telephony, wav  # noqa: E402

GUID = struct.pack("<H", wav.MULAW) + bytes.fromhex("000000001000800000aa00389b71")


def all_cases(folder, call):
    """`call` is a WAV file of 16-bit PCM, mono, 8 kHz."""
    data = call.read_bytes()
    pcm = data[data.index(b"data") + 8 :]
    second = 16_000
    pcm = pcm[: 8 * second]
    ulaw = _encoded(pcm, "mulaw")
    yield from _sizes(folder, pcm, ulaw)
    yield from _formats(folder, pcm, ulaw)
    yield from _several(folder, call, pcm)
    yield from _named(folder, call, pcm)
    yield from _telephony(folder, pcm)
    yield from _odd(folder, pcm, ulaw)


def _encoded(pcm, codec, container=None, *options):
    read = ["ffmpeg", "-v", "error", "-f", "s16le", "-ar", "8000", "-ac", "1", "-i", "-"]
    return subprocess.run([*read, *options, "-f", container or codec, "-"], input=pcm, capture_output=True, check=True).stdout


def _case(folder, group, name, data, expected, live=None):
    file = folder / (name.replace(" ", "-").replace("/", "-").replace(",", "") + ".wav")
    file.write_bytes(data)
    yield Case(group, name, expected, lambda: heard(file))
    if live is not None:
        yield Case(group, name + ", through a pipe", live, lambda: heard_live(data))


def _sizes(folder, pcm, ulaw):
    def case(name, data, expected, live=None):
        yield from _case(folder, "sizes in the header", name, data, expected, live)

    quiet, noted = "8.0 s, no note", "8.0 s, a note"
    chunk, riff, fmt = wav.chunk, wav.riff, wav.fmt
    for size in (0xFFFFFFFF, 0xFFFFFFFF - 36, 0x7FFFFFFF, 0x7FFFF000, 0x80000000):
        yield from case(f"all sizes {size:#x}", riff(fmt(), chunk(b"data", pcm, size=size), size=size), quiet, quiet)
    yield from case("data size 0", riff(fmt(), chunk(b"data", pcm, size=0), size=0), noted, quiet)
    yield from case("mu-law, all sizes 0", riff(fmt(wav.MULAW, bits=8), chunk(b"data", ulaw, size=0), size=0), noted, quiet)
    yield from case("RIFF size of the first packet", riff(fmt(), chunk(b"data", pcm), size=400), quiet, quiet)
    yield from case("RIFF size 8 short", riff(fmt(), chunk(b"data", pcm), size=28 + len(pcm)), quiet, quiet)
    yield from case("RIFF size right, data size 0xffffffff", riff(fmt(), chunk(b"data", pcm, size=0xFFFFFFFF)), quiet, quiet)
    yield from case("data size of a second, seven more behind it", riff(fmt(), chunk(b"data", pcm, size=16_000)), noted, noted)
    yield from case("data size twice what is there", riff(fmt(), chunk(b"data", pcm, size=2 * len(pcm))), noted, noted)
    yield from case("no audio, and a list behind it", riff(fmt(), chunk(b"data"), chunk(b"LIST", b"INFO")), "0.0 s, no note")
    long = struct.pack("<QQQI", 0, len(pcm), len(pcm) // 2, 0)
    rf64 = riff(chunk(b"ds64", long), fmt(), chunk(b"data", pcm, size=0xFFFFFFFF))
    yield from case("RF64", b"RF64\xff\xff\xff\xff" + rf64[8:], quiet, quiet)


def _formats(folder, pcm, ulaw):
    def case(name, data, expected):
        yield from _case(folder, "formats in WAV", name, data, expected)

    chunk, riff, fmt = wav.chunk, wav.riff, wav.fmt
    quiet = "8.0 s, no note"
    body = chunk(b"data", ulaw)
    yield from case("mu-law, fmt of 16 bytes", riff(fmt(wav.MULAW, bits=8), body), quiet)
    yield from case("mu-law, fmt of 18 bytes", riff(fmt(wav.MULAW, bits=8, extra=b""), body), quiet)
    yield from case("mu-law, fmt of 20 bytes", riff(fmt(wav.MULAW, bits=8, extra=b"\0\0"), body), quiet)
    yield from case("mu-law, fmt of 40 bytes", riff(fmt(wav.MULAW, bits=8, extra=bytes(22)), body), quiet)
    extra = struct.pack("<HI", 8, 4) + GUID
    yield from case("mu-law in EXTENSIBLE", riff(fmt(wav.EXTENSIBLE, bits=8, extra=extra), body), quiet)
    alaw = chunk(b"data", _encoded(pcm, "alaw"))
    yield from case("A-law, fmt of 16 bytes", riff(fmt(wav.ALAW, bits=8), alaw), quiet)
    samples = [v << 8 for (v,) in struct.iter_unpack("<h", pcm)]
    for name, shift in (("high", 8), ("low", 0)):
        wide = b"".join(struct.pack("<i", v << shift) for v in samples)
        yield from case(f"24 bits at the {name} end of 4 bytes", riff(fmt(bits=24, block_align=4), chunk(b"data", wide)), quiet)
    odd = b"LIST\x05\0\0\0abcde"
    yield from case("an odd chunk that is not filled up", riff(fmt(), odd, chunk(b"data", pcm)), quiet)
    yield from case("an odd chunk that is filled up", riff(fmt(), odd + b"\0", chunk(b"data", pcm)), quiet)
    mp3 = _encoded(pcm, "mp3", "mp3", "-b:a", "32k", "-write_xing", "0", "-id3v2_version", "0")
    yield from case("MP3 in WAV", riff(fmt(0x55, bits=0, block_align=1, extra=bytes(12)), chunk(b"data", mp3)), "8.2 s, no note")


def _several(folder, call, pcm):
    chunk, riff, fmt = wav.chunk, wav.riff, wav.fmt
    group = "several in one file"
    one = wav.wav(pcm)
    yield from _case(folder, group, "two data chunks", riff(fmt(), chunk(b"data", pcm), chunk(b"data", pcm)), "16.0 s, no note", "16.0 s, no note")
    yield from _case(folder, group, "two WAV files", one + one, "16.0 s, a note", "16.0 s, a note")
    stereo = wav.wav(pcm, channels=2)
    yield from _case(folder, group, "a WAV file of another form behind", one + stereo, "8.0 s, a note", "8.0 s, a note")
    for name, container, options, seconds in (
        ("MP3", "mp3", ["-b:a", "32k"], "16.2 s"),
        ("FLAC", "flac", [], "16.0 s"),
        ("AIFF", "aiff", [], "16.0 s"),
        ("Ogg Vorbis", "ogg", ["-c:a", "libvorbis"], "16.0 s"),
    ):
        file = folder / f"whole.{container}"
        read = ["ffmpeg", "-v", "error", "-y", "-f", "s16le", "-ar", "8000", "-ac", "1", "-i", "-"]
        subprocess.run([*read, *options, file], input=pcm, check=True)
        both = folder / f"two.{container}"
        both.write_bytes(file.read_bytes() * 2)
        yield Case(group, f"two {name} files", f"{seconds}, a note", lambda both=both: heard(both))
    tracks = folder / "tracks.mka"
    maps = ["-i", call, "-i", call, "-map", "0", "-map", "1", "-t", "8", "-c:a", "pcm_s16le"]
    subprocess.run(["ffmpeg", "-v", "error", "-y", *maps, tracks], check=True)
    yield Case(group, "two tracks in Matroska", "8.0 s, a note", lambda: heard(tracks))
    live = folder / "live.mka"
    live.write_bytes(_encoded(pcm, "pcm_s16le", "matroska", "-c:a", "pcm_s16le"))
    yield Case("sizes in the header", "Matroska muxed live", "8.0 s, no note", lambda: heard(live))


def _named(folder, call, pcm):
    """What is not read says what it is."""
    group = "codecs that are not read"

    def words(file):
        return "named, with a way on" if "unsupported_audio" in (got := heard(file)) and any(
            word in got for word in ("is not read", "headerless")
        ) else got

    for name, tag in {"G.723.1 in WAV": 0x42, "AMR-NB in WAV": 0x57, "Windows Media Audio in WAV": 0x161}.items():
        file = folder / f"tag-{tag:04x}.wav"
        file.write_bytes(wav.wav(pcm[:650], codec=tag, bits=0, block_align=65, extra=b"\x40\x01"))
        yield Case(group, name, "named, with a way on", lambda file=file: words(file))
    for name, head in {"g726": b"\x12\x34", "g723": b"\x12\x34", "wma": bytes.fromhex("3026b2758e66cf11"), "silk": b"#!SILK_V3"}.items():
        file = folder / f"call.{name}"
        file.write_bytes(head + bytes(600))
        yield Case(group, f"call.{name}", "named, with a way on", lambda file=file: words(file))


def _telephony(folder, pcm):
    """The formats of telephony: heard to the end, without a note, or with the one that says what a name was taken for."""
    speech = np.frombuffer(pcm, "<i2")
    at = {8_000: speech, 16_000: np.repeat(speech, 2), 48_000: np.repeat(speech, 6)}
    for name in telephony.COMMITTED:
        one = telephony.FORMATS[name]
        file = folder / one.file
        one.write(file, at[one.rate_hz])
        told = ["--raw", one.raw] if one.raw else []
        # A container says its length; codecs of frames round it up.
        noted = "a note" if one.file.split(".")[-1] in ("ulaw", "al", "sln16", "gsm", "g722", "g729", "vox") else "no note"
        yield Case("formats of telephony", name, f"8.0 s, {noted}", lambda file=file, told=told: heard(file, *told))


def _odd(folder, pcm, ulaw):
    """What was read as something that it is not."""
    group = "misread"

    def told(file, *arguments):
        got = report(file, *arguments)
        return "no verdict, a note" if all("misread" in leg["reasons"] and leg["notes"] for leg in got["legs"]) else str(got["legs"])[:200]

    def case(name, data, *arguments, expected="no verdict, a note", outcome=told):
        file = folder / f"{name.replace(' ', '-').replace(',', '')}.raw"
        file.write_bytes(data)
        yield Case(group, name, expected, lambda: outcome(file, *arguments))

    swapped = bytes(b for pair in struct.iter_unpack("BB", pcm) for b in reversed(pair))
    yield from case("swapped bytes", swapped, "--raw", "s16le")
    yield from case("mu-law read as A-law", ulaw, "--raw", "alaw")
    yield from case("A-law read as mu-law", _encoded(pcm, "alaw"), "--raw", "mulaw")
    yield from case("PCM read as mu-law", pcm, "--raw", "mulaw")
    yield from case("mu-law read as PCM", ulaw, "--raw", "s16le")
    yield from case("a WAV file given as raw", wav.wav(pcm), "--raw", "mulaw", expected="8.0 s, a note", outcome=heard)
    half = len(pcm) // 4 * 2
    pairs = zip(struct.iter_unpack("<h", pcm[:half]), struct.iter_unpack("<h", pcm[half:]), strict=False)
    yield from case("interleaved channels read as one", b"".join(struct.pack("<hh", a, b) for (a,), (b,) in pairs), "--raw", "s16le")

    def same(file, *arguments):
        got = report(file, *arguments)
        return "a note" if all(any("same sound" in note for note in leg["notes"]) for leg in got["legs"]) else "no note"

    both = b"".join(sample * 2 for (sample,) in struct.iter_unpack("2s", pcm))
    yield from case("the same sound on both legs", both, "--raw", "s16le", "--channels", "2", expected="a note", outcome=same)
