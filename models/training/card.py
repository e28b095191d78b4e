"""The model card, models/<name>/README.md, from the run's own numbers."""
import json

import numpy as np

import scoring
from evaluate import DURATIONS, FEWEST_WORST, KINDS, LONG_SECONDS, PAGES, POOLED, TELEPHONE, UNSEEN, YEARS
from manifest import read_manifest

WATTS_OF_A_CORE = 8      # a guess: a server processor's power by its cores

METRICS = {
    "eer_percent": "EER pooled, %", "eer_percent_mean_over_systems": "EER, mean over systems, %",
    "auc_inside_pages": "AUC inside pages", "cllr_bits": "Cllr, bits", "min_cllr_bits": "minCllr, bits", "min_dcf": "minDCF", "act_dcf": "actDCF",
    "eer_percent_tts": "EER text-to-speech, %", "eer_percent_vc": "EER voice conversion, %",
    "eer_percent_vocoder": "EER vocoders, %", "eer_percent_codec": "EER neural codecs, %",
    "false_synthetic_percent": "human voices called synthetic, %", "false_bonafide_percent": "synthetic voices called human, %",
    "true_synthetic_percent": "synthetic voices called synthetic, %", "true_bonafide_percent": "human voices called human, %",
    "inconclusive_percent": "no verdict, %", "too_little_speech_percent": "no score: too little speech, %",
    "unlike_training_percent": "no verdict: unlike anything in training, %",
}


def table(head, rows):
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    return "\n".join(lines + ["| " + " | ".join(str(v) for v in row) + " |" for row in rows])


def with_interval(e):
    digits = 1 if "percent" in e["metric"] else 2
    return f"{e['value']:.{digits}f} ({e['low']:.{digits}f}–{e['high']:.{digits}f})"


def data_table(material):
    rows = [[label, m["clips"], f"{m['hours']:.1f}", m["pages"], m["systems"] if label == "spoof" else "–", ", ".join(f"{k} {v}" for k, v in m["kinds"].items()), m["unstated_clips"]]
            for label, m in ((label, material[label]) for label in ("bonafide", "spoof"))]
    return table(["label", "clips", "hours", "repositories", "systems", "kinds (clips)", "clips without a stated licence"], rows)


def figure_table(figures):
    by = {(e["condition"], e["metric"]): e for e in figures if e["set"] == "dev"}
    rows = []
    for metric, words in METRICS.items():
        cells = [by.get((condition, metric)) for condition in scoring.CONDITIONS]
        if any(cells):
            first = next(c for c in cells if c)
            rows.append([words, *[with_interval(c) if c else "" for c in cells], f"{first['n_bonafide']} / {first['n_spoof']}"])
    return table(["", *scoring.CONDITIONS, "human / synthetic trials"], rows)


def peer_table(name, figures, peers):
    metrics = ["eer_percent", "eer_percent_mean_over_systems", "auc_inside_pages", "eer_percent_tts", "eer_percent_vc", "eer_percent_vocoder"]
    rows = []
    for condition in ("phone", "as is"):
        for who, entries in [(f"**{name}**", figures), *peers.items()]:
            by = {e["metric"]: e for e in entries if e["condition"] == condition}
            rows.append([condition, who, *[with_interval(by[m]) if m in by else "–" for m in metrics]])
    return table(["condition", "detector", *[METRICS[m].removeprefix("EER ") for m in metrics]], rows)


COMPARED = {"eer_percent": "the pooled EER", "eer_percent_mean_over_systems": "the mean over systems", "auc_inside_pages": "the AUC inside pages",
            "eer_percent_vc": "the EER on voice conversion"}


def compared(peers, mine, condition, metric):
    """Who is ahead and who behind by one figure."""
    theirs = {name: next(e["value"] for e in entries if e["condition"] == condition and e["metric"] == metric) for name, entries in peers.items()}
    better = (lambda v: v > mine[metric]["value"]) if metric.startswith("auc") else (lambda v: v < mine[metric]["value"])
    behind = [n for n, v in theirs.items() if better(v)]
    ahead = [n for n in theirs if n not in behind]
    parts = ["ahead of " + ", ".join(ahead)] * bool(ahead) + ["**behind " + ", ".join(behind) + "**"] * bool(behind)
    return f"{COMPARED[metric]}, " + " and ".join(parts)


def told(by, condition, metric):
    return with_interval(by[condition, metric]) if (condition, metric) in by else "not measured, for want of trials,"


def trials(by, condition):
    e = by.get((condition, "eer_percent"))
    return f" ({e['n_bonafide']} human and {e['n_spoof']} synthetic trials)" if e else ""


def beside(manifest, peers, here, main):
    """The section on published detectors; none where their scores are not at hand."""
    if not peers:
        return ""
    standing = "; ".join(compared(peers, here, main, metric) for metric in COMPARED if metric in here)
    return f"""### Beside published detectors, on the same clips

{peer_table(manifest['name'], [e for e in manifest['figures'] if e['set'] == 'dev'], peers)}

AASIST and AASIST-L are the published ASVspoof 2019 LA weights, the third was trained on ASVspoof 5; all take 16 kHz audio and were not made for telephone lines. In the condition
*{main}* this model is, by {standing}. An interval that holds the other's value means that the order may be chance. None of these is good enough to be trusted alone.
"""


# Measured by others, on clips that nobody trained or chose on; of the versions before this one.
JUDGED = {
    "phone": "On a set that was kept apart (442 human and 459 synthetic clips of 4 s, mostly zero-shot text-to-speech and voice conversion of 2023 to 2025) version 0.5.0 had an EER of 31.4 %. "
             "This version has not been measured on it; networks trained the same way on half of the pages had 21 to 23 % there. Expect that, not the figures of `dev`.",
    "wide": "On a set that was kept apart (442 human and 459 synthetic clips of 4 s, mostly zero-shot text-to-speech and voice conversion of 2023 to 2025) version 0.4.0 had an EER of 25.5 %. "
            "This version has not been measured on it; networks trained the same way on half of the pages had 15 to 18 % there. Expect that, not the figures of `dev`.",
}
CONDITION_COLUMNS = {"eer_percent": "EER pooled, %", "eer_percent_mean_over_systems": "mean over systems, %", "cllr_bits": "Cllr, bits",
                     "false_synthetic_percent": "people called synthetic, %", "true_synthetic_percent": "machines called synthetic, %", "false_bonafide_percent": "machines called bona fide, %"}


def condition_table(figures, names, of="dev"):
    """What was measured in each of these conditions; nothing where none was."""
    by = {(e["condition"], e["metric"]): e for e in figures if e["set"] == of}
    names = [name for name in names if any((name, metric) in by for metric in CONDITION_COLUMNS)]
    columns = [metric for metric in CONDITION_COLUMNS if any((name, metric) in by for name in names)]

    def trials_of(name):
        own = [by[name, metric] for metric in CONDITION_COLUMNS if (name, metric) in by]
        return f"{max(e['n_bonafide'] for e in own)} / {max(e['n_spoof'] for e in own)}"

    rows = [[name, *(with_interval(by[name, metric]) if (name, metric) in by else "" for metric in columns), trials_of(name)] for name in names]
    return table(["", *(CONDITION_COLUMNS[metric] for metric in columns), "human / synthetic trials"], rows) if rows else ""


def fitted_on(lines):
    """The lines of the calibration in words."""
    return ", ".join(f"*{line}* {share / sum(lines.values()):.0%}" for line, share in lines.items())


def described(features):
    """The features in words."""
    def one(f):
        if f["kind"] == "statistics":
            return f'the statistics "{f["family"]}" of {one(f["of"])}'
        rest = f'normalisation "{f["normalisation"]}"' if "normalisation" in f else f'{f["n_bands"]} bands'
        return f'{f["kind"]} ({f["n_fft"]}-point frames every {f["hop_length"]} samples, {f["f_min_hz"]:.0f}–{f["f_max_hz"]:.0f} Hz, {rest})'
    return " and ".join(one(f) for f in features.get("parts", [features]))


def judged(name):
    """What another set said of the models before these, until one says the same of these."""
    return JUDGED.get(name, "")


def worst_table(rows, what):
    return table([what, "EER, %", "clips"], [[name.removeprefix("github:"), f"{value:.0f}", n] for value, name, n in rows])


def reliability_plot(points, path, title):
    """Predicted probability against what was true, as a picture: on the diagonal the ratios mean what they say."""
    import matplotlib
    matplotlib.use("Agg")
    from matplotlib import pyplot
    figure, axes = pyplot.subplots(figsize=(4.2, 4.0), layout="constrained")
    axes.plot([0, 1], [0, 1], color="0.6", linewidth=1, label="as it should be")
    axes.plot([p for p, *_ in points], [t for _, t, _ in points], marker="o", color="tab:blue", label=f"{sum(n for *_, n in points)} clips of dev, in {len(points)} bins")
    axes.set(xlim=(0, 1), ylim=(0, 1), xlabel="probability of synthetic, as said (even odds)", ylabel="share that was synthetic", title=title)
    axes.grid(alpha=0.3)
    axes.legend(loc="upper left", fontsize=8)
    part = path.with_name(path.name + ".part")
    figure.savefig(part, format="png", dpi=110, metadata={"Software": None})
    pyplot.close(figure)
    part.rename(path)


def kinds_table(by, main):
    """The new pages by kind of machine."""
    rows = [[METRICS[f"eer_percent_{kind}"].removeprefix("EER ").removesuffix(", %"), with_interval(by[main, f"eer_percent_{kind}"]), by[main, f"eer_percent_{kind}"]["n_spoof"]]
            for kind in KINDS if (main, f"eer_percent_{kind}") in by]
    return table(["kind", "EER, %", "synthetic clips"], rows)


def newest(manifest, results, main):
    """The section on the pages of the full build's dev."""
    by = {(e["condition"], e["metric"]): e for e in manifest["figures"] if e["set"] == PAGES}
    if (main, "eer_percent") not in by:
        return ""
    n, told_here = results["pages"], lambda metric: with_interval(by[main, metric]) if (main, metric) in by else "–"
    years = [f"{main}, systems of {words}" for words, _, _ in YEARS]
    spread = sorted(value for value, *_ in results["by_page"])
    durations = condition_table(manifest["figures"], [f"{main}, {seconds} s of one voice" for seconds in (*DURATIONS, LONG_SECONDS)], PAGES)
    telephone = {e["condition"]: e for e in manifest["figures"] if e["metric"] == "false_synthetic_percent" and e["condition"].startswith(TELEPHONE)}
    phones = ""
    if telephone:
        clip, call = telephone[TELEPHONE], telephone[f"{TELEPHONE}, whole"]
        found = "; ".join(f"{METRICS[f'eer_percent_{kind}'].removeprefix('EER ').removesuffix(', %')} {share:.0f} % of {count}" for kind, (share, count) in results["telephone"]["found"].items())
        phones = f"""### People on real telephone lines

{results['telephone']['clips']} clips of {results['telephone']['calls']} genuine calls, land lines and mobiles, American English, of people who are not in training, though other calls of the same collection are: {with_interval(clip)} % of the clips were called synthetic, and {with_interval(call)} % of
the {call['n_bonafide']} calls, each strung together. At the score that 1 % of those clips reach, the machines of the new pages, in the condition *{main}*, are found in these shares: {found}.

"""
    return f"""## The newest machines

{n['pages']} demonstration pages of 2018 to 2026 that were not trained on (of {n['owners_in_training']} of them another page of the same owner was), {n['systems']} systems: {n['bonafide']:,} human and {n['spoof']:,} synthetic clips, the first 4 s of each, condition *{main}*, through the library's own streaming path. In
brackets the 95 % interval of a bootstrap over systems and sources.

| EER pooled, % | mean over systems, % | AUC inside pages | Cllr, bits | people called synthetic, % | machines called synthetic, % | machines called bona fide, % | no verdict, % |
|---|---|---|---|---|---|---|---|
| {' | '.join(told_here(m) for m in ('eer_percent', 'eer_percent_mean_over_systems', 'auc_inside_pages', 'cllr_bits', 'false_synthetic_percent', 'true_synthetic_percent', 'false_bonafide_percent', 'inconclusive_percent'))} |

Inside a page the EER is {np.median(spread):.0f} % in the median of {len(spread)} pages with at least 5 clips of both; a quarter of them lie above {np.quantile(spread, 0.75):.0f} %, a quarter under {np.quantile(spread, 0.25):.0f} %.

{condition_table(manifest['figures'], years, PAGES)}

The year of a system is that of the first commit of the first page that lets one hear it. Each row against all people.

{kinds_table(by, main)}

### By seconds of one voice

{durations or 'Too few voices speak so long.'}

Clips of one voice strung together, cut after so many seconds, the same voices in each row but that of a minute, for which fewer say enough: machines of the new pages, and people of all sources of `dev`, at most four of one source.

{phones}{judged(manifest['name'])}

"""


def write(config, out, run, log=print):
    """README.md and reliability.png of the model, from its manifest and what the run measured."""
    manifest, results, material, members = (read_manifest(out), *(json.loads((run / f"{n}.json").read_text()) for n in ("results", "material", "members")))
    i, d, c = manifest["input"], manifest["decision"], manifest["calibration"]
    rate, main = i["sample_rate_hz"], scoring.main_condition(config)
    by = {(e["condition"], e["metric"]): e for e in manifest["figures"] if e["set"] == "dev"}
    here = {m: e for (condition, m), e in by.items() if condition == main}
    if "eer_percent" not in here:
        raise SystemExit(f"card: there is no error rate in the condition '{main}', most clips had no score")
    cllr = json.loads((run / "calibration.json").read_text())["cllr_left_out"]
    errs = next(e["value"] for e in manifest["figures"] if e["condition"] == main and e["metric"] == "eer_percent")      # the new pages' stand first
    unseen, three, clips = UNSEEN.format(main), f"{main}, {POOLED}", results["dev"]
    noise = results["noise"]
    answered = sum(n for decision, n in noise["decisions"].items() if decision != "inconclusive")
    reliability_plot(results["reliability"], out / "reliability.png", f"{manifest['name']} {manifest['version']}, {main}")
    costs = config["calibration"]
    worst_of = "the new pages" if "pages" in results else None
    languages = f"""### By language

{table(['language', 'EER, %', 'human clips', 'synthetic clips'], [[name, f'{value:.0f}', real, fake] for name, value, real, fake in results.get('languages', [])])}

Languages of the new pages with at least 10 clips of either kind, each on its own clips. The sex of the speakers is not known to the corpus.

""" if results.get("languages") else ""
    text = f"""# {manifest['name']} {manifest['version']}

{manifest['description']}. It says whether a voice is a person's own or machine-made: text-to-speech, voice conversion, a vocoder or a neural codec.
**It is wrong often**: at equal error rates it errs on {errs:.0f} of 100 clips of 4 s from recordings, voices and mostly machines that it never heard. Do not rest a
decision about a person on it.

- Input: {rate} Hz, windows of {i['window_samples'] / rate:g} s of speech, {described(i['features'])}. Audio of a higher rate is brought down to it.
- Output: a natural-log likelihood ratio, **positive = synthetic**, 0 = undecided: llr = {c['scale']} × (logit spoof − logit bonafide) + {c['offset']}; and a novelty, by which {config['calibration']['novel_share']:.1%} of the
  training windows are unlike training.
- Decision: `synthetic` from {d['synthetic_llr']} on, `bonafide` down from {d['bonafide_llr']}, else `inconclusive`: what costs the least at a prior of {costs['prior']} where a false `synthetic` costs {costs['cost_false_synthetic']:g},
  a false `bonafide` {costs['cost_false_bonafide']:g} and no answer {costs['cost_inconclusive']:g} (Chow 1970). The costs were set with the shares
  below in view: few people called synthetic on telephone lines, and `bonafide` hard to get.
- {members['parameters']:,} parameters, {(out / 'model.onnx').stat().st_size / 1e6:.2f} MB. Licence of the weights: {manifest['licence']}.

{newest(manifest, results, main)}## Older machines, codecs and noise

On the {clips['bonafide'] + clips['spoof']:,} clips of the corpus's folder `dev` ({clips['sources']} sources of real speech, {clips['systems']} systems, most of them of 2022 or before; other repositories than in training), likewise.
`dev`, old pages and new, also served to choose between configurations and to calibrate, so the figures are a little kinder than a fresh set would be.
Not all of it is unheard: {results['overlap']} of the systems share their name with one in training (another checkpoint, another page), and readers of public sets, LJSpeech above all, speak in both halves. On
the systems whose name is new the pooled EER is {told(by, unseen, 'eer_percent')} %, the mean over systems {told(by, unseen, 'eer_percent_mean_over_systems')} %. The mean score of
{POOLED} gives an EER of {told(by, three, 'eer_percent')} %{trials(by, three)}.

{figure_table(manifest['figures'])}

Conditions: {'; '.join(f'*{k}*: {v}' for k, (v, *_) in scoring.CONDITIONS.items())}. Clips are 4.2 s at most, and shorter where a speaker paused. A clip
without a score counts as 0, undecided, in every figure; where most clips have none, only the shares are given. With whole systems and sources left out of the fit, Cllr is {cllr:.2f} bits in the condition *{main}* (an
answer of "don't know" each time costs 1). The calibration was fitted on these lines: {fitted_on(scoring.calibration_lines(config))}. minDCF and actDCF: prior of a spoof 0.05, rejecting a person costs 1, accepting a spoof 10; 1 is what the better of the two blind answers costs.

![reliability](reliability.png)

### By codec and noise

{condition_table(manifest['figures'], [*scoring.CODECS, *scoring.LINES])}

The same clips. The 16 kHz codecs are scored at 16 kHz{', brought down to the 8 kHz of the model' if rate == 8000 else ''}, the others at 8 kHz{', which this model was not made for: it reports `narrow_band`' if rate == 16000 else ''}.

{languages}{beside(manifest, results['peers'], here, main)}
## Where it fails

{fails(results, main, worst_of)}- Real recordings from demonstration pages of synthesisers, mostly studio speech, are among its hardest human voices; vocoders fed with real speech its hardest machines.
- Speech restored, or coded by a neural codec (Lyra, EnCodec), counts as synthetic, though the words may be a person's own.
- Of {sum(noise['decisions'].values())} recordings without speech (noises, coughs, music) {answered} got a verdict all the same; {noise['reasons'].get('unlike_training', 0)} were found unlike anything in training.
- Less than {i['min_speech_samples'] / rate:g} s of voice is not judged at all.
- Few of the synthetic clips speak another language than English, Mandarin, Japanese or Korean; children, ill and very old voices are all but missing.
- It knows nothing of attacks that adapt to it.

## Not for

Blocking a caller, accusing a person, evidence in court, or any decision that no human reviews. Not a proof that a voice is genuine: a `bonafide` answer
only says that nothing was found. Not for music, singing or whispering.

## Data

{data_table(material)}

`train` of the corpus{"'s full build" if material['full'] else ''}: {material['pages']['all']} repositories, {material['pages']['both']} of them with both classes, without every source that also has clips in `dev` and without {material['repeated']:,} clips whose recording `dev` holds too (found by envelope). Labels were checked
by scoring each owner's pages with networks trained on other owners'; what is left out stands in `models/training/left_out.tsv`.
**{material['pages']['unstated']} of these repositories, with {material['bonafide']['unstated_clips'] + material['spoof']['unstated_clips']:,} clips, state no licence.** They were learnt from; nothing of the data is shipped.

## Training

{trained_as(members)} Half of the windows are real speech, {config['sampling']['mixed']:.0%} of that from repositories that hold both classes; systems and sources are drawn with the square root of their clips. Every number stands in
`models/training/{manifest['name']}.toml`; what else was tried is in `models/training/tried.md`.

## To reproduce

    python models/training/run.py models/training/{manifest['name']}.toml --corpus DIR --full DIR --cache DIR
    python models/training/evaluate.py models/{manifest['name']} --corpus DIR --full DIR

The first trains and writes this folder; the second measures it again and compares with the manifest.
"""
    part = out / "README.md.part"
    part.write_text(text)
    part.rename(out / "README.md")
    log(f"card: {out / 'README.md'}")


def fails(results, main, of):
    """The worst systems and sources."""
    if not of:
        return ""
    return f"""The systems of {of} that escape most often (EER of their clips against all real clips, condition *{main}*, systems with at least {FEWEST_WORST} clips):

{worst_table(results['worst']['systems'], 'system')}

Above 50 % a system's clips look more human to the model than human ones do. The sources of real speech most often taken for synthetic (EER of their clips against all synthetic clips):

{worst_table(results['worst']['sources'], 'source')}

"""


def trained_as(members):
    """The networks in words."""
    minutes = sum(m["minutes"] for m in members["networks"])
    named = ", ".join(f"`{m['network']}` ({m['sizes'][0]} and {m['sizes'][1]} units)" for m in members["networks"])
    return (f"Small networks of two layers on the statistics, {members['networks'][0]['steps']} steps each: {named}. {minutes:.0f} minutes on one core, some {WATTS_OF_A_CORE * minutes / 60:.1g} Wh at an assumed "
            f"{WATTS_OF_A_CORE} W a core; the statistics, the trials and the gathering of the data cost many times as much.")
