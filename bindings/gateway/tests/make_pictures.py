"""Takes the pictures of the live page that stand in the documentation: light, dark, and as wide as a phone.

    python bindings/gateway/tests/make_pictures.py docs/live

The calls are the machines of testdata/calls and, where the corpus lies beside the checkout, people of its `dev`; a few are drowned in noise.
"""

import csv
import pathlib
import random
import struct
import subprocess
import sys
import tempfile
import time

from browser import Browser
from conftest import CALLS, ROOT, Call, Gateway

CORPUS = ROOT.parent / "shared" / "corpus"


def as_wav(source, target):
    subprocess.run(["ffmpeg", "-v", "error", "-y", "-i", source, "-ac", "1", "-ar", "8000", "-c:a", "pcm_s16le", target], check=True)
    return target


def people(n):
    index = CORPUS / "index.tsv"
    if not index.exists():
        print("no corpus beside the checkout: the pictures show machines alone")
        return []
    with index.open() as file:
        rows = [row for row in csv.DictReader(file, delimiter="\t") if "dev" in row.values() and "bonafide" in row.values()]
    random.Random(2).shuffle(rows)
    return [next(CORPUS / value for value in row.values() if value and (CORPUS / value).is_file()) for row in rows[:n]]


def noise(folder):
    path = folder / "noise.wav"
    draw = random.Random(1)
    samples = struct.pack("<160000h", *(int(draw.gauss(0, 3000)) for _ in range(160_000)))
    path.write_bytes(b"RIFF" + struct.pack("<I", 36 + len(samples)) + b"WAVEfmt " + struct.pack("<IHHIIHH", 16, 1, 1, 8000, 16000, 2, 16) + b"data" + struct.pack("<I", len(samples)) + samples)
    return path


def main(target):
    target.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        machines = [as_wav(path, folder / f"m{n}.wav") for n, path in enumerate(sorted(CALLS.glob("0[1-9]-*")))]
        persons = [as_wav(path, folder / f"p{n}.wav") for n, path in enumerate(people(7))]
        gateway = Gateway(folder)
        browser = Browser()
        try:
            browser.open(f"http://127.0.0.1:{gateway.port}/")
            browser.until("document.querySelector('#connection').textContent === 'Connected'")
            for file in persons[:2] + machines[:2]:
                Call(gateway.audio_port, file, seconds=16, speed=1)
            time.sleep(6)
            calls = []
            for n, file in enumerate([*machines[2:5], *persons[2:], noise(folder), machines[5]]):
                calls.append(Call(gateway.audio_port, file, seconds=300, speed=1))
                time.sleep(1.5 + n % 3)
            time.sleep(28)
            for width, height, dark, stem in [(1100, 900, False, "gateway-light"), (1100, 900, True, "gateway-dark"), (390, 900, False, "gateway-phone"), (390, 900, True, "gateway-phone-dark")]:
                browser.look(width, height, dark)
                time.sleep(1.5)
                browser.picture(target / f"{stem}.png")
            for call in calls:
                call.hung_up.set()
        finally:
            browser.close()
            gateway.stop()


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]))
