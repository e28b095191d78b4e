"""Speech from the three free engines, as float64 samples at 8 kHz."""

import re
import subprocess
import tempfile
from dataclasses import dataclass
from math import gcd

import numpy as np
from scipy.io import wavfile
from scipy.signal import resample_poly

RATE_HZ = 8000

LICENCES = {
    "espeak-ng": "GPL-3.0-or-later (program and voice)",
    "flite": "CMU permissive, BSD-like (program and voice)",
    "festival": "Edinburgh CSTR permissive, MIT-like (program); Black and Lenzo, same terms (voice)",
}


@dataclass(frozen=True)
class Voice:
    """One voice of one engine; only espeak-ng heeds `words_per_minute`."""

    program: str
    name: str
    words_per_minute: int = 165

    @property
    def licence(self):
        return LICENCES[self.program]

    @property
    def version(self):
        return program_version(self.program)


def program_version(program):
    shown = subprocess.run([program, "--version"], capture_output=True, text=True, check=False).stdout
    found = re.search(r"\d+\.\d+(\.\d+)?", shown)
    if found is None:
        raise RuntimeError(f"{program} --version shows no version")
    return found.group()


def say(voice, text):
    """The text in that voice, trimmed of the engine's leading and trailing silence."""
    with tempfile.TemporaryDirectory() as folder:
        # A file, not a pipe: the engines go back to fill in the sizes of the WAV header.
        wav = f"{folder}/speech.wav"
        command = _COMMANDS[voice.program](voice, wav)
        subprocess.run(command, input=text.encode(), capture_output=True, check=True)
        rate, samples = wavfile.read(wav)
    samples = samples.astype(np.float64) / 32768.0
    common = gcd(rate, RATE_HZ)
    return _trimmed(resample_poly(samples, RATE_HZ // common, rate // common))


# Each reads its text from standard input.
_COMMANDS = {
    "espeak-ng": lambda voice, wav: [
        *("espeak-ng", "-v", voice.name, "-s", str(voice.words_per_minute), "-w", wav, "--stdin")
    ],
    "flite": lambda voice, wav: ["flite", "-voice", voice.name, "-f", "/dev/stdin", "-o", wav],
    "festival": lambda voice, wav: ["text2wave", "-eval", f"(voice_{voice.name})", "-o", wav],
}


def _trimmed(samples, threshold=0.003):
    loud = np.flatnonzero(np.abs(samples) > threshold)
    if loud.size == 0:
        raise RuntimeError("the engine gave silence")
    margin = RATE_HZ // 50
    return samples[max(0, loud[0] - margin) : loud[-1] + margin]
