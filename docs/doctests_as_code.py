"""Docstrings on the reference page: examples become blocks of code, and what is compiled is asked for its own."""

import importlib
import inspect
import re

import griffe

EXAMPLE = re.compile(r"^>>> .*(?:\n(?!\s*$).*)*", re.M)


class DoctestsAsCode(griffe.Extension):
    def on_object(self, *, obj, **kwargs):
        if obj.docstring is None and obj.module.path in ("veravox._core", "veravox.metrics"):
            # A stub has none.
            text = inspect.getdoc(compiled(obj)) if obj.name[0] != "_" and not obj.is_module else None
            obj.docstring = griffe.Docstring(text, parent=obj) if text else None
        if obj.docstring and ">>>" in obj.docstring.value:
            text = re.sub(r"^    (?=\S)", "", obj.docstring.value, flags=re.M)
            obj.docstring.value = EXAMPLE.sub(lambda example: f"```pycon\n{example[0]}\n```", text)


def compiled(obj):
    found = importlib.import_module(obj.module.path)
    for name in obj.path.removeprefix(obj.module.path + ".").split("."):
        found = getattr(found, name, None)
    return found
