"""The model card, models/<name>/README.md, from the run's own numbers."""
import json

import torch

import scoring
from evaluate import UNSEEN
from export import read_manifest

METRICS = {
    "eer_percent": "EER pooled, %", "eer_percent_mean_over_systems": "EER, mean over systems, %",
    "auc_inside_pages": "AUC inside pages", "cllr_bits": "Cllr, bits", "min_dcf": "minDCF",
    "eer_percent_tts": "EER text-to-speech, %", "eer_percent_vc": "EER voice conversion, %",
    "eer_percent_vocoder": "EER vocoders, %", "eer_percent_codec": "EER neural codecs, %",
    "false_synthetic_percent": "human voices called synthetic, %", "false_bonafide_percent": "synthetic voices called human, %",
    "true_synthetic_percent": "synthetic voices called synthetic, %", "true_bonafide_percent": "human voices called human, %",
    "inconclusive_percent": "no verdict, %", "too_little_speech_percent": "no score: too little speech, %",
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
            rows.append([condition, who, *[with_interval(by[m]) for m in metrics]])
    return table(["condition", "detector", *[METRICS[m].removeprefix("EER ") for m in metrics]], rows)


COMPARED = {"eer_percent": "the pooled EER", "eer_percent_mean_over_systems": "the mean over systems", "auc_inside_pages": "the AUC inside pages",
            "eer_percent_vc": "the EER on voice conversion"}


def compared(peers, mine, metric):
    """Who is ahead and who behind by one figure of the phone condition."""
    theirs = {name: next(e["value"] for e in entries if e["condition"] == "phone" and e["metric"] == metric) for name, entries in peers.items()}
    better = (lambda v: v > mine[metric]["value"]) if metric.startswith("auc") else (lambda v: v < mine[metric]["value"])
    behind = [n for n, v in theirs.items() if better(v)]
    ahead = [n for n in theirs if n not in behind]
    parts = ["ahead of " + ", ".join(ahead)] * bool(ahead) + ["**behind " + ", ".join(behind) + "**"] * bool(behind)
    return f"{COMPARED[metric]}, " + " and ".join(parts)


def worst_table(rows, what):
    return table([what, "EER, %", "clips"], [[name.removeprefix("github:"), f"{value:.0f}", n] for value, name, n in rows])


def write(config, out, run, corpus_folder, log=print):
    manifest, results = read_manifest(out), json.loads((run / "results.json").read_text())
    material = json.loads((run / "material.json").read_text())
    state = torch.load(run / "checkpoint.pt", map_location="cpu", weights_only=False)
    f, d, c = manifest["input"]["features"], manifest["decision"], manifest["calibration"]
    by = {(e["condition"], e["metric"]): e for e in manifest["figures"]}
    phone = {m: by["phone", m] for (condition, m) in by if condition == "phone"}
    standing = "; ".join(compared(results["peers"], phone, metric) for metric in COMPARED)
    held_out = (run / "calibration.json")
    cllr = json.loads(held_out.read_text())["cllr_left_out"] if held_out.exists() else float("nan")
    text = f"""# {manifest['name']} {manifest['version']}

A small convolutional network that says whether a voice on a telephone line is a person's own or machine-made: text-to-speech, voice
conversion, a vocoder or a neural codec. It is the project's first model, trained on a few hours of speech, and **it is wrong often**: at equal
error rates it errs on {phone['eer_percent']['value']:.0f} of 100 clips of 4 s from other recordings, mostly of voices and machines that it never heard. Do not rest a decision about a person on it.

- Input: {manifest['input']['sample_rate_hz']} Hz, windows of {manifest['input']['window_samples'] / manifest['input']['sample_rate_hz']:g} s of speech, {f['kind']} ({f['n_fft']}-point frames every {f['hop_length']} samples, {f['f_min_hz']:.0f}–{f['f_max_hz']:.0f} Hz, normalisation "{f['normalisation']}"). Wider audio is brought down to 8 kHz.
- Output: a natural-log likelihood ratio, **positive = synthetic**, 0 = undecided: llr = {c['scale']} × (logit spoof − logit bonafide) + {c['offset']}.
- Decision: `synthetic` from {d['synthetic_llr']} on, `bonafide` down from {d['bonafide_llr']}, else `inconclusive`. The thresholds were set on `dev`, phone condition, to about 5 % of either false answer; on other audio expect more.
- {sum(p.numel() for k, p in state['average'].items() if 'running' not in k and 'tracked' not in k):,} parameters, {(out / 'model.onnx').stat().st_size / 1e6:.2f} MB. Licence of the weights: {manifest['licence']}.

## Figures

On the 1,040 clips of the corpus's `dev` (63 sources of real speech, 112 systems; other repositories than in training), through the library's own streaming path. In brackets the 95 % interval of a bootstrap over systems and sources.
`dev` also served to choose between a few configurations, to calibrate and to set the thresholds, so the figures are a little kinder than a fresh set would be.
Not all of it is unheard: {results['overlap']} of the 112 systems share their name with one in training (another checkpoint, another page), and the reader of LJSpeech speaks in both halves. On
the systems whose name is new the pooled EER is {with_interval(by[UNSEEN, 'eer_percent'])} %, the mean over systems {with_interval(by[UNSEEN, 'eer_percent_mean_over_systems'])} %.

{figure_table(manifest['figures'])}

Conditions: {'; '.join(f'*{k}*: {v}' for k, v in scoring.CONDITIONS.items())}. Clips are 4.2 s at most, and shorter where a speaker paused. A clip
without a score counts as 0, undecided, in every figure; where most clips have none, only the shares are given. With whole systems and sources left out of the fit, Cllr is {cllr:.2f} bits in the phone condition (an
answer of "don't know" each time costs 1). minDCF: prior of a spoof 0.05, a false alarm costs 1, a miss 10.

### Beside published detectors, on the same clips

{peer_table(manifest['name'], manifest['figures'], results['peers'])}

AASIST and AASIST-L are the published ASVspoof 2019 LA weights, the third was trained on ASVspoof 5; all take 16 kHz audio and were not made for telephone lines. In the phone
condition this model is, by {standing}. An interval that holds the other's value means that the order may be chance. None of these is good enough to be trusted alone.

## Where it fails

The systems that escape most often (EER of their clips against all real clips, phone condition, systems with at least 3 clips):

{worst_table(results['worst']['systems'], 'system')}

Above 50 % a system's clips look more human to the model than human ones do. The sources of real speech most often taken for synthetic (EER of their clips against all synthetic clips):

{worst_table(results['worst']['sources'], 'source')}

- Real recordings from demonstration pages of synthesisers, mostly studio speech, are among its hardest human voices; vocoders fed with real speech its hardest machines.
- Speech restored, or coded by a neural codec (Lyra, EnCodec), counts as synthetic, though the words may be a person's own.
- How it fares on calls longer than 4 s is not known: `dev` has none. Less than {manifest['input']['min_speech_samples'] / manifest['input']['sample_rate_hz']:g} s of voice is not judged at all.
- Languages other than English are few in training and in `dev`; children, ill and very old voices are all but missing.
- It knows nothing of attacks that adapt to it.

## Not for

Blocking a caller, accusing a person, evidence in court, or any decision that no human reviews. Not a proof that a voice is genuine: a `bonafide` answer
only says that nothing was found. Not for music, singing or whispering.

## Data

{data_table(material)}

`train` of the corpus, without the clips whose repository states no licence; `engine` are sentences spoken by espeak-ng, flite and festival; `twin` are real clips passed through
HiFi-GAN, Lyra and Griffin-Lim. Noise: environmental clips and coloured noise at {config['channels']['noise_snr_db'][0]:.0f}–{config['channels']['noise_snr_db'][1]:.0f} dB; recordings under a no-derivatives licence were left out. Most of the
noise is ESC-10 (CC BY clips of a collection that is CC BY-NC as a whole), most of the room responses come from a GPL-3.0 collection of responses under free licences. Nothing of the data is shipped.

## Training

Half of the draws are real, half of those from pages that also hold synthetic clips; synthetic draws go by system. Both classes pass the same random telephone channels: GSM, AMR,
Opus, MP3, Speex and G.726 variants, rooms, noise, equalisers, band edges, levels, soft clipping, G.711 A-law and mu-law, tandems, packet loss. AdamW, mixup, label smoothing, time and
frequency masks, averaged weights; {state['step']} steps of up to {config['training']['batch']} windows, {state['spent'] / 60:.0f} minutes on two CPU cores shared with other work. Every number stands in
`models/training/{config['model']['name']}.toml`; what else was tried is in `models/training/README.md`.

## To reproduce

    python models/training/run.py models/training/{config['model']['name']}.toml --corpus DIR --cache DIR
    python models/training/evaluate.py models/{config['model']['name']} --corpus DIR

The first trains and writes this folder; the second measures it again and compares with the manifest.
"""
    (out / "README.md").write_text(text)
    log(f"card: {out / 'README.md'}")
