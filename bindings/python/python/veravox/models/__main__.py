"""`python -m veravox.models import SOURCE --out DIR`: a published detector's checkpoint as a model folder.

SOURCE is a checkpoint file, a folder with config.json and weights, or hf:owner/name[@revision], which is downloaded now.
"""

from __future__ import annotations

import argparse
import pathlib
import signal
import sys
import time
from collections.abc import Callable

from ..errors import VeravoxError
from .fusing import fuse
from .refusal import Refused

NEEDED = ("torch", "onnx", "onnxruntime", "safetensors", "transformers")


def _arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m veravox.models", description="Published detectors as models of veravox."
    )
    commands = parser.add_subparsers(dest="command", required=True)
    p = commands.add_parser(
        "import",
        help="make a model folder of a checkpoint",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    p.add_argument("source", metavar="SOURCE")
    p.add_argument("--out", type=pathlib.Path, required=True, help="the model folder to make")
    p.add_argument(
        "--architecture", help="where its tensors fit several; without config.json they are recognised by their names"
    )
    p.add_argument("--name", help="the model's name in reports (default: that of the folder)")
    p.add_argument(
        "--licence", help="SPDX expression of the weights' licence, where it is not that of the authors' publication"
    )
    p.add_argument(
        "--spoof-label",
        metavar="NAME",
        help="which label of config.json is the synthetic voice, where its name does not tell",
    )
    p.add_argument(
        "--window-seconds", type=float, metavar="S", help="the window, where the checkpoint does not state it"
    )
    p.add_argument("--heads", type=int, help="attention heads of a wav2vec 2.0 front end of an unusual width")
    p.add_argument(
        "--precision",
        choices=["float32", "float16", "int8"],
        default="float32",
        help="how the weights are stored (default: float32)",
    )
    p.add_argument(
        "--key", type=pathlib.Path, help="labels that the model is calibrated on: a key as `veravox eval` reads it"
    )
    p.add_argument("--audio", type=pathlib.Path, metavar="DIR", help="the folder of the key's audio")
    p.add_argument("--threads", type=int, default=1, help="threads of PyTorch (default: 1)")
    p = commands.add_parser(
        "fuse", help="make a fusion of several models", description="Several models, added up with fitted weights."
    )
    p.add_argument("models", metavar="MODEL", nargs="+", help="phone, wide, or a folder beside --out")
    p.add_argument("--out", type=pathlib.Path, required=True, help="the folder to make")
    p.add_argument("--key", type=pathlib.Path, required=True, help="a table with file, label, and system or speaker")
    p.add_argument("--audio", type=pathlib.Path, metavar="DIR", required=True, help="the folder of the key's audio")
    return parser


def main() -> int:
    arguments = _arguments().parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # ends as Ctrl-C does, with the half-made folder removed
    begun = time.monotonic()

    def log(text: str) -> None:
        print(f"[{time.monotonic() - begun:5.1f} s] {text}", flush=True)

    try:
        if arguments.command == "fuse":
            fuse(arguments.models, arguments.out, arguments.key, arguments.audio, log)
        else:
            _import(arguments, log)
    except ImportError as e:
        print(f"error: the import needs {', '.join(NEEDED)}: pip install veravox[import] ({e})", file=sys.stderr)
        return 2
    except (Refused, VeravoxError, OSError) as e:
        print(f"error: {e}", file=sys.stderr)
        return 1
    return 0


def _import(arguments: argparse.Namespace, log: Callable[[str], None]) -> None:
    # PyTorch takes seconds to load, and a fusion does without.
    import torch

    from .importing import Wishes, bring_in

    torch.set_num_threads(max(arguments.threads, 1))
    given = vars(arguments)
    wishes = Wishes(**{field: given[field] for field in Wishes.__dataclass_fields__ if field in given})
    bring_in(arguments.source, arguments.out, wishes, log)


if __name__ == "__main__":
    sys.exit(main())
