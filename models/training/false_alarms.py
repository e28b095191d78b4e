#!/usr/bin/env python3
"""People, and everything else that is heard on a phone line and is no machine's voice: how often is it called synthetic?

    python models/training/false_alarms.py --corpus ../shared/corpus [--built DIR] [--markdown docs/false-alarms.md]

or `cargo xtask false-alarms`. With `--built`, a folder that the corpus's `build.py` made, kinds of people and languages are those of
both, each repository's clips from the build where it has them. Sounds are made here; speech is that of the people of the corpus's dev, whom no model was trained on,
through the telephone line and what else each row says. With `--markdown` the tables of that page are written anew.
"""

import argparse
import collections
import concurrent.futures
import pathlib
import re

import numpy as np
import veravox
from scipy.signal import butter, fftconvolve, resample_poly, sosfilt
from scipy.stats import beta

import corpus
import g711
import lines
import phone_codecs

RATE = 8000


def tone(pattern, seconds, level=0.1):
    """Tones in turns: [(hertz, ...), seconds] again and again."""
    parts, n = [], 0
    while n < seconds * RATE:
        for hertz, long in pattern:
            t = (n + np.arange(int(long * RATE))) / RATE
            parts.append(level * sum((np.sin(2 * np.pi * f * t) for f in hertz), np.zeros(len(t))))
            n += len(t)
    return np.concatenate(parts)[: int(seconds * RATE)]


def dtmf(rng, seconds):
    rows, columns = [697, 770, 852, 941], [1209, 1336, 1477, 1633]
    pattern = [step for _ in range(40) for step in (((rng.choice(rows), rng.choice(columns)), 0.1), ((), 0.08))]
    return tone(pattern, seconds)


def music(rng, seconds, decay):
    """Chords and a melody of harmonics that fade, as a synthesiser plays on hold."""
    x = np.zeros(int(seconds * RATE))
    beat = rng.uniform(0.25, 0.5)
    for k in range(int(seconds / beat)):
        notes = rng.choice([0, 3, 4, 5, 7, 9, 12, 16], rng.integers(1, 4), replace=False)
        t = np.arange(int(min(2.0, seconds - k * beat) * RATE)) / RATE
        for note in notes:
            f = 220 * 2 ** (note / 12)
            voice = sum(np.sin(2 * np.pi * f * h * t) / h for h in range(1, 7) if f * h < 3800)
            start = int(k * beat * RATE)
            x[start : start + len(t)] += 0.08 * voice * np.exp(-t * decay)
    return x


def modem(rng, seconds):
    """Answer tone, then phase-shift keying at 1800 Hz and 2400 baud, as a data modem."""
    n = int(seconds * RATE)
    t = np.arange(n) / RATE
    symbols = rng.integers(0, 4, n // 3 + 1).repeat(3)[:n] * np.pi / 2
    x = 0.1 * np.sin(2 * np.pi * 1800 * t + symbols)
    x[: 3 * RATE] = 0.1 * np.sin(2 * np.pi * 2100 * t[: 3 * RATE])
    return x


def sounds(folder, seconds=20):
    """Name, and several of each."""
    rng = np.random.default_rng(1)
    ring = {
        "ringback, United States": [((440, 480), 2), ((), 4)],
        "ringback, United Kingdom": [((400, 450), 0.4), ((), 0.2), ((400, 450), 0.4), ((), 2)],
        "ringback, Germany": [((425,), 1), ((), 4)],
        "ringback, France": [((440,), 1.5), ((), 3.5)],
        "ringback, Japan": [((384, 416), 1), ((), 2)],
        "ringback, China": [((450,), 1), ((), 4)],
        "busy": [((480, 620), 0.5), ((), 0.5)],
        "special information tone": [((950,), 0.33), ((1400,), 0.33), ((1800,), 0.33), ((), 1)],
        "fax, calling": [((1100,), 0.5), ((), 3)],
        "fax, answering": [((2100,), 3), ((), 0.2)],
        "voicemail beep": [((1000,), 0.6), ((), 2)],
    }
    for name, pattern in ring.items():
        yield name, [tone(pattern, seconds, level) for level in (0.02, 0.1, 0.3)]
    yield "key tones", [dtmf(rng, seconds) for _ in range(10)]
    yield "data modem", [modem(rng, seconds) for _ in range(5)]
    yield "comfort noise", [10 ** (level / 20) * rng.standard_normal(seconds * RATE) for level in (-60, -50, -40, -35, -30)]
    yield "hold music, plucked", [music(rng, seconds, 4.0) for _ in range(20)]
    yield "hold music, sustained", [music(rng, seconds, 0.5) for _ in range(20)]
    real = [resample_poly(corpus.load(file, corpus.RATE), 1, 2) for file in sorted((folder / "noise").glob("*.flac"))]
    yield "sounds of the corpus: rooms, coughs, laughs, music", [np.tile(x, 1 + int(8 * RATE / len(x))) for x in real]


def lost(x, share, rng):
    """Packets of 20 ms that never came, filled by the one before, fading: G.711 appendix I in its simplest form."""
    x, n = x.copy(), RATE // 50
    gain = 1.0
    for k in range(1, len(x) // n):
        here = slice(k * n, (k + 1) * n)
        if rng.random() < share:
            gain *= 0.8
            x[here] = gain * x[here.start - n : here.start]
        else:
            gain = 1.0
    return x


def band(low, high):
    sos = butter(6, [low, high], "bandpass", fs=RATE, output="sos")
    return lambda x, _: sosfilt(sos, x)


def suppressed(x, _):
    wide = np.clip(np.round(32767 * resample_poly(x, 2, 1)), -32768, 32767).astype(np.int16)
    return resample_poly(phone_codecs.through("noise_suppression", wide).astype(np.float64) / 32768, 1, 2)


def with_noise_suppressed(x, rng):
    noisy = x + 10 ** (-15 / 20) * np.sqrt(np.mean(x**2)) * rng.standard_normal(len(x))
    return suppressed(noisy, rng)


def treatments(folder):
    rooms = sorted((folder / "rir").glob("*.flac"))
    room = lambda rng: resample_poly(corpus.load(rooms[rng.integers(len(rooms))], corpus.RATE), 1, 2)

    def in_a_room(x, rng):
        return fftconvolve(x, room(rng))[: len(x)]

    yield "telephone line", lambda x, _: x
    yield "noise suppression of WebRTC, clean", suppressed
    yield "noise suppression of WebRTC, noise at 15 dB", with_noise_suppressed
    yield "packets lost 5 %, concealed", lambda x, rng: lost(x, 0.05, rng)
    yield "packets lost 15 %, concealed", lambda x, rng: lost(x, 0.15, rng)
    yield "band 400 to 2400 Hz", band(400, 2400)
    yield "band 300 to 1800 Hz", band(300, 1800)
    yield "clipped, 12 dB too loud", lambda x, _: np.clip(x * 4 / np.abs(x).max(), -1, 1)
    yield "clipped, 24 dB too loud", lambda x, _: np.clip(x * 16 / np.abs(x).max(), -1, 1)
    yield "hands-free, in a room", in_a_room
    yield "20 dB too quiet", lambda x, _: 0.1 * x
    yield "music behind the voice, 10 dB below", lambda x, rng: x + 0.3 * np.sqrt(np.mean(x**2)) / 0.08 * music(rng, len(x) / RATE + 1, 2.0)[: len(x)]


KINDS = {
    "IVR prompts, read by people": ["2600hz/kazoo-sounds"],
    "announcements and test prompts": ["cmusphinx/sphinx4", "freeswitch/spandsp", "drowe67/codec2"],
    "children and their parents": ["deeplyinc/Parent-Child-Vocal-Interaction-Dataset", "gcompris/GCompris-voices", "KDE/klettres"],
    "old voices, Parkinson's disease": ["SJTU-YONGFU-RESEARCH-GRP/Parkinson-Patient-Speech-Dataset"],
    "acted emotions, shouting and whispering among them": [
        "ZenvilleErasmus/RAVDESS-emotions-speech-audio-only", "RakshakTeam/emospeech-dataset-v1",
        "chandra0132/CodeAlpha_Emotion-Recognition-from-Speech", "sylaschacko/voice-emotion-analysis",
    ],
    "accented English, learners": ["jimbozhang/speechocean762"],
    "genuine telephone calls, land lines and mobiles": ["wake-up-word/wuw-corpus-ii"],
    "spoken digits": ["Jakobovski/free-spoken-digit-dataset", "CaCuCkA/ukranian-spoken-digits"],
}


def repository(clip):
    return clip.source.removeprefix("github:").split("#")[0]


def judged(detector, x):
    leg = detector.scan(np.asarray(g711.code_and_decode(np.clip(x, -1, 1).astype(np.float32), "mulaw"), np.float32), RATE).legs[0]
    return leg.decision


def row(name, decisions, groups):
    """Alarms with an interval: whole sources drawn again; without an alarm, what so many sources can still hide, and what one source can show of others."""
    wrong = np.array([decision == "synthetic" for decision in decisions], float)
    none = np.mean([decision == "inconclusive" for decision in decisions])
    found, count = veravox.metrics.mean(wrong, groups), len(set(groups))
    low, high = found.low, found.high
    if not wrong.any():
        high = beta.ppf(0.975, 1, count)
    elif count == 1:
        low, high = beta.ppf(0.025, 1, 1), 1.0
    return (f"| {name} | {len(wrong)} | {count} | {int(wrong.sum())} | "
            f"{100 * found.value:.1f} ({100 * low:.1f}–{100 * high:.1f}) | {100 * none:.0f} |")


HEAD = "| {} | trials | sources | called synthetic | % | no verdict, % |\n|---|---|---|---|---|---|"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpus", type=pathlib.Path, required=True)
    parser.add_argument("--built", type=pathlib.Path)
    parser.add_argument("--model", default="phone")
    parser.add_argument("--markdown", type=pathlib.Path)
    arguments = parser.parse_args()
    detector = veravox.Detector(arguments.model)
    people = [c for c in corpus.read_index(arguments.corpus, "dev") if c.label == "bonafide"]
    tables = {}
    with concurrent.futures.ThreadPoolExecutor() as pool:
        rows = []
        for name, several in sounds(arguments.corpus):
            decisions = list(pool.map(lambda x: judged(detector, x), several))
            rows.append(row(name, decisions, [str(n) for n in range(len(several))]))
            print(rows[-1], flush=True)
        tables["sounds"] = "\n".join([HEAD.format("sound"), *rows])

        plain = list(pool.map(lambda c: lines.phone(corpus.load(c.path, corpus.RATE)), people))
        sources = [c.source for c in people]
        rows, of_plain = [], None
        for name, treat in treatments(arguments.corpus):
            rngs = [np.random.default_rng(n) for n in range(len(plain))]
            try:
                decisions = list(pool.map(lambda pair: judged(detector, treat(*pair)), zip(plain, rngs, strict=True)))
            except phone_codecs.Missing as missing:
                print(f"{name}: left out, {missing}")
                continue
            of_plain = of_plain or decisions
            rows.append(row(name, decisions, sources))
            print(rows[-1], flush=True)
        tables["lines"] = "\n".join([HEAD.format("people of dev, through"), *rows])

        if arguments.built:
            more = [c for c in corpus.read_index(arguments.built, "dev") if c.label == "bonafide"]
            built = {repository(c) for c in more}
            kept = [n for n, c in enumerate(people) if repository(c) not in built]
            of_plain = [of_plain[n] for n in kept] + list(pool.map(lambda c: judged(detector, lines.phone(corpus.load(c.path, corpus.RATE))), more))
            people = [people[n] for n in kept] + more

        rows = []
        for name, repositories in KINDS.items():
            some = [n for n, c in enumerate(people) if repository(c) in repositories]
            if some:
                rows.append(row(name, [of_plain[n] for n in some], [people[n].speaker or str(n) for n in some]))
                print(rows[-1], flush=True)
        tables["kinds"] = "\n".join([HEAD.format("people, telephone line").replace("sources", "speakers, or clips"), *rows])

        by_language = collections.defaultdict(list)
        for n, clip in enumerate(people):
            by_language[re.split(r"[-_/ ]", clip.language)[0].lower() or "unknown"].append(n)
        rows = [
            row(language, [of_plain[n] for n in some], [people[n].speaker or people[n].source for n in some])
            for language, some in sorted(by_language.items(), key=lambda pair: (-len(pair[1]), pair[0]))
        ]
        tables["languages"] = "\n".join([HEAD.format("language").replace("sources", "speakers, or sources"), *rows])
        print(tables["languages"])
    if arguments.markdown:
        text = arguments.markdown.read_text("utf-8")
        for name, table in tables.items():
            mark = re.compile(rf"(<!-- table: {name} -->\n).*?(<!-- end -->)", re.S)
            if not mark.search(text):
                raise SystemExit(f"{arguments.markdown} has no place for the table {name}")
            text = mark.sub(lambda found: found[1] + "\n" + table + "\n\n" + found[2], text)
        measured = detector.manifest(RATE)
        text = re.sub(r"<!-- version -->.*?<!-- end version -->", f"<!-- version -->{measured['name']} {measured['version']}<!-- end version -->", text)
        arguments.markdown.write_text(text, "utf-8")


if __name__ == "__main__":
    main()
