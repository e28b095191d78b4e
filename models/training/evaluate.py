#!/usr/bin/env python3
"""The figures of a model on `dev`, from the library's own streaming path:

    python models/training/evaluate.py models/phone --corpus DIR

prints them beside those in the model's manifest, and ends with 1 where they differ by more than rounding.
"""
import argparse
import json
import pathlib

import numpy as np
from scipy.special import expit
from veravox import metrics

import corpus
import dev
import lines
import material
import phone_codecs
import scoring
from manifest import read_manifest, write_manifest

UNSEEN = "{}, systems whose name is not in train"     # of the condition
CHANNEL_METRICS = ["eer_percent", "eer_percent_mean_over_systems"]
LINE_SHARES = ["false_synthetic_percent", "true_synthetic_percent"]
KINDS = ["tts", "vc", "vocoder", "codec"]
# What a figure of the manifest is called in `veravox.metrics`, and how many times larger its unit makes it.
FIGURES = {
    "eer_percent": ("eer", 100),
    "eer_percent_mean_over_systems": ("mean_eer_over_systems", 100),
    "auc_inside_pages": ("auc_inside_groups", 1),
    "cllr_bits": ("cllr", 1),
    "min_cllr_bits": ("min_cllr", 1),
    "min_dcf": ("min_dcf", 1),
    "act_dcf": ("act_dcf", 1),
}
POOLED = "three clips of one system or speaker"
PAGES = "dev, new pages"      # the set of that name in the manifest
TELEPHONE = "real telephone calls"
YEARS = [("2020 and before", 0, 2020), ("2021 and 2022", 2021, 2022), ("2023", 2023, 2023), ("2024", 2024, 2024), ("2025 and later", 2025, 9999)]
DURATIONS = (1, 2, 4, 10, 20)     # seconds of one voice
LONG_SECONDS = 60                 # and of those who say so much, who are fewer
WINDOW_SECONDS = 4                # of the new pages' clips that are scored
FEWEST = 20                       # trials of either class without which a figure would say nothing
VOICES_OF_A_SYSTEM = 4            # strung together at most, so that no page is most of the trials


class Trials:
    """Scores of all dev clips under one condition, grouped for figures and their intervals."""

    def __init__(self, clips, scores):
        self.s = np.asarray(scores, float)
        self.source, self.system, self.kind = (np.array([getattr(c, key) for c in clips], str) for key in ("source", "system", "kind"))
        self.page = np.array([material.page(s) for s in self.source], str)
        self.fake = np.array([c.label == "spoof" for c in clips], bool)
        self.real = ~self.fake

    def figure(self, condition, metric, rounds=400):
        """One entry of the manifest's `figures`."""
        name, _, kind = metric.partition(" ")
        figure, factor = FIGURES[name]
        real, fake, group = self.real, self.fake & (self.kind == kind) if kind else self.fake, self.system
        if figure == "auc_inside_groups":
            both = np.intersect1d(self.source[real], self.source[fake])
            real, fake, group = real & np.isin(self.source, both), fake & np.isin(self.source, both), self.source
        trials = metrics.Trials(self.s[real], self.source[real], self.s[fake], group[fake])
        return entry(condition, metric, trials.estimate(figure, rounds=rounds), factor, int(real.sum()), int(fake.sum()))


def measured(trials, condition, names, rounds):
    """The figures of these names that there are trials for."""
    def possible(metric):
        name, _, kind = metric.partition(" ")
        fake = trials.fake & (trials.kind == kind) if kind else trials.fake
        shared = name != "auc_inside_pages" or len(np.intersect1d(trials.source[trials.real], trials.source[fake]))
        return trials.real.any() and fake.any() and shared
    return [trials.figure(condition, metric, rounds) for metric in names if possible(metric)]


def pooled(clips, scores, of=3, seed=5):
    """(clips, scores) where the mean over `of` clips of one system, or of one speaker (of one source where the speaker is not known), stands for
    them. What is left over of a group, and a group with fewer, is left out: both classes are judged on as much speech."""
    rng, groups = np.random.default_rng(seed), {}
    for i, c in enumerate(clips):
        groups.setdefault((c.label, c.source, c.system if c.label == "spoof" else c.speaker), []).append(i)
    heads, means = [], []
    for _, members in sorted(groups.items()):
        members = rng.permutation(members)
        for k in range(0, len(members) - of + 1, of):
            heads.append(clips[members[k]])
            means.append(float(np.mean([scores[i] for i in members[k:k + of]])))
    return heads, means


def by_language(clips, scores, least=10):
    """[(language, EER in percent of its own clips, human clips, synthetic clips)] of the languages with enough of both."""
    trials, language = Trials(clips, scores), np.array([c.language.split("-")[0] or "unknown" for c in clips])
    rows = []
    for name in np.unique(language):
        real, fake = trials.s[trials.real & (language == name)], trials.s[trials.fake & (language == name)]
        if min(len(real), len(fake)) >= least:
            rows.append((str(name), 100 * metrics.eer(real, fake), len(real), len(fake)))
    return rows


def reliability(clips, llrs, bins=8):
    """[(mean probability of synthetic, share that is, clips)] in equally filled bins, at even odds: each class weighs the same."""
    trials = Trials(clips, llrs)
    p, order = expit(trials.s), np.argsort(trials.s, kind="stable")
    weight = np.where(trials.fake, 0.5 / trials.fake.sum(), 0.5 / trials.real.sum())
    return [(float(np.average(p[part], weights=weight[part])), float(np.average(trials.fake[part], weights=weight[part])), len(part)) for part in np.array_split(order, bins)]


def entry(condition, metric, estimate, factor, bona, spoof):
    value, low, high = (factor * v for v in (estimate.value, estimate.low, estimate.high))
    return {"set": "dev", "condition": condition, "metric": metric.replace(" ", "_"), "value": round(value, 3),
            "low": round(min(low, value), 3), "high": round(max(high, value), 3), "n_bonafide": bona, "n_spoof": spoof}


def shares(trials, scored, condition, wanted=None, by=None):
    """How often each class gets a wrong answer, or none; the `wanted` metrics alone, where some are named. The interval draws sources and systems again, or the groups `by`."""
    decisions = np.array([s.decision for s in scored])
    silent = np.array([s.llr is None for s in scored])
    everything = trials.real | trials.fake
    # A source and a system of the same name are two groups.
    groups = np.where(trials.fake, np.char.add("spoof ", trials.system), trials.source) if by is None else np.asarray(by)
    out = []
    for metric, hit, of in (("false_synthetic_percent", decisions == "synthetic", trials.real),
                            ("false_bonafide_percent", decisions == "bonafide", trials.fake),
                            ("true_synthetic_percent", decisions == "synthetic", trials.fake),
                            ("true_bonafide_percent", decisions == "bonafide", trials.real),
                            ("inconclusive_percent", decisions == "inconclusive", everything),
                            ("too_little_speech_percent", silent, everything),
                            ("unlike_training_percent", np.array(["unlike_training" in s.reasons for s in scored]), everything)):
        if wanted and metric not in wanted:
            continue
        share = metrics.mean(hit[of], groups[of], rounds=400)
        found = entry(condition, metric, share, 100, int((of & trials.real).sum()), int((of & trials.fake).sum()))
        # Where none was hit, drawing again draws none: what so many groups could still hide (Clopper and Pearson, Biometrika 26, 1934).
        if not hit[of].any():
            found["high"] = round(100 * (1 - 0.025 ** (1 / len(np.unique(groups[of])))), 3)
        out.append(found)
    return out


FEWEST_WORST = 5


def worst(trials, count=15, least=FEWEST_WORST):
    """The systems that escape most, and the sources of real speech that are taken for synthetic most, with at least so many clips each."""
    def ranked(side, names, eer):
        of_each = [(name, side & (names == name)) for name in np.unique(names[side])]
        return sorted(((100 * eer(trials.s[clips]), str(name), int(clips.sum())) for name, clips in of_each if clips.sum() >= least), reverse=True)[:count]

    bona, spoof = trials.s[trials.real], trials.s[trials.fake]
    return {"systems": ranked(trials.fake, trials.system, lambda s: metrics.eer(bona, s)),
            "sources": ranked(trials.real, trials.source, lambda s: metrics.eer(s, spoof))}


def figures(detector, corpus_folder, cache, full=None, log=None, rounds=400):
    """All figures of a detector: entries for its manifest, and what only the card tells. Coded clips are kept in `cache`; `full` is the full build, whose new pages, telephone calls and
    longer clips are left out without it."""
    clips, main = dev.folder(corpus_folder), scoring.main_condition({"input": detector.manifest()["input"]})
    entries, more = [], {}
    trained = {c.system for c in corpus.read_index(full or corpus_folder, "train") if c.label == "spoof"}
    for condition in scoring.CONDITIONS:
        scored = scoring.score(detector, clips, condition, log)
        trials = Trials(clips, scoring.values(scored))
        metrics_here = ["eer_percent", "eer_percent_mean_over_systems", "auc_inside_pages", "cllr_bits", "min_cllr_bits", "min_dcf", "act_dcf"]
        if sum(s.llr is None for s in scored) > len(scored) / 2:
            metrics_here = []      # where most clips have no score, error rates would say nothing of the model
        elif condition in ("phone", "as is"):
            metrics_here += [f"eer_percent {kind}" for kind in KINDS]
        entries += measured(trials, condition, metrics_here, rounds)
        entries += shares(trials, scored, condition)
        if condition in ("phone", "as is"):
            entries += measured(Trials(*pooled(clips, trials.s)), f"{condition}, {POOLED}", ["eer_percent"], rounds)
        if condition == main:
            more["reliability"] = reliability(clips, trials.s)
            more["overlap"] = len(set(trials.system[trials.fake]) & trained)
            trials.fake &= ~np.isin(trials.system, sorted(trained))
            entries += measured(trials, UNSEEN.format(condition), CHANNEL_METRICS, rounds)
    for name in [*scoring.CODECS, *scoring.LINES]:
        try:
            scored = scoring.score_under(detector, clips, name, cache, log)
        except phone_codecs.Missing as missing:
            (log or print)(f"evaluate: the condition '{name}' is left out: {missing}")
            continue
        trials = Trials(clips, scoring.values(scored))
        entries += measured(trials, name, [*CHANNEL_METRICS, "cllr_bits"], rounds)
        entries += shares(trials, scored, name, LINE_SHARES)
    if full:
        entries += of_pages(detector, corpus_folder, full, main, more, rounds, log)
    more["dev"] = counts(clips)
    more["noise"] = noise_answers(detector, corpus_folder)
    more["peers"] = {}
    for name, by_condition in scoring.peers(corpus_folder, clips).items():
        for condition, scores in by_condition.items():
            trials = Trials(clips, scores)
            more["peers"].setdefault(name, []).extend(measured(
                trials, condition, ["eer_percent", "eer_percent_mean_over_systems", "auc_inside_pages"] + [f"eer_percent {k}" for k in KINDS], rounds))
    return entries, more


def counts(clips):
    return {"bonafide": sum(c.label == "bonafide" for c in clips), "spoof": sum(c.label == "spoof" for c in clips),
            "sources": len({c.source for c in clips if c.label == "bonafide"}), "systems": len({c.system for c in clips if c.label == "spoof"}),
            "pages": len({material.page(c.source) for c in clips})}


def of_pages(detector, corpus_folder, full, main, more, rounds, log):
    """The figures on the new pages, the first 4 s of each clip; by year and kind; by duration; and on people on real telephone lines."""
    clips, entries = dev.pages(corpus_folder, full), []
    scored = scoring.score(detector, clips, main, log, longest=WINDOW_SECONDS)
    trials = Trials(clips, scoring.values(scored))
    entries += measured(trials, main, ["eer_percent", "eer_percent_mean_over_systems", "auc_inside_pages", "cllr_bits", "min_cllr_bits"] + [f"eer_percent {k}" for k in KINDS], rounds)
    entries += shares(trials, scored, main)
    entries += measured(Trials(*pooled(clips, trials.s)), f"{main}, {POOLED}", ["eer_percent"], rounds)
    more["pages"] = {**counts(clips), "owners_in_training": owners_in_training(clips, full)}
    more["languages"], more["worst"] = by_language(clips, trials.s), worst(trials)
    more["by_page"] = sorted((float(100 * metrics.eer(trials.s[trials.real & own], trials.s[trials.fake & own])), name, int((trials.real & own).sum()), int((trials.fake & own).sum()))
                             for name in np.unique(trials.page) for own in [trials.page == name] if min((trials.real & own).sum(), (trials.fake & own).sum()) >= 5)
    first = material.system_years(clips)
    year = np.array([first.get(c.system, -1) if c.label == "spoof" else -1 for c in clips])
    for words, low, high in YEARS:
        part = Trials(clips, trials.s)
        part.fake &= (year >= low) & (year <= high)
        if part.fake.sum() >= FEWEST:
            condition = f"{main}, systems of {words}"
            entries += measured(part, condition, ["eer_percent"], rounds) + shares(part, scored, condition, ["true_synthetic_percent", "false_bonafide_percent"])
    others = [c for c in corpus.read_index(full, "dev") if c.label == "bonafide" and c.source not in dev.NOT_REPORTED]
    by_duration = of_durations(detector, [c for c in clips if c.label == "spoof"] + others, main, rounds, log)
    people = of_telephone(detector, full, main, trials, more, log)
    return [{**e, "set": PAGES} for e in entries + by_duration] + people


def owners_in_training(clips, full):
    """How many of these pages have an owner with another page in training."""
    trained = {material.owner(c.source) for c in corpus.read_index(full, "train")}
    return len({material.page(c.source) for c in clips if material.owner(c.source) in trained})


def of_durations(detector, clips, main, rounds, log):
    """Of voices that say at least the longest duration: what the detector says of each length of them. Few people of the new pages speak so long, so those of all other sources are there too."""
    entries = []
    for durations in (DURATIONS, (LONG_SECONDS,)):
        chosen, sounds = strings(clips, durations[-1])
        if min(sum(c.label == label for c in chosen) for label in ("bonafide", "spoof")) < FEWEST:
            (log or print)(f"evaluate: {durations[-1]} s of one voice are left out: too few speak so long")
            continue
        for seconds in durations:
            cut = (lines.through(main, x[:int(seconds * corpus.RATE)] if seconds < durations[-1] else x) for x in sounds)
            scored = scoring.score_audio(detector, cut, len(sounds), f"{seconds} s", log)
            trials = Trials(chosen, scoring.values(scored))
            condition = f"{main}, {seconds} s of one voice"
            if sum(s.llr is None for s in scored) < len(scored) / 2:
                entries += measured(trials, condition, CHANNEL_METRICS, rounds)
            entries += shares(trials, scored, condition, [*LINE_SHARES, "false_bonafide_percent"])
    return entries


def strings(clips, seconds):
    """([first clip], [samples]) of strings of clips of one voice that last so long. A voice says each thing once."""
    chosen, sounds, taken, rng = [], [], {}, np.random.default_rng(4)
    for (label, source, _), members in sorted(dev.voices(clips).items()):
        group = label, source, members[0].system
        members = [members[k] for k in rng.permutation(len(members))]
        while members and taken.get(group, 0) < VOICES_OF_A_SYSTEM:
            some, total = [], 0.0
            while members and total < seconds + 0.1:
                some.append(members.pop())
                total += some[-1].seconds
            x = dev.strung(some, seconds, rng) if total >= seconds else None
            if x is None:
                break
            taken[group] = taken.get(group, 0) + 1
            chosen.append(some[0])
            sounds.append(x)
    return chosen, sounds


def of_telephone(detector, full, main, trials, more, log):
    """People on real telephone lines, as they were recorded, each call strung together: what they are called, and what share of the machines of the new pages lies above the score that 1 % of
    their clips reach."""
    people = dev.telephone(full)
    if len(people) < FEWEST:
        return []
    rng = np.random.default_rng(4)
    scored = scoring.score_audio(detector, (lines.through("as is", corpus.load_part(c.path, 0, WINDOW_SECONDS)) for c in people), len(people), TELEPHONE, log)
    own = Trials(people, scoring.values(scored))
    entries = [{**e, "set": "dev"} for e in shares(own, scored, TELEPHONE, ["false_synthetic_percent", "true_bonafide_percent"], [c.speaker for c in people])]
    calls = [members for _, members in sorted(dev.voices(people).items())]
    sounds = [dev.strung(members, min(sum(c.seconds for c in members) - 0.1, DURATIONS[-1]), rng) for members in calls]
    kept = [(members[0], x) for members, x in zip(calls, sounds) if x is not None]
    whole = scoring.score_audio(detector, ((x, corpus.RATE) for _, x in kept), len(kept), TELEPHONE, log)
    entries += shares(Trials([c for c, _ in kept], scoring.values(whole)), whole, f"{TELEPHONE}, whole", ["false_synthetic_percent", "true_bonafide_percent"], [c.speaker for c, _ in kept])
    heard = own.s[[s.llr is not None for s in scored]]
    limit = float(np.quantile(heard, 0.99))
    more["telephone"] = {"clips": len(people), "calls": len(calls), "found": {kind: [round(100 * float((trials.s[trials.fake & (trials.kind == kind)] > limit).mean()), 1),
                                                                                     int((trials.fake & (trials.kind == kind)).sum())] for kind in KINDS if (trials.fake & (trials.kind == kind)).any()}}
    return entries


def noise_answers(detector, corpus_folder):
    """What the detector says of recordings without speech: {decision: how many}, and {reason: how many}."""
    decisions, reasons = {}, {}
    for clip in corpus.read_index(corpus_folder, "noise"):
        leg = detector.scan(corpus.load(clip.path, 16000), 16000).legs[0]
        decisions[leg.decision] = decisions.get(leg.decision, 0) + 1
        for reason in leg.reasons:
            reasons[reason] = reasons.get(reason, 0) + 1
    return {"decisions": decisions, "reasons": reasons}


def write_figures(folder, corpus_folder, run, cache, full=None, log=print):
    """Measures, and writes the figures into the manifest and, with the rest, into the run."""
    import veravox
    entries, more = figures(veravox.Detector(str(folder)), corpus_folder, cache, full, log)
    manifest = read_manifest(folder)
    main = scoring.main_condition(manifest)
    # The newest machines first, and what the model was made for.
    entries.sort(key=lambda e: (e["set"] != PAGES, e["condition"] != main))
    manifest["figures"] = entries
    write_manifest(pathlib.Path(folder), manifest)
    (run / "results.json").write_text(json.dumps({"figures": entries, **more}, indent=1))
    for e in entries:
        if e["condition"] == main:
            log(f"evaluate: {e['set']}: {e['metric']} {e['value']} [{e['low']}, {e['high']}]")


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("model", type=pathlib.Path)
    p.add_argument("--corpus", type=pathlib.Path, required=True)
    p.add_argument("--cache", type=pathlib.Path, default=pathlib.Path(__file__).parent / "cache", help="where coded clips are kept")
    p.add_argument("--full", type=pathlib.Path, help="the full build of the corpus: new pages, telephone calls and durations come from its dev")
    p.add_argument("--rounds", type=int, default=400, help="rounds of the bootstrap")
    p.add_argument("--tolerance", type=float, default=0.25, help="largest difference from the manifest's value, in its unit")
    a = p.parse_args()
    import veravox
    recorded = {(e["set"], e["condition"], e["metric"]): e for e in read_manifest(a.model)["figures"]}
    entries, more = figures(veravox.Detector(str(a.model)), a.corpus, a.cache, a.full, lambda t: print(t, flush=True), a.rounds)
    differing = 0
    print(f"\n{'set':14} {'condition':44} {'metric':34} {'value':>8} {'95 % interval':>18} {'real':>5} {'synth.':>6} {'manifest':>9}")
    for e in entries:
        known = recorded.get((e["set"], e["condition"], e["metric"]))
        # Shares of errors jump by 0.2 for one clip; ratios are compared a hundred times as finely.
        limit = a.tolerance if "percent" in e["metric"] else a.tolerance / 100
        differs = known is None or abs(known["value"] - e["value"]) > limit
        differing += differs
        print(f"{e['set']:14} {e['condition']:44} {e['metric']:34} {e['value']:8.3f} {e['low']:8.3f}..{e['high']:8.3f} {e['n_bonafide']:5} {e['n_spoof']:6} "
              f"{'-' if known is None else format(known['value'], '9.3f')}{' differs' if differs else ''}")
    missing = sorted({f"{name}: {condition}" for name, condition, _ in recorded} - {f"{e['set']}: {e['condition']}" for e in entries})
    if missing:
        print("in the manifest, and not measured now:", "; ".join(missing))
    for name, peer in more["peers"].items():
        print(name, " ".join(f"{e['condition']} {e['metric']} {e['value']:.2f}" for e in peer if e["metric"] in ("eer_percent", "auc_inside_pages")))
    print(f"{differing} of {len(entries)} figures differ from the manifest")
    raise SystemExit(1 if differing else 0)


if __name__ == "__main__":
    main()
