"""What lies between the corpus and the detector: the textbook telephone line, noise, codecs, or nothing."""
import numpy as np
from scipy.signal import butter, resample_poly, sosfilt

import corpus
import g711

BAND = butter(6, [300, 3400], "bandpass", fs=8000, output="sos")
# Lines that end in a codec: (the codec, the rate that its audio is heard at).
CODECS = {
    "GSM-FR": ("gsm", 8000),
    "AMR-NB 5.15": ("amr_nb_5k", 8000),
    "AMR-NB 12.2": ("amr_nb_12k", 8000),
    "G.729": ("g729", 8000),
    "Opus 8": ("opus_8k", 8000),
    "G.722": ("g722", 16000),
    "AMR-WB 8.85": ("amr_wb_9k", 16000),
    "Opus 16, wideband": ("opus_wb_16k", 16000),
}


def phone(x):
    """The corpus's phone condition from 16 kHz to 8 kHz: RMS to 0.1, 300-3400 Hz sixth-order Butterworth, mu-law."""
    x = x * (0.1 / max(float(np.sqrt(np.mean(np.square(x)))), 1e-6))
    return g711.code_and_decode(sosfilt(BAND, resample_poly(x, 1, 2)), "mulaw")


def noisy(x, snr_db):
    """White noise at this ratio to the whole. Seeded by the length, the same for every detector."""
    noise = np.random.default_rng(len(x)).standard_normal(len(x)).astype(np.float32)
    return x + float(np.sqrt(np.mean(np.square(x)))) * 10 ** (-snr_db / 20) * noise


def through(line, x):
    """(samples, rate) of x at 16 kHz after a line without a codec: "as is", "phone", either with ", noise at 20 dB" behind it, or "phone, brought to 16 kHz"."""
    name, _, rest = line.partition(", ")
    if rest.startswith("noise at "):
        x = noisy(x, float(rest.removeprefix("noise at ").removesuffix(" dB")))
    elif rest not in ("", "brought to 16 kHz"):
        raise ValueError(f"no line is called '{line}'")
    if name == "as is":
        return x, corpus.RATE
    if name != "phone":
        raise ValueError(f"no line is called '{line}'")
    x = phone(x)
    return (resample_poly(x, 2, 1).astype(np.float32), corpus.RATE) if rest == "brought to 16 kHz" else (x, 8000)
