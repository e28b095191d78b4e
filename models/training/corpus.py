"""The corpus: its index, and one int16 memory map of all clips at the model's sampling rate.

A training step reads a few dozen random clips; one flat file in the page cache serves them faster than thousands of
FLAC files could be decoded, and each variant of the clips (a codec, a speed) is one more file of the same shape.
"""
import csv
import dataclasses
import hashlib
import json
import os
import pathlib

import numpy as np
import soundfile
from scipy.signal import resample_poly

PEAK = 0.9
RATE = 16000     # of the corpus


@dataclasses.dataclass(frozen=True)
class Clip:
    """One recording. `path` is absolute; `source` is the page or repository, `system` what spoke."""
    path: str
    split: str
    label: str
    system: str
    kind: str
    source: str
    licence: str
    language: str
    seconds: float
    speaker: str = ""        # empty where it is not known
    rate_hz: int = 16000     # of the recording before it came to 16 kHz
    codec: str = ""          # that it was stored in


def read_index(corpus, split):
    """The clips of one split, in the order of index.tsv."""
    corpus = pathlib.Path(corpus)
    with open(corpus / "index.tsv", newline="") as f:
        rows = [r for r in csv.DictReader(f, delimiter="\t") if r["split"] == split]
    if not rows:
        raise SystemExit(f"{corpus / 'index.tsv'} names no clip of the split '{split}'")
    return [Clip(path=str(corpus / r["file"]), split=r["split"], label=r["label"], system=r["system"], kind=r["kind"],
                 source=r["source"], licence=r["licence"], language=r["language"], seconds=float(r["seconds"]), speaker=r.get("speaker") or "", rate_hz=int(r.get("source_rate_hz") or 16000),
                 codec=r.get("source_codec") or "")
            for r in rows]


def load(path, rate):
    """A file as mono float32 at `rate`."""
    x, source_rate = soundfile.read(path, dtype="float32", always_2d=True)
    return at_rate(x.mean(axis=1), source_rate, rate)


def load_part(path, start, seconds):
    """A stretch of a clip of the corpus, mono float32 at 16 kHz; less where the clip ends."""
    with soundfile.SoundFile(path) as f:
        if f.samplerate != RATE:
            raise ValueError(f"{path} is not at {RATE} Hz")
        f.seek(min(int(start * RATE), f.frames))
        return f.read(int(seconds * RATE), dtype="float32", always_2d=True).mean(axis=1)


def at_rate(x, source_rate, rate):
    """x, resampled where the rates differ."""
    if source_rate == rate:
        return x
    divisor = int(np.gcd(source_rate, rate))
    return resample_poly(x, rate // divisor, source_rate // divisor).astype(np.float32)


class Store:
    """Clips in one flat int16 file. `self[i]` is a float32 copy of clip i."""

    def __init__(self, path):
        self.path = pathlib.Path(path)
        about = json.loads(self.path.with_suffix(".json").read_text())
        self.starts = np.array(about["starts"], np.int64)
        self.fingerprint = about["fingerprint"]
        # A file without a sample cannot be mapped.
        self.samples = np.memmap(self.path, np.int16, "r") if self.starts[-1] else np.zeros(0, np.int16)

    def __len__(self):
        return len(self.starts) - 1

    def length(self, i):
        return int(self.starts[i + 1] - self.starts[i])

    def __getitem__(self, i):
        return self.samples[self.starts[i]:self.starts[i + 1]].astype(np.float32) / 32768

    @staticmethod
    def write(path, waveforms):
        """Writes under another name first: a run that was cut off leaves no half store behind, and two at a time do not disturb each other. The
        fingerprint is that of the samples."""
        path = pathlib.Path(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        part, starts, digest = path.with_suffix(f".{os.getpid()}.part"), [0], hashlib.sha256()
        with open(part, "wb") as f:
            for x in waveforms:
                samples = np.round(np.clip(x, -1, 1) * 32767).astype(np.int16).tobytes()
                digest.update(samples)
                f.write(samples)
                starts.append(starts[-1] + len(x))
        listing = part.with_suffix(".listing")
        listing.write_text(json.dumps({"starts": starts, "fingerprint": digest.hexdigest()}))
        part.rename(path)
        listing.rename(path.with_suffix(".json"))
        return Store(path)


def store(cache, name, clips, rate):
    """The store of these clips, made on the first call."""
    path = pathlib.Path(cache) / f"{name}_{rate}.i16"
    listing = path.with_suffix(".txt")
    wanted = "\n".join(c.path for c in clips)
    if path.exists() and listing.exists() and listing.read_text() == wanted:
        return Store(path)

    def waveforms():
        for clip in clips:
            x = load(clip.path, rate)
            yield x * (PEAK / max(float(np.abs(x).max()), 1e-4))

    made = Store.write(path, waveforms())
    listing.write_text(wanted)
    return made
