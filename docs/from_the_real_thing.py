"""What the pages show of veravox itself is made from it while the site is built, so that it cannot be out of date.

A line of a page that is one of these comments becomes:

    <!-- help: scan -->                    what `veravox scan --help` prints
    <!-- terminal: veravox scan call -->   the command and what it prints, in its colours
    <!-- report: call -->                  the report as a notebook shows it
    <!-- plot: call -->                    the picture of `Report.plot()`
    <!-- explain: call; leg; words -->     the picture of `veravox explain` of a leg, and what it shows
    <!-- fields: # -->                     a table of the fields of the report's schema: `#`, `#/$defs/leg`
    <!-- manifest: phone -->               a model's manifest, its measured figures left out
    <!-- card: phone -->                   a model's card

The command and the package are those of the Python that builds the site.

One picture lies in the tree, since the clip that it is of does not: `explain/person.png`. Where the corpus is there it is made anew.
"""

import html
import io
import json
import logging
import os
import pathlib
import re
import shlex
import subprocess
import sys

from mkdocs.structure.files import File

ROOT = pathlib.Path(__file__).parents[1]
#: What the command's colours are called in css/veravox.css.
STYLES = {"1": "bold", "2": "dim", "31": "red", "32": "green", "33": "yellow", "36": "cyan"}
#: The picture of a person's clip, and the clip in the corpus; who speaks, and on what terms, stands under it.
PERSON, PERSONS_CLIP = ROOT / "docs/explain/person.png", ROOT / "../shared/corpus/dev/00220.flac"
log = logging.getLogger("mkdocs.hooks")
#: Pictures that pages made, by their place in the site.
pictures: dict[str, bytes] = {}


def on_pre_build(config):
    if not PERSONS_CLIP.exists():
        log.info("%s stays as it is: the corpus with its clip is not here", PERSON.name)
        return
    made = PERSON.with_suffix(".part")
    run(["explain", str(PERSONS_CLIP), "--format", "png", "-o", str(made)])
    if not PERSON.exists() or PERSON.read_bytes() != made.read_bytes():
        log.info("%s was made anew", PERSON.name)
        made.replace(PERSON)
    made.unlink(missing_ok=True)


def on_files(files, config):
    for name in ("phone", "wide"):
        reliability = (ROOT / "models" / name / "reliability.png").read_bytes()
        files.append(File.generated(config, f"models/{name}-reliability.png", content=reliability))
    return files


def on_page_markdown(markdown, page, config, files):
    def made(comment):
        what, of = comment["what"], comment["of"]
        return {"help": help_of, "terminal": terminal, "fields": fields, "manifest": manifest, "card": card}[what](of)

    def shown(comment):
        if comment["what"] == "report":
            return report(comment["of"])
        if comment["what"] == "explain":
            return explained(*comment["of"].split("; "), page)
        name = pathlib.PurePath(comment["of"]).name.split(".")[0]
        pictures[f"pictures/{name}.png"] = plot(comment["of"])
        up = "../" * page.file.src_uri.count("/")
        return f'<img class="plot" alt="The scores of {name} over time" src="{up}pictures/{name}.png">'

    markdown = re.sub(r"^<!-- (?P<what>help|terminal|fields|manifest|card): (?P<of>.*) -->$", made, markdown, flags=re.M)
    return re.sub(r"^<!-- (?P<what>report|plot|explain): (?P<of>.*) -->$", shown, markdown, flags=re.M)


def on_post_build(config):
    for name, picture in pictures.items():
        place = pathlib.Path(config.site_dir, name)
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(picture)
    external = list(addresses_of_other_hosts(pathlib.Path(config.site_dir)))
    if external:
        raise SystemExit("the site would ask other hosts:\n" + "\n".join(external))


def run(arguments):
    """What the command prints, standard output before standard error."""
    # The width is that of a terminal which does not say its own.
    environment = {**os.environ, "NO_COLOR": ""}
    environment.pop("COLUMNS", None)
    command = [sys.executable, "-m", "veravox", *arguments]
    done = subprocess.run(
        command, cwd=ROOT, env=environment, stdin=subprocess.DEVNULL, capture_output=True, encoding="utf-8", check=False
    )
    if done.returncode:
        raise SystemExit(f"veravox {shlex.join(arguments)}: {done.stderr}")
    return done.stdout + done.stderr


def help_of(command):
    words = command.split() if command != "veravox" else []
    return f"```text\n{run([*words, '--help']).rstrip()}\n```"


def terminal(line):
    words = shlex.split(line)
    printed = run([*words[1:], "--color", "always"]).rstrip()
    return (
        '<div class="terminal" markdown="0"><pre tabindex="0">'
        f'<span class="dim">$</span> <span class="bold">{html.escape(line)}</span>\n{coloured(printed)}</pre></div>'
    )


def coloured(text):
    """A terminal's text as HTML; neighbours of one style are one span."""
    runs, styles = [], []
    for part in re.split(r"(\x1b\[[0-9;]*m)", text):
        if part.startswith("\x1b["):
            codes = part[2:-1].split(";")
            styles = [] if codes in ([""], ["0"]) else styles + [STYLES[code] for code in codes]
        elif part and runs and runs[-1][0] == styles:
            runs[-1] = (styles, runs[-1][1] + part)
        elif part:
            runs.append((styles, part))
    # Markdown reads on where a line is empty.
    return "".join(
        f'<span class="{" ".join(styles)}">{html.escape(part)}</span>' if styles else html.escape(part) for styles, part in runs
    ).replace("\n\n", "\n&#8203;\n")


def scanned(path):
    import veravox

    return veravox.scan(ROOT / path, spectrogram=True)


def report(path):
    return f'<div class="notebook" markdown="0">{scanned(path)._repr_html_()}</div>'


def plot(path):
    picture = io.BytesIO()
    scanned(path).plot().savefig(picture, dpi=110)
    return picture.getvalue()


def explained(call, leg, words, page):
    name = f"pictures/explained-{pathlib.PurePath(call).name.split('.')[0]}-{leg}.svg"
    pictures[name] = run(["explain", call, "--format", "svg", "--leg", leg]).encode()
    return f'<img class="plot" alt="{html.escape(words)}" src="{"../" * page.file.src_uri.count("/")}{name}">'


def fields(of):
    schema = json.loads((ROOT / "core/schemas/report.schema.json").read_text("utf-8"))
    for step in of.split("/")[1:]:
        schema = schema[step]
    rows = ["| field | type | what it says |", "|---|---|---|"]
    for name, known in schema["properties"].items():
        absent = "" if name in schema.get("required", ()) else " *May be absent.*"
        rows.append(f"| `{name}` | {type_of(known)} | {known.get('description', '')}{absent} |")
    return "\n".join(rows)


def type_of(known):
    if "enum" in known:
        return ", ".join(f"`{value}`" for value in known["enum"])
    if "const" in known:
        return f"`{known['const']}`"
    if "$ref" in known:
        return known["$ref"].rsplit("/", 1)[1].replace("_", " ")
    if known["type"] == "array":
        return f"list of: {type_of(known['items'])}"
    kinds = known["type"] if isinstance(known["type"], list) else [known["type"]]
    bounds = [f"{words} {known[name]}" for name, words in BOUNDS.items() if name in known]
    return " or ".join(kinds) + (f", {', '.join(bounds)}" if bounds else "")


BOUNDS = {"minimum": "from", "maximum": "to", "exclusiveMinimum": "above", "exclusiveMaximum": "below"}


def manifest(name):
    form = json.loads((ROOT / "models" / name / "manifest.json").read_text("utf-8"))
    form["figures"] = form["figures"][:1]
    return f"```json\n{json.dumps(form, indent=2)}\n```"


def card(name):
    text = (ROOT / "models" / name / "README.md").read_text("utf-8")
    # The page has a title of its own.
    text = text.partition("\n")[2].replace("(reliability.png)", f"({name}-reliability.png)")
    return text.strip()


#: Where a page or a style sheet makes a browser fetch something; a link that a reader may follow is none.
FETCHED = re.compile(
    r"""<(?:script|img|iframe|source|image|use|audio|video|embed|object)\b[^>]*?\b(?:src|href|data)=["']?((?:https?:)?//[^"'\s>]+)"""
    r"""|<link\b(?![^>]*rel=["']?canonical)[^>]*?\bhref=["']?((?:https?:)?//[^"'\s>]+)"""
    r"""|(?:url\(|@import)\s*["']?((?:https?:)?//[^"')\s]+)""",
    re.I,
)


def addresses_of_other_hosts(site):
    for page in sorted([*site.rglob("*.html"), *site.rglob("*.css"), *site.rglob("*.svg")]):
        for found in FETCHED.finditer(page.read_text("utf-8")):
            yield f"{page.relative_to(site)}: {next(filter(None, found.groups()))}"
