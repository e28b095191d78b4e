from collections.abc import Iterable
from typing import Literal, final

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["Estimate", "Trials", "act_dcf", "auc", "cllr", "det_curve", "eer", "mean", "min_cllr", "min_dcf"]

_Figure = Literal[
    "eer",
    "mean_eer_over_systems",
    "auc",
    "auc_inside_groups",
    "cllr",
    "min_cllr",
    "min_dcf",
    "act_dcf",
]

def eer(bonafide: ArrayLike, spoof: ArrayLike) -> float: ...
def auc(bonafide: ArrayLike, spoof: ArrayLike) -> float: ...
def cllr(bonafide: ArrayLike, spoof: ArrayLike) -> float: ...
def min_cllr(bonafide: ArrayLike, spoof: ArrayLike) -> float: ...
def min_dcf(
    bonafide: ArrayLike,
    spoof: ArrayLike,
    *,
    spoof_prior: float | None = None,
    reject_bonafide: float | None = None,
    accept_spoof: float | None = None,
) -> float: ...
def act_dcf(
    bonafide: ArrayLike,
    spoof: ArrayLike,
    *,
    spoof_prior: float | None = None,
    reject_bonafide: float | None = None,
    accept_spoof: float | None = None,
) -> float: ...
def det_curve(
    bonafide: ArrayLike, spoof: ArrayLike
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]: ...
def mean(
    values: ArrayLike,
    groups: Iterable[object],
    *,
    rounds: int | None = None,
    confidence: float | None = None,
    seed: int | None = None,
) -> Estimate: ...
@final
class Estimate:
    @property
    def value(self) -> float: ...
    @property
    def low(self) -> float: ...
    @property
    def high(self) -> float: ...

@final
class Trials:
    def __new__(
        cls,
        bonafide: ArrayLike,
        bonafide_groups: Iterable[object],
        spoof: ArrayLike,
        spoof_groups: Iterable[object],
        *,
        spoof_prior: float | None = None,
        reject_bonafide: float | None = None,
        accept_spoof: float | None = None,
    ) -> Trials: ...
    def value(self, figure: _Figure) -> float: ...
    def estimate(
        self,
        figure: _Figure,
        *,
        rounds: int | None = None,
        confidence: float | None = None,
        seed: int | None = None,
    ) -> Estimate: ...
    def eer_by_system(self) -> dict[str, float]: ...
