"""Scanning with the models that come with the package: one call, or many."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping

import numpy as np
from numpy.typing import NDArray

from . import _core
from ._sources import FileSource, Source, options_of, path_or_bytes
from .detector import builtin
from .report import FileResult, Report


def scan(
    source: Source,
    sample_rate: float | None = None,
    *,
    encoding: str | None = None,
    channels: int | None = None,
    max_duration_seconds: float | None = None,
    limits: Mapping[str, float] | None = None,
    rtp_map: Iterable[str] = (),
    spectrogram: bool = False,
) -> Report:
    """Scans one call with the models that come with the package; everything else is as in `Detector.scan`.

    >>> import veravox
    >>> report = veravox.scan("testdata/calls/01-helpdesk-reset.mulaw.wav")
    >>> [leg.decision for leg in report.legs]
    ['synthetic', 'inconclusive']
    """
    return builtin().scan(
        source,
        sample_rate,
        encoding=encoding,
        channels=channels,
        max_duration_seconds=max_duration_seconds,
        limits=limits,
        rtp_map=rtp_map,
        spectrogram=spectrogram,
    )


def scan_many(
    paths: Iterable[str | os.PathLike[str]],
    workers: int | None = None,
    progress: bool = False,
    *,
    resume: str | os.PathLike[str] | None = None,
    sample_rate: float | None = None,
    encoding: str | None = None,
    channels: int | None = None,
    max_duration_seconds: float | None = None,
    limits: Mapping[str, float] | None = None,
    rtp_map: Iterable[str] = (),
) -> Iterator[FileResult]:
    """Scans files side by side with the models that come with the package; see `Detector.scan_many`."""
    return builtin().scan_many(
        paths,
        workers,
        progress,
        resume=resume,
        sample_rate=sample_rate,
        encoding=encoding,
        channels=channels,
        max_duration_seconds=max_duration_seconds,
        limits=limits,
        rtp_map=rtp_map,
    )


def read_audio(
    source: FileSource,
    sample_rate: float | None = None,
    *,
    encoding: str | None = None,
    channels: int | None = None,
    max_duration_seconds: float | None = None,
    limits: Mapping[str, float] | None = None,
    rtp_map: Iterable[str] = (),
) -> tuple[NDArray[np.float32], int]:
    """The samples of a call, float32 `[legs, n]` nominally in [-1, 1], and their rate in hertz.

    Reads what `scan` reads, with the same arguments and errors; nothing is resampled.

    >>> import veravox
    >>> samples, rate = veravox.read_audio("testdata/calls/01-helpdesk-reset.mulaw.wav")
    >>> samples.shape, samples.dtype.name, rate
    ((2, 152131), 'float32', 8000)
    """
    options = options_of(sample_rate, encoding, channels, max_duration_seconds, limits, rtp_map)
    return _core.read_audio(path_or_bytes(source), options)
