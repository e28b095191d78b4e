"""Tells a synthetic voice from a human one in a phone call. The work is done by the Rust core.

>>> import veravox
>>> for leg in veravox.scan("testdata/calls/03-bank-card.alaw.wav").legs:
...     print(leg.leg, leg.decision)
0 synthetic

`scan` takes a path, the bytes of a file, an open file or a numpy array, `scan_many` an archive, and `Detector` a model or
thresholds of your own. `Stream` watches a call that goes on, `AsyncStream` does so on asyncio, `Engine` watches thousands;
`SequentialTest` decides on scores of your own. `veravox.features` and `veravox.metrics` are the features and the figures of merit underneath.

Failures in `scan_many` are logged to the logger "veravox"; nothing else is, and nothing is printed.
"""

import logging as _logging

from . import errors, features, metrics
from ._core import SequentialTest, Turn, WindowFeatures, __version__
from .detector import Detector, read_audio, scan, scan_many
from .errors import *
from ._frames import to_dataframe
from .engine import Engine, EngineStats, LiveLeg, Percentiles
from .report import (
    Audio,
    Change,
    Decision,
    FileResult,
    Interruptions,
    Leg,
    Model,
    Report,
    Segment,
    Stage,
    Thresholds,
    Window,
    read_results,
)
from .stream import AsyncStream, Ended, Event, Failed, Stream, Verdict, watch

__all__ = [
    "AsyncStream",
    "Audio",
    "Change",
    "Decision",
    "Detector",
    "Ended",
    "Engine",
    "EngineStats",
    "Event",
    "Failed",
    "FileResult",
    "Interruptions",
    "Leg",
    "LiveLeg",
    "Model",
    "Percentiles",
    "Report",
    "Segment",
    "SequentialTest",
    "Stage",
    "Stream",
    "Thresholds",
    "Turn",
    "Verdict",
    "Window",
    "WindowFeatures",
    "__version__",
    "errors",
    "features",
    "metrics",
    "read_audio",
    "read_results",
    "scan",
    "scan_many",
    "to_dataframe",
    "watch",
]
__all__ += errors.__all__

# Who configures no logging hears nothing.
_logging.getLogger("veravox").addHandler(_logging.NullHandler())
