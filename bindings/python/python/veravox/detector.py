"""A model with its settings, and the streams that it scores: either gives the other, so they share a file."""

from __future__ import annotations

import functools
import importlib.util
import json
import logging
import os
from collections.abc import Iterable, Iterator, Mapping
from types import TracebackType
from typing import Any

from . import _core
from ._sources import Chunk, Source, chunk, is_array, legs, options_of, path_or_bytes, rate_of
from .errors import InvalidArgumentError, NotFoundError
from .events import Ended, Event, Verdict, event_of
from .findings import Leg, Thresholds, Window, read
from .report import FileResult, Report

_log = logging.getLogger("veravox")


def onnxruntime_package() -> str | None:
    """The folder of the installed `onnxruntime` package. It is found, not imported: that takes longer than a scan."""
    spec = importlib.util.find_spec("onnxruntime")
    return None if spec is None or spec.origin is None else os.path.dirname(spec.origin)


class Detector:
    """A model with its settings. Safe to share between threads, to pickle, and to use after a fork.

    `model` is the name of a model that comes with the package, `"phone"` or `"wide"`, or the folder of one with its
    `manifest.json`. Without it each leg is scored by the one of them that was made for the band of its voice. `prior`,
    `synthetic_llr` and `bonafide_llr` take the place of the model's own: the prior probability of a synthetic voice that
    probabilities are stated at, inside (0, 1), and the llr from which a leg is synthetic, and down to which bona fide.

    `calibration` is a site's own, a file that `veravox.calibrate` or `veravox calibrate` made for the same model;
    `target_false_alarm` sets the threshold so that at most this share of its people is called synthetic.

    Where one of the costs is given, of calling a person synthetic, of calling a machine bona fide, or of no verdict, in any one
    unit, the thresholds follow from the costs and the prior (`Thresholds.from_costs`); those not given are 1, and 0.15 for no verdict.

    `providers` are execution providers of ONNX Runtime, `"cuda"`, `"tensorrt"`, `"coreml"`, `"directml"` or `"xnnpack"`: the
    first that can takes each part of a graph. One that does not load is logged as a warning of the logger "veravox", and the
    CPU computes. `max_model_bytes` is the size of the largest model that is read, graph and weights together, 4 GiB without
    it. Both hold for the process, whose runtime the first detector starts.

    Raises `NotFoundError`, `InvalidManifestError`, `HashMismatchError` or `InvalidModelError` when a folder holds no usable
    model, `InvalidArgumentError` for thresholds out of order, for a calibration that was made for another model or changed
    by hand, for a target that its people are too few to show, and for an unknown provider; `LimitExceededError` for a larger
    model; `InferenceError` when no runtime starts, or when the process has one with other providers or another limit.

    >>> import veravox
    >>> detector = veravox.Detector("phone", synthetic_llr=50)
    >>> detector.scan("testdata/calls/03-bank-card.alaw.wav").legs[0].decision
    'inconclusive'
    >>> careful = veravox.Detector("phone", prior=0.01, cost_false_alarm=5)
    >>> round(careful.scan("testdata/calls/03-bank-card.alaw.wav").thresholds.synthetic_llr, 2)
    8.07
    """

    def __init__(
        self,
        model: str | os.PathLike[str] | None = None,
        *,
        prior: float | None = None,
        synthetic_llr: float | None = None,
        bonafide_llr: float | None = None,
        calibration: str | os.PathLike[str] | None = None,
        target_false_alarm: float | None = None,
        cost_false_alarm: float | None = None,
        cost_miss: float | None = None,
        cost_undecided: float | None = None,
        providers: Iterable[str] = (),
        max_model_bytes: int | None = None,
    ) -> None:
        if model is not None:
            model = os.fspath(model)
            # A pickled detector may wake up elsewhere.
            model = model if _core.is_builtin(model) else os.path.abspath(model)
        self._model = model
        self._thresholds: dict[str, Any] = {
            "prior": prior,
            "synthetic_llr": synthetic_llr,
            "bonafide_llr": bonafide_llr,
            "calibration": None if calibration is None else os.path.abspath(calibration),
            "target_false_alarm": target_false_alarm,
            "cost_false_alarm": cost_false_alarm,
            "cost_miss": cost_miss,
            "cost_undecided": cost_undecided,
        }
        if isinstance(providers, str):
            raise InvalidArgumentError(f"expected providers in a list, got {providers!r}: [{providers!r}]")
        self._runtime: tuple[list[str], int | None] = (list(providers), max_model_bytes)
        self._open()

    def _open(self) -> None:
        note = _core.select_runtime(onnxruntime_package(), *self._runtime)
        if note is not None:
            _log.warning("%s", note)
        try:
            self._opened = _core.Detector(self._model, **self._thresholds)
        except NotFoundError as error:
            if self._model is None or _core.is_builtin(self._model) or os.path.isdir(self._model):
                raise
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
        return {"model": self._model, "thresholds": self._thresholds, "runtime": self._runtime}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self._model, self._thresholds, self._runtime = state["model"], state["thresholds"], state["runtime"]
        self._open()

    def __repr__(self) -> str:
        providers, max_model_bytes = self._runtime
        given = {**self._thresholds, "providers": providers or None, "max_model_bytes": max_model_bytes}
        changed = [f"{name}={value!r}" for name, value in given.items() if value is not None]
        return f"Detector({', '.join([repr(self._model), *changed])})"

    def manifest(self, sample_rate: int = 8_000) -> dict[str, Any]:
        """The manifest of the widest model whose band `sample_rate` hertz can hold.

        >>> import veravox
        >>> veravox.Detector().manifest(16_000)["name"]
        'wide'
        """
        manifest: dict[str, Any] = json.loads(self._inner.manifest(rate_of(sample_rate)))
        return manifest

    def thresholds(self, sample_rate: int = 8_000) -> Thresholds:
        """The thresholds of the widest model whose band `sample_rate` hertz can hold; each leg of a report names its own.

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
        limits: Mapping[str, float] | None = None,
        rtp_map: Iterable[str] = (),
        spectrogram: bool = False,
    ) -> Report:
        """Scans one call: a path, the bytes of a file, a file opened in binary mode, or samples in an array.

        A file says its own `sample_rate` and `channels`. They are given for headerless audio, with its `encoding`:
        `"mulaw"`, `"alaw"`, `"s16le"` or `"f32le"`, interleaved, one channel unless said otherwise; or `"gsm"`, `"g722"`,
        `"g729"`, `"g726-32"`, `"vox"` and their kin, which have a rate of their own. A file whose name says its encoding
        (`.gsm`, `.ulaw`, `.sln16`) needs neither. An array needs its `sample_rate` alone: `[n]`, or `[legs, n]` for a call with a leg to a row, as float in [-1, 1] or int16. Values
        that are not numbers count as silence, and many of them make a leg inconclusive.

        The legs of a packet capture (pcap, pcapng) are its streams of audio; `rtp_map` says what payload types mean that its
        SIP says nothing of, as in `["96=opus/48000"]`.

        `max_duration_seconds` refuses longer files; `limits` sets this and others by their names, as in
        `{"max_channels": 2}`: "max_duration_seconds", "max_channels", "min_sample_rate_hz", "max_sample_rate_hz",
        "max_decoded_ratio", "max_memory_bytes", "max_reading_seconds". With `spectrogram` the report keeps a small picture of each leg for
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
            for_files = (encoding, channels, max_duration_seconds, limits)
            if rtp_map or any(given is not None for given in for_files):
                raise InvalidArgumentError("an array takes its sample_rate alone: encoding, channels and limits are for files")
            if sample_rate is None:
                raise InvalidArgumentError("an array does not say its sample_rate: scan(samples, sample_rate=8000)")
            samples, rate = legs(source), rate_of(sample_rate)
            report = Report.from_json(self._inner.scan_samples(samples, rate))
        else:
            content = path_or_bytes(source)
            options = options_of(sample_rate, encoding, channels, max_duration_seconds, limits, rtp_map)
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
        limits: Mapping[str, float] | None = None,
        rtp_map: Iterable[str] = (),
    ) -> Iterator[FileResult]:
        """Scans files side by side; yields a `FileResult` for each, in the order of `paths`.

        A file that cannot be scanned yields its error, which is logged as a warning of the logger "veravox" as well, and
        the rest goes on. `workers` threads scan at once, as many as there are cores without it. `paths` may be endless:
        only a bounded number of files is taken ahead of the results. With `progress` a line on standard error tells rate
        and, for a list, time left.

        With `resume` each result is appended to that JSONL file, in the form of `veravox scan --jsonl`, and files that it
        has a result for are passed over: run the same lines again to go on after an interruption. Files that failed are tried
        again. Results of another model or other thresholds, a file that holds anything else, and one that another program or
        another `scan_many` writes to at the moment raise `InvalidArgumentError`. The other arguments are those of `scan`.

        >>> import veravox
        >>> calls = ["testdata/calls/03-bank-card.alaw.wav", "testdata/bad/text.wav"]
        >>> for result in veravox.Detector().scan_many(calls):
        ...     print(result.error.kind if result.error else result.report.legs[0].decision)
        synthetic
        unsupported_audio
        """
        from ._batch import Batch

        options = options_of(sample_rate, encoding, channels, max_duration_seconds, limits, rtp_map)
        return Batch(self._inner, options, workers, progress, resume).run(paths)


@functools.cache
def builtin() -> Detector:
    """Loading a model takes longer than a short call, so `scan` does it once."""
    return Detector()


class Stream:
    """Watches one leg of a call at `sample_rate` hertz, from samples as they come, in chunks of any size.

    Say what is missing, too: `lost`, `silence`, `hold`. Samples that are not numbers count as zero, and many of them make
    the leg inconclusive. Memory does not grow with the call. Threads that share a stream take turns, without the
    interpreter's lock.

    With `live` there is a first look at 3 s of speech and a score for every second of it, and the windows of the last five
    minutes are kept for the verdict at the end; without it everything is as in the scan of a recording. `update_seconds`,
    the speech between two scores, `first_look_seconds` and `max_windows_kept` take the place of these.

    As a context manager it finishes the leg at the end, whose verdict is then `stream.leg`, unless an exception ended it.

    Raises `InvalidArgumentError` for what cannot be, also from every call on a stream that is over, `LimitExceededError` for
    a rate outside the limits, and `InferenceError` when the model fails, after which the stream is over.

    >>> import numpy as np
    >>> import veravox
    >>> with veravox.Stream(8_000) as stream:
    ...     for packet in np.zeros((100, 160), dtype=np.int16):
    ...         for event in stream.push(packet):
    ...             print(event)
    ...     events = stream.lost(320)            # two packets of 20 ms
    >>> stream.leg.decision, stream.leg.reasons
    ('inconclusive', ('no_signal', 'too_little_speech'))
    """

    def __init__(
        self,
        sample_rate: float,
        *,
        live: bool = True,
        update_seconds: float | None = None,
        first_look_seconds: float | None = None,
        max_windows_kept: int | None = None,
        detector: Detector | None = None,
    ) -> None:
        detector = builtin() if detector is None else detector
        rate = rate_of(sample_rate)
        self._inner = _core.Stream(detector._inner, rate, live, update_seconds, first_look_seconds, max_windows_kept)
        self._leg: Leg | None = None

    def push(self, samples: Chunk) -> list[Window | Verdict]:
        """Takes the next samples: float in [-1, 1] or int16 in an array `[n]`, or bytes of 16 bits, little-endian.

        Returns the windows that they completed, and the verdict where it is another than before.
        """
        return _events(self._inner.push(chunk(samples)))

    def lost(self, n_samples: int) -> list[Window | Verdict]:
        """`n_samples` of the leg, at its own rate, never came. A hole of up to 0.1 s is filled with silence; over a longer
        one no window is spliced."""
        return _events(self._inner.lost(n_samples))

    def silence(self, n_samples: int) -> list[Window | Verdict]:
        """`n_samples` were not sent since the other side was silent, or are comfort noise that was not pushed."""
        return _events(self._inner.silence(n_samples))

    def hold(self) -> list[Window | Verdict]:
        """The call is on hold: what is pushed until `resume` is not listened to."""
        return _events(self._inner.hold())

    def resume(self) -> list[Window | Verdict]:
        """The hold is over."""
        return _events(self._inner.resume())

    def change_rate(self, sample_rate: float) -> list[Window | Verdict]:
        """The source goes on at another rate, as after a change of codec. The model stays the one of the beginning."""
        return _events(self._inner.change_rate(rate_of(sample_rate)))

    def verdict(self) -> Verdict:
        """The verdict as if the leg ended now."""
        return read(Verdict, json.loads(self._inner.verdict()))

    def finish(self) -> Leg:
        """Ends the leg: scores what is left and gives the verdict."""
        self._leg = Leg.from_json(self._inner.finish())
        return self._leg

    @property
    def leg(self) -> Leg:
        """The verdict on the leg once it is finished; before that `InvalidArgumentError`."""
        if self._leg is None:
            raise InvalidArgumentError("the leg is not finished: verdict() says how it stands")
        return self._leg

    def watch(self, chunks: Iterable[Chunk]) -> Iterator[Event]:
        """Pushes chunk after chunk and finishes the leg; yields what happens. The last event is `Ended`, with the verdict.

        `chunks` may be endless; each is what `push` takes.
        """
        for samples in chunks:
            yield from self.push(samples)
        yield Ended(self.finish())

    def __enter__(self) -> Stream:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if kind is None and self._leg is None:
            self.finish()


def _events(text: str | None) -> list[Window | Verdict]:
    return [] if text is None else [event_of(form) for form in json.loads(text)]  # type: ignore[misc]
