#!/usr/bin/env python3
"""Writes keys and score files in the forms of ASVspoof 2019, 2021 and 5, and official.json: what the official scripts say of them.

    git clone https://github.com/asvspoof-challenge/2021 asvspoof2021
    git clone https://github.com/asvspoof-challenge/asvspoof5
    git clone https://github.com/TakHemlata/rawnet2-antispoofing      # holds tDCF_python, the package of ASVspoof 2019
    pip install numpy scipy pandas
    python testdata/evaluation/make_official.py asvspoof2021/eval-package asvspoof5/evaluation-package \\
        rawnet2-antispoofing/tDCF_python

The scripts are read where they lie; nothing of them is copied here. Names and scores are drawn at random.
"""

import argparse
import importlib.util
import json
import sys
from pathlib import Path

import numpy as np

HERE = Path(__file__).resolve().parent
N_BONAFIDE, N_SPOOF = 150, 450


def load(folder, name):
    """A module from a folder, under a name of its own: two packages have a file of the same name."""
    sys.path.insert(0, str(folder))
    spec = importlib.util.spec_from_file_location(f"{Path(folder).name.replace('-', '_')}_{name}", Path(folder) / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    sys.path.pop(0)
    return module


def draw(seed, decimals):
    """Scores, higher = bona fide, with ties; label, attack, speaker and codec of each trial."""
    random = np.random.default_rng(seed)
    label = np.array(["bonafide"] * N_BONAFIDE + ["spoof"] * N_SPOOF)
    attack = np.where(label == "spoof", random.choice(["A07", "A11", "A17"], len(label)), "-")
    mean = np.select([label == "bonafide", attack == "A07", attack == "A11"], [1.6, -2.5, -1.0], 0.4)
    score = np.round(random.normal(mean, 1.3), decimals)
    speaker = np.array([f"S{n:02d}" for n in random.integers(0, 24, len(label))])
    codec = random.choice(["none", "alaw", "gsm"], len(label))
    order = random.permutation(len(label))
    return score[order], label[order], attack[order], speaker[order], codec[order]


def asv_scores(seed):
    random = np.random.default_rng(seed)
    return random.normal(2.0, 1.0, 500), random.normal(-2.0, 1.0, 500), random.normal(0.7, 1.2, 500)


def write(name, lines):
    (HERE / name).write_text("\n".join(lines) + "\n", encoding="utf-8")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("asvspoof2021", "asvspoof5", "asvspoof2019"):
        parser.add_argument(name, type=Path)
    arguments = parser.parse_args()
    official = []
    costs = dict(Pspoof=0.05, Ptar=0.95 * 0.99, Pnon=0.95 * 0.01)

    # 2019: scores with their own key, EER and legacy t-DCF.
    of_2019 = load(arguments.asvspoof2019, "eval_metrics")
    score, label, attack, speaker, _ = draw(19, 2)
    files = [f"LA_E_{1_000_000 + n}" for n in range(len(score))]
    write("asvspoof2019.key.txt", [f"LA_00{s[1:]} {f} - {a} {y}" for s, f, a, y in zip(speaker, files, attack, label, strict=True)])
    write("asvspoof2019.scores.txt", [f"{f} {a} {y} {x:.2f}" for f, a, y, x in zip(files, attack, label, score, strict=True)])
    target, non_target, spoof = asv_scores(1)
    threshold = of_2019.compute_eer(target, non_target)[1]
    fa, miss, miss_spoof = of_2019.obtain_asv_error_rates(target, non_target, spoof, threshold)[:3]
    model = costs | dict(Cmiss_asv=1, Cfa_asv=10, Cmiss_cm=1, Cfa_cm=10)
    curve, _ = of_2019.compute_tDCF(score[label == "bonafide"], score[label == "spoof"], fa, miss, miss_spoof, model, False)
    official.append(dict(
        key="asvspoof2019.key.txt", scores="asvspoof2019.scores.txt",
        source="eval_metrics.py of the package of ASVspoof 2019 (tDCF_python): compute_eer, compute_tDCF",
        asv=dict(false_alarm=fa, miss=miss, spoof_accepted=1 - miss_spoof), legacy=True,
        figures=dict(eer=of_2019.compute_eer(score[label == "bonafide"], score[label == "spoof"])[0], min_t_dcf=curve.min()),
        by_attack={a: of_2019.compute_eer(score[label == "bonafide"], score[attack == a])[0] for a in ("A07", "A11", "A17")},
    ))

    # 2021: LA and DF, EER and t-DCF, pooled and by attack and codec.
    of_2021 = load(arguments.asvspoof2021, "eval_metrics")
    target, non_target, spoof = asv_scores(2)
    threshold = of_2021.compute_eer(target, non_target)[1]
    fa, miss, _, fa_spoof = of_2021.obtain_asv_error_rates(target, non_target, spoof, threshold)
    for track, seed in (("la", 21), ("df", 22)):
        score, label, attack, speaker, codec = draw(seed, 4)
        files = [f"{track.upper()}_E_{2_000_000 + n}" for n in range(len(score))]
        rows = zip(speaker, files, codec, attack, label, strict=True)
        more = "" if track == "la" else " neural_vocoder - - - -"
        middle = "ita_tx" if track == "la" else "asvspoof"
        write(f"asvspoof2021.{track}.key.txt", [f"LA_00{s[1:]} {f} {c} {middle} {a} {y} notrim eval{more}" for s, f, c, a, y in rows])
        write(f"asvspoof2021.{track}.scores.txt", [f"{f} {x:.4f}" for f, x in zip(files, score, strict=True)])
        person, machine = score[label == "bonafide"], score[label == "spoof"]
        model = costs | dict(Cmiss=1, Cfa=10, Cfa_spoof=10)
        curve, _ = of_2021.compute_tDCF(person, machine, fa, miss, fa_spoof, model, False)
        official.append(dict(
            key=f"asvspoof2021.{track}.key.txt", scores=f"asvspoof2021.{track}.scores.txt",
            source="eval_metrics.py of the evaluation package of ASVspoof 2021 (9b33f5e): compute_eer, compute_tDCF",
            asv=dict(false_alarm=fa, miss=miss, spoof_accepted=fa_spoof), legacy=False,
            figures=dict(eer=of_2021.compute_eer(person, machine)[0], min_t_dcf=curve.min()),
            by_attack={a: of_2021.compute_eer(person, score[attack == a])[0] for a in ("A07", "A11", "A17")},
            by_attack_and_codec={
                f"{a} + {c}": of_2021.compute_eer(score[(label == "bonafide") & (codec == c)], score[(attack == a) & (codec == c)])[0]
                for a in ("A07", "A11", "A17") for c in ("none", "alaw", "gsm")
            },
        ))

    # 5: track 1's four figures; the key of the package and the protocol's.
    of_5 = load(arguments.asvspoof5, "calculate_modules")
    score, label, attack, speaker, codec = draw(5, 3)
    files = [f"E_{n:010d}" for n in range(len(score))]
    write("asvspoof5.key.tsv", ["filename\tcm-label", *(f"{f}\t{y}" for f, y in zip(files, label, strict=True))])
    write("asvspoof5.protocol.tsv", [
        f"E_00{s[1:]} {f} F {c} 2 - {'-' if a == '-' else 'AC3'} {'bonafide' if a == '-' else a} {y} -"
        for s, f, c, a, y in zip(speaker, files, codec, attack, label, strict=True)
    ])
    write("asvspoof5.scores.tsv", ["filename\tcm-score", *(f"{f}\t{x:.3f}" for f, x in zip(files, score, strict=True))])
    person, machine = score[label == "bonafide"], score[label == "spoof"]
    eer, frr, far, thresholds, _ = of_5.compute_eer(person, machine)
    for key in ("asvspoof5.key.tsv", "asvspoof5.protocol.tsv"):
        official.append(dict(
            key=key, scores="asvspoof5.scores.tsv",
            source="calculate_modules.py of the evaluation package of ASVspoof 5 (fe23d30)",
            figures=dict(
                eer=eer, min_dcf=of_5.compute_mindcf(frr, far, thresholds, 0.05, 1, 10)[0],
                act_dcf=of_5.compute_actDCF(person, machine, 0.05, 1, 10)[0], cllr=of_5.calculate_CLLR(person, machine),
            ),
        ))
    text = json.dumps(official, indent=1, default=float)
    (HERE / "official.json").write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
