"""Scores from the library's own streaming path: whatever is reported is what a user's call would get."""
import collections
import concurrent.futures
import csv
import dataclasses
import os
import pathlib

import numpy as np

import copies
import corpus
import lines
import phone_codecs

# name: (what it is, the line, the first so many seconds)
CONDITIONS = {
    "phone": ("RMS to 0.1, 8 kHz, 300-3400 Hz sixth-order Butterworth, mu-law", "phone", None),
    "as is": ("the clip as it is, 16 kHz", "as is", None),
    "phone, first 2 s": ("the phone condition, cut after 2 s", "phone", 2),
    "phone, first 1 s": ("the phone condition, cut after 1 s", "phone", 1),
}
CODECS = lines.CODECS
# Other lines of which only the error rates are reported.
LINES = {
    "phone, brought to 16 kHz": "the phone condition in a file of 16 kHz, as recorders make them",
    "phone, noise at 20 dB": "white noise at 20 dB, then the phone condition",
    "phone, noise at 10 dB": "white noise at 10 dB, then the phone condition",
    "phone, noise at 5 dB": "white noise at 5 dB, then the phone condition",
}


def main_condition(config):
    """What the model was made for, is calibrated on and judged by first."""
    return "phone" if config["input"]["sample_rate_hz"] == 8000 else "as is"


def calibration_lines(config):
    """{condition: its share} of what the calibration is fitted on; the main one alone where the configuration names none."""
    return config["calibration"].get("lines", {main_condition(config): 1.0})


@dataclasses.dataclass
class Scored:
    """One answer. `llr` is None where the detector found too little speech; `windows` are its windows' scores."""
    llr: float | None
    decision: str
    windows: list
    speech_seconds: float
    reasons: list


def audio(clip, condition, longest=None):
    """(samples, rate) of a clip, or of its first seconds, under a condition."""
    _, line, seconds = CONDITIONS.get(condition, ("", condition, None))
    return lines.through(line, corpus.load_part(clip.path, 0, seconds or longest or 1000))


def score(detector, clips, condition, log=None, longest=None):
    """A `Scored` for each clip."""
    return score_audio(detector, (audio(clip, condition, longest) for clip in clips), len(clips), condition, log)


def score_coded(detector, clips, name, cache, log=None):
    """A `Scored` for each clip after one of `CODECS`. Coded clips are kept in the cache, since they are the same for every detector."""
    codec, rate = CODECS[name]
    made = copies.coded_store(cache, "dev", corpus.store(cache, "dev", clips, phone_codecs.RATE), codec, rate)
    return score_audio(detector, ((made[k], rate) for k in range(len(clips))), len(clips), name, log)


def score_under(detector, clips, name, cache, log=None):
    """A `Scored` for each clip, whichever kind of condition it is."""
    return score_coded(detector, clips, name, cache, log) if name in CODECS else score(detector, clips, name, log)


def score_audio(detector, audios, count, condition, log):
    """On all cores; the audio is made one by one, as it is wanted."""
    def scored(audio):
        leg = detector.scan(*audio).legs[0]
        return Scored(leg.llr, leg.decision, [w.llr for w in leg.windows], leg.speech_seconds, list(leg.reasons))

    results, waiting, jobs = [], collections.deque(), os.cpu_count() or 1
    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        for k, audio in enumerate(audios):
            waiting.append(pool.submit(scored, audio))
            if len(waiting) > 2 * jobs:
                results.append(waiting.popleft().result())
            if log and (k + 1) % 1000 == 0:
                log(f"score: {condition}, {k + 1} of {count}")
        results += [w.result() for w in waiting]
    return results


def values(scored):
    """Scores with 0, the undecided answer, where there is none."""
    return np.array([0.0 if s.llr is None else s.llr for s in scored])


def peers(folder, clips):
    """{detector: {"phone" | "as is": scores}} of the published detectors on the same clips, or {} without their file."""
    path = pathlib.Path(folder) / "dev_peers.tsv"
    if not path.exists():
        return {}
    with open(path, newline="") as f:
        rows = {r["file"]: r for r in csv.DictReader(f, delimiter="\t")}
    names = [c[:-len("_phone")] for c in next(iter(rows.values())) if c.endswith("_phone")]
    files = [str(pathlib.Path(c.path).relative_to(folder)) for c in clips]
    return {name: {condition: np.array([float(rows[f][f"{name}_{column}"]) for f in files])
                   for condition, column in (("phone", "phone"), ("as is", "wide"))} for name in names}
