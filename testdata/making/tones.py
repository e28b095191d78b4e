"""Sounds of the telephone that are not speech: hold music, queue beeps, keypad tones."""

import numpy as np

from .voices import RATE_HZ

_KEYPAD = {
    key: (low, high)
    for low, row in zip((697, 770, 852, 941), ("123A", "456B", "789C", "*0#D"), strict=True)
    for key, high in zip(row, (1209, 1336, 1477, 1633), strict=True)
}
# Four chords of our own, two bars each, as frequencies in Hz.
_CHORDS = ((262, 330, 392), (220, 262, 330), (175, 220, 262), (196, 247, 294))


def sine(hz, seconds, amplitude=0.3):
    return amplitude * np.sin(2 * np.pi * hz * np.arange(round(seconds * RATE_HZ)) / RATE_HZ)


def keypad(keys, on=0.12, off=0.08, amplitude=0.2):
    """DTMF, with the usual 120 ms tones and 80 ms gaps."""
    gap = np.zeros(round(off * RATE_HZ))
    parts = []
    for key in keys:
        low, high = _KEYPAD[key]
        parts += [sine(low, on, amplitude) + sine(high, on, amplitude), gap]
    return np.concatenate(parts)


def hold_music(seconds):
    """Plucked broken chords, with a queue beep every eight seconds."""
    music = np.zeros(round(seconds * RATE_HZ))
    step = RATE_HZ // 5
    for number, start in enumerate(range(0, music.size, step)):
        chord = _CHORDS[number // 16 % len(_CHORDS)]
        note = _pluck(chord[number % 3] * (2 if number % 4 == 3 else 1))
        end = min(start + note.size, music.size)
        music[start:end] += note[: end - start]
    for start in range(6 * RATE_HZ, music.size - RATE_HZ, 8 * RATE_HZ):
        beep = sine(425.0, 0.4)
        music[start : start + beep.size] = beep
    return music


def _pluck(hz):
    seconds = np.arange(round(0.9 * RATE_HZ)) / RATE_HZ
    harmonics = sum(np.sin(2 * np.pi * hz * n * seconds) / n**1.3 for n in range(1, 8))
    return 0.12 * harmonics * np.exp(-4.0 * seconds)
