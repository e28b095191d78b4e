"""Docstrings on the reference page: examples become blocks of code, and indented ones lose their margin."""

import inspect
import re

import griffe

EXAMPLE = re.compile(r"^>>> .*(?:\n(?!\s*$).*)*", re.M)


class DoctestsAsCode(griffe.Extension):
    def on_object(self, *, obj, **kwargs):
        if obj.docstring and ">>>" in obj.docstring.value:
            text = re.sub(r"^    (?=>>> )", "", obj.docstring.value, flags=re.M) if obj.analysis == "dynamic" else obj.docstring.value
            obj.docstring.value = EXAMPLE.sub(lambda example: f"```pycon\n{example[0]}\n```", inspect.cleandoc(text))
