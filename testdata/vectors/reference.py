"""The definitions of the stages, in float64 and as plainly as they can be written.

This is the other side of the tests: it shares no code and no library with `core`, it is slow, and it
follows the formulas of the sources that it names. `make_vectors.py` turns it into numbers.
"""

import numpy as np

SILENT_RMS = 1e-5
SMALLEST_STD = 1e-5
DELTA_REACH = 2


def stft(samples, n_fft, win_length, hop_length):
    """[frame, bin]: X of frames that lie wholly inside the samples, no padding at the edges."""
    left = (n_fft - win_length) // 2
    window = np.zeros(n_fft)
    for n in range(win_length):
        window[left + n] = 0.5 - 0.5 * np.cos(2 * np.pi * n / win_length)  # periodic Hann
    n_frames = 1 + (len(samples) - n_fft) // hop_length
    frames = [samples[t * hop_length : t * hop_length + n_fft] * window for t in range(n_frames)]
    # The transform itself, as the sum that defines it.
    n, k = np.arange(n_fft), np.arange(n_fft // 2 + 1)
    turns = np.exp(-2j * np.pi * (np.outer(n, k) % n_fft) / n_fft)
    return np.array(frames) @ turns


def stft_power(samples, n_fft, win_length, hop_length):
    return np.abs(stft(samples, n_fft, win_length, hop_length)) ** 2


def as_it_is(values):
    return values


def short(values):
    """What statistics are taken of: 16 bits a number, of which ten are mantissa; rounded half up, 0 under 2^-40."""
    values = np.asarray(values, np.float64)
    step = 2.0 ** (np.floor(np.log2(np.maximum(values, 2.0**-40))) - 10)
    return np.where(values <= 2.0**-40, 0.0, np.floor(values / step + 0.5) * step)


def log_spectrogram(samples, rate_hz, n_fft, win_length, hop_length, f_min_hz, f_max_hz, log_floor, keep=as_it_is):
    power = keep(stft_power(samples, n_fft, win_length, hop_length))
    kept = [k for k in range(n_fft // 2 + 1) if f_min_hz <= k * rate_hz / n_fft <= f_max_hz]
    return np.log(np.maximum(power[:, kept], log_floor))


def hz_to_mel(hz):
    return 2595.0 * np.log10(1.0 + hz / 700.0)


def mel_to_hz(mel):
    return 700.0 * (10.0 ** (mel / 2595.0) - 1.0)


def triangles(edges_hz, rate_hz, n_fft):
    """[filter, bin]: triangles of height 1 over each three neighbouring edges, no area norm."""
    bins_hz = np.arange(n_fft // 2 + 1) * rate_hz / n_fft
    weights = np.zeros((len(edges_hz) - 2, len(bins_hz)))
    for m in range(len(edges_hz) - 2):
        left, centre, right = edges_hz[m : m + 3]
        for k, hz in enumerate(bins_hz):
            if left < hz <= centre:
                weights[m, k] = (hz - left) / (centre - left)
            elif centre < hz < right:
                weights[m, k] = (right - hz) / (right - centre)
    return weights


def linear_filterbank(samples, rate_hz, n_fft, win_length, hop_length, f_min_hz, f_max_hz, log_floor, n_filters, keep=as_it_is):
    edges = np.linspace(f_min_hz, f_max_hz, n_filters + 2)
    return _log_energies(samples, rate_hz, n_fft, win_length, hop_length, log_floor, edges, keep)


def log_mel(samples, rate_hz, n_fft, win_length, hop_length, f_min_hz, f_max_hz, log_floor, n_filters, keep=as_it_is):
    edges = mel_to_hz(np.linspace(hz_to_mel(f_min_hz), hz_to_mel(f_max_hz), n_filters + 2))
    return _log_energies(samples, rate_hz, n_fft, win_length, hop_length, log_floor, edges, keep)


def _log_energies(samples, rate_hz, n_fft, win_length, hop_length, log_floor, edges, keep=as_it_is):
    power = stft_power(samples, n_fft, win_length, hop_length)
    return np.log(np.maximum(keep(power @ triangles(edges, rate_hz, n_fft).T), log_floor))


def dct_ii(values, n_coeffs):
    """Orthonormal DCT-II of each row, first `n_coeffs`, c0 included."""
    n = values.shape[1]
    out = np.zeros((len(values), n_coeffs))
    for k in range(n_coeffs):
        scale = np.sqrt(1.0 / n) if k == 0 else np.sqrt(2.0 / n)
        out[:, k] = scale * (values @ np.cos(np.pi * k * (2 * np.arange(n) + 1) / (2 * n)))
    return out


def delta(values):
    """Regression over two frames to either side, edge frames repeated."""
    n_frames = len(values)
    out = np.zeros_like(values)
    for t in range(n_frames):
        for n in range(1, DELTA_REACH + 1):
            out[t] += n * (values[min(t + n, n_frames - 1)] - values[max(t - n, 0)])
    return out / (2 * sum(n * n for n in range(1, DELTA_REACH + 1)))


def lfcc(samples, *, n_coeffs, deltas, **filterbank):
    """[static | delta | delta of delta], as many of the three as `deltas` asks for."""
    columns = [dct_ii(linear_filterbank(samples, **filterbank), n_coeffs)]
    for _ in range(deltas):
        columns.append(delta(columns[-1]))
    return np.hstack(columns)


def phase_coherence(samples, rate_hz, n_fft, win_length, hop_length, f_min_hz, f_max_hz, n_bands, power_floor, keep=as_it_is):
    """[frame after the first, real parts of the bands | imaginary parts], from the angles of four neighbours."""
    spectrum = stft(samples, n_fft, win_length, hop_length)
    size, angle = np.abs(spectrum), np.angle(spectrum)
    kept = [k for k in range(n_fft // 2 + 1) if f_min_hz <= k * rate_hz / n_fft <= f_max_hz][:-1]
    rows = []
    for t in range(1, len(spectrum)):
        bands = []
        for band in range(n_bands):
            of_band = kept[len(kept) * band // n_bands : len(kept) * (band + 1) // n_bands]
            weights = [min(size[t, k], size[t - 1, k]) for k in of_band]
            mixed = [angle[t, k + 1] - angle[t, k] - angle[t - 1, k + 1] + angle[t - 1, k] for k in of_band]
            total = sum(m * np.exp(1j * a) for m, a in zip(weights, mixed))
            # Kept above 0: the parts are no larger than what they are set against.
            weight = sum(weights)
            re, im, kept_weight = (float(keep(v)) for v in (np.real(total) + weight, np.imag(total) + weight, weight))
            bands.append(complex(re - kept_weight, im - kept_weight) / (kept_weight + len(of_band) * np.sqrt(power_floor)))
        rows.append(np.concatenate([np.real(bands), np.imag(bands)]))
    return np.array(rows)


def centred(matrix):
    return matrix - matrix.mean(axis=0)


def unit(matrix):
    """Each column with mean 0 and deviation 1."""
    return centred(matrix) / np.sqrt((centred(matrix) ** 2).mean(axis=0) + 1e-6)


def moments(matrix):
    """[log variance of each column | skewness | log kurtosis]"""
    x = centred(matrix)
    variance = (x**2).mean(axis=0) + 1e-6
    return np.hstack([np.log(variance), (x**3).mean(axis=0) / variance**1.5, np.log((x**4).mean(axis=0) / variance**2 + 0.1)])


def lagged(matrix, lag):
    return (matrix[lag:] * matrix[: len(matrix) - lag]).mean(axis=0)


def together(matrix):
    """The mean product of columns 0 and 1, 0 and 2, ..., 1 and 2, ..."""
    n = matrix.shape[1]
    return np.array([(matrix[:, i] * matrix[:, j]).mean() for i in range(n) for j in range(i + 1, n)])


def grouped(values, n_columns, n_groups):
    """Mean of each of so many groups of columns, by where the middle of a column falls; those at the end may be missing."""
    group = [(2 * column + 1) * n_groups // (2 * n_columns) for column in range(n_columns)]
    return np.array([sum(v for v, g in zip(values, group) if g == k) / group.count(k) for k in range(n_groups)])


def spectrum_statistics(matrix, frame_rate_hz):
    n_frames, n_columns = matrix.shape
    k = np.arange(1, 31)
    waves = np.sqrt(2 / n_columns) * np.cos(np.pi * np.outer(np.arange(n_columns) + 0.5, k) / n_columns)
    c = matrix @ waves
    d, a = c[2:] - c[:-2], c[2:] - 2 * c[1:-1] + c[:-2]
    out = [moments(c), moments(d), moments(a), together(unit(c)), together(unit(d))]
    out += [lagged(unit(c), lag) for lag in (1, 2, 3, 5, 8, 13, 21)]
    along, over = np.diff(matrix, axis=1), np.diff(matrix, axis=0)
    for difference in (matrix, along, over, np.diff(along, axis=1), np.diff(over, axis=0), np.diff(over, axis=1)):
        energy = (difference**2).mean(axis=0)
        fourth = (difference**4).mean(axis=0) / (energy**2 + 1e-6)
        out += [np.log(grouped(energy, n_columns, 23) + 1e-6), np.log(grouped(fourth, n_columns, 23) + 0.1)]
    fine = unit((matrix - c @ waves.T).T).T
    regular = np.stack([(fine[:, bins:] * fine[:, :-bins]).mean(axis=1) for bins in (2, 3, 4, 5, 6, 8, 10, 12)], axis=1)
    out += [regular.mean(axis=0), np.log((centred(regular) ** 2).mean(axis=0) + 1e-6), lagged(regular, 3)]
    bands = np.array([grouped(frame, n_columns, 23) for frame in matrix])
    t = np.arange(n_frames)
    hann = 0.5 - 0.5 * np.cos(2 * np.pi * t / n_frames)
    for band in bands.T:
        for hz in (1, 2, 3, 4, 6, 8, 11, 15, 20, 26, 33, 40):
            turning = (band * hann * np.exp(2j * np.pi * hz / frame_rate_hz * t)).sum()
            out.append([np.log(np.abs(turning) ** 2 / n_frames + 1e-4)])
    return np.concatenate(out)


def pulse_statistics(matrix, frame_rate_hz):
    edges = [1, 2, 3, 4, 6, 8, 11, 15, 20, 27, 36, 48, 64, 84, 108, 128]
    d = np.diff(matrix, axis=0)
    out = [moments(d), moments(np.diff(d, axis=0)), together(unit(matrix)), together(unit(d))]
    hann = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(256) / 256)
    starts = range(0, len(matrix) - 255, 128)
    power = np.mean([np.abs(np.fft.fft((unit(matrix)[s : s + 256].T * hann).T, axis=0)) ** 2 for s in starts], axis=0)
    means = np.array([power[low:high].mean(axis=0) for low, high in zip(edges, edges[1:])]).T
    peaks = np.array([power[low:high].max(axis=0) for low, high in zip(edges, edges[1:])]).T
    out += [np.log(means + 1e-4).ravel(), np.log(peaks / (means + 1e-6) + 1e-3)[:, 6:].ravel()]
    return np.concatenate(out)


BEATS_HZ = [25, 31.25, 40, 43.066, 46.875, 50, 62.5, 66.667, 75, 80, 86.133, 93.75, 100, 120, 125, 129.199, 133.333, 140.625, 150]
BEATS_HZ += [156.25, 160, 172.266, 175, 187.5, 200, 215.332, 218.75, 225, 234.375, 240]


def cycle_statistics(matrix, frame_rate_hz):
    n_frames, n_columns = matrix.shape
    n_fft = 1 << (n_frames - 1).bit_length()

    def around(values, half):
        """Sum and number of the values that lie at most `half` from each one."""
        stretches = [values[max(k - half, 0) : k + half + 1] for k in range(len(values))]
        return np.array([s.sum() for s in stretches]), np.array([len(s) for s in stretches])

    def near(values):
        total, count = around(values, rounded(0.012 * frame_rate_hz))
        return total / count

    hann = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(n_frames) / n_frames)
    prominence = []
    for column in matrix.T:
        deviation = column - near(column)
        level = deviation / (near(np.abs(deviation)) + 0.05)
        power = np.abs(np.fft.rfft(level * hann, n_fft)) ** 2
        wide, narrow = (around(power, rounded(ends * n_fft / n_frames)) for ends in (12, 3))
        prominence.append(power / ((wide[0] - narrow[0]) / (wide[1] - narrow[1]) + 1e-4 * n_frames))
    prominence, bin_hz, out = np.array(prominence), frame_rate_hz / n_fft, []
    for columns in (slice(None), slice(n_columns // 2), slice(n_columns // 2, None)):
        logs = np.log(prominence[columns].mean(axis=0) + 0.1)
        ordered = np.sort(logs[rounded(20 / bin_hz) : rounded(240 / bin_hz) + 1])
        n = len(ordered)
        out += [logs[[rounded(hz / bin_hz) for hz in BEATS_HZ]], ordered[[n - 1, n - 1 - n // 200, n - 1 - n // 40]]]
        out += [[ordered.mean(), ordered.std()]]
    return np.concatenate(out)


def rounded(value):
    """To the nearest whole number, halves upwards."""
    return int(np.floor(value + 0.5))


def line_statistics(matrix, frame_rate_hz):
    n_columns = matrix.shape[1]
    near = [slice(max(k - 15, 0), k + 16) for k in range(n_columns)]
    fine = matrix - np.stack([matrix[:, columns].mean(axis=1) for columns in near], axis=1)
    still, quefrencies = fine.mean(axis=0), min(n_columns // 4, 120)

    def bands(values):
        return grouped(values, n_columns, 10)

    def cepstrum(row):
        return np.abs(np.fft.fft(unit(row)))[1 : quefrencies + 1] ** 2 / n_columns

    cepstra = np.array([cepstrum(row) for row in fine])
    peak = np.log(cepstra.max(axis=1) + 1e-3)
    coarse = [
        grouped(np.log(values + 1e-3), quefrencies, quefrencies // 4) for values in (cepstra.mean(axis=0), cepstrum(still))
    ]
    return np.concatenate(
        [
            np.log(bands(still**2) + 1e-4),
            np.log(bands((fine**2).mean(axis=0)) + 1e-4),
            bands((fine**3).mean(axis=0)),
            np.log(bands((fine**4).mean(axis=0)) + 1e-2),
            np.log(bands(np.maximum(fine.max(axis=0), 0)) + 1),
            *coarse,
            [peak.mean(), np.sqrt(peak.var() + 1e-6)],
        ]
    )


def phase_statistics(matrix, frame_rate_hz):
    n_bands = matrix.shape[1] // 2
    size = np.sqrt(matrix[:, :n_bands] ** 2 + matrix[:, n_bands:] ** 2 + 1e-9)
    lags = [lagged(unit(size), lag) for lag in (1, 2, 3, 5, 8, 13)]
    return np.concatenate([matrix.mean(axis=0), size.mean(axis=0), moments(size), moments(matrix), *lags])


FAMILIES = dict(
    spectrum=spectrum_statistics, pulses=pulse_statistics, cycles=cycle_statistics, lines=line_statistics, phases=phase_statistics
)
KINDS = dict(log_spectrogram=log_spectrogram, linear_filterbank=linear_filterbank, phase_coherence=phase_coherence)


def matrix_of(samples, rate_hz, of):
    """The matrix that statistics are taken of: of frames kept in 16 bits a number, as neighbouring windows share them."""
    parameters = {key: value for key, value in of.items() if key not in ("kind", "normalisation")}
    return normalised(KINDS[of["kind"]](samples, rate_hz, **parameters, keep=short), of.get("normalisation", "none"))


def statistics(samples, rate_hz, family, of):
    """One row."""
    return FAMILIES[family](matrix_of(samples, rate_hz, of), rate_hz / of["hop_length"])[None]


def normalised(matrix, kind):
    """Each column over the frames; the standard deviation is that of the population."""
    if kind == "none":
        return matrix
    centred = matrix - matrix.mean(axis=0)
    if kind == "mean":
        return centred
    return centred / np.maximum(np.sqrt((centred**2).mean(axis=0)), SMALLEST_STD)


def at_level(samples, level_dbfs):
    """Scaled to this RMS; a silent window is left as it is."""
    rms = np.sqrt(np.mean(samples**2))
    return samples if rms < SILENT_RMS else samples * (10.0 ** (level_dbfs / 20.0) / rms)


def alaw_to_int16(code):
    """One A-law code: sign, three bits of segment, four of step; the even bits are inverted."""
    code ^= 0x55
    segment, step = (code >> 4) & 0x07, code & 0x0F
    # The middle of the step, in units of 1/4096 of full scale times two.
    magnitude = 2 * step + 1 if segment == 0 else (2 * step + 33) << (segment - 1)
    return 8 * magnitude if code & 0x80 else -8 * magnitude


def mulaw_to_int16(code):
    """One mu-law code: all bits inverted, sign, three bits of segment, four of step."""
    code ^= 0xFF
    segment, step = (code >> 4) & 0x07, code & 0x0F
    magnitude = ((2 * step + 33) << segment) - 33
    return -4 * magnitude if code & 0x80 else 4 * magnitude


def calibrated(logit_bonafide, logit_spoof, scale, offset):
    return scale * (logit_spoof - logit_bonafide) + offset


def probability(llr, prior):
    """Of spoof, at this prior of spoof."""
    log_odds = llr + np.log(prior / (1.0 - prior))
    # Both forms are sigmoid(x); each is used where its exponential stays finite.
    if log_odds >= 0:
        return 1.0 / (1.0 + np.exp(-log_odds))
    return np.exp(log_odds) / (1.0 + np.exp(log_odds))


def multi_tone(tones, rate_hz, n_samples):
    """A sum of `amplitude * sin(2 pi hz t + phase)`, exact at any rate."""
    seconds = np.arange(n_samples) / rate_hz
    return sum(a * np.sin(2 * np.pi * hz * seconds + phase) for hz, a, phase in tones)
