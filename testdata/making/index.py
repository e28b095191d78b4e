"""`index.tsv`: which program and voice made each recording, under which licence."""

from pathlib import Path

TESTDATA = Path(__file__).resolve().parent.parent
COLUMNS = ("file", "leg", "program", "program_version", "voice", "licence", "channel", "contents")


def voice_row(path, leg, voice, channel, contents):
    return _row(path, leg, voice.program, voice.version, voice.name, voice.licence, channel, contents)


def own_row(path, leg, program, channel, contents):
    """A row for sound that no speech engine made."""
    return _row(path, leg, program, "-", "-", "this project's", channel, contents)


def replace(folder, rows):
    """Puts `rows` in the place of all earlier rows about `folder`; the rest stays."""
    index = TESTDATA / "index.tsv"
    known = index.read_text(encoding="utf-8").splitlines()[1:] if index.exists() else []
    kept = [line for line in known if not line.startswith(f"{folder}/")]
    lines = sorted(kept + ["\t".join(row) for row in rows])
    index.write_text("\n".join(["\t".join(COLUMNS), *lines]) + "\n", encoding="utf-8")


def _row(path, leg, *rest):
    return (str(path.relative_to(TESTDATA)), str(leg), *(str(value) for value in rest))
