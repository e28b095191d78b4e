#!/usr/bin/env python3
"""Writes one JSON file of test vectors for each stage, from the reference in `reference.py`.

    python testdata/vectors/make_vectors.py            writes the files
    python testdata/vectors/make_vectors.py --verify   holds the reference against librosa, scipy and
                                                        ffmpeg, a float32 run against the tolerances,
                                                        and the files against a fresh run

Writing needs numpy alone.
"""

import argparse
import json
from pathlib import Path

import numpy as np

import reference as ref
import signals

HERE = Path(__file__).resolve().parent
DIGITS = 8

NARROW = dict(rate_hz=8000, n_fft=256, win_length=256, hop_length=80)
SHORT_WINDOW = dict(rate_hz=8000, n_fft=256, win_length=160, hop_length=80)
WIDE = dict(rate_hz=16000, n_fft=512, win_length=400, hop_length=160)
FULL_BAND = dict(f_min_hz=0.0, f_max_hz=4000.0, log_floor=1e-7)
PHONE_BAND = dict(f_min_hz=300.0, f_max_hz=3400.0, log_floor=1e-7)
WIDE_BAND = dict(f_min_hz=20.0, f_max_hz=7600.0, log_floor=1e-10)

HTK_DELTA = "deltas: The HTK Book 3.5, eq. 5.16, with a reach of 2 and the edge frames repeated"
STFT = "frames wholly inside the input, periodic Hann of win_length centred in n_fft, |X|^2"


def case(name, parameters, inputs, expected):
    return dict(
        name=name,
        parameters=parameters,
        input=np.asarray(inputs),
        expected=np.asarray(expected),
        shape=list(np.shape(expected)),
    )


def windowed(name, function, signal, n_samples, parameters, seed):
    """A case whose input is a window of samples and whose output is a matrix [frame, column]."""
    samples = signal(parameters["rate_hz"], n_samples, seed)
    expected = function(samples, **parameters)
    sample_rate = dict(sample_rate_hz=parameters["rate_hz"])
    rest = {key: value for key, value in parameters.items() if key != "rate_hz"}
    return case(name, sample_rate | rest, samples, expected)


def stft():
    def power(samples, rate_hz, **parameters):
        return ref.stft_power(samples, **parameters)

    yield from (
        windowed("8 kHz", power, signals.chirp_and_noise, 600, NARROW, 1),
        windowed("8 kHz, short window", power, signals.chirp_and_noise, 600, SHORT_WINDOW, 2),
        windowed("16 kHz, short window", power, signals.chirp_and_noise, 1000, WIDE, 3),
        windowed(
            "odd window length, samples left over",
            power,
            signals.chirp_and_noise,
            127,
            dict(rate_hz=8000, n_fft=64, win_length=51, hop_length=20),
            4,
        ),
        windowed(
            "one frame",
            power,
            signals.chirp_and_noise,
            64,
            dict(rate_hz=8000, n_fft=64, win_length=64, hop_length=64),
            4,
        ),
    )


def log_spectrogram():
    at_a_bin = dict(f_min_hz=312.5, f_max_hz=1000.0, log_floor=1e-7)
    run = ref.log_spectrogram
    yield from (
        windowed("8 kHz", run, signals.chirp_and_noise, 600, NARROW | FULL_BAND, 5),
        windowed("telephone band", run, signals.chirp_and_noise, 600, SHORT_WINDOW | PHONE_BAND, 6),
        windowed("16 kHz", run, signals.chirp_and_noise, 1000, WIDE | WIDE_BAND, 7),
        windowed("edges on bins", run, signals.chirp_and_noise, 500, NARROW | at_a_bin, 8),
        windowed("silence", run, signals.speech_then_silence, 900, NARROW | PHONE_BAND, 9),
    )


def filterbank(run, seed):
    yield from (
        windowed("8 kHz", run, signals.chirp_and_noise, 800, NARROW | FULL_BAND | dict(n_filters=20), seed),
        windowed(
            "telephone band, short window",
            run,
            signals.chirp_and_noise,
            800,
            SHORT_WINDOW | PHONE_BAND | dict(n_filters=24),
            seed + 1,
        ),
        windowed(
            "16 kHz",
            run,
            signals.chirp_and_noise,
            1600,
            WIDE | WIDE_BAND | dict(n_filters=40),
            seed + 2,
        ),
        windowed(
            "filters narrower than a bin",
            run,
            signals.chirp_and_noise,
            400,
            dict(rate_hz=8000, n_fft=128, win_length=128, hop_length=64) | FULL_BAND | dict(n_filters=64),
            seed + 3,
        ),
        windowed(
            "silence",
            run,
            signals.speech_then_silence,
            1200,
            NARROW | PHONE_BAND | dict(n_filters=20),
            seed + 4,
        ),
    )


def lfcc():
    run = ref.lfcc
    phone = SHORT_WINDOW | PHONE_BAND | dict(n_filters=20)
    for deltas in (0, 1, 2):
        yield windowed(
            f"8 kHz, deltas {deltas}",
            run,
            signals.chirp_and_noise,
            1000,
            phone | dict(n_coeffs=20, deltas=deltas),
            30 + deltas,
        )
    yield windowed(
        "16 kHz, fewer coefficients than filters",
        run,
        signals.chirp_and_noise,
        1600,
        WIDE | WIDE_BAND | dict(n_filters=40, n_coeffs=13, deltas=2),
        34,
    )
    yield windowed(
        "two frames only",
        run,
        signals.chirp_and_noise,
        256 + 80,
        phone | dict(n_coeffs=12, deltas=2),
        35,
    )


def phase_coherence():
    run = ref.phase_coherence
    phone = dict(f_min_hz=300.0, f_max_hz=3400.0, power_floor=1e-4)
    whole = dict(f_min_hz=0.0, f_max_hz=8000.0, power_floor=1e-4)
    yield from (
        windowed("8 kHz", run, signals.chirp_and_noise, 900, NARROW | phone | dict(n_bands=12), 50),
        windowed("short window", run, signals.chirp_and_noise, 900, SHORT_WINDOW | phone | dict(n_bands=7), 51),
        windowed("16 kHz, whole band", run, signals.chirp_and_noise, 1600, WIDE | whole | dict(n_bands=14), 52),
        windowed("two frames, one band", run, signals.chirp_and_noise, 336, NARROW | phone | dict(n_bands=1), 53),
        windowed("silence", run, signals.speech_then_silence, 1200, NARROW | phone | dict(n_bands=12), 54),
    )


def statistics():
    def frames(kind, n_fft, hop_length, **more):
        floor = {} if kind == "phase_coherence" else dict(log_floor=1e-4, normalisation="none")
        return dict(kind=kind, n_fft=n_fft, win_length=n_fft, hop_length=hop_length, f_min_hz=100.0, f_max_hz=3700.0) | floor | more

    voice, pause = signals.chirp_and_noise, signals.speech_then_silence
    for number, (name, family, of, signal, n_samples) in enumerate(
        (
            ("spectrum", "spectrum", frames("log_spectrogram", 128, 64, normalisation="mean"), voice, 2200),
            ("pulses", "pulses", frames("linear_filterbank", 32, 8, n_filters=4), voice, 3200),
            ("lines", "lines", frames("log_spectrogram", 256, 128), voice, 1500),
            ("phases", "phases", frames("phase_coherence", 128, 32, n_bands=5, power_floor=1e-4), voice, 1500),
            ("pulses, a band at the floor", "pulses", frames("linear_filterbank", 32, 8, n_filters=4, log_floor=0.5), voice, 3200),
            ("cycles", "cycles", frames("linear_filterbank", 32, 16, n_filters=5), voice, 4200),
            ("cycles, regular pulses", "cycles", frames("linear_filterbank", 32, 16, n_filters=4), signals.pulses, 4200),
            ("cycles, bands that stand still", "cycles", frames("linear_filterbank", 32, 16, n_filters=5, log_floor=0.1), signals.tone, 4200),
            ("phases, silence", "phases", frames("phase_coherence", 128, 32, n_bands=5, power_floor=1e-4), pause, 1500),
        )
    ):
        yield windowed(name, ref.statistics, signal, n_samples, dict(rate_hz=8000, family=family, of=of), 60 + number)


def normalisation():
    random = np.random.RandomState(40)
    matrix = random.standard_normal((9, 5)) * [1.0, 10.0, 0.1, 3.0, 0.0] + [0, -20, 5, 100, 2.5]
    matrix = np.round(matrix, 6)
    one_frame = np.array([[1.5, -3.0, 0.0]])
    for kind in ("none", "mean", "mean_variance"):
        for name, values in (("one column constant", matrix), ("one frame", one_frame)):
            expected = ref.normalised(values, kind)
            yield case(f"{kind}, {name}", dict(normalisation=kind), values, expected)


def level():
    window = signals.chirp_and_noise(8000, 240, 41)
    below = np.tile([9e-6, -9e-6], 40)  # RMS 9e-6: silent
    above = np.tile([2e-5, -2e-5], 40)
    for name, samples, level_dbfs in (
        ("to -26 dBFS", window, -26.0),
        ("to 0 dBFS, beyond full scale", window, 0.0),
        ("quiet, but above the limit", above, -26.0),
        ("below the limit: unscaled", below, -26.0),
        ("zeros", np.zeros(16), -26.0),
    ):
        yield case(name, dict(level_dbfs=level_dbfs), samples, ref.at_level(samples, level_dbfs))


def g711():
    codes = np.arange(256)
    for name, decode in (("alaw", ref.alaw_to_int16), ("mulaw", ref.mulaw_to_int16)):
        values = np.array([decode(int(code)) for code in codes]) / 32768.0
        yield case(name, dict(encoding=name), codes, values)


def calibration():
    logits = np.array([[0.0, 0.0], [2.5, -1.25], [-3.0, 4.0], [0.001, 0.002], [40.0, -60.0]])
    for scale, offset, prior in (
        (1.0, 0.0, 0.5),
        (0.37, -1.2, 0.5),
        (2.5, 0.8, 0.05),
        (1.0, 0.0, 0.99),
    ):
        llr = ref.calibrated(logits[:, 0], logits[:, 1], scale, offset)
        rows = np.array([[value, ref.probability(value, prior)] for value in llr])
        yield case(
            f"scale {scale}, offset {offset}, prior {prior}",
            dict(scale=scale, offset=offset, prior=prior),
            logits,
            rows,
        )


def resample():
    low = [(110.0, 0.25, 0.0), (430.0, 0.2, 1.0), (1230.0, 0.15, 2.0), (2550.0, 0.1, 0.5)]
    lower = [(hz * 0.9, a, phase) for hz, a, phase in low[:3]]
    for from_hz, to_hz, n_in, tones in (
        (44100, 8000, 4420, low),
        (48000, 16000, 4800, low),
        (8000, 16000, 1200, low),
        (16000, 8000, 1602, low),
        (11025, 8000, 1200, lower),
    ):
        n_out = round(n_in * to_hz / from_hz)
        yield case(
            f"{from_hz} to {to_hz} Hz",
            dict(
                from_hz=from_hz,
                to_hz=to_hz,
                # The filter knows nothing beyond the ends of the input: compare what lies between.
                skip_at_each_end=n_out // 4,
                tones=[dict(hz=hz, amplitude=a, phase=phase) for hz, a, phase in tones],
            ),
            np.round(ref.multi_tone(tones, from_hz, n_in), 4),
            np.round(ref.multi_tone(tones, to_hz, n_out), 4),
        )


# stage -> (source, relative and absolute tolerance, cases)
STAGES = {
    "stft": (f"[frame, bin]; {STFT}", (1e-4, 1e-4), stft),
    "log_spectrogram": (
        f"[frame, bin]; {STFT}; ln(max(power, log_floor)) of the bins k with "
        "f_min_hz <= k * sample_rate_hz / n_fft <= f_max_hz",
        (1e-4, 1e-3),
        log_spectrogram,
    ),
    "linear_filterbank": (
        f"[frame, filter]; {STFT}; triangles of height 1 over n_filters + 2 edges equally spaced in "
        "hertz, weights taken at the bins' centre frequencies; ln(max(energy, log_floor))",
        (1e-4, 1e-3),
        lambda: filterbank(ref.linear_filterbank, 10),
    ),
    "log_mel": (
        "as linear_filterbank with the edges equally spaced in HTK mel, 2595 log10(1 + f / 700): "
        "The HTK Book 3.5, section 5.4; no area normalisation",
        (1e-4, 1e-3),
        lambda: filterbank(ref.log_mel, 20),
    ),
    "lfcc": (
        "[frame, static | delta | delta of delta]; orthonormal DCT-II of linear_filterbank, c0 "
        "included: Sahidullah, Kinnunen and Hanilci, A comparison of features for synthetic speech "
        f"detection, Interspeech 2015; {HTK_DELTA}",
        (1e-4, 1e-3),
        lfcc,
    ),
    "phase_coherence": (
        f"[frame after the first, real parts | imaginary parts]; {STFT.removesuffix(', |X|^2')}; sum of m D over sum of "
        "(m + sqrt(power_floor)) in n_bands runs of bins, m = min(|X(t, k)|, |X(t-1, k)|), D the unit vector of the mixed "
        "difference of phase: Fulop and Fitz, Separation of components from impulses in reassigned spectrograms, JASA 121, "
        "2007",
        (1e-4, 1e-3),
        phase_coherence,
    ),
    "statistics": (
        "[1, statistic]; statistics of a matrix over its frames, as `spectrum_statistics` and the others define them",
        (1e-4, 1e-3),
        statistics,
    ),
    "normalisation": (
        "each column over the frames: mean subtracts the mean, mean_variance then divides by "
        "max(population standard deviation, 1e-5)",
        (1e-5, 1e-4),
        normalisation,
    ),
    "level": (
        "scaled to an RMS of 10^(level_dbfs / 20); left alone where the RMS is below 1e-5",
        (1e-5, 1e-9),
        level,
    ),
    "g711": ("ITU-T G.711 (11/88), tables 1 and 2; 16-bit value / 32768", (0.0, 1e-8), g711),
    "calibration": (
        "rows of [logit_bonafide, logit_spoof] to rows of [llr, probability]: llr = scale * "
        "(logit_spoof - logit_bonafide) + offset; probability = sigmoid(llr + ln(prior / (1 - prior)))",
        (1e-5, 1e-6),
        calibration,
    ),
    "resample": (
        "a sum of tones far below both Nyquist frequencies, and the same tones at the other rate; "
        "round(n * to_hz / from_hz) samples",
        (0.0, 2e-3),
        resample,
    ),
}


def build(stage):
    source, (relative, absolute), cases = STAGES[stage]
    tolerance = dict(relative=relative, absolute=absolute)
    return dict(stage=stage, source=source, tolerance=tolerance, cases=list(cases()))


def rounded(array):
    """Nested lists of numbers with eight significant digits, whole numbers without a point."""
    if array.ndim:
        return [rounded(row) for row in array]
    value = float(f"{float(array):.{DIGITS}g}")
    return int(value) if value.is_integer() else value


def as_json(vector):
    """Indented down to the cases; every array on one line, so that a difference shows where it is."""
    lines = ["{"]
    for key in ("stage", "source", "tolerance"):
        lines.append(f"  {json.dumps(key)}: {json.dumps(vector[key])},")
    lines.append('  "cases": [')
    for number, entry in enumerate(vector["cases"]):
        lines.append("    {")
        for key, value in entry.items():
            plain = rounded(value) if isinstance(value, np.ndarray) else value
            end = "" if key == "shape" else ","
            lines.append(f"      {json.dumps(key)}: {json.dumps(plain, separators=(',', ':'))}{end}")
        lines.append("    }" if number + 1 == len(vector["cases"]) else "    },")
    lines += ["  ]", "}"]
    return "\n".join(lines) + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--verify", action="store_true", help="check instead of writing")
    if parser.parse_args().verify:
        import verify

        vectors = {stage: build(stage) for stage in STAGES}
        stale = [s for s in STAGES if (HERE / f"{s}.json").read_text("utf-8") != as_json(vectors[s])]
        for stage in stale:
            print(f"FAIL {stage}.json is not what this program writes")
        raise SystemExit(verify.main(vectors) or bool(stale))
    for stage in STAGES:
        (HERE / f"{stage}.json").write_text(as_json(build(stage)), encoding="utf-8")


if __name__ == "__main__":
    main()
