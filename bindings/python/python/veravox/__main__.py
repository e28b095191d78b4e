"""`python -m veravox`, and the script `veravox`: the command itself, which the extension carries."""

from __future__ import annotations

import signal
import sys

from ._core import run_command
from .detector import onnxruntime_package


def main() -> int:
    # Ctrl-C is the command's to handle, as where it is a program of its own.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    restart = (sys.executable, ["-m", "veravox"])
    return run_command(["veravox", *sys.argv[1:]], restart, onnxruntime_package())


if __name__ == "__main__":
    sys.exit(main())
