"""The parts of `dev`: what nothing was trained on, and what every figure is from.

`folder` are the clips of the corpus's own folder, older systems mostly; `pages` the demonstration pages of the full build that hold both classes and of which the folder has nothing; `telephone`
are people who were recorded over a telephone line.
"""
import numpy as np

import corpus
from material import page

# They share recordings with a set that others judge these models by.
NOT_REPORTED = {"github:Uberi/speech_recognition", "github:Plachtaa/seed-vc"}
TELEPHONE_CODECS = ("raw_mulaw", "raw_alaw")
GAP_SECONDS = 0.3     # between clips of one voice that are strung together


def folder(path):
    return [c for c in corpus.read_index(path, "dev") if c.source not in NOT_REPORTED]


def pages(path, full):
    """Clips of the pages with both classes that the folder does not know."""
    known = {page(c.source) for c in corpus.read_index(path, "dev")}
    clips = [c for c in corpus.read_index(full, "dev") if page(c.source) not in known]
    real, fake = ({page(c.source) for c in clips if c.label == label} for label in ("bonafide", "spoof"))
    return [c for c in clips if page(c.source) in real & fake]


def telephone(full):
    return [c for c in corpus.read_index(full, "dev") if c.label == "bonafide" and c.codec in TELEPHONE_CODECS]


def halves(clips, seed=1):
    """0 or 1 for each clip, whole pages at a time, by lot."""
    names = sorted({page(c.source) for c in clips})
    half = dict(zip(names, np.random.default_rng(seed).permutation(np.arange(len(names)) % 2)))
    return np.array([half[page(c.source)] for c in clips])


def voices(clips):
    """{(label, source, who): its clips}: a speaker, or a system and its speaker. A human clip whose speaker is not known is alone."""
    groups = {}
    for c in clips:
        known = c.speaker if c.speaker not in ("", "unk", "multi") else ""
        who = f"{c.system} {known}" if c.label == "spoof" else known or c.path
        groups.setdefault((c.label, c.source, who), []).append(c)
    return groups


def strung(clips, seconds, rng):
    """Samples at 16 kHz of these clips of one voice one after the other, with short pauses, cut after so many seconds of them; nothing where they are shorter."""
    parts, total = [], 0.0
    for k in rng.permutation(len(clips)):
        x = corpus.load_part(clips[k].path, 0, seconds - total)
        level = max(float(np.sqrt(np.mean(np.square(x)))), 1e-6) if len(x) else 1.0
        parts += [x * (0.1 / level), np.zeros(int(GAP_SECONDS * corpus.RATE), np.float32)]
        total += len(x) / corpus.RATE
        if total >= seconds - 0.01:
            return np.concatenate(parts[:-1])
    return None
