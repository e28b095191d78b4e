"""Copies of the clips through telephone codecs, or at other speeds: the same speech after another way.

Each clip gets a few copies, drawn from the list of the configuration; each codec runs once over all clips that drew it, laid
end to end with a little silence between them, and is cut apart again. Both classes go through the same stream.
"""
import concurrent.futures
import json
import pathlib

import numpy as np
from scipy.signal import resample_poly

import phone_codecs
from corpus import Store

GAP = phone_codecs.RATE // 5
SPEEDS = {"slower": (25, 23), "faster": (23, 25)}   # up, down: a longer clip is slower and deeper
# Joined clips go through a codec in parts of this many seconds: memory, and the codecs' own limits.
PART_SECONDS = 900


def _delay(x, y):
    """Samples by which y lags x, over the first 20 s."""
    n = min(len(x), len(y), 20 * phone_codecs.RATE)
    a, b = np.fft.rfft(x[:n].astype(np.float32), 2 * n), np.fft.rfft(y[:n].astype(np.float32), 2 * n)
    return int(np.argmax(np.fft.irfft(np.conj(a) * b)[:8000]))


def _to_peak(x):
    return x * (0.9 / max(float(np.abs(x).max()), 1e-3))


def _coded(clips, names, rng):
    """Clips (float32 at 16 kHz) through codecs, each at a level of its own so that no level belongs to a codec."""
    part, length = [], 0
    for last, x in ((k == len(clips) - 1, clips[k]) for k in range(len(clips))):
        part.append(np.round(x * 10 ** (rng.uniform(-18, 0) / 20) * 32767).astype(np.int16))
        length += len(x) + GAP
        if last or length > PART_SECONDS * phone_codecs.RATE:
            yield from _cut_apart(part, names)
            part, length = [], 0


def _cut_apart(part, names):
    silence = np.zeros(GAP, np.int16)
    x = np.concatenate([piece for clip in part for piece in (clip, silence)])
    y = phone_codecs.through(names, x)
    lag = _delay(x, y)
    y = np.concatenate([y[lag:], np.zeros(lag + GAP, np.int16)])
    at = 0
    for clip in part:
        yield _to_peak(y[at:at + len(clip)].astype(np.float32) / 32768)
        at += len(clip) + GAP


def _changed(clips, name, rng):
    if name not in SPEEDS:
        yield from _coded(clips, name, rng)
        return
    for k in range(len(clips)):
        yield _to_peak(resample_poly(clips[k], *SPEEDS[name]).astype(np.float32))


def plan(n_clips, names, per_clip, seed):
    """{name: indices of the clips that get this copy}: `per_clip` different ones for each clip."""
    rng = np.random.default_rng([seed, 6])
    drawn = np.array([rng.permutation(len(names))[:per_clip] for _ in range(n_clips)]).reshape(n_clips, -1)
    return {name: np.nonzero((drawn == k).any(1))[0] for k, name in enumerate(names)}


def coded_store(cache, base, clips, name, rate):
    """The store of all clips of a store at 16 kHz through one codec, made on the first call."""
    path = pathlib.Path(cache) / f"{base}_{name}_{rate}.i16"
    listing = path.with_suffix(".which")
    if not (path.exists() and listing.exists() and listing.read_text() == clips.fingerprint):
        problem = _make_one((path, clips.path, range(len(clips)), rate, name, 1))
        if problem:
            raise phone_codecs.Missing(problem)
        listing.write_text(clips.fingerprint)
    return Store(path)


def _make_one(job):
    """Writes the store of one copy; jobs run in processes of their own. Says what is missing, or nothing."""
    path, source, indices, rate, name, seed = job
    clips, rng = Store(source), np.random.default_rng([seed, *name.encode()])
    changed = _changed([clips[int(i)] for i in indices], name, rng)
    try:
        Store.write(path, changed if rate == phone_codecs.RATE else (resample_poly(x, rate, phone_codecs.RATE).astype(np.float32) for x in changed))
    except phone_codecs.Missing as missing:
        return str(missing)
    return None


def make(cache, base, clips, rate, names, per_clip, seed, jobs=1, log=print):
    """[(name, store, indices)] at `rate` of the copies of `clips` (a store at 16 kHz); what the cache holds is not made again. A codec whose
    tool is missing is named and left out."""
    made, wanted = [], []
    for name, indices in plan(len(clips), names, per_clip, seed).items():
        if not len(indices):
            continue
        path = pathlib.Path(cache) / f"{base}_{name}_{rate}.i16"
        fingerprint = json.dumps({"of": clips.fingerprint, "indices": [int(i) for i in indices]})
        made.append((name, path, indices, fingerprint))
        listing = path.with_suffix(".which")
        if not (path.exists() and listing.exists() and listing.read_text() == fingerprint):
            wanted.append((path, clips.path, indices, rate, name, seed))
    missing = set()
    if wanted:
        with concurrent.futures.ProcessPoolExecutor(jobs) as pool:
            for job, failed in zip(wanted, pool.map(_make_one, wanted)):
                if failed:
                    log(f"prepare: copies '{job[4]}' are left out: {failed}")
                    missing.add(job[0])
                else:
                    job[0].with_suffix(".which").write_text(next(f for _, p, _, f in made if p == job[0]))
                    log(f"prepare: {len(job[2])} copies '{job[4]}'")
    return [(name, Store(path), indices) for name, path, indices, _ in made if path not in missing]
