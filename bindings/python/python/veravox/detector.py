"""Scanning: one call, or many."""

from __future__ import annotations

import functools
import importlib.util
import json
import os
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from . import _core
from ._sources import FileSource, Source, count, is_array, legs, path_or_bytes, rate_of
from .errors import InvalidArgumentError, NotFoundError
from .report import FileResult, Report, Thresholds

if TYPE_CHECKING:
    from .stream import Stream

__all__ = ["Detector", "read_audio", "scan", "scan_many"]


def onnxruntime_package() -> str | None:
    """The folder of the installed `onnxruntime` package. It is found, not imported: that takes longer than a scan."""
    spec = importlib.util.find_spec("onnxruntime")
    return None if spec is None or spec.origin is None else os.path.dirname(spec.origin)


def options_of(
    sample_rate: object, encoding: str | None, channels: int | None, max_duration_seconds: float | None
) -> _core.DecodeOptions:
    rate = None if sample_rate is None else rate_of(sample_rate)
    channels = None if channels is None else count(channels, "channels")
    return _core.DecodeOptions(encoding, rate, channels, max_duration_seconds)


class Detector:
    """A model with its settings. Safe to share between threads, to pickle, and to use after a fork.

    `model` is the name of a model that comes with the package, `"phone"` or `"wide"`, or the folder of one with its
    `manifest.json`. Without it audio is scored by the widest of those inside whose band its sample rate can hold. `prior`,
    `synthetic_llr` and `bonafide_llr` take the place of the model's own: the prior probability of a synthetic voice that
    probabilities are stated at, inside (0, 1), and the llr from which a leg is synthetic, and down to which bona fide.

    Raises `NotFoundError`, `InvalidManifestError`, `HashMismatchError` or `InvalidModelError` when a folder holds no usable
    model, `InvalidArgumentError` for thresholds out of order, `InferenceError` when no runtime starts.

    >>> import veravox
    >>> detector = veravox.Detector("phone", synthetic_llr=50)
    >>> detector.scan("testdata/calls/03-bank-card.alaw.wav").legs[0].decision
    'inconclusive'
    """

    def __init__(
        self,
        model: str | os.PathLike[str] | None = None,
        *,
        prior: float | None = None,
        synthetic_llr: float | None = None,
        bonafide_llr: float | None = None,
    ) -> None:
        if model is not None:
            model = os.fspath(model)
            # A pickled detector may wake up elsewhere.
            model = model if _core.is_builtin(model) else os.path.abspath(model)
        self._model = model
        self._thresholds = {"prior": prior, "synthetic_llr": synthetic_llr, "bonafide_llr": bonafide_llr}
        self._open()

    def _open(self) -> None:
        package = onnxruntime_package()
        if package is not None:
            _core.use_onnxruntime_of(package)
        try:
            self._opened = _core.Detector(self._model, **self._thresholds)
        except NotFoundError as error:
            words = "is neither the name of a model that comes with the package nor the folder of one"
            raise NotFoundError(f"{self._model} {words}: {error}") from None
        self._pid = os.getpid()

    @property
    def _inner(self) -> _core.Detector:
        # A forked child may hold a copy of a lock that a thread of its parent had; it opens the model for itself.
        if self._pid != os.getpid():
            self._open()
        return self._opened

    def __getstate__(self) -> dict[str, Any]:
        return {"model": self._model, "thresholds": self._thresholds}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self._model, self._thresholds = state["model"], state["thresholds"]
        self._open()

    def __repr__(self) -> str:
        changed = [f"{name}={value!r}" for name, value in self._thresholds.items() if value is not None]
        return f"Detector({', '.join([repr(self._model), *changed])})"

    def manifest(self, sample_rate: int = 8_000) -> dict[str, Any]:
        """The manifest of the model that scores audio at `sample_rate` hertz.

        >>> import veravox
        >>> veravox.Detector().manifest(16_000)["name"]
        'wide'
        """
        manifest: dict[str, Any] = json.loads(self._inner.manifest(rate_of(sample_rate)))
        return manifest

    def thresholds(self, sample_rate: int = 8_000) -> Thresholds:
        """Where audio at `sample_rate` hertz is decided on.

        >>> import veravox
        >>> veravox.Detector(prior=0.01).thresholds().prior
        0.01
        """
        return Thresholds(**json.loads(self._inner.report_head(rate_of(sample_rate)))["thresholds"])

    def scan(
        self,
        source: Source,
        sample_rate: float | None = None,
        *,
        encoding: str | None = None,
        channels: int | None = None,
        max_duration_seconds: float | None = None,
        spectrogram: bool = False,
    ) -> Report:
        """Scans one call: a path, the bytes of a file, a file opened in binary mode, or samples in an array.

        A file says its own `sample_rate` and `channels`. They are given for headerless audio, with its `encoding`:
        `"mulaw"`, `"alaw"`, `"s16le"` or `"f32le"`, interleaved, one channel unless said otherwise. An array needs its
        `sample_rate` alone: `[n]`, or `[legs, n]` for a call with a leg to a row, as float in [-1, 1] or int16. Values
        that are not numbers count as silence, and many of them make a leg inconclusive.

        `max_duration_seconds` refuses longer files. With `spectrogram` the report keeps a small picture of each leg for
        its view in a notebook; audio is never kept.

        Raises `NotFoundError`, `AccessDeniedError` or `ReadError` when a file cannot be read, `UnsupportedAudioError` or
        `CorruptAudioError` when it is no audio or broken, `LimitExceededError` when it is longer, has more channels or
        another rate than veravox takes, `InvalidArgumentError` for what cannot be scanned at all. Ctrl-C ends a scan.

        >>> import numpy as np
        >>> import veravox
        >>> detector = veravox.Detector()
        >>> detector.scan("testdata/formats/clip.flac")
        <Report on 1.8 s: leg 0 inconclusive>
        >>> detector.scan(open("testdata/formats/clip.8000hz.mulaw.raw", "rb"), 8_000, encoding="mulaw").audio.codec
        'pcm_mulaw'
        >>> detector.scan(np.zeros((2, 16_000), dtype=np.int16), 8_000).legs[1].reasons
        ('no_signal', 'too_little_speech')
        """
        if is_array(source):
            if encoding is not None or channels is not None or max_duration_seconds is not None:
                raise InvalidArgumentError("an array takes its sample_rate alone: encoding, channels and limits are for files")
            if sample_rate is None:
                raise InvalidArgumentError("an array does not say its sample_rate: scan(samples, sample_rate=8000)")
            samples, rate = legs(source), rate_of(sample_rate)
            report = Report.from_json(self._inner.scan_samples(samples, rate))
        else:
            content = path_or_bytes(source)
            options = options_of(sample_rate, encoding, channels, max_duration_seconds)
            report = Report.from_json(self._inner.scan(content, options, None))
            if spectrogram:
                samples, rate = _core.read_audio(content, options)
        if spectrogram:
            from ._spectrogram import with_spectrogram

            report = with_spectrogram(report, samples, rate)
        return report

    def stream(
        self,
        sample_rate: float,
        *,
        live: bool = True,
        update_seconds: float | None = None,
        first_look_seconds: float | None = None,
        max_windows_kept: int | None = None,
    ) -> Stream:
        """Watches one leg of a call that goes on, scored by this detector; everything else is as in `Stream`.

        >>> import veravox
        >>> stream = veravox.Detector("phone", synthetic_llr=50).stream(8_000)
        >>> stream.push(bytes(320)), stream.verdict().stage
        ([], 'listening')
        """
        from .stream import Stream

        return Stream(
            sample_rate,
            live=live,
            update_seconds=update_seconds,
            first_look_seconds=first_look_seconds,
            max_windows_kept=max_windows_kept,
            detector=self,
        )

    def scan_many(
        self,
        paths: Iterable[str | os.PathLike[str]],
        workers: int | None = None,
        progress: bool = False,
        *,
        resume: str | os.PathLike[str] | None = None,
        sample_rate: float | None = None,
        encoding: str | None = None,
        channels: int | None = None,
        max_duration_seconds: float | None = None,
    ) -> Iterator[FileResult]:
        """Scans files side by side; yields a `FileResult` for each, in the order of `paths`.

        A file that cannot be scanned yields its error, which is logged as a warning of the logger "veravox" as well, and
        the rest goes on. `workers` threads scan at once, as many as there are cores without it. `paths` may be endless:
        only a bounded number of files is taken ahead of the results. With `progress` a line on standard error tells rate
        and, for a list, time left.

        With `resume` each result is appended to that JSONL file, in the form of `veravox scan --jsonl`, and files that it
        has a result for are passed over: run the same lines again to go on after an interruption. Results of another model
        or other thresholds raise `InvalidArgumentError`. The other arguments are those of `scan`.

        >>> import veravox
        >>> calls = ["testdata/calls/03-bank-card.alaw.wav", "testdata/bad/text.wav"]
        >>> for result in veravox.Detector().scan_many(calls):
        ...     print(result.error.kind if result.error else result.report.legs[0].decision)
        synthetic
        unsupported_audio
        """
        from ._batch import Batch

        options = options_of(sample_rate, encoding, channels, max_duration_seconds)
        return Batch(self._inner, options, workers, progress, resume).run(paths)


@functools.cache
def builtin() -> Detector:
    """Loading a model takes longer than a short call, so `scan` does it once."""
    return Detector()


def scan(
    source: Source,
    sample_rate: float | None = None,
    *,
    encoding: str | None = None,
    channels: int | None = None,
    max_duration_seconds: float | None = None,
    spectrogram: bool = False,
) -> Report:
    """Scans one call with the models that come with the package; everything else is as in `Detector.scan`.

    >>> import veravox
    >>> report = veravox.scan("testdata/calls/01-helpdesk-reset.mulaw.wav")
    >>> [leg.decision for leg in report.legs]
    ['synthetic', 'synthetic']
    """
    return builtin().scan(
        source,
        sample_rate,
        encoding=encoding,
        channels=channels,
        max_duration_seconds=max_duration_seconds,
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
    )


def read_audio(
    source: FileSource,
    sample_rate: float | None = None,
    *,
    encoding: str | None = None,
    channels: int | None = None,
    max_duration_seconds: float | None = None,
) -> tuple[NDArray[np.float32], int]:
    """The samples of a call, float32 `[legs, n]` nominally in [-1, 1], and their rate in hertz.

    Reads what `scan` reads, with the same arguments and errors; nothing is resampled.

    >>> import veravox
    >>> samples, rate = veravox.read_audio("testdata/calls/01-helpdesk-reset.mulaw.wav")
    >>> samples.shape, samples.dtype.name, rate
    ((2, 152131), 'float32', 8000)
    """
    return _core.read_audio(path_or_bytes(source), options_of(sample_rate, encoding, channels, max_duration_seconds))
