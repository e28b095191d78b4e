"""Copy-synthesis: some of the real training clips once more, made by a machine.

A twin shares speaker, room and words with the real clip, so that only the machine is left as a difference. They are a small
share of the draws, or a target of their own: many of them teach the vocoder and drown what gives other synthesisers away.
"""
import concurrent.futures
import functools
import importlib.util
import pathlib

import numpy as np
import soundfile
from scipy.linalg import solve_toeplitz
from scipy.signal import lfilter

from corpus import Clip, load

RATE = 16000
SECONDS = 4.2


def griffin_lim(x, rng):
    """An 80-band mel spectrogram and back, as the first text-to-speech systems did it."""
    import librosa
    n_fft, hop, rounds = (1024, 256, 30) if rng.random() < 0.5 else (800, 200, 60)
    mel = librosa.feature.melspectrogram(y=x, sr=RATE, n_fft=n_fft, hop_length=hop, n_mels=80, power=1)
    linear = librosa.feature.inverse.mel_to_stft(mel, sr=RATE, n_fft=n_fft, power=1)
    return librosa.griffinlim(linear, n_iter=rounds, hop_length=hop, n_fft=n_fft, random_state=int(rng.integers(1 << 31)))


def _pitch(x, rng):
    """(WORLD's f0, times), in half of the cases at another pitch or flatter, as voice conversion and parametric synthesis leave it."""
    import pyworld
    f0, times = pyworld.dio(x, RATE)
    f0 = pyworld.stonemask(x, f0, times, RATE)
    voiced = f0 > 0
    if rng.random() < 0.5 and voiced.any():
        mean = f0[voiced].mean()
        f0[voiced] = np.clip((mean + (f0[voiced] - mean) * rng.uniform(0.6, 1.2)) * rng.uniform(0.75, 1.35), 60, 500)
    return f0, times


def world(x, rng):
    """The WORLD vocoder (Morise et al. 2016): pitch, envelope and aperiodicity, and back."""
    import pyworld
    x = x.astype(np.float64)
    f0, times = _pitch(x, rng)
    envelope = pyworld.cheaptrick(x, f0, times, RATE)
    if rng.random() < 0.5:      # as many coefficients as parametric synthesis models
        envelope = pyworld.decode_spectral_envelope(pyworld.code_spectral_envelope(envelope, RATE, int(rng.integers(24, 60))), RATE, (envelope.shape[1] - 1) * 2)
    return pyworld.synthesize(f0, envelope, pyworld.d4c(x, f0, times, RATE), RATE)


def lpc(x, rng):
    """Linear prediction with a pulse train or noise for excitation, 20 ms frames: the vocoder of the 1970s."""
    import pyworld
    f0, times = pyworld.dio(x.astype(np.float64), RATE)
    size, order = 320, int(rng.integers(14, 22))
    hann, out, phase, state = np.hanning(2 * size), np.zeros(len(x), np.float32), 0.0, np.zeros(order)
    for start in range(size // 2, len(x) - 2 * size, size):
        frame = x[start - size // 2:start + 3 * size // 2] * hann
        r = np.correlate(frame, frame, "full")[2 * size - 1:2 * size + order]
        r[0] = r[0] * 1.0001 + 1e-9
        a = solve_toeplitz(r[:-1], r[1:])
        gain = np.sqrt(max(r[0] - a @ r[1:], 1e-12) / (0.375 * 2 * size))
        pitch = f0[min(int(start / RATE / 0.005), len(f0) - 1)]
        if pitch > 0:
            phases = phase + np.arange(1, size + 1) * pitch / RATE
            excitation, phase = np.diff(np.floor(np.r_[phase, phases])) * np.sqrt(RATE / pitch), phases[-1] % 1
        else:
            excitation, phase = rng.standard_normal(size), 0.0
        out[start:start + size], state = lfilter([1.0], np.r_[1.0, -a], gain * excitation, zi=state)
    return out


@functools.cache
def _pretrained(folder):
    """`vocode.py` of the folder of pretrained vocoders."""
    spec = importlib.util.spec_from_file_location("vocode", pathlib.Path(folder) / "vocode.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _make(job):
    """One twin; jobs run in processes of their own."""
    maker, source, target, seed, vocoders = job
    rng = np.random.default_rng(seed)
    x = load(source, RATE)
    n = int(SECONDS * RATE)
    start = int(rng.integers(max(len(x) - n, 0) + 1))
    x = np.ascontiguousarray(x[start:start + n])
    if maker == "hifigan":
        y = _pretrained(vocoders).hifigan(x)
    elif maker == "lyra":
        y = _pretrained(vocoders).lyra(x, int(rng.choice([0, 0, 46, 30, 16])))
    elif maker.endswith(".pt"):
        from vocoders import copy_synthesis
        y = copy_synthesis.vocode(maker, x)
    else:
        y = {"griffin_lim": griffin_lim, "world": world, "lpc": lpc}[maker](x, rng)
    y = np.asarray(y, np.float32)
    part = target.with_suffix(".part")
    soundfile.write(part, y / (np.abs(y).max() + 1e-6) * 0.9, RATE, format="FLAC", subtype="PCM_16")
    part.rename(target)


def _possible(maker, vocoders):
    if maker in ("hifigan", "lyra"):
        return bool(vocoders) and (pathlib.Path(vocoders) / "vocode.py").exists() and importlib.util.find_spec("ai_edge_litert") is not None
    if maker in ("world", "lpc"):
        return importlib.util.find_spec("pyworld") is not None
    return True


def make(cache, vocoders, real, counts, own, seed, jobs=1, log=print):
    """Twins of real clips, as `Clip`s of kind `twin`: `counts` is {maker: how many}; `own` are checkpoints of the recipe's own neural
    vocoders, which stand in `counts` by their stem. `vocoders` is the folder of the pretrained ones. A maker that is missing is named and left out."""
    folder, by_source = pathlib.Path(cache) / "twins", {}
    # Each source gives about the same number, so that no big page rules the twins.
    for clip in real:
        by_source.setdefault(clip.source, []).append(clip)
    sources, own = sorted(by_source), {pathlib.Path(p).stem: str(p) for p in own}
    wanted, clips = [], []
    for maker, count in counts.items():
        called = own.get(maker, maker)
        if called == maker and maker not in ("hifigan", "lyra", "griffin_lim", "world", "lpc") or not _possible(called, vocoders):
            log(f"prepare: twins by '{maker}' are left out: its vocoder is not there")
            continue
        (folder / maker).mkdir(parents=True, exist_ok=True)
        rng = np.random.default_rng([seed, 5, *maker.encode()])
        order = rng.permutation(len(sources))
        for k in range(count):
            members = by_source[sources[order[k % len(sources)]]]
            clip = members[int(rng.integers(len(members)))]
            target = folder / maker / f"{pathlib.Path(clip.path).stem}_{k:04d}.flac"
            wanted.append((called, clip.path, target, [seed, 5, k], vocoders))
            clips.append(Clip(path=str(target), split="train", label="spoof", system=f"twin {maker}", kind="twin", source=clip.source,
                              licence=clip.licence, language=clip.language, seconds=min(clip.seconds, SECONDS), rate_hz=clip.rate_hz))
    missing = [job for job in wanted if not job[2].exists()]
    if missing:
        with concurrent.futures.ProcessPoolExecutor(jobs) as pool:
            for k, _ in enumerate(pool.map(_make, missing, chunksize=4), 1):
                if k % 200 == 0:
                    log(f"prepare: {k} of {len(missing)} twins")
    return clips
