"""Files side by side: threads that scan with the interpreter's lock released, results in the order of the files."""

from __future__ import annotations

import contextlib
import logging
import os
from collections import deque
from collections.abc import Iterable, Iterator, Sized
from concurrent.futures import Future

from . import _core
from ._progress import meter
from ._sources import count
from ._workers import Workers
from .errors import InvalidArgumentError, VeravoxError
from .report import FileResult, Report

_log = logging.getLogger("veravox")

#: Files taken ahead of the results, for each worker: as many as keep the others busy while one scans a long call.
_AHEAD = 32


class Batch:
    """One run over files."""

    def __init__(
        self,
        detector: _core.Detector,
        options: _core.DecodeOptions,
        workers: int | None,
        progress: bool,
        resume: str | os.PathLike[str] | None,
    ) -> None:
        self._detector, self._options, self._progress = detector, options, progress
        self._n_workers = _core.n_cores() if workers is None else count(workers, "workers")
        self._head = detector.report_head(0)
        self._stop = _core.Stop()
        #: Held until the results are there, or no longer wanted.
        self._output = None if resume is None else _core.Results(os.fspath(resume), detector)

    def run(self, paths: Iterable[str | os.PathLike[str]]) -> Iterator[FileResult]:
        if isinstance(paths, str | bytes | os.PathLike):
            raise InvalidArgumentError("expected paths of files, got one path: put it in a list, or use scan")
        names = (name for name in map(os.fsdecode, paths) if not self._is_done(name))
        # What has no length may have no end.
        return self._results(list(names) if isinstance(paths, Sized) else names)

    def _is_done(self, name: str) -> bool:
        """Whether the output has a result for this file, by its name or by where it lies."""
        return self._output is not None and self._output.has(name)

    def _results(self, names: Iterable[str]) -> Iterator[FileResult]:
        with contextlib.ExitStack() as stack:
            if self._output is not None:
                stack.callback(self._output.close)
            n_files = len(names) if isinstance(names, list) else None
            tell = stack.enter_context(meter(n_files)) if self._progress else None
            scanning = stack.enter_context(self._open_workers())
            for result in self._in_order(scanning, names):
                if result.error is not None:
                    _log.warning("%s: %s: %s", result.path, result.error.kind, result.error)
                if self._output is not None:
                    self._output.put(result.to_json())
                if tell is not None:
                    tell()
                yield result

    def _in_order(self, scanning: Workers, names: Iterable[str]) -> Iterator[FileResult]:
        ahead: deque[Future[FileResult]] = deque()
        for name in names:
            ahead.append(scanning.submit(name))
            # What is done is handed on at once: the next name may be long in coming.
            while ahead and (ahead[0].done() or len(ahead) >= _AHEAD * self._n_workers):
                yield ahead.popleft().result()
        while ahead:
            yield ahead.popleft().result()

    @contextlib.contextmanager
    def _open_workers(self) -> Iterator[Workers]:
        """Threads that drop their files when the results are no longer wanted: after Ctrl-C, after `break`."""
        workers = Workers(self._n_workers, self._scan)
        try:
            yield workers
        finally:
            self._stop.set()
            workers.close()

    def _scan(self, name: str) -> FileResult:
        try:
            return FileResult(name, Report.from_json(self._detector.scan(name, self._options, self._stop)))
        except VeravoxError as error:
            # A traceback would keep this frame, and all that it holds, alive with the result.
            return FileResult(name, None, error.with_traceback(None), self._head)
