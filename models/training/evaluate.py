#!/usr/bin/env python3
"""The figures of a model on `dev`, from the library's own streaming path:

    python models/training/evaluate.py models/phone --corpus DIR

prints them beside those in the model's manifest, and ends with 1 where they differ by more than rounding.
"""
import argparse
import json
import pathlib

import numpy as np

import corpus
import metrics
import scoring
from export import read_manifest, write_manifest

UNSEEN = "phone, systems whose name is not in train"
KINDS = ["tts", "vc", "vocoder", "codec"]


class Trials:
    """Scores of all dev clips under one condition, grouped for figures and their intervals."""

    def __init__(self, clips, scores):
        self.clips, self.s = clips, np.asarray(scores, float)
        self.y = np.array([int(c.label == "spoof") for c in clips])
        self.real = self._groups(lambda c: c.label == "bonafide", lambda c: c.source)
        self.fake = self._groups(lambda c: c.label == "spoof", lambda c: c.system)
        pages = self._groups(lambda c: True, lambda c: c.source)
        self.pages = {k: g for k, g in pages.items() if 0 < self.y[g].sum() < len(g)}

    def _groups(self, wanted, key):
        chosen = [i for i, c in enumerate(self.clips) if wanted(c)]
        return {k: np.array([chosen[j] for j in g]) for k, g in metrics.by_group([key(self.clips[i]) for i in chosen]).items()}

    def eer(self, real, fake):
        return metrics.eer(self.s[np.concatenate(real)], self.s[np.concatenate(fake)])

    def mean_eer(self, real, fake):
        bona = self.s[np.concatenate(real)]
        return float(np.mean([metrics.eer(bona, self.s[g]) for g in fake]))

    def page_auc(self, pages):
        return float(np.mean([metrics.auc(self.s[g][self.y[g] == 0], self.s[g][self.y[g] == 1]) for g in pages]))

    def cllr(self, real, fake):
        return metrics.cllr(self.s[np.concatenate(real)], self.s[np.concatenate(fake)])

    def min_dcf(self, real, fake):
        return metrics.min_dcf(self.s[np.concatenate(real)], self.s[np.concatenate(fake)])

    def figure(self, condition, metric, rounds=400):
        """One entry of the manifest's `figures`."""
        name, _, kind = metric.partition(" ")
        fake = self.fake
        if kind:
            # A few systems have clips of two kinds.
            fake = {k: np.array([i for i in g if self.clips[i].kind == kind]) for k, g in self.fake.items()}
            fake = {k: g for k, g in fake.items() if len(g)}
        function, sides = {
            "eer_percent": (self.eer, [self.real, fake]),
            "eer_percent_mean_over_systems": (self.mean_eer, [self.real, fake]),
            "auc_inside_pages": (self.page_auc, [self.pages]),
            "cllr_bits": (self.cllr, [self.real, fake]),
            "min_dcf": (self.min_dcf, [self.real, fake]),
        }[name]
        sides = [list(s.values()) for s in sides]
        low, high = metrics.interval(function, sides, rounds if name != "eer_percent_mean_over_systems" else rounds // 4)
        used = np.unique(np.concatenate([g for side in sides for g in side]))
        return entry(condition, metric, function(*sides), low, high, int((self.y[used] == 0).sum()), int(self.y[used].sum()))


def entry(condition, metric, value, low, high, bona, spoof):
    return {"set": "dev", "condition": condition, "metric": metric.replace(" ", "_"), "value": round(float(value), 3),
            "low": round(min(float(low), float(value)), 3), "high": round(max(float(high), float(value)), 3), "n_bonafide": bona, "n_spoof": spoof}


def shares(trials, scored, condition):
    """How often each class gets a wrong answer, or none. The interval draws sources and systems again."""
    decisions = np.array([s.decision for s in scored])
    silent = np.array([s.llr is None for s in scored])
    out = []
    for metric, hit, groups in (("false_synthetic_percent", decisions == "synthetic", trials.real),
                                ("false_bonafide_percent", decisions == "bonafide", trials.fake),
                                ("true_synthetic_percent", decisions == "synthetic", trials.fake),
                                ("true_bonafide_percent", decisions == "bonafide", trials.real),
                                ("inconclusive_percent", decisions == "inconclusive", {**trials.real, **{f"spoof {k}": g for k, g in trials.fake.items()}}),
                                ("too_little_speech_percent", silent, {**trials.real, **{f"spoof {k}": g for k, g in trials.fake.items()}})):
        def share(side, hit=hit):
            return 100 * float(hit[np.concatenate(side)].mean())
        side = list(groups.values())
        low, high = metrics.interval(share, [side])
        used = np.concatenate(side)
        out.append(entry(condition, metric, share(side), low, high, int((trials.y[used] == 0).sum()), int(trials.y[used].sum())))
    return out


def worst(trials, count=20, least=3):
    """The systems that escape most, and the sources of real speech that are taken for synthetic most, with at least 3 clips each."""
    bona = trials.s[trials.y == 0]
    systems = sorted(((metrics.eer(bona, trials.s[g]), k, len(g)) for k, g in trials.fake.items() if len(g) >= least), reverse=True)
    spoof = trials.s[trials.y == 1]
    sources = sorted(((metrics.eer(trials.s[g], spoof), k, len(g)) for k, g in trials.real.items() if len(g) >= least), reverse=True)
    return {"systems": systems[:count], "sources": sources[:count]}


def figures(detector, corpus_folder, log=None, rounds=400):
    """All figures of a detector: entries for its manifest, and what only the card tells."""
    clips = corpus.read_index(corpus_folder, "dev")
    entries, more = [], {}
    trained = {c.system for c in corpus.read_index(corpus_folder, "train") if c.label == "spoof"}
    for condition in scoring.CONDITIONS:
        scored = scoring.score(detector, clips, condition, log)
        trials = Trials(clips, scoring.values(scored))
        metrics_here = ["eer_percent", "eer_percent_mean_over_systems", "auc_inside_pages", "cllr_bits", "min_dcf"]
        if sum(s.llr is None for s in scored) > len(scored) / 2:
            metrics_here = []      # where most clips have no score, error rates would say nothing of the model
        elif condition in ("phone", "as is"):
            metrics_here += [f"eer_percent {kind}" for kind in KINDS]
        entries += [trials.figure(condition, m, rounds) for m in metrics_here]
        entries += shares(trials, scored, condition)
        if condition == "phone":
            more["worst"] = worst(trials)
            more["overlap"] = len(set(trials.fake) & trained)
            trials.fake = {k: g for k, g in trials.fake.items() if k not in trained}
            entries += [trials.figure(UNSEEN, m, rounds) for m in ("eer_percent", "eer_percent_mean_over_systems")]
    more["peers"] = {}
    for name, by_condition in scoring.peers(corpus_folder, clips).items():
        for condition, scores in by_condition.items():
            trials = Trials(clips, scores)
            more["peers"].setdefault(name, []).extend(
                trials.figure(condition, m, rounds) for m in ["eer_percent", "eer_percent_mean_over_systems", "auc_inside_pages"] + [f"eer_percent {k}" for k in KINDS])
    return entries, more


def write_figures(folder, corpus_folder, run, log=print):
    """Measures, and writes the figures into the manifest and, with the rest, into the run."""
    import veravox
    entries, more = figures(veravox.Detector(str(folder)), corpus_folder, log)
    manifest = read_manifest(folder)
    manifest["figures"] = entries
    write_manifest(pathlib.Path(folder), manifest)
    (run / "results.json").write_text(json.dumps({"figures": entries, **more}, indent=1))
    for e in entries:
        if e["condition"] == "phone":
            log(f"evaluate: {e['metric']} {e['value']} [{e['low']}, {e['high']}]")


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("model", type=pathlib.Path)
    p.add_argument("--corpus", type=pathlib.Path, required=True)
    p.add_argument("--rounds", type=int, default=400, help="rounds of the bootstrap")
    p.add_argument("--tolerance", type=float, default=0.25, help="largest difference from the manifest's value, in its unit")
    a = p.parse_args()
    import veravox
    recorded = {(e["condition"], e["metric"]): e for e in read_manifest(a.model)["figures"]}
    entries, more = figures(veravox.Detector(str(a.model)), a.corpus, lambda t: print(t, flush=True), a.rounds)
    differing = 0
    print(f"\n{'condition':18} {'metric':34} {'value':>8} {'95 % interval':>18} {'real':>5} {'synth.':>6} {'manifest':>9}")
    for e in entries:
        known = recorded.get((e["condition"], e["metric"]))
        # Shares of errors jump by 0.2 for one clip; ratios are compared a hundred times as finely.
        limit = a.tolerance if "percent" in e["metric"] else a.tolerance / 100
        differs = known is None or abs(known["value"] - e["value"]) > limit
        differing += differs
        print(f"{e['condition']:18} {e['metric']:34} {e['value']:8.3f} {e['low']:8.3f}..{e['high']:8.3f} {e['n_bonafide']:5} {e['n_spoof']:6} "
              f"{'-' if known is None else format(known['value'], '9.3f')}{' differs' if differs else ''}")
    for name, peer in more["peers"].items():
        print(name, " ".join(f"{e['condition']} {e['metric']} {e['value']:.2f}" for e in peer if e["metric"] in ("eer_percent", "auc_inside_pages")))
    print(f"{differing} of {len(entries)} figures differ from the manifest")
    raise SystemExit(1 if differing else 0)


if __name__ == "__main__":
    main()
