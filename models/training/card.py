"""The model card, models/<name>/README.md, from the run's own numbers."""
import json

import scoring
from evaluate import POOLED, UNSEEN
from export import read_manifest

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
    rows = [[m["label"], m["from"], m["clips"], f"{m['hours']:.2f}", m["systems"] if m["label"] == "spoof" else "–", m["sources"],
             ", ".join(f"{k} {v}" for k, v in m["licences"].items())] for m in material]
    return table(["label", "from", "clips", "hours", "systems", "sources", "licences (clips)"], rows)


def figure_table(figures):
    by = {(e["condition"], e["metric"]): e for e in figures}
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

{peer_table(manifest['name'], manifest['figures'], peers)}

AASIST and AASIST-L are the published ASVspoof 2019 LA weights, the third was trained on ASVspoof 5; all take 16 kHz audio and were not made for telephone lines. In the condition
*{main}* this model is, by {standing}. An interval that holds the other's value means that the order may be chance. None of these is good enough to be trusted alone.
"""


CONDITION_COLUMNS = {"eer_percent": "EER pooled, %", "eer_percent_mean_over_systems": "mean over systems, %", "cllr_bits": "Cllr, bits",
                     "false_synthetic_percent": "people called synthetic, %", "true_synthetic_percent": "machines called synthetic, %"}


def condition_table(figures, names):
    """What was measured in each of these conditions; nothing where none was."""
    by = {(e["condition"], e["metric"]): e for e in figures}
    names = [name for name in names if (name, "eer_percent") in by]
    columns = [metric for metric in CONDITION_COLUMNS if any((name, metric) in by for name in names)]
    rows = [[name, *(with_interval(by[name, metric]) if (name, metric) in by else "" for metric in columns),
             f"{by[name, 'eer_percent']['n_bonafide']} / {by[name, 'eer_percent']['n_spoof']}"] for name in names]
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


def durations(figures, name):
    """The section on longer clips, which the full build of dev holds; without it a sentence that says so."""
    measured = condition_table(figures, scoring.DURATIONS)
    if not measured:
        return "### By duration\n\n1, 2 and 4 s stand above; how it fares on 10 s was not measured: the clips of `dev` end at 4.2 s. Calls of up to a minute: `docs/live`.\n\n"
    return f"""### By duration

{measured}

1, 2 and 4 s stand above. These are longer clips of the full build of `dev`, from fewer sources and systems, through the phone line; so each length is set against 4 s of the same clips. Too
few recordings last 30 s; how the verdict grows over calls that were strung together from shorter ones stands in `docs/live/{name}.md`.

"""


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


def write(config, out, run, log=print):
    """README.md and reliability.png of the model, from its manifest and what the run measured."""
    manifest, results, material, members = (read_manifest(out), *(json.loads((run / f"{n}.json").read_text()) for n in ("results", "material", "members")))
    i, d, c = manifest["input"], manifest["decision"], manifest["calibration"]
    rate, main = i["sample_rate_hz"], scoring.main_condition(config)
    by = {(e["condition"], e["metric"]): e for e in manifest["figures"]}
    here = {m: e for (condition, m), e in by.items() if condition == main}
    if "eer_percent" not in here:
        raise SystemExit(f"card: there is no error rate in the condition '{main}', most clips had no score")
    cllr = json.loads((run / "calibration.json").read_text())["cllr_left_out"]
    unseen, three, clips = UNSEEN.format(main), f"{main}, {POOLED}", results["dev"]
    noise = results["noise"]
    answered = sum(n for decision, n in noise["decisions"].items() if decision != "inconclusive")
    reliability_plot(results["reliability"][main], out / "reliability.png", f"{manifest['name']} {manifest['version']}, {main}")
    costs = config["calibration"]
    text = f"""# {manifest['name']} {manifest['version']}

{manifest['description']}. It says whether a voice is a person's own or machine-made: text-to-speech, voice conversion, a vocoder or a neural codec.
**It is wrong often**: at equal error rates it errs on {here['eer_percent']['value']:.0f} of 100 clips of 4 s from recordings, voices and mostly machines that it never heard. Do not rest a
decision about a person on it.

- Input: {rate} Hz, windows of {i['window_samples'] / rate:g} s of speech, {described(i['features'])}. Audio of a higher rate is brought down to it.
- Output: a natural-log likelihood ratio, **positive = synthetic**, 0 = undecided: llr = {c['scale']} × (logit spoof − logit bonafide) + {c['offset']}; and a novelty, by which {config['calibration']['novel_share']:.1%} of the
  training windows are unlike training.
- Decision: `synthetic` from {d['synthetic_llr']} on, `bonafide` down from {d['bonafide_llr']}, else `inconclusive`: what costs the least at a prior of {costs['prior']} where a false answer costs 1 ({costs['cost_false_synthetic']:g} for a false `synthetic`,
  {costs['cost_false_bonafide']:g} for a false `bonafide`) and no answer {costs['cost_inconclusive']:g} (Chow 1970). The thresholds follow from the costs and the calibration, and were not tuned on error rates.
- {sum(m['parameters'] for m in members):,} parameters, {(out / 'model.onnx').stat().st_size / 1e6:.2f} MB. Licence of the weights: {manifest['licence']}.

## Figures

On the {clips['bonafide'] + clips['spoof']:,} clips of the corpus's `dev` ({clips['sources']} sources of real speech, {clips['systems']} systems; other repositories than in training), through the library's own streaming path. In brackets the 95 % interval of a bootstrap over systems and sources.
`dev` also served to choose between configurations and to calibrate, so the figures are a little kinder than a fresh set would be.
Not all of it is unheard: {results['overlap']} of the systems share their name with one in training (another checkpoint, another page), and readers of public sets, LJSpeech above all, speak in both halves. On
the systems whose name is new the pooled EER is {told(by, unseen, 'eer_percent')} %, the mean over systems {told(by, unseen, 'eer_percent_mean_over_systems')} %. The mean score of
{POOLED} gives an EER of {told(by, three, 'eer_percent')} %{trials(by, three)}.

{figure_table(manifest['figures'])}

Conditions: {'; '.join(f'*{k}*: {v}' for k, (v, _) in scoring.CONDITIONS.items())}. Clips are 4.2 s at most, and shorter where a speaker paused. A clip
without a score counts as 0, undecided, in every figure; where most clips have none, only the shares are given. With whole systems and sources left out of the fit, Cllr is {cllr:.2f} bits in the condition *{main}* (an
answer of "don't know" each time costs 1). The calibration was fitted on these lines: {fitted_on(scoring.lines(config))}. minDCF and actDCF: prior of a spoof 0.05, rejecting a person costs 1, accepting a spoof 10; 1 is what the better of the two blind answers costs.

![reliability](reliability.png)

### By codec and noise

{condition_table(manifest['figures'], [*scoring.CODECS, *scoring.LINES])}

The same clips. The 16 kHz codecs are scored at 16 kHz{', brought down to the 8 kHz of the model' if rate == 8000 else ''}, the others at 8 kHz{', which this model was not made for: it reports `narrow_band`' if rate == 16000 else ''}.

{durations(manifest['figures'], manifest['name'])}### By language

{table(['language', 'EER, %', 'human clips', 'synthetic clips'], [[name, f'{value:.0f}', real, fake] for name, value, real, fake in results['languages'][main]])}

Languages with at least 10 clips of either kind, each on its own clips. The sex of the speakers is not known to the corpus.

{beside(manifest, results['peers'], here, main)}
## Where it fails

The systems that escape most often (EER of their clips against all real clips, condition *{main}*, systems with at least 3 clips):

{worst_table(results['worst'][main]['systems'], 'system')}

Above 50 % a system's clips look more human to the model than human ones do. The sources of real speech most often taken for synthetic (EER of their clips against all synthetic clips):

{worst_table(results['worst'][main]['sources'], 'source')}

- Real recordings from demonstration pages of synthesisers, mostly studio speech, are among its hardest human voices; vocoders fed with real speech its hardest machines.
- Speech restored, or coded by a neural codec (Lyra, EnCodec), counts as synthetic, though the words may be a person's own.
- Of {sum(noise['decisions'].values())} recordings without speech (noises, coughs, music; training mixed most of them under voices) {answered} got a verdict all the same; {noise['reasons'].get('unlike_training', 0)} were found unlike anything in training.
- Less than {i['min_speech_samples'] / rate:g} s of voice is not judged at all.
- Languages other than English are few in training and in `dev`; children, ill and very old voices are all but missing.
- It knows nothing of attacks that adapt to it.

## Not for

Blocking a caller, accusing a person, evidence in court, or any decision that no human reviews. Not a proof that a voice is genuine: a `bonafide` answer
only says that nothing was found. Not for music, singing or whispering.

## Data

{data_table(material['clips'])}

`train` of the corpus{"'s full build" if material['full'] else ''}, without the clips whose repository states no licence and without every source that also has clips in `dev`; `engine` are sentences spoken by espeak-ng, flite, festival, hibari and Kokoro, as far as they were installed; `twin` are real clips passed through
{', '.join(material['twins'])}. Noise: environmental clips and coloured noise at {config['channels']['noise_snr_db'][0]:.0f}–{config['channels']['noise_snr_db'][1]:.0f} dB; recordings under a no-derivatives licence were left out. Most of the
noise is ESC-10 (CC BY clips of a collection that is CC BY-NC as a whole), most of the room responses come from a GPL-3.0 collection of responses under free licences. Nothing of the data is shipped.

## Training

{'; '.join(f"`{m['member']}`: network `{m['network']}`, {m['steps']} steps, {m['minutes']:.0f} minutes" for m in members)}, that is, on one core, some {sum(m['minutes'] for m in members) / 60 * WATTS_OF_A_CORE:.0f} Wh at an assumed {WATTS_OF_A_CORE} W a core; data and trials cost several
times as much. Both classes pass the same random channels: codecs ({', '.join(n for n in material['copies'] if n not in ('slower', 'faster'))}), rooms, noise, equalisers, band edges, levels,
gain control, soft clipping, G.711 A-law and mu-law, tandems, packet loss with concealment; {config['channels']['plain']:.0%} of the windows only an equaliser, a band, a level{' and G.711' if rate == 8000 else ''}. Every number stands in `models/training/{manifest['name']}.toml`; what else was tried is in `models/training/README.md`. {config['model']['note']}

## To reproduce

    python models/training/run.py models/training/{manifest['name']}.toml --corpus DIR --full DIR --long DIR --cache DIR
    python models/training/evaluate.py models/{manifest['name']} --corpus DIR --long DIR

The first trains and writes this folder; the second measures it again and compares with the manifest.
"""
    part = out / "README.md.part"
    part.write_text(text)
    part.rename(out / "README.md")
    log(f"card: {out / 'README.md'}")
