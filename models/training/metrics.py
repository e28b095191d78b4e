"""Figures of merit from scores. Positive scores mean synthetic everywhere; `bona` are real clips, `spoof` synthetic ones."""
import numpy as np


def error_curves(bona, spoof):
    """(false alarm rates, miss rates) at every threshold. A false alarm is a real clip called synthetic."""
    scores = np.concatenate([bona, spoof])
    labels = np.concatenate([np.zeros(len(bona)), np.ones(len(spoof))])
    order = np.argsort(scores, kind="stable")
    scores, labels = scores[order], labels[order]
    last = np.append(np.nonzero(np.diff(scores))[0], len(scores) - 1)         # tied scores move together
    misses = np.concatenate([[0], np.cumsum(labels)[last]]) / max(len(spoof), 1)
    alarms = 1 - np.concatenate([[0], np.cumsum(1 - labels)[last]]) / max(len(bona), 1)
    return alarms, misses


def eer(bona, spoof):
    """Equal error rate in percent, between the two thresholds around the crossing."""
    alarms, misses = error_curves(np.asarray(bona, float), np.asarray(spoof, float))
    k = int(np.nonzero(misses >= alarms)[0][0])
    if k == 0:
        return 100 * float(misses[0])
    d0, d1 = alarms[k - 1] - misses[k - 1], misses[k] - alarms[k]
    return 100 * float(misses[k - 1] + (misses[k] - misses[k - 1]) * d0 / max(d0 + d1, 1e-12))


def auc(bona, spoof):
    """Chance that a synthetic clip scores above a real one; ties count half."""
    bona, spoof = np.sort(bona), np.asarray(spoof)
    below = np.searchsorted(bona, spoof, "left") + np.searchsorted(bona, spoof, "right")
    return float(below.mean() / (2 * len(bona)))


def min_dcf(bona, spoof, prior=0.05, miss_cost=1.0, alarm_cost=10.0):
    """Normalised minimum detection cost with the costs of ASVspoof 5 (a spoof prior of 0.05; rejecting a real voice costs 1,
    accepting a spoof 10)."""
    alarms, misses = error_curves(np.asarray(bona, float), np.asarray(spoof, float))
    cost = miss_cost * (1 - prior) * alarms + alarm_cost * prior * misses
    return float(cost.min() / min(miss_cost * (1 - prior), alarm_cost * prior))


def cllr(bona, spoof):
    """Cost of log-likelihood ratios in bits; 1 is what an answer of 0 everywhere costs."""
    return float((np.logaddexp(0, np.asarray(bona)).mean() + np.logaddexp(0, -np.asarray(spoof)).mean()) / (2 * np.log(2)))


def by_group(keys):
    """{key: indices}, in the order of the keys."""
    groups = {}
    for i, key in enumerate(keys):
        groups.setdefault(key, []).append(i)
    return {k: np.array(groups[k]) for k in sorted(groups)}


def mean_over_systems(scores, labels, systems):
    """Mean over the systems of each one's EER against all real clips."""
    scores, labels = np.asarray(scores), np.asarray(labels)
    bona = scores[labels == 0]
    spoofs = np.nonzero(labels == 1)[0]
    groups = by_group([systems[i] for i in spoofs])
    return float(np.mean([eer(bona, scores[spoofs[g]]) for g in groups.values()]))


def inside_pages(scores, labels, sources):
    """(mean AUC over the sources that hold both classes, how many they are)."""
    scores, labels = np.asarray(scores), np.asarray(labels)
    values = []
    for group in by_group(sources).values():
        s, y = scores[group], labels[group]
        if 0 < y.sum() < len(y):
            values.append(auc(s[y == 0], s[y == 1]))
    return (float(np.mean(values)) if values else float("nan")), len(values)


def interval(figure, sides, rounds=400, seed=7):
    """95 % bootstrap interval of figure(side, side, ...). Each side is a list of groups (systems, sources, pages), arrays of
    indices; whole groups are drawn again, since the clips of one group stand or fall together."""
    rng = np.random.default_rng(seed)
    values = []
    for _ in range(rounds):
        value = figure(*[[side[k] for k in rng.integers(len(side), size=len(side))] for side in sides])
        if np.isfinite(value):
            values.append(value)
    return tuple(float(v) for v in np.percentile(values, [2.5, 97.5]))
