"""The Rust extension. Its users are the modules beside it."""

from os import PathLike
from types import ModuleType
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "DecodeOptions",
    "Detector",
    "Stop",
    "WindowFeatures",
    "__version__",
    "compute_features",
    "is_builtin",
    "metrics",
    "n_cores",
    "read_audio",
    "run_command",
    "use_onnxruntime_of",
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
    ) -> Detector: ...
    def manifest(self, sample_rate: int) -> str: ...
    def report_head(self, sample_rate: int) -> str: ...
    def scan(self, source: str | bytes, options: DecodeOptions, stop: Stop | None) -> str: ...
    def scan_samples(self, samples: NDArray[np.float32] | NDArray[np.int16], sample_rate: int) -> str: ...
    def paths_done(self, jsonl: str | PathLike[str]) -> set[str]: ...

@final
class WindowFeatures:
    def __new__(cls, input: dict[str, Any]) -> WindowFeatures: ...
    @property
    def shape(self) -> tuple[int, int]: ...
    def __call__(self, samples: NDArray[np.float32]) -> NDArray[np.float32]: ...
    def batch(self, samples: NDArray[np.float32]) -> NDArray[np.float32]: ...

def compute_features(
    samples: NDArray[np.float32], sample_rate: int, spec: dict[str, Any]
) -> NDArray[np.float32]: ...
def is_builtin(model: str | PathLike[str]) -> bool: ...
def n_cores() -> int: ...
def read_audio(source: str | bytes, options: DecodeOptions) -> tuple[NDArray[np.float32], int]: ...
def run_command(
    arguments: list[str], restart: tuple[str, list[str]], onnxruntime: str | None
) -> int: ...
def use_onnxruntime_of(package: str | PathLike[str]) -> bool: ...
