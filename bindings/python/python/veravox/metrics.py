"""The field's figures of merit, from the scores of clips whose truth is known.

A score says how much a clip speaks for a synthetic voice: positive = synthetic. `bonafide` are the scores of human speech,
`spoof` those of synthetic speech; both may be arrays or sequences. Rates are fractions from 0 to 1, not percent. The tools
of ASVspoof count the other way, higher = bona fide; negate the scores and the figures are theirs.

An empty class, and a score that is not a number, raise `InvalidArgumentError`.

`eer`, `auc`, `cllr`, `min_cllr`, `min_dcf`, `act_dcf` and `det_curve` are of two arrays of scores; `Trials` also knows which
speaker, system or page each clip belongs to, and gives figures by them and intervals.

>>> from veravox import metrics
>>> metrics.eer([-4, -2.5, -1, 0.5], [-0.5, 1, 3, 6])
0.25
"""

from ._core import metrics as _metrics

Estimate = _metrics.Estimate
Trials = _metrics.Trials
act_dcf = _metrics.act_dcf
auc = _metrics.auc
cllr = _metrics.cllr
det_curve = _metrics.det_curve
eer = _metrics.eer
mean = _metrics.mean
min_cllr = _metrics.min_cllr
min_dcf = _metrics.min_dcf

__all__ = ["Estimate", "Trials", "act_dcf", "auc", "cllr", "det_curve", "eer", "mean", "min_cllr", "min_dcf"]
