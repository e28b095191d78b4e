"""The Rust extension. Its users are the modules beside it."""

from os import PathLike
from types import ModuleType
from typing import Any, Literal, final

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "DecodeOptions",
    "Detector",
    "Engine",
    "LiveLeg",
    "Results",
    "SequentialTest",
    "Stop",
    "Stream",
    "Turn",
    "WindowFeatures",
    "__version__",
    "audio_of_keys",
    "calibrate",
    "compute_features",
    "evaluate",
    "is_builtin",
    "metrics",
    "n_cores",
    "probe",
    "read_audio",
    "run_command",
    "select_runtime",
    "thresholds_from_costs",
    "thresholds_from_rates",
]

__version__: str
metrics: ModuleType

@final
class DecodeOptions:
    def __new__(
        cls,
        encoding: str | None = None,
        sample_rate: int | None = None,
        channels: int | None = None,
        max_duration_seconds: float | None = None,
        limits: dict[str, float] | None = None,
        rtp_map: list[str] | None = None,
    ) -> DecodeOptions: ...

@final
class Stop:
    def __new__(cls) -> Stop: ...
    def set(self) -> None: ...

@final
class Detector:
    def __new__(
        cls,
        model: str | PathLike[str] | None = None,
        prior: float | None = None,
        synthetic_llr: float | None = None,
        bonafide_llr: float | None = None,
        calibration: str | PathLike[str] | None = None,
        target_false_alarm: float | None = None,
        cost_false_alarm: float | None = None,
        cost_miss: float | None = None,
        cost_undecided: float | None = None,
    ) -> Detector: ...
    def manifest(self, sample_rate: int) -> str: ...
    def report_head(self, sample_rate: int) -> str: ...
    def scan(self, source: str | bytes, options: DecodeOptions, stop: Stop | None) -> str: ...
    def scan_samples(self, samples: NDArray[np.float32] | NDArray[np.int16], sample_rate: int) -> str: ...

@final
class Results:
    def __new__(cls, path: str | PathLike[str], detector: Detector) -> Results: ...
    def has(self, path: str | PathLike[str]) -> bool: ...
    def put(self, line: str) -> None: ...
    def close(self) -> None: ...

@final
class Stream:
    def __new__(
        cls,
        detector: Detector,
        sample_rate: int,
        live: bool,
        update_seconds: float | None,
        first_look_seconds: float | None,
        max_windows_kept: int | None,
    ) -> Stream: ...
    def push(self, chunk: bytes | NDArray[np.int16] | NDArray[np.float32]) -> str | None: ...
    def lost(self, n_samples: int) -> str | None: ...
    def silence(self, n_samples: int) -> str | None: ...
    def hold(self) -> str | None: ...
    def resume(self) -> str | None: ...
    def change_rate(self, sample_rate: int) -> str | None: ...
    def verdict(self) -> str: ...
    def finish(self) -> str: ...

@final
class Engine:
    def __new__(
        cls,
        detector: Detector,
        workers: int | None,
        max_legs: int | None,
        buffer_seconds: float | None,
        max_delay_seconds: float | None,
        batch: int | None,
        max_events: int | None,
        update_seconds: float | None,
        first_look_seconds: float | None,
        max_windows_kept: int | None,
    ) -> Engine: ...
    def open(self, sample_rate: int) -> LiveLeg: ...
    def stats(self) -> str: ...
    def stop(self) -> None: ...

@final
class LiveLeg:
    def push(self, chunk: bytes | NDArray[np.int16] | NDArray[np.float32]) -> int: ...
    def lost(self, n_samples: int) -> None: ...
    def silence(self, n_samples: int) -> None: ...
    def hold(self) -> None: ...
    def resume(self) -> None: ...
    def change_rate(self, sample_rate: int) -> None: ...
    def poll(self) -> str | None: ...
    def end(self) -> None: ...
    @property
    def is_over(self) -> bool: ...
    def finish(self, timeout_seconds: float) -> str: ...

@final
class Turn:
    @property
    def decision(self) -> Literal["synthetic", "bonafide"]: ...
    @property
    def since(self) -> int: ...
    @property
    def changed(self) -> bool: ...
    def __eq__(self, value: object, /) -> bool: ...
    def __ne__(self, value: object, /) -> bool: ...

@final
class SequentialTest:
    def __new__(
        cls, prior: float, synthetic_llr: float, bonafide_llr: float, correlation: float
    ) -> SequentialTest: ...
    def push(self, llr: float, fresh_share: float = 1.0, *, start: int = 0, end: int = 0) -> Turn | None: ...
    @property
    def llr(self) -> float | None: ...
    @property
    def decision(self) -> Literal["synthetic", "bonafide", "inconclusive"]: ...
    @property
    def reasons(self) -> list[str]: ...
    @property
    def firm(self) -> Literal["synthetic", "bonafide"] | None: ...

@final
class WindowFeatures:
    def __new__(cls, input: dict[str, Any]) -> WindowFeatures: ...
    @property
    def shape(self) -> tuple[int, int]: ...
    def __call__(self, samples: NDArray[np.float32]) -> NDArray[np.float32]: ...
    def batch(self, samples: NDArray[np.float32]) -> NDArray[np.float32]: ...
    def of_speech(self, samples: NDArray[np.float32], sample_rate: int) -> NDArray[np.float32]: ...

def audio_of_keys(keys: list[str | PathLike[str]], files: list[str]) -> list[int]: ...
def calibrate(
    detector: Detector,
    results: str | PathLike[str],
    keys: list[str | PathLike[str]] | None,
    leg: int | None,
    name: str | None,
    method: str | None,
    target_false_alarm: float | None,
    by_codec: bool,
    prior: float | None,
    cost_false_alarm: float | None,
    cost_miss: float | None,
) -> str: ...
def compute_features(
    samples: NDArray[np.float32], sample_rate: int, spec: dict[str, Any]
) -> NDArray[np.float32]: ...
def evaluate(
    keys: list[str | PathLike[str]],
    scores: str | PathLike[str] | dict[str, float],
    higher: str | None,
    prior: float | None,
    cost_false_alarm: float | None,
    cost_miss: float | None,
    asv: tuple[float, float, float] | None,
    t_dcf_2019: bool,
    by: list[str] | None,
    resample_by: str | None,
    rounds: int | None,
    seed: int | None,
) -> tuple[str, str, list[tuple[str, str, bytes]]]: ...
def is_builtin(model: str | PathLike[str]) -> bool: ...
def n_cores() -> int: ...
def probe(source: str | bytes, options: DecodeOptions) -> str: ...
def read_audio(source: str | bytes, options: DecodeOptions) -> tuple[NDArray[np.float32], int]: ...
def run_command(
    arguments: list[str], restart: tuple[str, list[str]], onnxruntime: str | None
) -> int: ...
def select_runtime(
    package: str | PathLike[str] | None, providers: list[str], max_model_bytes: int | None
) -> str | None: ...
def thresholds_from_costs(
    prior: float, false_synthetic: float, false_bonafide: float, inconclusive: float
) -> tuple[float, float]: ...
def thresholds_from_rates(prior: float, false_alarm: float, miss: float) -> tuple[float, float]: ...
