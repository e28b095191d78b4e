#!/usr/bin/env python3
"""How soon, and how surely, a call is judged while it goes on: calls assembled from `dev`, through phone channels, watched live.

    python models/training/calls.py models/phone --corpus DIR --out docs/live

writes OUT.json with every figure, OUT.md with the tables and OUT.png with the plots. Clips of one speaker, or of one voice of a system,
are strung together with short pauses to calls of up to a minute; a call has one line of the calibration from end to end, and no clip twice. A
system speaks with several voices of its own where the index does not tell them apart. The thresholds are those of the model's manifest. What
is compared with the test is the mean of the scores over a fixed length, on calls that last that long, both cut there; each has the threshold
that gives as many false alarms, found on these very calls. The model's calibration was fitted to the small `dev`, whose recordings are among
these: what people are called is a little too good to be true.
"""
import argparse
import dataclasses
import json
import pathlib
import time

import numpy as np
import veravox
from veravox import metrics

import corpus
import dev
import run
import scoring
import vectors

HERE = pathlib.Path(__file__).resolve().parent
LONGEST_SECONDS = 60
SHORTEST_SECONDS = 8
CALLS_PER_SOURCE = 8          # so that no page is most of the calls
TURN_SECONDS = 20             # what the first voice of a call that changes says
TIMES = (3, 4, 6, 8, 12, 20, 30, 40, 60)
FIXED = (4, 8, 16, 32)
FALSE_ALARMS = (0.02, 0.05, 0.1)


@dataclasses.dataclass
class Watched:
    """A call as it was watched: after each score the seconds of speech, and the llr and decision of the verdict; the scores of the windows;
    the seconds of speech when the verdict became firm or the voice changed, with what the voice is."""
    label: str
    source: str
    system: str
    speech: list
    llr: list
    decision: list
    windows: list
    window_speech: list       # seconds of speech by each window
    turns: list
    turned_at: float = 0.0    # seconds of speech of the first voice of a call that changes

    def at(self, seconds, values):
        """The last of these values up to so many seconds of speech; None where the call is shorter."""
        if not self.speech or self.speech[-1] < seconds - 0.5:
            return None
        known = [v for s, v in zip(self.speech, values) if s <= seconds + 0.5]
        return known[-1] if known else None


def voices(clips, rng):
    """`dev.voices` in an order drawn by lot."""
    groups = dev.voices(clips)
    order = sorted(groups)
    rng.shuffle(order)
    return {tuple(key): groups[tuple(key)] for key in order}


def string(clips, rng, seconds, rate):
    """Up to so many seconds of these clips, in order, with pauses; and how many were used."""
    parts, total, n = [], 0.0, 0
    for clip in clips:
        if total >= seconds:
            break
        x = corpus.load(clip.path, rate)
        x = x * (0.1 / max(float(np.sqrt(np.mean(np.square(x)))), 1e-6))
        parts += [x, np.zeros(int(rng.uniform(0.2, 0.6) * rate), np.float32)]
        total, n = total + len(x) / rate, n + 1
    return (np.concatenate(parts) if parts else np.zeros(0, np.float32)), total, n


def plain_calls(groups, rng, rate):
    """(label, source, who, samples) for each voice with enough to say, a few for each source."""
    taken = {}
    for (label, source, who), clips in groups.items():
        if taken.get((label, source), 0) >= CALLS_PER_SOURCE or sum(c.seconds for c in clips) < SHORTEST_SECONDS:
            continue
        taken[label, source] = taken.get((label, source), 0) + 1
        yield label, source, who, string(clips, rng, LONGEST_SECONDS, rate)[0]


def changing_calls(groups, rng, rate):
    """(label of the second voice, source, who, first voice, second voice): a person and a machine after one another, both ways."""
    long = {label: [(key, clips) for key, clips in groups.items() if key[0] == label and sum(c.seconds for c in clips) >= TURN_SECONDS]
            for label in ("bonafide", "spoof")}
    for people, machines in zip(long["bonafide"], long["spoof"]):
        for first, second in ((people, machines), (machines, people)):
            before, after = (string(clips, rng, TURN_SECONDS, rate)[0] for _, clips in (first, second))
            yield second[0][0], second[0][1], second[0][2], before, after


def watch(detector, rate, samples, turn_after=None):
    """Watches a call in packets of 20 ms. `turn_after` samples, another voice speaks."""
    stream = detector.stream(rate)
    out = Watched("", "", "", [], [], [], [], [], [])
    packet = rate // 50
    for start in range(0, len(samples), packet):
        if turn_after is not None and start <= turn_after < start + packet:
            out.turned_at = stream.verdict().speech_seconds
        events = stream.push(samples[start:start + packet])
        for event in events:
            if isinstance(event, veravox.Window):
                if event.reason is None:
                    out.windows.append(event.llr)
                    out.window_speech.append(stream.verdict().speech_seconds)
                continue
            # A person after a machine leaves the leg in doubt; the voice is a person's.
            voice = "bonafide" if event.stage == "changed" and event.reasons == ("mixed_voices",) else event.decision
            if event.stage in ("firm", "changed") and voice != "inconclusive" and (not out.turns or out.turns[-1][1] != voice):
                out.turns.append((event.speech_seconds, voice, event.stage))
        now = stream.verdict() if events else None
        if now is not None and now.llr is not None:
            out.speech.append(now.speech_seconds)
            out.llr.append(now.llr)
            out.decision.append(now.decision)
    return out


def correlation_of(calls):
    """The correlation for which the running llrs cost the least (Cllr), over all calls and times; and the cost at 0, 0.1 ... 1."""
    def cost(correlation):
        llrs = {"bonafide": [], "spoof": []}
        for call in calls:
            test = veravox.SequentialTest(0.5, 50.0, -50.0, correlation)
            for n, llr in enumerate(call.windows):
                test.push(llr, 1.0 if n == 0 else 0.25)
                if n in (0, 4, 8, 16, 32):
                    llrs[call.label].append(test.llr)
        return metrics.cllr(llrs["bonafide"], llrs["spoof"])
    costs = {round(c, 2): cost(c) for c in np.arange(0, 1.01, 0.1)}
    return min(costs, key=costs.get), costs


def over_time(calls, rounds):
    """A row for each time: calls that last as long, EER of the running llr with its interval, and what the verdict is by then."""
    rows = []
    for seconds in TIMES:
        there = [c for c in calls if c.at(seconds, c.llr) is not None]
        real, fake = ([c for c in there if c.label == label] for label in ("bonafide", "spoof"))
        if min(len(real), len(fake)) < 20:
            continue
        scores = [[c.at(seconds, c.llr) for c in group] for group in (real, fake)]
        early = metrics.eer(*([c.at(4, c.llr) or 0.0 for c in group] for group in (real, fake)))
        eer = metrics.Trials(scores[0], [c.source for c in real], scores[1], [c.system for c in fake]).estimate("eer", rounds=rounds)
        shares = {f"{label}_called_{answer}": float(np.mean([c.at(seconds, c.decision) == answer for c in group]))
                  for label, group in (("bonafide", real), ("spoof", fake)) for answer in ("synthetic", "bonafide")}
        rows.append({"speech_seconds": seconds, "bonafide": len(real), "spoof": len(fake), "eer": eer.value, "eer_low": eer.low, "eer_high": eer.high,
                     "eer_of_the_same_calls_at_4_s": early, "scores": scores, **shares})
    return rows


def share_of(k, n):
    """k of n with its 95 % interval (Clopper and Pearson, Biometrika 26, 1934); calls of one page are not independent, so it is too narrow."""
    from scipy.stats import beta
    return {"share": k / max(n, 1), "low": float(beta.ppf(0.025, k, n - k + 1)) if k else 0.0, "high": float(beta.ppf(0.975, k + 1, n - k)) if k < n else 1.0}


def firm(calls, label, decision):
    """Share of the calls of a class that got this firm verdict, and the median seconds of speech until it."""
    times = [next((s for s, d, _ in c.turns if d == decision), None) for c in calls if c.label == label]
    got = [t for t in times if t is not None]
    return {**share_of(len(got), len(times)), "calls": len(times), "median_speech_seconds": float(np.median(got)) if got else None}


def first_crossing(windows, threshold, correlation):
    """Windows until the sequential test says synthetic; None where it never does."""
    test = veravox.SequentialTest(0.5, threshold, -50.0, correlation)
    return next((n for n, llr in enumerate(windows) if test.push(llr, 1.0 if n == 0 else 0.25)), None)


def side_by_side(calls, correlation):
    """For each length, of the calls that last it, and for each share of false alarms: machines that the test finds within it, the median
    seconds until it does, and machines that the mean over the whole length finds. Each threshold is the lowest that at most this share of the
    human calls reach."""
    rows, grid = [], np.arange(0.1, 8.01, 0.05)
    for seconds in FIXED:
        n = seconds - 3                   # windows of 4 s, one more each second
        real, fake = ([c.windows[:n] for c in calls if c.label == label and len(c.windows) >= n] for label in ("bonafide", "spoof"))
        if min(len(real), len(fake)) < 20:
            continue
        crossings = [[[first_crossing(windows, t, correlation) for windows in group] for t in grid] for group in (real, fake)]
        means = [[float(np.mean(windows)) for windows in group] for group in (real, fake)]
        for target in FALSE_ALARMS:
            k = next((k for k, per_call in enumerate(crossings[0]) if np.mean([x is not None for x in per_call]) <= target), len(grid) - 1)
            found = [x for x in crossings[1][k] if x is not None]
            threshold = sorted(means[0], reverse=True)[int(target * len(real))]
            rows.append({"seconds": seconds, "bonafide": len(real), "spoof": len(fake), "false_alarms": target,
                         "sequential": {"detected": len(found) / len(fake), "threshold": float(grid[k]), "median_speech_seconds": float(np.median(found)) + 4 if found else None},
                         "mean": {"detected": float(np.mean(np.array(means[1]) > threshold)), "threshold": threshold}})
    return rows


def changes(calls, decision, mean_threshold):
    """Of calls that turn, whose second voice says at least 12 s and was not taken for what it is before it spoke: how soon it is called what it
    is, and how often the mean of the call from its start says it by then."""
    delays, by_mean = [], []
    for c in calls:
        before = [d for s, d, _ in c.turns if s <= c.turned_at]
        if (before and before[-1] == decision) or not c.speech or c.speech[-1] < c.turned_at + 12:
            continue
        delays.append(next((s - c.turned_at for s, d, _ in c.turns if d == decision and s > c.turned_at), None))
        so_far = [llr for llr, s in zip(c.windows, c.window_speech) if s <= c.turned_at + 12]
        mean = float(np.mean(so_far)) if so_far else 0.0
        by_mean.append(mean >= mean_threshold if decision == "synthetic" else mean <= mean_threshold)
    got = [d for d in delays if d is not None]
    within = {f"within_{t}_s": float(np.mean([d is not None and d <= t for d in delays])) if delays else None for t in (6, 12)}
    return {"calls": len(delays), **within, "median_delay_seconds": float(np.median(got)) if got else None,
            "mean_since_start_within_12_s": float(np.mean(by_mean)) if by_mean else None}


def simulate(model, folder, config, full=None, seed=1, most=None, log=print):
    """The calls, watched: plain ones, and ones that turn."""
    rng = np.random.default_rng(seed)
    detector = veravox.Detector(str(model))
    rate, lines = config["input"]["sample_rate_hz"], scoring.calibration_lines(config)
    groups = voices(dev.folder(folder) + (dev.pages(folder, full) if full else []), rng)
    started, plain, turning = time.time(), [], []

    def on_a_line(samples):
        """After one line of the calibration, as often as its share says."""
        line = list(lines)[rng.choice(len(lines), p=np.array(list(lines.values())) / sum(lines.values()))]
        return np.clip(vectors.after(line, [samples], rate)[0], -1, 1)

    def done(what, calls):
        if len(calls) % 50 == 0:
            log(f"calls: {len(calls)} {what} after {time.time() - started:.0f} s")

    for label, source, who, samples in plain_calls(groups, rng, corpus.RATE):
        call = watch(detector, rate, on_a_line(samples))
        call.label, call.source, call.system = label, source, who
        plain.append(call)
        done("plain", plain)
        if most and len(plain) >= most:
            break
    for label, source, who, before, after in changing_calls(groups, rng, corpus.RATE):
        call = watch(detector, rate, on_a_line(np.concatenate([before, after])), len(before) * rate // corpus.RATE)
        call.label, call.source, call.system = label, source, who
        turning.append(call)
        done("that turn", turning)
        if most and len(turning) >= most:
            break
    return plain, turning


def figures(plain, turning, rounds, thresholds, correlation):
    rows = over_time(plain, rounds)
    fitted, costs = correlation_of(plain)
    alarms = firm(plain, "bonafide", "synthetic")
    human_hours = sum(c.speech[-1] for c in plain if c.label == "bonafide" and c.speech) / 3600
    return {
        "calls": {label: sum(c.label == label for c in plain) for label in ("bonafide", "spoof")},
        "sources": {label: len({c.source for c in plain if c.label == label}) for label in ("bonafide", "spoof")},
        "over_time": rows,
        "firm": {f"{label}_called_{d}": firm(plain, label, d) for label in ("bonafide", "spoof") for d in ("synthetic", "bonafide")},
        "human_hours": human_hours,
        "false_alarms_per_hour_of_human_speech": alarms["share"] * alarms["calls"] / max(human_hours, 1e-9),
        "side_by_side": side_by_side(plain, correlation),
        "to_machine": changes([c for c in turning if c.label == "spoof"], "synthetic", thresholds["synthetic_llr"]),
        "to_person": changes([c for c in turning if c.label == "bonafide"], "bonafide", thresholds["bonafide_llr"]),
        "correlation": {"fitted": fitted, "cllr": costs},
    }


def percent(share):
    return "–" if share is None else f"{100 * share:.1f}"


def seconds(value):
    return "–" if value is None else f"{value:.1f}"


def tables(name, f, thresholds):
    lines = [f"`{name}`: {f['calls']['bonafide']} calls of people from {f['sources']['bonafide']} sources, {f['calls']['spoof']} of machines from "
             f"{f['sources']['spoof']}; synthetic from {thresholds['synthetic_llr']} on, bona fide down from {thresholds['bonafide_llr']}.", "",
             "| seconds of speech | calls, people / machines | EER of the running llr, % | of the same calls after 4 s, % | people called synthetic, % | machines called synthetic, % | people called bona fide, % | machines called bona fide, % |",
             "|---|---|---|---|---|---|---|---|"]
    for r in f["over_time"]:
        lines.append(f"| {r['speech_seconds']} | {r['bonafide']} / {r['spoof']} | {percent(r['eer'])} ({percent(r['eer_low'])}–{percent(r['eer_high'])}) | {percent(r['eer_of_the_same_calls_at_4_s'])} | "
                     + " | ".join(percent(r[k]) for k in ("bonafide_called_synthetic", "spoof_called_synthetic", "bonafide_called_bonafide", "spoof_called_bonafide")) + " |")
    lines += ["", "| firm verdict | share of calls, % | median seconds of speech until it |", "|---|---|---|"]
    for words, key in (("machine: synthetic", "spoof_called_synthetic"), ("person: bona fide", "bonafide_called_bonafide"),
                       ("person: synthetic (false alarm)", "bonafide_called_synthetic"), ("machine: bona fide (miss)", "spoof_called_bonafide")):
        r = f["firm"][key]
        lines.append(f"| {words} | {percent(r['share'])} ({percent(r['low'])}–{percent(r['high'])}) of {r['calls']} | {seconds(r['median_speech_seconds'])} |")
    lines += ["", f"False alarms in an hour of human speech: {f['false_alarms_per_hour_of_human_speech']:.1f}, of {f['human_hours']:.2f} hours.", "",
              "| calls cut at | people / machines | false alarms, % of people | sequential test: machines found, % | after seconds of speech (median) | mean over the whole length: machines found, % |",
              "|---|---|---|---|---|---|"]
    lines += [f"| {r['seconds']} s | {r['bonafide']} / {r['spoof']} | {percent(r['false_alarms'])} | {percent(r['sequential']['detected'])} | "
              f"{seconds(r['sequential']['median_speech_seconds'])} | {percent(r['mean']['detected'])} |" for r in f["side_by_side"]]
    lines += ["", "| the voice changes after 20 s | calls | noticed within 6 s of the new voice's speech, % | within 12 s, % | median delay, s | mean since the start of the call says so within 12 s, % |",
              "|---|---|---|---|---|---|"]
    for words, key in (("person to machine", "to_machine"), ("machine to person", "to_person")):
        r = f[key]
        lines.append(f"| {words} | {r['calls']} | {percent(r['within_6_s'])} | {percent(r['within_12_s'])} | {seconds(r['median_delay_seconds'])} | {percent(r['mean_since_start_within_12_s'])} |")
    c = f["correlation"]
    lines += ["", "The calibration was fitted to the small `dev`, whose recordings are among these, and the correlation to these calls.", "",
              f"Correlation of windows that share no audio: Cllr is least at {c['fitted']} ({min(c['cllr'].values()):.3f} bits; the mean alone, at 1, {c['cllr'][1.0]:.3f}; "
              f"a plain sum, at 0, {c['cllr'][0.0]:.3f})."]
    return "\n".join(lines) + "\n"


def plot(rows, path, name):
    """DET curves at some times, on the axes of a normal deviate as usual, and how the errors fall with speech."""
    from matplotlib.figure import Figure
    from scipy.stats import norm
    figure = Figure(figsize=(10, 4.6), layout="constrained")
    det, time_axis = figure.subplots(1, 2)
    shown = [r for r in rows if r["speech_seconds"] in (3, 6, 12, 30)]
    for shade, r in zip(np.linspace(0.3, 1, max(len(shown), 1)), shown):
        _, false_alarm, miss = metrics.det_curve(*r["scores"])
        inside = (false_alarm > 0) & (miss > 0) & (false_alarm < 1) & (miss < 1)
        det.plot(norm.ppf(false_alarm[inside]), norm.ppf(miss[inside]), color=(0.1, 0.25, 0.5, shade), label=f"{r['speech_seconds']} s of speech")
    ticks = [0.01, 0.02, 0.05, 0.1, 0.2, 0.4, 0.6]
    for axis in (det.xaxis, det.yaxis):
        axis.set_ticks(norm.ppf(ticks), [f"{100 * t:g}" for t in ticks])
    low, high = norm.ppf(0.005), norm.ppf(0.75)
    det.set(xlim=(low, high), ylim=(low, high), xlabel="people called synthetic, %", ylabel="machines not called synthetic, %", title=f"{name}: DET over time")
    det.plot([low, high], [low, high], color="silver", linewidth=0.8)
    det.legend(frameon=False)
    det.grid(alpha=0.25)
    x = [r["speech_seconds"] for r in rows]
    for key, words, colour in (("spoof_called_synthetic", "machines called synthetic", "#c0392b"), ("bonafide_called_bonafide", "people called bona fide", "#2e8b57"),
                               ("spoof_called_bonafide", "machines called bona fide", "#8e44ad"), ("bonafide_called_synthetic", "people called synthetic", "#d9a521")):
        time_axis.plot(x, [100 * r[key] for r in rows], marker="o", markersize=3, color=colour, label=words)
    time_axis.plot(x, [100 * r["eer"] for r in rows], marker="o", markersize=3, color="black", linestyle="--", label="EER of the running llr")
    time_axis.set(xlabel="seconds of speech", ylabel="% of calls", title="verdicts at the model's thresholds", ylim=(0, None))
    time_axis.legend(frameon=False, fontsize=8)
    time_axis.grid(alpha=0.25)
    figure.savefig(path, dpi=110)


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("model", type=pathlib.Path)
    p.add_argument("--corpus", type=pathlib.Path, required=True, help="the corpus")
    p.add_argument("--full", type=pathlib.Path, help="folder of the corpus's full build, whose new pages of `dev` are used besides the small one's")
    p.add_argument("--out", type=pathlib.Path, required=True, help="where the figures go, without an ending")
    p.add_argument("--rounds", type=int, default=400, help="rounds of the bootstrap")
    p.add_argument("--most", type=int, help="calls of each sort at most, for a quick look")
    a = p.parse_args()
    manifest = json.loads((a.model / "manifest.json").read_text())
    config = run.read(HERE / f"{manifest['name']}.toml")
    plain, turning = simulate(a.model, a.corpus, config, a.full, most=a.most)
    f = figures(plain, turning, a.rounds, manifest["decision"], manifest["calibration"].get("correlation", 1.0))
    a.out.parent.mkdir(parents=True, exist_ok=True)
    plot(f["over_time"], a.out.with_suffix(".png"), f"{manifest['name']} {manifest['version']}")
    for row in f["over_time"]:
        del row["scores"]
    text = tables(f"{manifest['name']} {manifest['version']}", f, manifest["decision"])
    for suffix, content in ((".json", json.dumps(f, indent=1)), (".md", text)):
        part = a.out.with_suffix(suffix + ".part")
        part.write_text(content)
        part.rename(a.out.with_suffix(suffix))
    print(text)


if __name__ == "__main__":
    main()
