"""The pages keep what they say: their code runs and prints what stands below it, and their figures are the models'.

- A ```python block is run, all of a page in order, as one program.
- A ```sh block that is followed by a block with the title "Output" is run too; of every other one the options are looked up
  in the command's help.
- A block with the title "Output" is what the block above it prints; a line of "…" stands for anything.
- A ```rust block of which no line is new: each stands in an example or a doc test that cargo runs.
- `<!-- figure: phone; dev, new pages; phone; eer_percent; 27.1 -->` holds a figure of a page's prose to the model's manifest: the
  model, the set, the condition, the metric.

A block after `<!-- not run: why -->` is only compiled.
"""

import contextlib
import io
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys

import pytest

DOCS = pathlib.Path(__file__).parent
ROOT = DOCS.parent
PAGES = {str(page.relative_to(DOCS)): page.read_text("utf-8") for page in sorted(DOCS.rglob("*.md")) if page.parent.name != "live"}
BLOCK = re.compile(
    r'^(?P<left><!-- not run: [^\n]* -->\n)?```(?P<language>\w+)(?: title="(?P<title>[^"]*)")?\n(?P<text>.*?)^```$', re.M | re.S
)
COMMANDS = ["", "scan", "live", "eval", "calibrate", "explain", "drift", "doctor", "model", "model check", "bench", "loadtest", "gateway"]


@pytest.fixture(scope="module")
def shim(tmp_path_factory):
    """A folder with the command `veravox` of this Python."""
    folder = tmp_path_factory.mktemp("bin")
    (folder / "veravox").write_text(f'#!/bin/sh\nexec "{sys.executable}" -m veravox "$@"\n')
    (folder / "veravox").chmod(0o755)
    return folder


@pytest.fixture(scope="module")
def help_text(shim):
    def printed(command):
        return subprocess.run([shim / "veravox", *command.split(), "--help"], capture_output=True, text=True, check=True).stdout

    return {command: printed(command) for command in COMMANDS}


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A folder to write in, that looks like a checkout."""
    for name in ("testdata", "models"):
        (tmp_path / name).symlink_to(ROOT / name)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def blocks_of(page):
    found = [match.groupdict() for match in BLOCK.finditer(PAGES[page])]
    for block, after in zip(found, [*found[1:], {"title": None}], strict=False):
        if block["title"] != "Output":
            yield block["language"], block["text"], block["left"], after["text"] if after["title"] == "Output" else None


def check(printed, expected):
    pattern = re.escape(expected.strip()).replace("…\\\n", "(?:.*\n)*?").replace("\\\n…", "(?:\n.*)*?").replace("…", ".*?")
    if not re.fullmatch(pattern, printed.strip()):
        raise AssertionError(f"this is printed:\n{printed}\nand this stands on the page:\n{expected}")


def pages_with(language):
    return [page for page in PAGES if any(block[0] == language for block in blocks_of(page))]


@pytest.mark.parametrize("page", pages_with("python"))
def test_python_prints_what_the_page_says(page, place):
    names = {"__name__": "__main__"}
    for language, text, left, expected in blocks_of(page):
        if language != "python":
            continue
        code = compile(text, page, "exec")
        if left:
            continue
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            exec(code, names)
        if expected is not None:
            check(printed.getvalue(), expected)


@pytest.mark.parametrize("page", pages_with("sh"))
def test_commands_print_what_the_page_says(page, place, shim, help_text):
    if shutil.which("bash") is None:
        pytest.skip("needs bash")
    environment = {**os.environ, "PATH": f"{shim}{os.pathsep}{os.environ['PATH']}", "NO_COLOR": "1"}
    for language, text, _, expected in blocks_of(page):
        if language != "sh":
            continue
        if expected is not None:
            done = subprocess.run(["bash", "-c", text], env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
            check(done.stdout + done.stderr, expected)
            continue
        for line in re.findall(r"\bveravox ([^|#\n]*)", text):
            words = [word for word in line.split() if not word.startswith("-")]
            commands = [" ".join(words[:n]) for n in (2, 1) if " ".join(words[:n]) in COMMANDS]
            for option in re.findall(r"(?<!\S)--[a-z-]+", line):
                assert re.search(rf"{option}\b", help_text[commands[0] if commands else ""]), f"veravox {line}: no {option}"


@pytest.mark.parametrize("page", pages_with("rust"))
def test_rust_is_compiled_elsewhere(page):
    sources = [*(ROOT / "core/src").rglob("*.rs"), *(ROOT / "examples/rust").glob("*.rs")]
    known = {line.strip().removeprefix("//!").removeprefix("///").strip() for path in sources for line in path.read_text("utf-8").splitlines()}
    for language, text, _, _ in blocks_of(page):
        if language == "rust" and "--8<--" not in text:
            assert [line for line in text.splitlines() if line.strip() and line.strip() not in known] == []


@pytest.mark.parametrize("page", PAGES)
def test_figures_are_those_of_the_manifests(page):
    assert PAGES[page].count("<!-- figure: ") == len(re.findall(r"<!-- figure: \w+; [^;]+; [^;]+; \w+; [\d.]+ -->", PAGES[page])), "a figure's form"
    for model, measured_on, condition, metric, stated in re.findall(r"<!-- figure: (\w+); ([^;]+); ([^;]+); (\w+); ([\d.]+) -->", PAGES[page]):
        figures = json.loads((ROOT / "models" / model / "manifest.json").read_text("utf-8"))["figures"]
        wanted = (measured_on, condition, metric)
        [value] = [f["value"] for f in figures if (f["set"], f["condition"], f["metric"]) == wanted]
        decimals = len(stated.partition(".")[2])
        assert f"{value:.{decimals}f}" == stated, f"{model}, {wanted}"
        assert stated in re.sub(r"<!--.*?-->", "", PAGES[page], flags=re.S), f"{stated} is not said on the page"


def test_every_field_of_a_manifest_is_explained():
    def names(form):
        for name, value in form.items():
            yield name
            if isinstance(value, dict):
                yield from names(value)

    form = {}
    for manifest in [*(ROOT / "models").glob("*/manifest.json"), *(ROOT / "testdata/manifests").glob("good*/manifest.json")]:
        read = json.loads(manifest.read_text("utf-8"))
        form[manifest] = {**read, "figures": read["figures"][0] if read["figures"] else {}}
    missing = {name for name in names(form) if isinstance(name, str) and f"`{name}`" not in PAGES["reference/manifest.md"]}
    assert missing == set()


def test_every_reason_is_explained():
    schema = json.loads((ROOT / "core/schemas/report.schema.json").read_text("utf-8"))
    reasons = schema["$defs"]["leg"]["properties"]["reasons"]["items"]["enum"]
    assert [reason for reason in reasons if f"`{reason}`" not in PAGES["how-to/explain-a-verdict.md"]] == []


def test_every_command_is_in_the_reference(help_text):
    named = re.findall(r"^  (\w+)  ", help_text[""].partition("Commands:")[2].partition("Options:")[0], re.M)
    assert named, "the help lists no commands"
    for name in set(named) - {"help"}:
        assert f"<!-- help: {name}" in PAGES["reference/cli.md"], f"{name} is not in reference/cli.md"
