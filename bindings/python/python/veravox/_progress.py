"""How far a batch is: a line on standard error, by tqdm where it is installed."""

from __future__ import annotations

import contextlib
import importlib
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

_EVERY_SECONDS = 0.5


@contextlib.contextmanager
def meter(n_files: int | None) -> Iterator[Callable[[], object]]:
    """Gives what is to be called after each file."""
    try:
        tqdm: Any = importlib.import_module("tqdm").tqdm
    except ModuleNotFoundError:
        line = _Line(n_files)
        try:
            yield line.step
        finally:
            line.close()
    else:
        with tqdm(total=n_files, unit="file") as bar:
            yield bar.update


class _Line:
    def __init__(self, n_files: int | None) -> None:
        self._n_files, self._n_done = n_files, 0
        self._started = time.monotonic()
        self._shown = 0.0

    def step(self) -> None:
        self._n_done += 1
        if time.monotonic() - self._shown >= _EVERY_SECONDS:
            self._show()

    def _show(self) -> None:
        self._shown = time.monotonic()
        rate = self._n_done / max(self._shown - self._started, 1e-3)
        text = f"{self._n_done} files, {rate:.1f} a second"
        if self._n_files is not None:
            minutes, seconds = divmod(round((self._n_files - self._n_done) / max(rate, 1e-3)), 60)
            text = f"{self._n_done}/{self._n_files} files, {rate:.1f} a second, {minutes}:{seconds:02} left"
        # What a longer line before it left over is painted over.
        sys.stderr.write(f"\r{text:60}")
        sys.stderr.flush()

    def close(self) -> None:
        if self._n_done:
            self._show()
            sys.stderr.write("\n")
