#!/usr/bin/env python3
"""Copy-synthesis with a trained vocoder: real clip -> log-mel -> waveform, the same words, voice and room from a machine.

    copy_synthesis.py CHECKPOINT folder IN_DIR OUT_DIR [--seconds 4.2]
    copy_synthesis.py CHECKPOINT corpus CORPUS OUT_DIR [--count 300] [--seed 1] [--without OTHER/index.tsv ...]
    copy_synthesis.py CHECKPOINT measure CORPUS [--count 200]

The first two write 16 kHz FLAC files and an index.tsv (file, made_from). From Python: `vocode(checkpoint, samples)`.
torch is loaded on the first use, not on import.
"""
import argparse
import csv
import functools
import pathlib
import sys
import time
import tomllib

HERE = pathlib.Path(__file__).resolve().parent
if __name__ == "__main__":
    sys.path[0] = str(HERE.parent)

import numpy as np

RATE, PEAK = 16000, 0.9


class CheckpointError(ValueError):
    """A checkpoint that is missing, damaged, or of something else."""


def read_checkpoint(path):
    """The checkpoint's dictionary. Only tensors and plain values are unpickled: a file from elsewhere cannot run code."""
    import torch
    from vocoders import spectra
    path = pathlib.Path(path)
    if not path.is_file():
        raise CheckpointError(f"{path}: there is no such checkpoint; vocoders/train.py makes one")
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as e:
        raise CheckpointError(f"{path}: this is not a checkpoint of a vocoder") from e
    missing = [k for k in ("family", "net", "analysis", "weights", "step", "spent") if not isinstance(state, dict) or k not in state]
    if missing:
        raise CheckpointError(f"{path}: a vocoder's checkpoint is expected to have {', '.join(missing)}")
    if state["analysis"] != spectra.ANALYSIS:
        raise CheckpointError(f"{path}: expected a vocoder for {spectra.ANALYSIS}, found one for {state['analysis']}")
    return state


@functools.lru_cache(maxsize=4)
def generator(path):
    """The network of a checkpoint. It is laid out without memory first: the file's own tensors are all that is held."""
    import torch
    from vocoders import generators
    state = read_checkpoint(path)
    try:
        with torch.device("meta"):
            net = generators.build(state["family"], state["net"])
        net.load_state_dict(state["weights"], assign=True)
    except Exception as e:
        raise CheckpointError(f"{path}: its weights do not fit its description") from e
    return net.eval().requires_grad_(False)


def vocode(checkpoint, samples, seed=0):
    """16 kHz mono float samples once through the vocoder: as many samples, at the level of the original."""
    import torch
    from vocoders import spectra
    x = np.asarray(samples, np.float32)
    if x.ndim != 1 or not len(x) or not np.isfinite(x).all():
        raise ValueError(f"expected finite mono samples, got an array of shape {x.shape}")
    gain = PEAK / max(float(np.abs(x).max()), 1e-4)
    room = max(spectra.N_FFT, -(-len(x) // spectra.HOP) * spectra.HOP) - len(x)
    net = generator(str(checkpoint))
    with torch.inference_mode(), torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        y = net(spectra.log_mel(torch.from_numpy(np.pad(x * gain, (0, room)))[None]))
    return y[0].numpy()[:len(x)] / gain


def write(checkpoint, clips, out, seconds, seed):
    """Twins of (path, name) pairs as OUT/<stem>.flac with an index. A clip that is longer gives a random stretch."""
    import soundfile

    import corpus
    out.mkdir(parents=True, exist_ok=True)
    with open(out / "index.part", "w", newline="") as f:
        rows = csv.writer(f, delimiter="\t")
        rows.writerow(["file", "made_from"])
        for k, (path, name) in enumerate(clips):
            x, n, rng = corpus.load(path, RATE), int(seconds * RATE), np.random.default_rng([seed, 17, k])
            start = int(rng.integers(max(len(x) - n, 0) + 1))
            y = vocode(checkpoint, x[start:start + n], seed + k)
            file = out / (pathlib.Path(name).stem + ".flac")
            soundfile.write(file, y * (PEAK / max(float(np.abs(y).max()), 1e-6)), RATE, subtype="PCM_16")
            rows.writerow([file.name, name])
    (out / "index.part").rename(out / "index.tsv")


def measure(checkpoint, clips):
    """Mel distance of each clip's twin to the clip, and processor seconds (over all threads) for a second of speech."""
    import torch

    import corpus
    from vocoders import losses, spectra
    distances, work, heard = [], 0.0, 0.0
    vocode(checkpoint, np.zeros(RATE, np.float32))
    for clip in clips:
        x = corpus.load(clip.path, RATE)
        x = x[:len(x) // spectra.HOP * spectra.HOP] * (PEAK / max(float(np.abs(x).max()), 1e-4))
        if len(x) < spectra.N_FFT:
            continue
        begun = time.process_time()
        y = vocode(checkpoint, x)
        work, heard = work + time.process_time() - begun, heard + len(x) / RATE
        distances.append(losses.mel_distance(torch.from_numpy(y)[None], torch.from_numpy(x)[None]))
    return np.array(distances), work / heard


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("checkpoint", type=pathlib.Path)
    p.add_argument("what", choices=["folder", "corpus", "measure"])
    p.add_argument("input", type=pathlib.Path)
    p.add_argument("output", type=pathlib.Path, nargs="?")
    p.add_argument("--seconds", type=float, default=4.2)
    p.add_argument("--count", type=int, default=300)
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--threads", type=int, default=1)
    p.add_argument("--without", type=pathlib.Path, action="append", default=[], help="an index.tsv whose clips are left out")
    a = p.parse_args()
    if a.output is None and a.what != "measure":
        p.error(f"{a.what} needs OUT_DIR")
    import torch
    torch.set_num_threads(a.threads)
    if a.what == "folder":
        found = sorted(q for q in a.input.rglob("*") if q.suffix in (".flac", ".wav"))
        return write(a.checkpoint, [(q, q.relative_to(a.input).as_posix()) for q in found], a.output, a.seconds, a.seed)
    from vocoders import material
    data = tomllib.loads((HERE / "vocoders.toml").read_text())["data"]
    if a.what == "measure":
        distances, factor = measure(a.checkpoint, material.unseen(a.input, data, a.count, a.seed))
        return print(f"{len(distances)} clips of dev: mel distance {distances.mean():.3f} (median {np.median(distances):.3f}, "
                     f"worst tenth over {np.quantile(distances, 0.9):.3f}); {factor:.3f} processor s for a second of speech")
    taken = {row["made_from"] for index in a.without for row in csv.DictReader(index.open(newline=""), delimiter="\t")}
    clips = {pathlib.Path(c.path).relative_to(a.input).as_posix(): c for c in material.trainable(a.input, data)}
    chosen = material.spread([c for name, c in clips.items() if name not in taken], a.count, a.seed)
    return write(a.checkpoint, [(c.path, pathlib.Path(c.path).relative_to(a.input).as_posix()) for c in chosen], a.output, a.seconds, a.seed)


if __name__ == "__main__":
    main()
