"""The formats of telephony, each written by a peer and read back by one: ffmpeg, sox (GSM, AMR, VOX), libvo-amrwbenc (AMR-WB),
libbcg729 (G.729), libspandsp (G.722, G.726). All are Debian packages: ffmpeg, sox, libsox-fmt-all, libvo-amrwbenc0, libbcg729-0,
libspandsp2.

Samples are int16, of one channel.
"""

import ctypes
import ctypes.util
import functools
import pathlib
import subprocess
import tempfile
from dataclasses import dataclass

import numpy as np

_QUIET = ["ffmpeg", "-v", "error", "-y", "-threads", "1"]
_BITEXACT = ["-map_metadata", "-1", "-fflags", "+bitexact", "-flags:a", "+bitexact"]


@dataclass(frozen=True)
class Format:
    """A codec in a container: `write(path, samples)` codes, `read(path)` is what the peer decodes. `raw` is the name by which
    a file without a header is read, where its own does not say."""

    name: str
    file: str
    rate_hz: int
    write: object
    read: object
    peer: str
    raw: str | None = None

    @property
    def decoded_hz(self):
        return 48_000 if self.name.startswith("Opus") else self.rate_hz


def _run(command, data=None):
    return subprocess.run(list(map(str, command)), input=data, capture_output=True, check=True).stdout


def _ffmpeg_writes(rate_hz, *options):
    def write(path, samples):
        source = ["-f", "s16le", "-ar", rate_hz, "-ac", "1", "-i", "pipe:0"]
        _run([*_QUIET, *source, *_BITEXACT, *options, path], np.asarray(samples, "<i2").tobytes())

    return write


def _ffmpeg_reads(*options):
    return lambda path: np.frombuffer(_run([*_QUIET, *options, "-i", path, "-f", "s16le", "pipe:1"]), "<i2")


def _sox_writes(rate_hz, *options):
    def write(path, samples):
        source = ["-t", "raw", "-r", rate_hz, "-e", "signed", "-b", "16", "-c", "1", "-"]
        _run(["sox", "-D", *source, *options, path], np.asarray(samples, "<i2").tobytes())

    return write


def _sox_reads(*options):
    return lambda path: np.frombuffer(_run(["sox", "-D", *options, path, "-t", "raw", "-e", "signed", "-b", "16", "-"]), "<i2")


def _library(name):
    found = ctypes.util.find_library(name)
    if found is None:
        raise SystemExit(f"lib{name} is not installed")
    return ctypes.CDLL(found)


def _amr_wb_writes(mode):
    def write(path, samples):
        library = _library("vo-amrwbenc")
        library.E_IF_init.restype = ctypes.c_void_p
        encoder, bits, frames = ctypes.c_void_p(library.E_IF_init()), (ctypes.c_uint8 * 64)(), [b"#!AMR-WB\n"]
        samples = np.ascontiguousarray(samples[: len(samples) // 320 * 320], "<i2")
        for at in range(0, len(samples), 320):
            size = library.E_IF_encode(encoder, mode, ctypes.c_void_p(samples.ctypes.data + 2 * at), bits, 0)
            frames.append(bytes(bits[:size]))
        library.E_IF_exit(encoder)
        pathlib.Path(path).write_bytes(b"".join(frames))

    return write


@functools.cache
def _bcg729():
    library = _library("bcg729")
    for name in ("initBcg729EncoderChannel", "initBcg729DecoderChannel"):
        getattr(library, name).restype = ctypes.c_void_p
    return library


def _g729_coded(samples):
    library = _bcg729()
    encoder, bits, size = ctypes.c_void_p(library.initBcg729EncoderChannel(0)), (ctypes.c_uint8 * 15)(), ctypes.c_uint8()
    samples, frames = np.ascontiguousarray(samples[: len(samples) // 80 * 80], "<i2"), []
    for at in range(0, len(samples), 80):
        library.bcg729Encoder(encoder, ctypes.c_void_p(samples.ctypes.data + 2 * at), bits, ctypes.byref(size))
        frames.append(bytes(bits[: size.value]))
    library.closeBcg729EncoderChannel(encoder)
    return b"".join(frames)


def _g729_decoded(data):
    library = _bcg729()
    decoder, out = ctypes.c_void_p(library.initBcg729DecoderChannel()), np.zeros(len(data) // 10 * 80, "<i2")
    for n in range(len(data) // 10):
        frame, place = data[10 * n : 10 * n + 10], ctypes.c_void_p(out.ctypes.data + 160 * n)
        library.bcg729Decoder(decoder, frame, 10, 0, 0, 0, place)
    library.closeBcg729DecoderChannel(decoder)
    return out


def _in_wav(write, tag, bits, block_bytes, header_bytes=0):
    """What `write` writes, put into a WAV file."""
    from . import wav

    def write_wav(path, samples):
        with tempfile.TemporaryDirectory() as folder:
            coded = pathlib.Path(folder) / pathlib.Path(path).with_suffix("").name
            write(coded, samples)
            data = coded.read_bytes()[header_bytes:]
        pathlib.Path(path).write_bytes(wav.wav(data, codec=tag, bits=bits, block_align=block_bytes, extra=b""))

    return write_wav


def _g729_writes(path, samples):
    pathlib.Path(path).write_bytes(_g729_coded(samples))


def _three_gp(write, coded_suffix):
    def write_3gp(path, samples):
        with tempfile.TemporaryDirectory() as folder:
            coded = pathlib.Path(folder) / f"coded{coded_suffix}"
            write(coded, samples)
            _run([*_QUIET, "-i", coded, "-c", "copy", *_BITEXACT, path])

    return write_3gp


def _three_gp_reads(suffix, read):
    """AMR out of 3GP by ffmpeg, decoded by the peer of AMR: ffmpeg's own decoder knows no comfort noise."""

    def read_3gp(path):
        with tempfile.TemporaryDirectory() as folder:
            coded = pathlib.Path(folder) / f"coded{suffix}"
            _run([*_QUIET, "-i", path, "-c", "copy", "-f", "amr", coded])
            return read(coded)

    return read_3gp


@functools.cache
def _spandsp():
    library = _library("spandsp")
    for name in ("g722_decode_init", "g726_init"):
        getattr(library, name).restype = ctypes.c_void_p
    return library


def _spandsp_decoded(decode, state, data, samples_per_byte):
    # Groups of samples may stand open at the end.
    out = np.zeros(round(samples_per_byte * len(data)) + 8, "<i2")
    n = decode(ctypes.c_void_p(state), ctypes.c_void_p(out.ctypes.data), data, len(data))
    return out[:n]


def _g722_reads(path):
    data = _audio_of(path)
    library = _spandsp()
    return _spandsp_decoded(library.g722_decode, library.g722_decode_init(None, 64_000, 0), data, 2)


def _g726(bits, low_first):
    """By spandsp, which is that of the standard to the bit, as ffmpeg's is not."""
    # 1: high bits first, 2: low bits first.
    packing = 2 if low_first else 1

    def write(path, samples):
        library = _spandsp()
        samples = np.ascontiguousarray(samples[: len(samples) // 8 * 8], "<i2")
        out = ctypes.create_string_buffer(len(samples) * bits // 8 + 8)
        state = ctypes.c_void_p(library.g726_init(None, 8_000 * bits, 0, packing))
        n = library.g726_encode(state, out, ctypes.c_void_p(samples.ctypes.data), len(samples))
        pathlib.Path(path).write_bytes(out.raw[:n])

    def read(path):
        library = _spandsp()
        state = library.g726_init(None, 8_000 * bits, 0, packing)
        return _spandsp_decoded(library.g726_decode, state, _audio_of(path), 8 / bits)

    return write, read


def _audio_of(path):
    """The bytes of the audio: all of them, or those of the data chunk of a WAV file."""
    data = pathlib.Path(path).read_bytes()
    if not data.startswith(b"RIFF"):
        return data
    at = data.index(b"data") + 8
    return data[at : at + int.from_bytes(data[at - 4 : at], "little")]


def _opus(rate, kilobits, suffix):
    write = _ffmpeg_writes(rate, "-c:a", "libopus", "-b:a", f"{kilobits}k", "-application", "voip")
    name = f"Opus {kilobits} kbit/s of {rate // 1000} kHz in {suffix}"
    return Format(name, f"clip.opus_{kilobits}k_{rate // 1000}khz.{suffix}", rate, write, _ffmpeg_reads("-c:a", "libopus"), "libopus")


def _amr_nb(mode, kilobits):
    return Format(f"AMR-NB {kilobits} kbit/s", f"clip.amr_nb_{mode}.amr", 8_000, _sox_amr(mode), _sox_reads("-t", "amr-nb"), "opencore-amr")


def _sox_amr(mode):
    return _sox_writes(8_000, "-t", "amr-nb", "-C", mode)


def _amr_wb(mode, kilobits):
    return Format(f"AMR-WB {kilobits} kbit/s", f"clip.amr_wb_{mode}.awb", 16_000, _amr_wb_writes(mode), _sox_reads("-t", "amr-wb"), "opencore-amr")


def _all():
    ffmpeg = _ffmpeg_reads()
    yield Format("mu-law in WAV", "clip.mulaw.wav", 8_000, _ffmpeg_writes(8_000, "-c:a", "pcm_mulaw"), ffmpeg, "ffmpeg")
    yield Format("A-law in WAV", "clip.alaw.wav", 8_000, _ffmpeg_writes(8_000, "-c:a", "pcm_alaw"), ffmpeg, "ffmpeg")
    headerless = lambda name: ("-f", name, "-ar", "8000", "-ac", "1")  # noqa: E731
    yield Format("mu-law without a header", "clip.ulaw", 8_000, _ffmpeg_writes(8_000, "-f", "mulaw"), _ffmpeg_reads(*headerless("mulaw")), "ffmpeg")
    yield Format("A-law without a header", "clip.al", 8_000, _ffmpeg_writes(8_000, "-f", "alaw"), _ffmpeg_reads(*headerless("alaw")), "ffmpeg")
    yield Format("sln of 16 kHz", "clip.sln16", 16_000, _ffmpeg_writes(16_000, "-f", "s16le"), _ffmpeg_reads("-f", "s16le", "-ar", "16000", "-ac", "1"), "ffmpeg")
    yield Format("mu-law in AU", "clip.mulaw.au", 8_000, _ffmpeg_writes(8_000, "-c:a", "pcm_mulaw"), ffmpeg, "ffmpeg")
    yield Format("A-law in AU", "clip.alaw.au", 8_000, _ffmpeg_writes(8_000, "-c:a", "pcm_alaw"), ffmpeg, "ffmpeg")
    yield Format("PCM in AU", "clip.pcm_s16.au", 8_000, _ffmpeg_writes(8_000, "-c:a", "pcm_s16be"), ffmpeg, "ffmpeg")
    yield Format("PCM in Wave64", "clip.pcm_s16.w64", 8_000, _ffmpeg_writes(8_000, "-c:a", "pcm_s16le"), ffmpeg, "ffmpeg")
    yield Format("PCM in RF64", "clip.pcm_s16.rf64", 8_000, _ffmpeg_writes(8_000, "-c:a", "pcm_s16le", "-rf64", "always", "-f", "wav"), ffmpeg, "ffmpeg")
    yield Format("GSM without a header", "clip.gsm", 8_000, _ffmpeg_writes(8_000, "-c:a", "libgsm", "-f", "gsm"), _ffmpeg_reads("-f", "gsm", "-c:a", "libgsm"), "libgsm")
    yield Format("GSM in WAV", "clip.gsm.wav", 8_000, _ffmpeg_writes(8_000, "-c:a", "libgsm_ms"), _ffmpeg_reads("-c:a", "libgsm_ms"), "libgsm")
    yield Format("G.722 without a header", "clip.g722", 16_000, _ffmpeg_writes(16_000, "-c:a", "g722", "-f", "g722"), _g722_reads, "spandsp")
    yield Format("G.722 in WAV", "clip.g722.wav", 16_000, _ffmpeg_writes(16_000, "-c:a", "g722"), _g722_reads, "spandsp")
    for bits in (2, 3, 4, 5):
        write, read = _g726(bits, low_first=True)
        yield Format(f"G.726 {8 * bits} kbit/s, low bits first", f"clip.g726_{8 * bits}.g726", 8_000, write, read, "spandsp", f"g726-{8 * bits}")
        write, read = _g726(bits, low_first=False)
        yield Format(f"G.726 {8 * bits} kbit/s, high bits first", f"clip.aal2_{8 * bits}.g726", 8_000, write, read, "spandsp", f"aal2-g726-{8 * bits}")
    write, read = _g726(4, low_first=False)
    yield Format("G.726 32 kbit/s in WAV", "clip.g726_32.wav", 8_000, _in_wav(write, 0x45, 4, 1), read, "spandsp")
    read = lambda path: _g729_decoded(_audio_of(path))  # noqa: E731
    yield Format("G.729A without a header", "clip.g729", 8_000, _g729_writes, read, "bcg729")
    yield Format("G.729A in WAV", "clip.g729.wav", 8_000, _in_wav(_g729_writes, 0x83, 0, 10), read, "bcg729")
    yield Format("VOX of 8 kHz", "clip.vox", 8_000, _sox_writes(8_000, "-t", "vox"), _sox_reads("-t", "vox", "-r", "8000"), "sox")
    for mode, kilobits in enumerate(("4.75", "5.15", "5.9", "6.7", "7.4", "7.95", "10.2", "12.2")):
        yield _amr_nb(mode, kilobits)
    for mode, kilobits in enumerate(("6.6", "8.85", "12.65", "14.25", "15.85", "18.25", "19.85", "23.05", "23.85")):
        yield _amr_wb(mode, kilobits)
    yield Format("AMR-NB 12.2 kbit/s in 3GP", "clip.amr_nb.3gp", 8_000, _three_gp(_sox_amr(7), ".amr"), _three_gp_reads(".amr", _sox_reads("-t", "amr-nb")), "opencore-amr")
    yield Format("AMR-WB 12.65 kbit/s in 3GP", "clip.amr_wb.3gp", 16_000, _three_gp(_amr_wb_writes(2), ".awb"), _three_gp_reads(".awb", _sox_reads("-t", "amr-wb")), "opencore-amr")
    yield _opus(8_000, 8, "opus")
    yield _opus(8_000, 12, "opus")
    yield _opus(16_000, 16, "opus")
    yield _opus(16_000, 24, "webm")
    yield _opus(48_000, 32, "opus")
    yield _opus(48_000, 64, "mka")
    yield _opus(48_000, 32, "mp4")


FORMATS = {one.name: one for one in _all()}
# One of each sort, of which testdata keeps a file; `drill/codecs.py` tries them all.
COMMITTED = (
    "mu-law without a header", "A-law without a header", "sln of 16 kHz", "mu-law in AU", "A-law in AU", "PCM in AU",
    "PCM in Wave64", "PCM in RF64", "GSM without a header", "GSM in WAV", "G.722 without a header", "G.722 in WAV",
    "G.726 16 kbit/s, low bits first", "G.726 24 kbit/s, low bits first", "G.726 32 kbit/s, low bits first",
    "G.726 40 kbit/s, low bits first", "G.726 32 kbit/s, high bits first", "G.726 32 kbit/s in WAV",
    "G.729A without a header", "G.729A in WAV", "VOX of 8 kHz", "AMR-NB 4.75 kbit/s", "AMR-NB 12.2 kbit/s",
    "AMR-WB 12.65 kbit/s", "AMR-NB 12.2 kbit/s in 3GP", "AMR-WB 12.65 kbit/s in 3GP", "Opus 12 kbit/s of 8 kHz in opus",
    "Opus 24 kbit/s of 16 kHz in webm", "Opus 32 kbit/s of 48 kHz in mp4",
)  # fmt: skip
