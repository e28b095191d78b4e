"""Which of a classifier's two outputs is the synthetic voice."""

from __future__ import annotations

import re
from collections.abc import Sequence

from .refusal import Refused

SPOOF = "spoof spoofed spoofing fake deepfake synthetic synthesized synthesised generated ai artificial machine tts clone cloned".split()
BONAFIDE = "bonafide bona real human genuine authentic natural original live".split()


def order(names: Sequence[str], spoof_label: str | None = None) -> list[str]:
    """The manifest's labels in the order of the logits, from the names in a configuration. A name that says neither must be told."""
    if len(names) != 2:
        raise Refused(
            f"expected a classifier with two labels, this one has {len(names)}: {', '.join(names)[:200] or 'none'}"
        )
    if spoof_label is not None:
        if spoof_label not in names:
            raise Refused(f"there is no label {spoof_label!r}; there are {names[0]!r} and {names[1]!r}")
        at = list(names).index(spoof_label)
    else:
        said = [_says(name) for name in names]
        # One name is enough, as long as the other does not contradict it.
        if "spoof" in said and said.count("spoof") == 1:
            at = said.index("spoof")
        elif said.count("bonafide") == 1:
            at = 1 - said.index("bonafide")
        else:
            raise Refused(
                f"which of the labels {names[0]!r} and {names[1]!r} is the synthetic voice, their names do not tell; "
                "name it with --spoof-label"
            )
    return ["spoof", "bonafide"] if at == 0 else ["bonafide", "spoof"]


def _says(name: str) -> str | None:
    words = set(re.findall(r"[a-z]+", name.lower()))
    spoof, bonafide = bool(words & set(SPOOF)), bool(words & set(BONAFIDE))
    # "non_spoof", "not fake" and the like.
    if words & {"non", "not", "no"}:
        spoof, bonafide = bonafide, spoof
    if spoof == bonafide:
        return None
    return "spoof" if spoof else "bonafide"
