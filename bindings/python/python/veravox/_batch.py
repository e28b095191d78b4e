"""Files side by side: threads that scan with the interpreter's lock released, results in the order of the files."""

from __future__ import annotations

import contextlib
import logging
import os
import threading
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor

from . import _core
from .errors import InvalidArgumentError, ScanCancelledError, VeravoxError
from ._progress import meter
from .report import FileResult, Report, as_text

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
        if workers is not None and workers < 1:
            raise InvalidArgumentError(f"expected at least 1 worker, got {workers}")
        self._detector, self._options, self._progress, self._resume = detector, options, progress, resume
        self._workers = workers or _core.n_cores()
        self._head = detector.report_head(0)
        self._stop = _core.Stop()
        self._done = set() if resume is None else detector.paths_done(os.fspath(resume))

    def run(self, paths: Iterable[str | os.PathLike[str]]) -> Iterator[FileResult]:
        if isinstance(paths, str | bytes | os.PathLike):
            raise InvalidArgumentError("expected paths of files, got one path: put it in a list, or use scan")
        if self._done or self._progress:
            # Only a list tells how much there is to do.
            paths = [path for path in paths if as_text(os.fspath(path)) not in self._done]
        return self._results(paths)

    def _results(self, paths: Iterable[str | os.PathLike[str]]) -> Iterator[FileResult]:
        with contextlib.ExitStack() as stack:
            lines = None if self._resume is None else stack.enter_context(open(self._resume, "a", encoding="utf-8"))
            n_files = len(paths) if isinstance(paths, list) else None
            tell = stack.enter_context(meter(n_files)) if self._progress else None
            pool = stack.enter_context(self._pool())
            for result in self._in_order(pool, paths):
                if result.error is not None:
                    _log.warning("%s: %s: %s", result.path, result.error.kind, result.error)
                if lines is not None:
                    lines.write(result.to_json() + "\n")
                    lines.flush()
                if tell is not None:
                    tell()
                yield result

    def _in_order(self, pool: ThreadPoolExecutor, paths: Iterable[str | os.PathLike[str]]) -> Iterator[FileResult]:
        ahead: deque[Future[FileResult]] = deque()
        for path in paths:
            ahead.append(pool.submit(self._scan, path))
            # What is done is handed on at once: the next path may be long in coming.
            while ahead and (ahead[0].done() or len(ahead) >= _AHEAD * self._workers):
                yield ahead.popleft().result()
        while ahead:
            yield ahead.popleft().result()

    @contextlib.contextmanager
    def _pool(self) -> Iterator[ThreadPoolExecutor]:
        """Threads that drop their files when the results are no longer wanted: after Ctrl-C, after `break`."""
        pool = ThreadPoolExecutor(self._workers, thread_name_prefix="veravox")
        try:
            yield pool
        finally:
            self._stop.set()
            pool.shutdown(cancel_futures=True)

    def _scan(self, path: str | os.PathLike[str]) -> FileResult:
        if not threading.main_thread().is_alive():
            # The program is at its end and waits for this thread; nobody is left to read results.
            raise ScanCancelledError("the program ended before the file was scanned")
        name = os.fspath(path)
        try:
            return FileResult(name, Report.from_json(self._detector.scan(name, self._options, self._stop)))
        except VeravoxError as error:
            # A traceback would keep this frame, and all that it holds, alive with the result.
            return FileResult(name, None, error.with_traceback(None), self._head)
