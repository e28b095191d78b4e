"""What is trained on: the clips, who they are, and how often each is drawn."""
import collections
import csv
import pathlib

import numpy as np

import corpus

HERE = pathlib.Path(__file__).resolve().parent
YEARS = HERE / "years.tsv"           # of the first commit of each page
LEFT_OUT = HERE / "left_out.tsv"     # clips whose label is doubted, with the reason
LABELS = ["bonafide", "spoof"]


def page(source):
    """The repository of a source, which may be a part of one."""
    return source.partition("#")[0]


def owner(source):
    return source.removeprefix("github:").split("/")[0].lower()


def years():
    """{page: year of its first commit}."""
    with open(YEARS, newline="") as f:
        return {"github:" + r["repository"]: int(r["year"]) for r in csv.DictReader(f, delimiter="\t")}


def system_years(clips, known=None):
    """{system: year}: that of the first page that lets one hear it. A page that copies an old system says nothing new of it."""
    known, first = years() if known is None else known, {}
    for c in clips:
        if c.label == "spoof" and page(c.source) in known:
            year = known[page(c.source)]
            first[c.system] = min(first.get(c.system, year), year)
    return first


def left_out():
    """[(source, label, what the system or speaker is called, or * for all)]."""
    with open(LEFT_OUT, newline="") as f:
        return [(r["source"], r["label"], r["group"]) for r in csv.DictReader(f, delimiter="\t")]


def group(clip):
    """What is judged together when labels are checked: a system, or the real clips of a page as their index tells them apart."""
    return clip.system if clip.label == "spoof" else clip.speaker


def doubted(clips, listed=None):
    """Which of these clips are on the list of what is left out."""
    listed = left_out() if listed is None else listed
    exact, whole = {row for row in listed if row[2] != "*"}, {row[:2] for row in listed if row[2] == "*"}
    return np.array([(c.source, c.label) in whole or (c.source, c.label, group(c)) in exact for c in clips], bool)


def train_clips(folder, full=None, repeated=frozenset()):
    """Clips of `train`: those of the full build and, of sources that it has not, those of the folder. Left out are sources that `dev` has, doubted labels, and recordings that
    `dev` holds too (`repeated`, by file name)."""
    held_out = {page(c.source) for c in corpus.read_index(folder, "dev")}
    clips = corpus.read_index(full, "train") if full else []
    there = {page(c.source) for c in clips}
    clips += [c for c in corpus.read_index(folder, "train") if page(c.source) not in there]
    clips = [c for c in clips if page(c.source) not in held_out and pathlib.Path(c.path).name not in repeated]
    return [c for c, doubt in zip(clips, doubted(clips)) if not doubt]


def counts(clips):
    """What is trained on in numbers, for the card: by label, and without a stated licence."""
    out = {}
    for label in LABELS:
        own = [c for c in clips if c.label == label]
        unstated = [c for c in own if not states_licence(c.licence)]
        out[label] = {"clips": len(own), "hours": round(sum(c.seconds for c in own) / 3600, 1), "pages": len({page(c.source) for c in own}), "systems": len({c.system for c in own if label == "spoof"}),
                      "kinds": dict(collections.Counter(c.kind for c in own)), "unstated_clips": len(unstated)}
    real, fake = ({page(c.source) for c in clips if c.label == label} for label in LABELS)
    out["pages"] = {"all": len(real | fake), "both": len(real & fake), "unstated": len({page(c.source) for c in clips if not states_licence(c.licence)})}
    out["licences"] = dict(collections.Counter(c.licence for c in clips).most_common())
    return out


def states_licence(licence):
    """Whether a page says under what licence its clips are."""
    return bool(licence) and not licence.lower().startswith(("none", "unknown", "-"))


def chances(clips, config):
    """The chance of each clip to be the next window. Half of the windows are real, and `mixed` of those come from pages that hold both classes. Sources of real speech and systems weigh the
    square root (`power`) of their clips; systems of `newest_from` on weigh `newest_weight` times as much."""
    c = config["sampling"]
    real = np.array([x.label == "bonafide" for x in clips])
    pages = [page(x.source) for x in clips]
    fills = np.array([x.rate_hz >= c["min_rate_hz"] for x in clips])
    both = {p for p, r in zip(pages, real) if r} & {p for p, r in zip(pages, real) if not r}
    mixed = np.array([p in both for p in pages])
    first = system_years(clips)
    out = np.zeros(len(clips))
    for wanted, share, name in ((real & mixed, 0.5 * c["mixed"], lambda x: x.source), (real & ~mixed, 0.5 * (1 - c["mixed"]), lambda x: x.source), (~real, 0.5, lambda x: x.system)):
        wanted = np.nonzero(wanted & fills)[0]
        names = [name(clips[i]) for i in wanted]
        count = collections.Counter(names)
        weights = np.array([count[n] ** (c["power"] - 1) for n in names])
        weights *= [c["newest_weight"] if first.get(clips[i].system, 0) >= c["newest_from"] else 1.0 for i in wanted]
        weights *= [c["kinds"].get(clips[i].kind, 1.0) for i in wanted]
        if len(wanted):
            out[wanted] = share * weights / weights.sum()
    return out / out.sum()
