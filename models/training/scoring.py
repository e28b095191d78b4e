"""Scores of `dev` from the library's own streaming path: whatever is reported is what a user's call would get."""
import csv
import dataclasses
import pathlib

import numpy as np
from scipy.signal import resample_poly

import copies
import corpus
import dev
import phone_codecs


def _phone(x):
    return dev.phone_line(x), 8000


def _as_is(x):
    return x, dev.RATE


def _first(seconds):
    return lambda x: _phone(x[:int(seconds * dev.RATE)])


def _noisy(snr_db):
    """White noise at this ratio to the clip as a whole, then the phone line. Seeded by the clip, the same for every detector."""
    def condition(x):
        rng = np.random.default_rng(len(x))
        noise = rng.standard_normal(len(x)).astype(np.float32)
        level = float(np.sqrt(np.mean(np.square(x)))) * 10 ** (-snr_db / 20)
        return _phone(x + level * noise)
    return condition


# name: (what it is, function from a clip at 16 kHz to samples and their rate)
CONDITIONS = {
    "phone": ("RMS to 0.1, 8 kHz, 300-3400 Hz sixth-order Butterworth, mu-law", _phone),
    "as is": ("the clip as it is, 16 kHz", _as_is),
    "phone, first 2 s": ("the phone condition, cut after 2 s", _first(2)),
    "phone, first 1 s": ("the phone condition, cut after 1 s", _first(1)),
}
# Codecs of which only the error rates are reported: (the codec, rate that its audio is scored at).
CODECS = {
    "GSM-FR": ("gsm", 8000),
    "AMR-NB 5.15": ("amr_nb_5k", 8000),
    "AMR-NB 12.2": ("amr_nb_12k", 8000),
    "G.729": ("g729", 8000),
    "Opus 8": ("opus_8k", 8000),
    "G.722": ("g722", 16000),
    "AMR-WB 8.85": ("amr_wb_9k", 16000),
    "Opus 16, wideband": ("opus_wb_16k", 16000),
}
# Other lines, likewise.
LINES = {
    "phone, brought to 16 kHz": ("the phone condition in a file of 16 kHz, as recorders make them", lambda x: (resample_poly(dev.phone_line(x), 2, 1).astype(np.float32), dev.RATE)),
    "phone, noise at 20 dB": ("white noise at 20 dB, then the phone condition", _noisy(20)),
    "phone, noise at 10 dB": ("white noise at 10 dB, then the phone condition", _noisy(10)),
    "phone, noise at 5 dB": ("white noise at 5 dB, then the phone condition", _noisy(5)),
}

# Longer clips of the full build: seconds that are cut off for one, and the clips that are taken for it (at least so long).
DURATIONS = {
    "phone, 4 s of clips of 10 s": (4, 10),
    "phone, 10 s": (10, 10),
    "phone, 4 s of clips of 30 s": (4, 30),
    "phone, 30 s": (30, 30),
}


def main_condition(config):
    """What the model was made for, is calibrated on and judged by first."""
    return "phone" if config["input"]["sample_rate_hz"] == 8000 else "as is"


def lines(config):
    """{condition: its share} of what the calibration is fitted on; the main one alone where the configuration names none."""
    return config["calibration"].get("lines", {main_condition(config): 1.0})


@dataclasses.dataclass
class Scored:
    """One clip's answer. `llr` is None where the detector found too little speech; `windows` are its windows' scores."""
    llr: float | None
    decision: str
    windows: list
    speech_seconds: float
    reasons: list


def audio(clip, condition):
    """(samples, rate) of a clip under a condition."""
    return {**CONDITIONS, **LINES}[condition][1](corpus.load(clip.path, dev.RATE))


def score(detector, clips, condition, log=None):
    """A `Scored` for each clip."""
    return _score(detector, (audio(clip, condition) for clip in clips), len(clips), condition, log)


def score_long(detector, clips, name, log=None):
    """(clips that are long enough, a `Scored` for each) for one of `DURATIONS`. Half a second less will do: recordings are cut where speech ends."""
    seconds, least = DURATIONS[name]
    chosen = [clip for clip in clips if clip.seconds >= least - 0.5]
    audios = (_phone(corpus.load(clip.path, dev.RATE)[:seconds * dev.RATE]) for clip in chosen)
    return chosen, _score(detector, audios, len(chosen), name, log)


def score_coded(detector, clips, name, cache, log=None):
    """A `Scored` for each clip after one of `CODECS`. Coded clips are kept in the cache, since they are the same for every detector."""
    codec, rate = CODECS[name]
    made = copies.coded_store(cache, "dev", corpus.store(cache, "dev", clips, phone_codecs.RATE), codec, rate)
    return _score(detector, ((made[k], rate) for k in range(len(clips))), len(clips), name, log)


def score_under(detector, clips, name, cache, log=None):
    """A `Scored` for each clip, whichever kind of condition it is."""
    return score_coded(detector, clips, name, cache, log) if name in CODECS else score(detector, clips, name, log)


def _score(detector, audios, count, condition, log):
    results = []
    for k, (samples, rate) in enumerate(audios):
        leg = detector.scan(samples, rate).legs[0]
        results.append(Scored(leg.llr, leg.decision, [w.llr for w in leg.windows], leg.speech_seconds, list(leg.reasons)))
        if log and (k + 1) % 260 == 0:
            log(f"score: {condition}, {k + 1} of {count} clips")
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
