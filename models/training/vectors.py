"""The statistics of windows, computed once by the library and kept: rows of float32 of the windows that the library itself makes of each clip, long pauses cut out, short speech repeated.

The first row of a clip is of its first seconds, as the figures hear it; more are of windows side by side of the whole clip from its end on, as a call hears it. A cache file belongs to one set of features and
windows and one line. Rows are only ever added, each under the name of its clip, so a run that was cut off goes on, and a clip that is new costs its own rows alone.
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
    """(rows, [how many of them are of the beginning, how many in all] for each clip) of some clips; no row of one with too little speech."""
    paths, line, text, windows = job
    features, about = extractor(text), json.loads(text)
    rate, samples = about["sample_rate_hz"], about["window_samples"]
    whole = [corpus.load_part(path, 0, 60) for path in paths]
    first = int(windows["first_seconds"] * corpus.RATE)
    longer = [k for k, x in enumerate(whole) if len(x) > first] if windows["more"] else []
    waves = after(line, [x[:first] for x in whole] + [whole[k] for k in longer], rate)
    found = [features.of_speech(np.ascontiguousarray(x, np.float32), rate)[:, 0] for x in waves]
    apart = -(-samples // about["hop_samples"])       # windows side by side
    beginnings = [rows[:1] for rows in found[:len(paths)]]
    others = {k: rows[::-1][::apart][:windows["more"]] for k, rows in zip(longer, found[len(paths):])}
    none = np.zeros((0, features.shape[1]), np.float32)
    parts = [part for k, start in enumerate(beginnings) for part in (start, others.get(k, none))]
    return np.concatenate(parts), [(len(start), len(start) + len(others.get(k, none))) for k, start in enumerate(beginnings)]


class Vectors:
    """Rows of one cache file: `make(clips)` makes those that are missing, `rows(clips)` gives them."""

    def __init__(self, cache, config, line, more=None):
        """`more` rows of a clip besides that of its beginning; as many as the configuration says without it."""
        self.line, self.windows = line, {**config["windows"], **({} if more is None else {"more": more})}
        self.text = json.dumps(config["input"], sort_keys=True)
        name = hashlib.sha256(json.dumps([self.text, line, self.windows]).encode()).hexdigest()[:12]
        self.path = pathlib.Path(cache) / "vectors" / f"{config['model']['name']}_{line.replace(' ', '_').replace(',', '')}_{name}.f32"
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.listing = self.path.with_suffix(".txt")
        self.width = extractor(self.text).shape[1]
        self.places, self.end = {}, 0      # name: (first row, rows of its beginning, rows)
        whole = self.path.stat().st_size // (4 * self.width) if self.path.exists() else 0
        for text in self.listing.read_text().splitlines() if self.listing.exists() else []:
            name, *counts = text.rsplit("\t", 2)
            if len(counts) < 2 or self.end + int(counts[1]) > whole:
                break
            self._place(name, *map(int, counts))

    def _place(self, name, beginnings, count):
        self.places[name] = (self.end, beginnings, count)
        self.end += count

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
        tasks = [([path for _, path in block], self.line, self.text, self.windows) for block in blocks]
        with open(self.path, "r+b" if self.path.exists() else "w+b") as data, open(self.listing, "w") as listing, concurrent.futures.ProcessPoolExecutor(jobs) as pool:
            data.truncate(self.end * 4 * self.width)
            data.seek(0, 2)
            listing.write("".join(f"{name}\t{beginnings}\t{count}\n" for name, (_, beginnings, count) in self.places.items()))
            done, told = 0, started
            for block, (rows, counts) in zip(blocks, pool.map(_block, tasks)):
                data.write(rows.tobytes())
                data.flush()
                for (name, _), (beginnings, count) in zip(block, counts):
                    listing.write(f"{name}\t{beginnings}\t{count}\n")
                    self._place(name, beginnings, count)
                listing.flush()
                done += len(block)
                if time.time() - told > 15 or done == len(wanted):
                    told, rate = time.time(), done / (time.time() - started)
                    log(f"vectors: {self.path.stem}, {done} of {len(wanted)} clips, {rate:.0f} a second, {(len(wanted) - done) / rate / 60:.1f} minutes left")

    def rows(self, clips, beginnings=False):
        """(rows, which of the clips each is of): all of each clip, or that of its beginning alone. They must have been made."""
        data = np.memmap(self.path, np.float32, "r").reshape(-1, self.width) if self.end else np.zeros((0, self.width), np.float32)
        places = [self.places[key(clip)] for clip in clips]
        counts = [first if beginnings else count for _, first, count in places]
        chosen = np.concatenate([np.arange(start, start + count) for (start, *_), count in zip(places, counts)]).astype(int) if places else np.zeros(0, int)
        return data[chosen], np.repeat(np.arange(len(clips)), counts)
