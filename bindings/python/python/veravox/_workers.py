"""Threads for a batch.

The pool of the standard library finishes all that it was given before a program may end, even one that Ctrl-C is to end.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future

from .report import FileResult

#: How often an idle thread looks whether the program is at its end.
_LOOK_EVERY_SECONDS = 0.1


class Workers:
    """Threads that work on one name each until they are closed or the program ends."""

    def __init__(self, n_threads: int, work: Callable[[str], FileResult]) -> None:
        self._work, self._closed = work, False
        self._waiting: queue.SimpleQueue[tuple[str, Future[FileResult]] | None] = queue.SimpleQueue()
        self._threads = [threading.Thread(target=self._run, name=f"veravox-{n}") for n in range(n_threads)]
        for thread in self._threads:
            thread.start()

    def submit(self, name: str) -> Future[FileResult]:
        future: Future[FileResult] = Future()
        self._waiting.put((name, future))
        return future

    def close(self) -> None:
        """Ends the threads; what was not begun is dropped."""
        self._closed = True
        for _ in self._threads:
            self._waiting.put(None)
        for thread in self._threads:
            thread.join()

    def _run(self) -> None:
        while not self._closed and threading.main_thread().is_alive():
            try:
                job = self._waiting.get(timeout=_LOOK_EVERY_SECONDS)
            except queue.Empty:
                continue
            if job is not None:
                name, future = job
                try:
                    future.set_result(self._work(name))
                except BaseException as error:
                    future.set_exception(error)
