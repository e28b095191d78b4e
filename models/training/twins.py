"""Copy-synthesis: some of the real training clips once more through neural vocoders, and through Griffin-Lim.

A twin shares speaker, room and words with the real clip, so that only the machine is left as a difference. They are a
small share of the draws: many of them teach the vocoder and drown what gives other synthesisers away.
"""
import importlib.util
import pathlib

import numpy as np
import soundfile

from corpus import Clip, load


def _vocoders(folder):
    path = pathlib.Path(folder) / "vocode.py"
    if not path.exists() or importlib.util.find_spec("ai_edge_litert") is None:
        return None
    spec = importlib.util.spec_from_file_location("vocode", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def griffin_lim(x, rng):
    """An 80-band mel spectrogram and back, as the first text-to-speech systems did it."""
    import librosa
    n_fft, hop, rounds = (1024, 256, 30) if rng.random() < 0.5 else (800, 200, 60)
    mel = librosa.feature.melspectrogram(y=x, sr=16000, n_fft=n_fft, hop_length=hop, n_mels=80, power=1)
    linear = librosa.feature.inverse.mel_to_stft(mel, sr=16000, n_fft=n_fft, power=1)
    return librosa.griffinlim(linear, n_iter=rounds, hop_length=hop, n_fft=n_fft, random_state=int(rng.integers(1 << 31)))


def make(cache, vocoder_folder, real, count, seed):
    """Twins of `count` real clips, as `Clip`s of kind `twin`. Without the vocoders only Griffin-Lim is used."""
    rng = np.random.default_rng([seed, 5])
    folder = pathlib.Path(cache) / f"twins_{count}_{seed}"
    folder.mkdir(parents=True, exist_ok=True)
    module, clips = _vocoders(vocoder_folder) if vocoder_folder else None, []
    # Each source gives about the same number, so that no big page rules the twins.
    by_source = {}
    for clip in real:
        by_source.setdefault(clip.source, []).append(clip)
    sources = sorted(by_source)
    chosen = [by_source[s][int(rng.integers(len(by_source[s])))] for s in (sources[k % len(sources)] for k in range(count))]
    for k, clip in enumerate(chosen):
        own = np.random.default_rng([seed, 5, k])
        maker = ["hifigan", "lyra", "griffin_lim"][k % 3] if module else "griffin_lim"
        path = folder / f"{k:04d}_{maker}.flac"
        if not path.exists():
            x = load(clip.path, 16000)
            if maker == "hifigan":
                y = module.hifigan(x)
            elif maker == "lyra":
                y = module.lyra(x, int(own.choice([0, 0, 46, 30, 16])))
            else:
                y = griffin_lim(x, own)
            y = np.asarray(y, np.float32)
            soundfile.write(path, y / (np.abs(y).max() + 1e-6) * 0.9, 16000, subtype="PCM_16")
        clips.append(Clip(path=str(path), split="train", label="spoof", system=f"twin {maker}", kind="twin",
                          source=clip.source, licence=clip.licence, language=clip.language, seconds=clip.seconds))
    return clips
