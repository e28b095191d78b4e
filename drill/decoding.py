"""How fast recordings are decoded, beside ffmpeg's own command: a folder of short files in each of four formats, on one core.

    python drill/decoding.py [--n 1000] [--rounds 3]

Each file is one start of a program, as in an archive that is worked through by a script: `ffmpeg -i FILE -f s16le OUT` and the
example `decode FILE OUT`. A second row has all files in one start of `veravox scan`, models and all, as users have them. The two
take turns in one run; what counts is the ratio.
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
FORMATS = {
    "mu-law in WAV": telephony.FORMATS["mu-law in WAV"].write,
    "MP3": lambda path, samples: mp3(path, samples),
    "Opus 12 kbit/s": telephony.FORMATS["Opus 12 kbit/s of 8 kHz in opus"].write,
    "AMR-NB 12.2 kbit/s": telephony.FORMATS["AMR-NB 12.2 kbit/s"].write,
}
SUFFIXES = {"mu-law in WAV": "wav", "MP3": "mp3", "Opus 12 kbit/s": "opus", "AMR-NB 12.2 kbit/s": "amr"}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--n", type=int, default=1_000)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {0})
    pcm = CALL.read_bytes()
    speech = np.frombuffer(pcm[pcm.index(b"data") + 8 :], "<i2")[: SECONDS * 8_000]
    print(f"{arguments.n} files of {SECONDS} s, one core, median of {arguments.rounds}; processor seconds\n")
    print("| format | ffmpeg | veravox | ffmpeg / veravox | veravox scan, all in one start |\n|---|---|---|---|---|")
    for name, write in FORMATS.items():
        with tempfile.TemporaryDirectory() as folder:
            folder = pathlib.Path(folder)
            files = [folder / f"{n:04}.{SUFFIXES[name]}" for n in range(arguments.n)]
            write(files[0], speech)
            for file in files[1:]:
                file.write_bytes(files[0].read_bytes())
            out = folder / "out.s16"
            ffmpeg = [["ffmpeg", "-v", "error", "-y", "-threads", "1", "-i", file, "-f", "s16le", out] for file in files]
            veravox = [[DECODE, file, out] for file in files]
            rounds = [(seconds(ffmpeg), seconds(veravox)) for _ in range(arguments.rounds)]
            theirs, ours = (float(np.median(times)) for times in zip(*rounds))
            scan = seconds([[COMMAND, "scan", "-q", "--jsonl", "-o", folder / "r.jsonl", "-j", "1", folder]])
            print(f"| {name} | {theirs:.1f} | {ours:.1f} | {theirs / ours:.1f} | {scan:.1f} |", flush=True)


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
