"""A model's own calibration, fitted on labelled audio by the code of `veravox calibrate`."""

from __future__ import annotations

import os
import pathlib
import tempfile
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..detector import Detector
from ..errors import VeravoxError
from ..evaluation import audio_of, calibrate
from ..scanning import read_audio
from .refusal import Refused

REAL_WINDOWS = 16


class Fitted(NamedTuple):
    """`llr = scale * raw score + offset`."""

    scale: float
    offset: float


def fit(detector: Detector, key: pathlib.Path, audio: pathlib.Path, log: Callable[[str], None]) -> Fitted:
    """Scores the audio of a key with a model whose llr is its bare score, and fits scale and offset. Scores that do not rise with synthetic
    speech are refused: the net cannot tell on such audio, or its labels are in another order."""
    files = audio_of([key], audio)
    log(f"calibration: {len(files)} files of {key.name}")
    with tempfile.TemporaryDirectory() as scratch:
        results = os.path.join(scratch, "results.jsonl")
        for _ in detector.scan_many(files, resume=results):
            pass
        try:
            held = calibrate(results, os.path.join(scratch, "site.json"), key=key, detector=detector, method="affine")
        except VeravoxError as e:
            raise Refused(f"no calibration could be fitted: {e}") from e
    model = held["models"][0]
    found = model["map"]
    if found["kind"] != "affine":
        raise Refused(
            f"no calibration could be fitted: the map is {found['kind']}; {' '.join(model['fit']['cautions'])}"
        )
    log(f"calibration: llr = {found['scale']:.4g} * score {found['offset']:+.4g}")
    return Fitted(float(found["scale"]), float(found["offset"]))


def real_windows(folder: pathlib.Path, samples: int, rate: int) -> NDArray[np.float32] | None:
    """The first window of some files, at the rate that they are in where that is the net's; none where no file has it."""
    windows = []
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        try:
            channels, found_rate = read_audio(path)
        except VeravoxError:
            continue
        if found_rate == rate and channels.shape[1] > 0:
            windows.append(np.resize(channels[0].astype(np.float32), samples))
        if len(windows) == REAL_WINDOWS:
            break
    return np.stack(windows) if windows else None
