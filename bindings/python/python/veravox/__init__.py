"""Tells a synthetic voice from a human one in a phone call. The work is done by the Rust core."""

import importlib.util as _util
import pathlib as _pathlib

from . import metrics
from ._core import Detector, VeravoxError, WindowFeatures, __version__, _use_onnxruntime_of

__all__ = ["Detector", "VeravoxError", "WindowFeatures", "__version__", "metrics"]

# Found, not imported: the package itself takes longer to import than a call takes to score.
_spec = _util.find_spec("onnxruntime")
if _spec is not None and _spec.origin is not None:
    _use_onnxruntime_of(_pathlib.Path(_spec.origin).parent)
