#!/usr/bin/env python3
"""Makes `bad/`: broken and hostile audio files, none above 20 kB, and the table of what to expect.

    python testdata/make_bad.py

`bad/README.md` is for people, `bad/expected.tsv` for tests; both come from the same entries.
"""

import tempfile
from pathlib import Path

from making import bad_containers, bad_signals, bad_wav, ffmpeg, index
from making.channel import Channel
from making.voices import RATE_HZ, Voice, say

BAD = index.TESTDATA / "bad"
VOICE = Voice("flite", "slt")
CHANNEL = Channel("mulaw", -20.0, 40.0)
TEXT = "Good morning, I am calling about the invoice that came on Friday."

# What `bad_containers` starts from. The last is valid and not supported.
ENCODINGS = {
    "flac": [],
    "mp3": ["-b:a", "16k"],
    "ogg": ["-c:a", "libvorbis", "-page_duration", "200000"],
    "mka": ["-c:a", "pcm_s16le"],
    "m4a": ["-b:a", "20k"],
    "faststart.m4a": ["-b:a", "20k", "-movflags", "+faststart"],
    "gsm.wav": ["-c:a", "libgsm_ms"],
    "opus": ["-c:a", "libopus", "-b:a", "12k", "-page_duration", "200000"],
    "au": ["-c:a", "pcm_mulaw"],
    "w64": ["-c:a", "pcm_mulaw"],
    "g723_1.wav": ["-c:a", "g723_1", "-b:a", "6.3k"],
}

HEADING = """# Bad files

Broken, hostile and hopeless audio, none above 20 kB: what is large here is only what the headers say.
Made by `make_bad.py`, which also writes this table and `expected.tsv`, the same for tests.

For every file: no panic, no hang, no more than a few megabytes of memory, and an answer that names the cause.
*scans* means a verdict without an error; most of these files are too short for a firm one, so it will be
`inconclusive` with too little speech. Where several kinds or reasons stand, any of them is right.
Files with a wrong extension that are read all the same are in `../formats`. A folder that contains itself, a missing
file and a file without permission cannot be kept in a repository: the tests make those themselves.

| file | what is wrong | what should happen |
|---|---|---|
"""


def encodings(speech):
    """`speech` in every encoding, as bytes."""
    coded = {}
    with tempfile.TemporaryDirectory() as folder:
        for kind, options in ENCODINGS.items():
            path = Path(folder) / (kind if "." in kind else f"whole.{kind}")
            # As much as keeps FLAC below the limit of size.
            ffmpeg.encode(path, speech[:RATE_HZ], RATE_HZ, *options)
            coded[kind] = path.read_bytes()
    return coded


def as_adpcm(samples):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "adpcm.wav"
        ffmpeg.encode(path, samples, RATE_HZ, "-c:a", "adpcm_ima_wav")
        return path.read_bytes()


def all_files():
    speech = CHANNEL.carry(say(VOICE, TEXT), seed=3)[: round(2.4 * RATE_HZ)]
    pcm16 = ffmpeg.to_int16(speech[: RATE_HZ // 4]).tobytes()
    yield from bad_wav.all_files(pcm16)
    yield from bad_containers.all_files(encodings(speech), pcm16)
    yield from bad_signals.all_files(speech, as_adpcm)


def main():
    BAD.mkdir(exist_ok=True)
    for old in BAD.iterdir():
        old.unlink()
    files = sorted(all_files(), key=lambda file: file.name)
    table, expected = [], ["file\toutcome\taccepted"]
    for file in files:
        (BAD / file.name).write_bytes(file.content)
        table.append(f"| `{file.name}` | {file.wrong} | {file.expectation} |")
        expected.append("\t".join([file.name, file.outcome, ", ".join(file.accepted)]))
    (BAD / "README.md").write_text(HEADING + "\n".join(table) + "\n", encoding="utf-8")
    (BAD / "expected.tsv").write_text("\n".join(expected) + "\n", encoding="utf-8")
    all_speech = index.voice_row(BAD / "*", 1, VOICE, CHANNEL, "all speech in these files")
    index.replace("bad", [all_speech])


if __name__ == "__main__":
    main()
