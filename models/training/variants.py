"""Variants of the training clips: the same speech through a codec, or played faster and slower.

Codecs with state cannot be run inside the training loop at a useful speed, so each is run once over all clips laid end
to end with a little silence between them, and cut apart again. Both classes go through the same stream.
"""
import pathlib
import subprocess
import tempfile

import numpy as np
from scipy.signal import resample_poly

from corpus import Store

GAP = 1600
RATE = 8000

# name: (file suffix, encoder command, decoder command); {i} and {o} are files, the decoder gives 8 kHz 16-bit WAV.
FFMPEG = "ffmpeg -v error -y -i {i} "
CODECS = {
    "gsm": (".gsm", "sox -D {i} -r 8000 {o}", "sox {i} -b 16 -e signed {o}"),
    "amr_nb_low": (".amr-nb", "sox -D {i} -r 8000 -C 1 {o}", "sox {i} -b 16 -e signed {o}"),
    "amr_nb_high": (".amr-nb", "sox -D {i} -r 8000 -C 7 {o}", "sox {i} -b 16 -e signed {o}"),
    "opus_8k": (".opus", FFMPEG + "-c:a libopus -b:a 8k -application voip {o}", FFMPEG + "-ar 8000 {o}"),
    "opus_14k": (".opus", FFMPEG + "-c:a libopus -b:a 14k -application voip {o}", FFMPEG + "-ar 8000 {o}"),
    "mp3_16k": (".mp3", FFMPEG + "-c:a libmp3lame -ar 16000 -b:a 16k {o}", FFMPEG + "-ar 8000 {o}"),
    "mp3_32k": (".mp3", FFMPEG + "-c:a libmp3lame -ar 16000 -b:a 32k {o}", FFMPEG + "-ar 8000 {o}"),
    "speex_8k": (".spx", FFMPEG + "-c:a libspeex -b:a 8k {o}", FFMPEG + "-ar 8000 {o}"),
    "g726_24k": (".wav", FFMPEG + "-c:a g726 -b:a 24k {o}", FFMPEG + "-c:a pcm_s16le {o}"),
}
SPEEDS = {"speed92": (25, 23), "speed108": (23, 25)}   # up, down: a longer clip is slower and deeper


def _call(command, source, target):
    words = [w.format(i=source, o=target) for w in command.split()]
    done = subprocess.run(words, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"{words[0]} failed: {done.stderr.strip()[-500:]}")


def _through(codec, x):
    """int16 at 8 kHz through one codec and back; the length may differ by the codec's delay."""
    import soundfile
    suffix, encode, decode = CODECS[codec]
    with tempfile.TemporaryDirectory() as folder:
        plain, coded, back = (str(pathlib.Path(folder) / n) for n in ("in.wav", "coded" + suffix, "out.wav"))
        soundfile.write(plain, x, RATE, subtype="PCM_16")
        _call(encode, plain, coded)
        _call(decode, coded, back)
        return soundfile.read(back, dtype="int16")[0]


def _delay(x, y):
    """Samples by which y lags x, over the first 20 s."""
    n = min(len(x), len(y), 20 * RATE)
    a, b = np.fft.rfft(x[:n].astype(np.float32), 2 * n), np.fft.rfft(y[:n].astype(np.float32), 2 * n)
    lag = int(np.argmax(np.fft.irfft(np.conj(a) * b)[:4000]))
    return lag


def coded(clips, codec, seed):
    """All clips of a store through one codec, each at a level of its own so that no level belongs to a codec."""
    rng = np.random.default_rng([seed, len(codec), *codec.encode()])
    parts, starts, at = [], [], 0
    for i in range(len(clips)):
        x = clips[i] * 10 ** (rng.uniform(-18, 0) / 20)
        parts += [np.round(x * 32767).astype(np.int16), np.zeros(GAP, np.int16)]
        starts.append(at)
        at += len(x) + GAP
    x = np.concatenate(parts)
    y = _through(codec, x)
    lag = _delay(x, y)
    y = np.concatenate([y[lag:], np.zeros(lag + GAP, np.int16)])
    for i, start in enumerate(starts):
        part = y[start:start + clips.length(i)].astype(np.float32) / 32768
        yield part * (0.9 / max(float(np.abs(part).max()), 1e-3))


def faster_or_slower(clips, name):
    up, down = SPEEDS[name]
    for i in range(len(clips)):
        x = resample_poly(clips[i], up, down).astype(np.float32)
        yield x * (0.9 / max(float(np.abs(x).max()), 1e-3))


def store(cache, base, clips, variant, seed):
    """The store of one variant of the store `clips`, made on the first call; None where the tool for it is missing."""
    path = pathlib.Path(cache) / f"{base}_{variant}_{RATE}.i16"
    if path.exists() and path.stat().st_mtime >= clips.path.stat().st_mtime:
        return Store(path)
    if variant in SPEEDS:
        return Store.write(path, faster_or_slower(clips, variant))
    try:
        return Store.write(path, coded(clips, variant, seed))
    except (RuntimeError, FileNotFoundError) as error:
        print(f"left out variant {variant}: {error}", flush=True)
        return None
