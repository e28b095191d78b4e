"""How fast recordings are decoded, beside ffmpeg's own command: a folder of short files in each of four formats, on one core.

    python drill/decoding.py [--clips DIR] [--n 1000] [--rounds 3] [--only AMR]

Each file is one start of a program, as in an archive that is worked through by a script: `ffmpeg -i FILE -f s16le OUT` and the
example `decode FILE OUT`. Then all of them laid end to end, in one start, which is decoding and nothing else. The last column has
all files in one start of `veravox scan`, models and all, as users have them. The two take turns in one run; what counts is the
ratio. Without `--clips` all files are the same call of testdata.
"""

import argparse
import os
import pathlib
import subprocess
import sys
import tempfile

import numpy as np
from case import COMMAND, ENVIRONMENT, ROOT

sys.path.insert(0, str(ROOT / "testdata"))
from making import telephony  # noqa: E402

DECODE = ROOT / "target" / "release" / "examples" / "decode"
CALL = ROOT / "testdata" / "calls" / "04-parcel-driver.pcm16.wav"
SECONDS = 5
# Recordings of which the files are made; more of them would take long to code and tell no more.
VOICES = 100
FORMATS = {
    "mu-law in WAV": telephony.FORMATS["mu-law in WAV"].write,
    "MP3": lambda path, samples: mp3(path, samples),
    "Opus 12 kbit/s": telephony.FORMATS["Opus 12 kbit/s of 8 kHz in opus"].write,
    "AMR-NB 12.2 kbit/s": telephony.FORMATS["AMR-NB 12.2 kbit/s"].write,
}
SUFFIXES = {"mu-law in WAV": "wav", "MP3": "mp3", "Opus 12 kbit/s": "opus", "AMR-NB 12.2 kbit/s": "amr"}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clips", type=pathlib.Path, help="a folder of recordings, as the corpus's dev, of which the files are made")
    parser.add_argument("--n", type=int, default=1_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", default="", help="only formats with these letters in their names")
    arguments = parser.parse_args()
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {0})
    spoken = clips(arguments.clips, min(arguments.n, VOICES))
    print(f"{arguments.n} files of {SECONDS} s, one core, median of {arguments.rounds}; processor seconds\n")
    print("| format | ffmpeg | veravox | ffmpeg / veravox | end to end: ffmpeg | veravox | ratio | veravox scan, all in one start |")
    print("|---|---|---|---|---|---|---|---|")
    for name, write in FORMATS.items():
        if arguments.only.lower() not in name.lower():
            continue
        with tempfile.TemporaryDirectory() as folder:
            folder = pathlib.Path(folder)
            (folder / "files").mkdir()
            files = [folder / "files" / f"{n:04}.{SUFFIXES[name]}" for n in range(arguments.n)]
            for file, samples in zip(files, spoken, strict=False):
                write(file, samples)
            for n, file in enumerate(files[len(spoken) :]):
                file.write_bytes(files[n % len(spoken)].read_bytes())
            whole = folder / f"whole.{SUFFIXES[name]}"
            write(whole, np.resize(np.concatenate(spoken), arguments.n * SECONDS * 8_000))
            out = folder / "out.s16"
            short, long = (beside(arguments.rounds, some, out) for some in (files, [whole]))
            scan = seconds([[COMMAND, "scan", "-q", "--jsonl", "-o", folder / "r.jsonl", "-j", "1", folder / "files"]])
            print(f"| {name} | {row(*short)} | {row(*long)} | {scan:.1f} |", flush=True)


def clips(folder, n):
    """int16 of 8 kHz, each `SECONDS` long, of recordings that are evenly spread over a folder; the shorter ones repeated."""
    if folder is None:
        pcm = CALL.read_bytes()
        return [np.frombuffer(pcm[pcm.index(b"data") + 8 :], "<i2")[: SECONDS * 8_000]]
    every = sorted(path for path in folder.iterdir() if path.suffix in {".wav", ".flac"})
    read = ["-ar", "8000", "-ac", "1", "-t", str(SECONDS), "-f", "s16le", "pipe:1"]
    spoken = []
    for k in np.linspace(0, len(every) - 1, min(n, len(every))):
        done = subprocess.run(["ffmpeg", "-v", "error", "-i", every[round(k)], *read], capture_output=True, check=True)
        spoken.append(np.resize(np.frombuffer(done.stdout, "<i2"), SECONDS * 8_000))
    return spoken


def beside(rounds, files, out):
    """Seconds of ffmpeg and of veravox, which take turns."""
    ffmpeg = [["ffmpeg", "-v", "error", "-y", "-threads", "1", "-i", file, "-f", "s16le", out] for file in files]
    veravox = [[DECODE, file, out] for file in files]
    times = [(seconds(ffmpeg), seconds(veravox)) for _ in range(rounds)]
    return (float(np.median(of)) for of in zip(*times, strict=True))


def row(theirs, ours):
    return f"{theirs:.2f} | {ours:.2f} | {theirs / max(ours, 0.01):.1f}"


def seconds(commands):
    """Of the processor, which another's load changes little; the wall's too where nothing else runs."""
    before = sum(os.times()[2:4])
    for command in commands:
        subprocess.run(command, check=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=ENVIRONMENT)
    return sum(os.times()[2:4]) - before


def mp3(path, samples):
    read = ["ffmpeg", "-v", "error", "-y", "-f", "s16le", "-ar", "8000", "-ac", "1", "-i", "-", "-b:a", "24k", str(path)]
    subprocess.run(read, input=np.asarray(samples, "<i2").tobytes(), check=True)


if __name__ == "__main__":
    main()
