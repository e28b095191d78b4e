"""Tells a synthetic voice from a human one in a phone call. The work is done by the Rust core.

>>> import veravox
>>> for leg in veravox.scan("testdata/calls/03-bank-card.alaw.wav").legs:
...     print(leg.leg, leg.decision)
0 synthetic

`scan` takes a path, the bytes of a file, an open file or a numpy array, `scan_many` an archive, and `Detector` a model or
thresholds of your own. `probe` says what a recording or a packet capture is. `Stream` watches a call that goes on, `AsyncStream` does so on asyncio, `Engine` watches thousands;
`SequentialTest` decides on scores of your own. `evaluate` says how good a detector is on trials whose truth is known, and
`calibrate` fits a site's own calibration. `veravox.features` and `veravox.metrics` are the features and the figures of merit underneath.

Failures in `scan_many` are logged to the logger "veravox"; nothing else is, and nothing is printed.
"""

import logging as _logging

from . import errors, features, metrics
from ._core import SequentialTest, Turn, WindowFeatures, __version__
from .detector import Detector, Stream
from .engine import Engine, EngineStats, LiveLeg, Percentiles, SecondCounts
from .errors import *
from .evaluation import Evaluation, Interval, calibrate, evaluate
from .events import Ended, Event, Failed, Verdict
from .findings import (
    Audio,
    Calibration,
    Cascade,
    Change,
    Decision,
    Interruptions,
    Leg,
    LegModel,
    Member,
    Model,
    PacketStream,
    Second,
    Segment,
    Signal,
    Stage,
    Thresholds,
    Window,
)
from .probing import LegProbe, Probe, probe
from .report import FileResult, Report, read_results, to_dataframe
from .scanning import read_audio, scan, scan_many
from .stream import AsyncStream, watch

__all__ = [
    "AsyncStream",
    "Audio",
    "Calibration",
    "Cascade",
    "Change",
    "Decision",
    "Detector",
    "Ended",
    "Engine",
    "EngineStats",
    "Evaluation",
    "Event",
    "Failed",
    "FileResult",
    "Interruptions",
    "Interval",
    "Leg",
    "LegModel",
    "LegProbe",
    "LiveLeg",
    "Member",
    "Model",
    "PacketStream",
    "Percentiles",
    "Probe",
    "Report",
    "Second",
    "SecondCounts",
    "Segment",
    "SequentialTest",
    "Signal",
    "Stage",
    "Stream",
    "Thresholds",
    "Turn",
    "Verdict",
    "Window",
    "WindowFeatures",
    "__version__",
    "calibrate",
    "errors",
    "evaluate",
    "features",
    "metrics",
    "probe",
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
