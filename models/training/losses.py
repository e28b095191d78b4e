"""What the outputs learn: the main one real speech against whole synthesisers, the twin one real speech against its own copies, the
family one what kind of machine it was."""
import torch
from torch.nn import functional

import draws
from model import COSINE_SCALE

MARGIN = 0.2                            # additive margin of the cosine (Wang et al. 2018)
ONE_CLASS_MARGINS = (0.9, 0.2)          # real speech above, synthetic below (Zhang, Jiang, Duan 2021: OC-softmax)
FAMILIES = ["human", "tts", "vc", "vocoder", "codec", "engine", "twin"]


def binary(logits, labels, kind, smoothing):
    """Loss of each window. `logits` rise with synthetic; labels are 0 real, 1 synthetic."""
    sign = 2 * labels - 1
    if kind == "margin":
        logits = logits - COSINE_SCALE * MARGIN * sign
    if kind == "one_class":
        # The weight vector is the centre of synthetic speech turned round: its negated cosine is that to the centre of real speech.
        real, synthetic = ONE_CLASS_MARGINS
        cosine = -logits / COSINE_SCALE
        return functional.softplus(COSINE_SCALE * torch.where(labels > 0.5, cosine - synthetic, real - cosine))
    soft = labels * (1 - smoothing) + smoothing / 2
    return functional.binary_cross_entropy_with_logits(logits, soft, reduction="none")


class Targets:
    """What is wanted of the windows of a batch: labels and family, and which output each window teaches."""

    def __init__(self, category, family, shared):
        spoof = torch.tensor([draws.SPOOF[name] for name in draws.CATEGORIES], device=category.device)
        twin = category == draws.CATEGORIES.index("twin")
        self.labels, self.family = spoof[category].float(), family
        real = self.labels < 0.5
        # With `shared` the twins teach the main output as well, as one class with all that is synthetic.
        self.main = torch.ones_like(self.labels) if shared else (~twin).float()
        self.twin = (real | twin).float()

    def loss(self, outputs, c, order=None):
        """Loss of each window; with `order` against the targets of the windows there (the other half of a mixture)."""
        main, twin, family = outputs
        pick = (lambda t: t) if order is None else (lambda t: t[order])
        labels = pick(self.labels)
        total = pick(self.main) * binary(main, labels, c["loss"], c["label_smoothing"])
        total = total + 0.5 * pick(self.twin) * binary(twin, labels, c["loss"], c["label_smoothing"])
        if c["family_weight"]:
            total = total + c["family_weight"] * functional.cross_entropy(family, pick(self.family), reduction="none")
        return total
