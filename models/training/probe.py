"""The leak probe: can level, bandwidth, silence or duration alone tell the classes in what the trainer sees?

A model takes any bait. These numbers say nothing of a voice, so a linear probe on them must stay near a coin toss.
"""
import numpy as np

import draws


HIGHEST_HZ = 7000        # the upper end of every feature of `wide.toml`


def numbers(x, rate):
    """Level, peak over level, silence share, shares of energy at the edges of the band, the frequency under which 99 % lies, and how the spectrum falls
    towards `HIGHEST_HZ`, above which no model looks: a filter there tells the rate of the recording."""
    level = np.sqrt(np.mean(np.square(x)) + 1e-12)
    frames = x[:len(x) // 160 * 160].reshape(-1, 160)
    loudness = 10 * np.log10((frames ** 2).mean(1) + 1e-12)
    power = np.abs(np.fft.rfft(x)) ** 2
    total = power.sum() + 1e-12
    f = np.linspace(0, rate / 2, len(power))
    return [20 * np.log10(level), 20 * np.log10(np.abs(x).max() / level + 1e-9), float((loudness < loudness.max() - 40).mean()),
            np.log10(power[f < 200].sum() / total + 1e-9), np.log10(power[f > 3400].sum() / total + 1e-9),
            f[np.searchsorted(np.cumsum(power), 0.99 * total)], *falling(power, f)]


def falling(power, f):
    """Steps of level, in powers of ten, from one part of the upper half of the band to the next."""
    edges = np.linspace(0.5, 1.0, 5) * min(HIGHEST_HZ, 0.9 * f[-1])
    levels = [np.log10(power[(f >= low) & (f < high)].mean() + 1e-9) for low, high in zip(edges[:-1], edges[1:])]
    return np.diff(levels)


def linear_auc(rows, labels, folds=5, seed=0):
    """AUC of a logistic regression on standardised rows, each fold scored by the others."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import roc_auc_score
    from sklearn.model_selection import cross_val_predict
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(labels))
    rows, labels = np.asarray(rows)[order], np.asarray(labels)[order]
    scores = cross_val_predict(make_pipeline(StandardScaler(), LogisticRegression()), rows, labels, cv=folds, method="decision_function")
    return float(roc_auc_score(labels, scores))


def leak(drawn, count):
    """AUC of the probe on so many of the windows that training sees."""
    rows, labels = [], []
    for k in range(count):
        samples, category, _ = drawn.window(k)
        rows.append(numbers(samples, drawn.rate))
        labels.append(draws.SPOOF[category])
    return linear_auc(rows, labels)
