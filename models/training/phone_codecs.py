"""The codecs that lie on the way of a call, as functions from samples to samples.

Codecs with state cannot run inside the training loop at a useful speed, so `copies.py` runs each once over many clips laid
end to end. Everything here takes and gives int16 at 16 kHz; a narrow codec works at 8 kHz inside, as it does in a call.
Tools: ffmpeg (Opus, G.722, G.726, Speex, MP3), sox (GSM-FR, AMR-NB), libvo-amrwbenc (AMR-WB), libbcg729 (G.729 Annex A with its own concealment of
lost frames), webrtc-noise-gain (the noise suppression and gain control of WebRTC).
"""
import ctypes
import ctypes.util
import functools
import pathlib
import subprocess
import tempfile

import numpy as np
import soundfile
from scipy.signal import resample_poly

RATE = 16000
FFMPEG = "ffmpeg -v error -y"

# name: (rate inside, file suffix, encoder command, decoder command); {i} and {o} are files.
COMMANDS = {
    "gsm": (8000, ".gsm", "sox -D {i} {o}", "sox {i} -b 16 -e signed {o}"),
    "amr_nb_5k": (8000, ".amr-nb", "sox -D {i} -C 1 {o}", "sox {i} -b 16 -e signed {o}"),
    "amr_nb_12k": (8000, ".amr-nb", "sox -D {i} -C 7 {o}", "sox {i} -b 16 -e signed {o}"),
    "g722": (16000, ".g722", FFMPEG + " -i {i} -c:a g722 -f g722 {o}", FFMPEG + " -f g722 -i {i} -c:a pcm_s16le {o}"),
    "g726_24k": (8000, ".wav", FFMPEG + " -i {i} -c:a g726 -b:a 24k {o}", FFMPEG + " -i {i} -c:a pcm_s16le {o}"),
    "opus_8k": (8000, ".opus", FFMPEG + " -i {i} -c:a libopus -b:a 8k -compression_level 4 -application voip {o}", FFMPEG + " -i {i} -ar 8000 {o}"),
    "opus_14k": (8000, ".opus", FFMPEG + " -i {i} -c:a libopus -b:a 14k -compression_level 4 -application voip {o}", FFMPEG + " -i {i} -ar 8000 {o}"),
    "opus_wb_16k": (16000, ".opus", FFMPEG + " -i {i} -c:a libopus -b:a 16k -compression_level 4 -application voip {o}", FFMPEG + " -i {i} -ar 16000 {o}"),
    "opus_wb_28k": (16000, ".opus", FFMPEG + " -i {i} -c:a libopus -b:a 28k -compression_level 4 -application voip {o}", FFMPEG + " -i {i} -ar 16000 {o}"),
    "speex_8k": (8000, ".spx", FFMPEG + " -i {i} -c:a libspeex -b:a 8k {o}", FFMPEG + " -i {i} -ar 8000 {o}"),
    "mp3_16k": (16000, ".mp3", FFMPEG + " -i {i} -c:a libmp3lame -b:a 16k {o}", FFMPEG + " -i {i} -ar 16000 {o}"),
    "mp3_32k": (16000, ".mp3", FFMPEG + " -i {i} -c:a libmp3lame -b:a 32k {o}", FFMPEG + " -i {i} -ar 16000 {o}"),
}


class Missing(Exception):
    """The tool of a codec is not installed, or cannot do it."""


def _call(command, source, target):
    words = [w.format(i=source, o=target) for w in command.split()]
    try:
        done = subprocess.run(words, capture_output=True, text=True)
    except FileNotFoundError:
        raise Missing(f"{words[0]} is not installed") from None
    if done.returncode:
        raise Missing(f"{words[0]} failed: {done.stderr.strip()[-500:]}")


def _by_command(name, x):
    rate, suffix, encode, decode = COMMANDS[name]
    with tempfile.TemporaryDirectory() as folder:
        plain, coded, back = (str(pathlib.Path(folder) / n) for n in ("in.wav", "coded" + suffix, "out.wav"))
        soundfile.write(plain, x, rate, subtype="PCM_16")
        _call(encode, plain, coded)
        _call(decode, coded, back)
        return soundfile.read(back, dtype="int16")[0]


def _library(name):
    found = ctypes.util.find_library(name)
    if found is None:
        raise Missing(f"lib{name} is not installed")
    return ctypes.CDLL(found)


def _amr_wb(x, mode):
    """AMR-WB at one of its modes, 0 (6.6 kbit/s) to 8 (23.85); 20 ms frames, decoded by ffmpeg."""
    library = _library("vo-amrwbenc")
    library.E_IF_init.restype = ctypes.c_void_p
    encoder, bits, frames = ctypes.c_void_p(library.E_IF_init()), (ctypes.c_uint8 * 64)(), [b"#!AMR-WB\n"]
    x = np.ascontiguousarray(x[:len(x) // 320 * 320])
    for k in range(0, len(x), 320):
        size = library.E_IF_encode(encoder, mode, ctypes.c_void_p(x.ctypes.data + 2 * k), bits, 0)
        frames.append(bytes(bits[:size]))
    library.E_IF_exit(encoder)
    with tempfile.TemporaryDirectory() as folder:
        coded, back = pathlib.Path(folder) / "coded.awb", str(pathlib.Path(folder) / "out.wav")
        coded.write_bytes(b"".join(frames))
        _call(FFMPEG + " -i {i} -c:a pcm_s16le {o}", str(coded), back)
        return soundfile.read(back, dtype="int16")[0]


@functools.cache
def _bcg729():
    library = _library("bcg729")
    for name in ("initBcg729EncoderChannel", "initBcg729DecoderChannel"):
        getattr(library, name).restype = ctypes.c_void_p
    return library


def _g729(x, lost_share=0.0, seed=0):
    """G.729 Annex A at 8 kbit/s, 10 ms frames; a share of the frames lost in bursts and concealed by the decoder."""
    library, rng = _bcg729(), np.random.default_rng(seed)
    encoder, decoder = ctypes.c_void_p(library.initBcg729EncoderChannel(0)), ctypes.c_void_p(library.initBcg729DecoderChannel())
    bits, size, samples = (ctypes.c_uint8 * 15)(), ctypes.c_uint8(), (ctypes.c_int16 * 80)()
    x = np.ascontiguousarray(x[:len(x) // 80 * 80])
    out, burst = np.zeros_like(x), 0
    for k, loss in zip(range(0, len(x), 80), rng.random(len(x) // 80)):
        ctypes.memmove(samples, x.ctypes.data + 2 * k, 160)
        library.bcg729Encoder(encoder, samples, bits, ctypes.byref(size))
        burst = burst - 1 if burst else int(rng.integers(2, 7)) if loss < lost_share / 4 else 0
        library.bcg729Decoder(decoder, bits, size, int(burst > 0), 0, 0, samples)
        ctypes.memmove(out.ctypes.data + 2 * k, samples, 160)
    library.closeBcg729EncoderChannel(encoder)
    library.closeBcg729DecoderChannel(decoder)
    return out


def _webrtc(x, gain_dbfs, suppression):
    """WebRTC's automatic gain control (target in dB under full scale, 0: off) and noise suppression (0: off to 4: strongest)."""
    try:
        from webrtc_noise_gain import AudioProcessor
    except ImportError:
        raise Missing("webrtc-noise-gain is not installed") from None
    processor = AudioProcessor(gain_dbfs, suppression)
    blocks = [np.frombuffer(processor.Process10ms(x[k:k + 160].tobytes()).audio, np.int16) for k in range(0, len(x) // 160 * 160, 160)]
    return np.concatenate(blocks)


# name: (rate inside, function of int16 samples at that rate)
FUNCTIONS = {
    "amr_wb_9k": (16000, functools.partial(_amr_wb, mode=1)),
    "amr_wb_24k": (16000, functools.partial(_amr_wb, mode=8)),
    "g729": (8000, _g729),
    "g729_loss": (8000, functools.partial(_g729, lost_share=0.05)),
    "noise_suppression": (16000, functools.partial(_webrtc, gain_dbfs=0, suppression=3)),
    "gain_control": (16000, functools.partial(_webrtc, gain_dbfs=6, suppression=1)),
}
NAMES = [*COMMANDS, *FUNCTIONS]


def _resampled(x, up, down):
    return x if up == down else np.clip(np.round(resample_poly(x.astype(np.float32), up, down)), -32768, 32767).astype(np.int16)


def through(names, x):
    """int16 at 16 kHz through one codec, or through several in a row ("gsm+g729"), and back. The length may differ by delays."""
    for name in names.split("+"):
        rate = COMMANDS[name][0] if name in COMMANDS else FUNCTIONS[name][0]
        inside = _resampled(x, rate // 8000, RATE // 8000)
        inside = _by_command(name, inside) if name in COMMANDS else FUNCTIONS[name][1](inside)
        x = _resampled(inside, RATE // 8000, rate // 8000)
    return x
