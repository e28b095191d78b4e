"""The statistics of windows, computed once by the library and kept: one row of float32 for the first window of each clip.

A cache file belongs to one set of features and one line. Rows are only ever added, each under the name of its clip, so a run that was cut
off goes on, and a clip that is new costs its own row alone.
"""
import concurrent.futures
import functools
import hashlib
import json
import pathlib
import time

import numpy as np

import copies
import corpus
import lines

BLOCK = 128        # clips that one process takes at a time


def key(clip):
    """What a clip is called in the cache: a file of another length is another clip."""
    path = pathlib.Path(clip.path)
    return f"{path.parent.name}/{path.name} {path.stat().st_size}"


@functools.cache
def extractor(text):
    import veravox
    return veravox.WindowFeatures(json.loads(text))


def after(line, pieces, rate):
    """The pieces (16 kHz) after a line, at the model's rate. A codec takes all of them in one go."""
    if line in lines.CODECS:
        codec, heard = lines.CODECS[line]
        return [corpus.at_rate(x, heard, rate) for x in copies.at_rate(pieces, codec, heard)]
    return [corpus.at_rate(*lines.through(line, x), rate) for x in pieces]


def _block(job):
    """Rows of some clips. A clip shorter than a window is repeated, as the library does it."""
    paths, line, text = job
    features, about = extractor(text), json.loads(text)
    rate, samples = about["sample_rate_hz"], about["window_samples"]
    waves = after(line, [corpus.load_part(path, 0, samples / rate) for path in paths], rate)
    return features.batch(np.stack([corpus.exactly(x, samples) for x in waves]))[:, 0]


class Vectors:
    """Rows of one cache file: `rows(clips)` makes those that are missing and gives a float32 array with a row for each clip."""

    def __init__(self, cache, config, line):
        self.line = line
        self.text = json.dumps(config["input"], sort_keys=True)
        name = hashlib.sha256(json.dumps([self.text, line]).encode()).hexdigest()[:12]
        self.path = pathlib.Path(cache) / "vectors" / f"{config['model']['name']}_{line.replace(' ', '_').replace(',', '')}_{name}.f32"
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.listing = self.path.with_suffix(".txt")
        self.width = extractor(self.text).shape[1]
        names = self.listing.read_text().splitlines() if self.listing.exists() else []
        whole = self.path.stat().st_size // (4 * self.width) if self.path.exists() else 0
        self.places = {name: k for k, name in enumerate(names[:whole])}

    def _missing(self, clips):
        wanted, seen = [], set()
        for clip in clips:
            name = key(clip)
            if name not in self.places and name not in seen:
                seen.add(name)
                wanted.append((name, clip.path))
        return wanted

    def make(self, clips, jobs=1, log=print):
        """Adds the rows that are missing, block by block; says the rate and the time left."""
        wanted, started = self._missing(clips), time.time()
        if not wanted:
            return
        blocks = [wanted[k:k + BLOCK] for k in range(0, len(wanted), BLOCK)]
        tasks = [([path for _, path in block], self.line, self.text) for block in blocks]
        with open(self.path, "r+b" if self.path.exists() else "w+b") as data, open(self.listing, "w") as listing, concurrent.futures.ProcessPoolExecutor(jobs) as pool:
            data.truncate(len(self.places) * 4 * self.width)
            data.seek(0, 2)
            listing.write("".join(f"{name}\n" for name in self.places))
            done, told = 0, started
            for block, rows in zip(blocks, pool.map(_block, tasks)):
                data.write(rows.tobytes())
                data.flush()
                listing.write("".join(f"{name}\n" for name, _ in block))
                listing.flush()
                for name, _ in block:
                    self.places[name] = len(self.places)
                done += len(block)
                if time.time() - told > 15 or done == len(wanted):
                    told, rate = time.time(), done / (time.time() - started)
                    log(f"vectors: {self.path.stem}, {done} of {len(wanted)} clips, {rate:.0f} a second, {(len(wanted) - done) / rate / 60:.1f} minutes left")

    def rows(self, clips):
        """The rows of these clips, which must have been made."""
        data = np.memmap(self.path, np.float32, "r").reshape(-1, self.width)
        return data[[self.places[key(clip)] for clip in clips]]
