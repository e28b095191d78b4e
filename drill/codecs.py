"""The differential test of the codecs: each format written by a peer, read by veravox and by the peer, sample by sample and
verdict by verdict.

    python drill/codecs.py [--clips DIR] [--n 300] [--only AMR] [--write docs/reference/formats.md]

The clips are laid end to end and coded as one recording; what veravox and the peer decode of it is cut where the clips meet,
and each clip gets two verdicts. Without `--clips` a few calls of testdata are coded. The peers are Debian packages: ffmpeg, sox, libsox-fmt-all,
libvo-amrwbenc0, libbcg729-0 and libspandsp2. Of samples it tells how many are the same and the SNR of the others; of verdicts the share of
clips whose llr differs by at most 0.1.
"""

import argparse
import json
import pathlib
import subprocess
import sys
import tempfile
import wave

import numpy as np
from case import COMMAND, ENVIRONMENT, ROOT

sys.path.insert(0, str(ROOT / "testdata"))
from making import telephony  # noqa: E402

CALLS = ("04-parcel-driver.pcm16.wav", "03-bank-card.alaw.wav", "08-werkstatt-german.mp3")
DECODE = ROOT / "target" / "release" / "examples" / "decode"
START, END = "<!-- the codecs -->", "<!-- the end of the codecs -->"
LLR_APART = 0.1
# What a decoder must reach that is not the peer's to the bit; spandsp wraps around past full scale.
LEAST_DB = {"G.722": 60, "G.726": 40, "AMR-NB": 45, "Opus": 50}
USUAL = {
    "mu-law in WAV", "A-law without a header", "GSM in WAV", "G.722 without a header", "G.726 32 kbit/s, low bits first",
    "G.729A without a header", "VOX of 8 kHz", "AMR-NB 4.75 kbit/s", "AMR-NB 12.2 kbit/s", "AMR-WB 12.65 kbit/s",
    "AMR-WB 23.85 kbit/s", "AMR-NB 12.2 kbit/s in 3GP", "Opus 12 kbit/s of 8 kHz in opus", "Opus 24 kbit/s of 16 kHz in webm",
    "Opus 32 kbit/s of 48 kHz in opus",
}  # fmt: skip


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clips", type=pathlib.Path, help="a folder of recordings of people and engines, as the corpus's dev")
    parser.add_argument("--n", type=int, default=300, help="how many of them, evenly spread")
    parser.add_argument("--usual", action="store_true", help="only a usual bit rate of each codec")
    parser.add_argument("--only", default="", help="only formats with these letters in their names")
    parser.add_argument("--samples", action="store_true", help="compare samples, not verdicts: soon done")
    parser.add_argument("--write", type=pathlib.Path, help="put the table into this page")
    arguments = parser.parse_args()
    clips = chosen(arguments.clips, arguments.n)
    speech = {rate: [samples(clip, rate) for clip in clips] for rate in (8_000, 16_000, 48_000)}
    rows, wrong = [], []
    for one in telephony.FORMATS.values():
        if arguments.only.lower() not in one.name.lower() or arguments.usual and one.name not in USUAL:
            continue
        row = compare(one, speech[one.rate_hz], verdicts=not arguments.samples)
        rows.append((one, row))
        wrong += [f"{one.name}: {words}" for words in row["wrong"]]
        print(f"{one.name:44} {row['samples']:34} {row['verdicts']}", flush=True)
    if arguments.write:
        write(arguments.write, rows, len(clips))
    print("\n".join(wrong), file=sys.stderr)
    return 1 if wrong else 0


def chosen(folder, n):
    if folder is None:
        return [ROOT / "testdata" / "calls" / name for name in CALLS]
    every = sorted(p for p in folder.iterdir() if p.suffix in {".wav", ".flac"})
    return [every[round(k)] for k in np.linspace(0, len(every) - 1, min(n, len(every)))]


def samples(path, rate_hz):
    """The first leg of a recording at this rate, at most ten seconds."""
    options = ["-af", "pan=mono|c0=c0", "-ar", str(rate_hz), "-t", "10", "-f", "s16le", "pipe:1"]
    done = subprocess.run(["ffmpeg", "-v", "error", "-i", path, *options], capture_output=True, check=True)
    return np.frombuffer(done.stdout, "<i2")


def compare(one, clips, verdicts):
    with tempfile.TemporaryDirectory() as folder:
        coded = pathlib.Path(folder) / one.file
        one.write(coded, np.concatenate(clips))
        expected, got = one.read(coded), decoded(coded, one.raw)
        # Peers and veravox may differ in what they cut off at the end.
        snr, longer = difference(got, expected)
        told = "the same samples" if np.isinf(snr) else f"SNR {snr:.1f} dB"
        if longer:
            told += f", {longer:+} samples"
        least = next((db for codec, db in LEAST_DB.items() if one.name.startswith(codec)), np.inf)
        apart, wrong = "not compared", [] if snr >= least else [f"{told}, expected {least} dB"]
        if verdicts:
            ends = np.cumsum([clip.size for clip in clips]) * one.decoded_hz // one.rate_hz
            sides = []
            for name, audio in (("ours", got), ("theirs", expected)):
                side = pathlib.Path(folder) / name
                side.mkdir()
                for n, clip in enumerate(np.split(audio, ends[:-1])):
                    write_wav(side / f"{n:04}.wav", clip, one.decoded_hz)
                sides.append(llrs(side))
            apart, too_far = llrs_apart(*sides)
            wrong += too_far
        return {"samples": told, "verdicts": apart, "wrong": wrong}


def write_wav(path, clip, rate_hz):
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate_hz)
        file.writeframes(clip.tobytes())


def decoded(path, raw):
    out = path.with_suffix(path.suffix + ".s16")
    subprocess.run([DECODE, path, out, *([raw] if raw else [])], check=True, stderr=subprocess.DEVNULL)
    got = np.fromfile(out, "<i2")
    out.unlink()
    return got


def difference(got, expected):
    """SNR in dB of what both have, and by how many samples one is longer."""
    n = min(got.size, expected.size)
    apart = got[:n].astype(float) - expected[:n]
    power, signal = np.sum(apart**2), np.sum(expected[:n].astype(float) ** 2)
    return (np.inf if power == 0 else 10 * np.log10(max(signal, 1.0) / power)), got.size - expected.size


def llrs_apart(a, b):
    if a.keys() != b.keys():
        return "not all were read", [f"{sorted(a.keys() ^ b.keys())[:3]} were read by one only"]
    apart = [abs(a[key] - b[key]) for key in a if a[key] is not None and b[key] is not None]
    unlike = sum((a[key] is None) != (b[key] is None) for key in a)
    within, decided = sum(d <= LLR_APART for d in apart), len(apart) + unlike
    words = f"{within} of {decided} within {LLR_APART}, most {max(apart, default=0.0):.2f}"
    return words, [] if within >= 0.99 * decided else [words]


def llrs(folder):
    command = [COMMAND, "scan", "-q", "--jsonl", folder]
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, env=ENVIRONMENT)
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    return {pathlib.Path(line["path"]).stem: line["legs"][0]["llr"] for line in lines if "legs" in line}


def write(page, rows, n_clips):
    lines = [START, "", f"{n_clips} clips in each format.", "", "| format | peer | samples | llr |", "|---|---|---|---|"]
    lines += [f"| {one.name} | {one.peer} | {row['samples']} | {row['verdicts']} |" for one, row in rows]
    text = page.read_text()
    before, after = text.split(START)[0], text.split(END)[1]
    page.write_text(before + "\n".join(lines) + "\n\n" + END + after)


if __name__ == "__main__":
    raise SystemExit(main())
