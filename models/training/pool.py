"""The pool: many windows after the channels, made once, from which every training of the same channels draws its batches.

The channels cost as much as a step of a small network. Made once, they serve many epochs and many configurations, which then
differ in what is compared and in nothing else. Each use of a window takes another cut of it and masks other parts of it.
"""
import fcntl
import hashlib
import json
import multiprocessing
import pathlib
import time

import numpy as np

import channels
import draws

_made = None     # the `Draws` of this process, handed to its children by fork


def _window(k):
    samples, category, clip = _made.window(k)
    return np.round(np.clip(samples, -1, 1) * 32767).astype(np.int16), draws.CATEGORIES.index(category), clip


class Pool:
    """`waves` int16 [n, samples], `category` [n] (index in draws.CATEGORIES), `clip` [n] (index in the material)."""

    def __init__(self, path, samples):
        about = np.load(path.with_suffix(".npz"))
        self.category, self.clip = about["category"], about["clip"]
        self.waves = np.memmap(path, np.int16, "r").reshape(-1, samples)
        if len(self.waves) != len(self.category):
            raise SystemExit(f"{path} has {len(self.waves)} windows, expected {len(self.category)}: remove it, and it is made again")
        self.members = {name: np.nonzero(self.category == k)[0] for k, name in enumerate(draws.CATEGORIES)}
        self.labels = np.array([draws.SPOOF[name] for name in draws.CATEGORIES])[self.category]


def fingerprint(config, material):
    """What the windows depend on; a training with other numbers of these makes a pool of its own."""
    parts = [config["channels"], channels.PLAIN, {k: v for k, v in config["sampling"].items() if k not in ("pool", "shares")},
             config["input"]["sample_rate_hz"], config["input"]["window_samples"],
             material.store.fingerprint, material.noise.fingerprint, sorted({store.fingerprint for places in material.copies for store, _ in places}),
             [hashlib.sha256(room.tobytes()).hexdigest() for room in material.rooms]]
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:12]


def make(cache, config, material, jobs=1, log=print):
    """The pool of this configuration, with `sampling.pool` windows at least. A run that was cut off goes on where it stopped, and a pool that is
    too small is added to."""
    path, n = pathlib.Path(cache) / f"pool_{fingerprint(config, material)}.i16", config["sampling"]["pool"]
    with open(path.with_suffix(".lock"), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)      # runs that train members side by side wait for the one that makes their pool
        return _make(path, n, config, material, jobs, log)


def _make(path, n, config, material, jobs, log):
    global _made
    samples, done = config["input"]["window_samples"], path.with_suffix(".npz")
    if done.exists() and len(np.load(done)["category"]) >= n:
        return Pool(path, samples)
    begun, rows = path.with_suffix(".rows"), []
    size = 2 * samples
    if done.exists():
        rows = np.stack([np.load(done)["category"], np.load(done)["clip"]], 1).tolist()
        begun.write_text("".join(json.dumps(r) + "\n" for r in rows))
        done.unlink()
    elif path.exists() and begun.exists():
        rows = [json.loads(line) for line in begun.read_text().splitlines()[:path.stat().st_size // size]]
    first, started, _made = len(rows), time.time(), draws.Draws(material, config)
    log(f"prepare: a pool of {n} windows in {path}, from {first} on")
    with open(path, "ab") as waves, open(begun, "a") as about, multiprocessing.get_context("fork").Pool(jobs) as workers:
        waves.truncate(first * size)
        about.truncate(sum(len(json.dumps(r)) + 1 for r in rows))
        for window, category, clip in workers.imap(_window, range(first, n), chunksize=64):
            waves.write(window.tobytes())
            rows.append([int(category), int(clip)])
            about.write(json.dumps(rows[-1]) + "\n")
            if len(rows) % 5000 == 0:
                waves.flush(), about.flush()
                rate = (len(rows) - first) / (time.time() - started)
                log(f"prepare: {len(rows)} of {n} windows, {rate:.0f} a second, {(n - len(rows)) / rate / 60:.1f} min left")
    rows = np.array(rows)
    np.savez(done, category=rows[:, 0], clip=rows[:, 1])
    begun.unlink()
    return Pool(path, samples)
