"""Twenty call sounds before, between and after voices, through six codecs: verdicts with them and without.

    python drill/sounds.py [--corpus DIR] [--write docs/drill.md]

The engines' voices are calls of testdata. With the corpus there are people too: clips of `dev`, one voice after the other,
through a textbook telephone line. Only voices with a firm verdict of their own, in each codec, can lose one.
"""

import argparse
import collections
import csv
import pathlib
import sys

import numpy as np

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "testdata"), str(ROOT / "models" / "training")]

import phone_codecs  # noqa: E402
import soundfile  # noqa: E402
from making import tones  # noqa: E402
from scipy.signal import butter, resample_poly, sosfilt  # noqa: E402

import veravox  # noqa: E402

RATE = 8_000
CODECS = {"PCM": None, "mu-law": "mulaw", "A-law": "alaw", "GSM-FR": "gsm", "AMR-NB 12.2": "amr_nb_12k", "Opus 8": "opus_8k"}
PLACES = ("before", "between", "after")
START, END = "<!-- the sounds -->", "<!-- the end of the sounds -->"


def on_off(make, *times):
    """Tone and silence in turn, in seconds."""
    parts = [make(seconds) if number % 2 == 0 else np.zeros(round(seconds * RATE)) for number, seconds in enumerate(times)]
    return np.concatenate(parts)


def mixed(*hz, amplitude=0.2):
    return lambda seconds: sum(tones.sine(one, seconds, amplitude) for one in hz)


def beating(hz, by, amplitude=0.3):
    return lambda seconds: tones.sine(hz, seconds, amplitude) * (1 + tones.sine(by, seconds, 1.0)) / 2


def chords(seconds):
    t = np.arange(round(seconds * RATE)) / RATE
    notes = ((262, 330, 392), (220, 262, 330), (175, 220, 262), (196, 247, 294))
    out = np.zeros(t.size)
    for number, chord in enumerate(notes):
        here = (t // 2 % len(notes)) == number
        out[here] = sum(0.05 / h * np.sin(2 * np.pi * hz * h * t[here]) for hz in chord for h in range(1, 5))
    return out


def sounds():
    random = np.random.RandomState(1)
    noise = random.standard_normal(5 * RATE)
    return {
        "ringing, USA": on_off(mixed(440, 480), 2, 4),
        "ringing, United Kingdom": on_off(mixed(400, 450), 0.4, 0.2, 0.4, 2),
        "ringing, Germany": on_off(mixed(425, amplitude=0.3), 1, 4),
        "ringing, France": on_off(mixed(440, amplitude=0.3), 1.5, 3.5),
        "ringing, Japan": on_off(beating(400, 16), 1, 2, 1, 2),
        "ringing, Australia": on_off(beating(425, 25), 0.4, 0.2, 0.4, 2),
        "ringing, India": on_off(beating(400, 25), 0.4, 0.2, 0.4, 2),
        "ringing, China": on_off(mixed(450, amplitude=0.3), 1, 4),
        "special information (SIT)": np.concatenate([tones.sine(hz, 0.33) for hz in (985, 1371, 1777)]),
        "keypad (DTMF)": tones.keypad("0123456789"),
        "fax answer (CED)": on_off(mixed(2100, amplitude=0.3), 3, 0.5),
        "fax call (CNG)": on_off(mixed(1100, amplitude=0.3), 0.5, 3, 0.5, 1),
        "voicemail beep, 1 s of 1 kHz": on_off(mixed(1000, amplitude=0.5), 1, 0.3),
        "recording beeps": on_off(mixed(1400, amplitude=0.4), 0.25, 1.5, 0.25, 1.5, 0.25, 1),
        "dial tone": on_off(mixed(350, 440), 3, 0.3),
        "engaged tone": on_off(mixed(480, 620), 0.5, 0.5, 0.5, 0.5, 0.5, 0.5),
        "congestion tone": on_off(mixed(480, 620), *[0.25] * 12),
        "hold chords, 4 s": chords(4),
        "hold music, 4 s": tones.hold_music(4),
        "comfort noise, 5 s": noise * 10 ** (-50 / 20),
    }


def engines():
    """Each leg of the test calls, its first 12 s."""
    for path in sorted((ROOT / "testdata" / "calls").glob("0*")):
        legs, rate = veravox.read_audio(path)
        if rate == RATE:
            for leg, samples in enumerate(legs):
                yield f"{path.name} {leg}", samples[: 12 * RATE].astype(np.float64)


def people(corpus):
    rows = list(csv.DictReader(open(corpus / "index.tsv"), delimiter="\t"))
    by_voice = collections.defaultdict(list)
    for row in rows:
        if row["split"] == "dev" and row["label"] == "bonafide" and row["speaker"]:
            by_voice[row["source"], row["speaker"]].append(row["file"])
    line = butter(6, [300, 3400], "bandpass", fs=RATE, output="sos")
    for voice, files in sorted(by_voice.items()):
        clips = []
        for file in files[:3]:
            samples, rate = soundfile.read(corpus / file)
            clip = sosfilt(line, resample_poly(samples, RATE, rate))
            clips.append(0.1 * clip / max(np.sqrt(np.mean(clip**2)), 1e-6))
        yield " ".join(voice), np.clip(np.concatenate(clips), -1, 1)


def through(codec, samples):
    """What comes out of the line, as 16-bit samples."""
    pcm = np.clip(np.round(samples * 32768), -32768, 32767).astype(np.int16)
    if codec is None:
        return pcm
    if codec in ("mulaw", "alaw"):
        raw = phone_codecs.subprocess.run(
            ["ffmpeg", "-v", "error", "-f", "s16le", "-ar", "8000", "-ac", "1", "-i", "-", "-f", codec, "-"],
            input=pcm.tobytes(), capture_output=True, check=True,
        ).stdout  # fmt: skip
        return veravox.read_audio(raw, sample_rate=RATE, encoding=codec)[0][0]
    wide = resample_poly(pcm.astype(np.float64), 2, 1)
    coded = phone_codecs.through(codec, np.clip(np.round(wide), -32768, 32767).astype(np.int16))
    return np.clip(np.round(resample_poly(coded.astype(np.float64), 1, 2)), -32768, 32767).astype(np.int16)


def call(voice, sound, place):
    gap = np.zeros(RATE // 2)
    half = voice.size // 2
    parts = {
        "before": (sound, gap, voice),
        "between": (voice[:half], gap, sound, gap, voice[half:]),
        "after": (voice, gap, sound),
    }
    return np.concatenate(parts[place])


def firm(detector, voices, codec, wanted, n):
    """Voices with this verdict through the codec."""
    found = []
    for name, voice in voices:
        if len(found) == n:
            break
        if voice.size >= 6 * RATE and detector.scan(through(codec, voice), RATE).legs[0].decision == wanted:
            found.append((name, voice))
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpus", type=pathlib.Path, default=ROOT.parent / "shared" / "corpus")
    parser.add_argument("--voices", type=int, default=4, help="of each kind, at most, in each codec")
    parser.add_argument("--write", type=pathlib.Path, help="put the table into this page")
    arguments = parser.parse_args()
    detector = veravox.Detector("phone")
    persons = list(people(arguments.corpus)) if (arguments.corpus / "index.tsv").exists() else []
    if not persons:
        print("SKIPPED: voices of people; the corpus is not there", file=sys.stderr)
    machines = list(engines())
    lost, noise, music, turned, tried = (collections.Counter() for _ in range(5))
    for shown, codec in CODECS.items():
        voices = [(v, "synthetic") for _, v in firm(detector, machines, codec, "synthetic", arguments.voices)]
        voices += [(v, "bonafide") for _, v in firm(detector, persons, codec, "bonafide", arguments.voices)]
        for name, sound in sounds().items():
            for place in PLACES:
                for voice, wanted in voices:
                    leg = detector.scan(through(codec, call(voice, sound, place)), RATE).legs[0]
                    key = (name, place)
                    tried[key] += 1
                    tried[shown] += 1
                    lost[key] += leg.decision == "inconclusive"
                    lost[shown] += leg.decision == "inconclusive"
                    turned[key] += leg.decision not in ("inconclusive", wanted)
                    noise[key] += "noise" in leg.reasons
                    music[key] += "music_or_tones" in leg.reasons
        print(f"{shown}: {len(voices)} voices, {lost[shown]} of {tried[shown]} firm verdicts lost", flush=True)
    print(table(lost, noise, music, turned, tried))
    if arguments.write:
        text = arguments.write.read_text()
        before, after = text.split(START)[0], text.split(END)[1]
        arguments.write.write_text(f"{before}{START}\n\n{table(lost, noise, music, turned, tried)}\n{END}{after}")


def table(lost, noise, music, turned, tried):
    lines = [
        "| sound | " + " | ".join(f"lost, {place}" for place in PLACES) + " | said noise | said music or tones | turned round | tried |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for name in sounds():
        keys = [(name, place) for place in PLACES]
        cells = [*(lost[key] for key in keys), *(sum(which[key] for key in keys) for which in (noise, music, turned, tried))]
        lines.append(f"| {name} | " + " | ".join(map(str, cells)) + " |")
    lines += ["", "| codec | firm verdicts lost | tried |", "|---|---|---|"]
    lines += [f"| {shown} | {lost[shown]} | {tried[shown]} |" for shown in CODECS]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
