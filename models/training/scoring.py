"""Scores of `dev` from the library's own streaming path: whatever is reported is what a user's call would get."""
import csv
import dataclasses
import pathlib

import numpy as np

import corpus
import dev

CONDITIONS = {
    "phone": "RMS to 0.1, 8 kHz, 300-3400 Hz sixth-order Butterworth, mu-law",
    "as is": "the clip as it is, 16 kHz",
    "phone, first 2 s": "the phone condition, cut after 2 s",
    "phone, first 1 s": "the phone condition, cut after 1 s",
}


@dataclasses.dataclass
class Scored:
    """One clip's answer. `llr` is None where the detector found too little speech; `windows` are its windows' scores."""
    llr: float | None
    decision: str
    windows: list
    speech_seconds: float


def audio(clip, condition):
    """(samples, rate) of a clip under a condition."""
    x = corpus.load(clip.path, dev.RATE)
    if condition == "as is":
        return x, dev.RATE
    if condition.startswith("phone, first"):
        x = x[:int(float(condition.split()[2]) * dev.RATE)]
    return dev.phone_line(x), 8000


def score(detector, clips, condition, log=None):
    """A `Scored` for each clip."""
    results = []
    for k, clip in enumerate(clips):
        leg = detector.detect(*audio(clip, condition))["legs"][0]
        results.append(Scored(leg["llr"], leg["decision"], [w["llr"] for w in leg["windows"]], leg["speech_seconds"]))
        if log and (k + 1) % 260 == 0:
            log(f"score: {condition}, {k + 1} of {len(clips)} clips")
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
