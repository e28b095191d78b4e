"""The leak probe: can level, bandwidth, silence or duration alone tell the classes in what the trainer sees?

A model takes any bait. These six numbers say nothing of a voice, so a linear probe on them must stay near a coin toss.
"""
import numpy as np

import draws


def numbers(x, rate):
    """Level, peak over level, silence share, shares of energy at the edges of the band, and the frequency under which 99 % lies."""
    level = np.sqrt(np.mean(np.square(x)) + 1e-12)
    frames = x[:len(x) // 160 * 160].reshape(-1, 160)
    loudness = 10 * np.log10((frames ** 2).mean(1) + 1e-12)
    power = np.abs(np.fft.rfft(x)) ** 2
    total = power.sum() + 1e-12
    f = np.linspace(0, rate / 2, len(power))
    return [20 * np.log10(level), 20 * np.log10(np.abs(x).max() / level + 1e-9), float((loudness < loudness.max() - 40).mean()),
            np.log10(power[f < 200].sum() / total + 1e-9), np.log10(power[f > 3400].sum() / total + 1e-9),
            f[np.searchsorted(np.cumsum(power), 0.99 * total)]]


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
