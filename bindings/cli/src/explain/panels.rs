//! The pictures of a leg.

use std::fmt::Write as _;

use veravox::Thresholds;
use veravox::explain::{Evidence, LegExplanation, Range};

use super::sound::spectrogram;
use super::words::title;
use crate::draw::{Axis, BONAFIDE, Chart, Colour, Drawing, INK, NEUTRAL, SPOOF, escape};

const WIDTH: f64 = 940.0;

fn seconds(leg: &LegExplanation) -> f64 {
    leg.picture.samples.len() as f64 / f64::from(leg.picture.sample_rate_hz.max(1))
}

/// The waveform, with the stretches to listen to.
pub fn waveform(leg: &LegExplanation, strongest: &[Evidence]) -> Drawing {
    let length = seconds(leg);
    let highest = leg.picture.samples.iter().fold(0.01_f32, |most, sample| most.max(sample.abs()));
    let reach = f64::from(highest);
    let mut chart = Chart::new(
        "Waveform",
        Axis::linear("seconds", 0.0, length),
        Axis::linear("level", -reach, reach),
        WIDTH,
        150.0,
    );
    for stretch in strongest {
        chart.area((stretch.from, stretch.to), (-reach, reach), SPOOF, 0.22);
    }
    let step = (leg.picture.samples.len() / 900).max(1);
    let extremes = |block: &[f32]| block.iter().fold((0.0_f32, 0.0_f32), |(low, high), v| (low.min(*v), high.max(*v)));
    let blocks: Vec<(f32, f32)> = leg.picture.samples.chunks(step).map(extremes).collect();
    let at = |n: usize| (n * step) as f64 / f64::from(leg.picture.sample_rate_hz.max(1));
    let up = blocks.iter().enumerate().map(|(n, (_, high))| (at(n), f64::from(*high)));
    let down = blocks.iter().enumerate().rev().map(|(n, (low, _))| (at(n), f64::from(*low)));
    chart.filled(up.chain(down), INK);
    chart.draw("The waveform of the leg. Shaded are the stretches that speak most for a machine.")
}

/// The spectrogram.
pub fn spectrum(leg: &LegExplanation) -> Drawing {
    let khz = f64::from(leg.picture.sample_rate_hz) / 2_000.0;
    let mut chart = Chart::new(
        "Spectrogram",
        Axis::linear("seconds", 0.0, seconds(leg)),
        Axis::linear("kHz", 0.0, khz),
        WIDTH,
        220.0,
    );
    if let Some(pixels) = spectrogram(&leg.picture) {
        chart.image((0.0, seconds(leg)), (0.0, khz), pixels);
    }
    chart.draw("The spectrogram of the leg: time to the right, frequency up, dark is loud.")
}

/// The llr over time: windows, the leg, and the thresholds.
pub fn path(leg: &LegExplanation, thresholds: &Thresholds) -> Drawing {
    let llrs = leg.path.iter().flat_map(|point| [point.llr, point.window_llr]);
    let reach =
        llrs.fold(thresholds.synthetic_llr.abs().max(thresholds.bonafide_llr.abs()) + 0.5, |a, b| a.max(b.abs()));
    let length = seconds(leg);
    let mut chart = Chart::new(
        "llr over time",
        Axis::linear("seconds", 0.0, length),
        Axis::linear("llr", -1.08 * reach, 1.08 * reach),
        WIDTH,
        240.0,
    );
    chart.area((0.0, length), (thresholds.synthetic_llr, 1.08 * reach), SPOOF, 0.10);
    chart.area((0.0, length), (-1.08 * reach, thresholds.bonafide_llr), BONAFIDE, 0.10);
    chart.line([(0.0, 0.0), (length, 0.0)], NEUTRAL, Some([2.0, 3.0]));
    chart.line([(0.0, thresholds.synthetic_llr), (length, thresholds.synthetic_llr)], SPOOF, Some([6.0, 3.0]));
    chart.line([(0.0, thresholds.bonafide_llr), (length, thresholds.bonafide_llr)], BONAFIDE, Some([6.0, 3.0]));
    chart.words((0.0, thresholds.synthetic_llr), "from here up: synthetic", SPOOF);
    chart.words((0.0, thresholds.bonafide_llr - 0.16 * reach), "from here down: bona fide", BONAFIDE);
    for point in &leg.path {
        let words = format!(
            "window that ends at {:.1} s: llr {:+.2}; the leg {:+.2}",
            point.at_seconds, point.window_llr, point.llr
        );
        let colour = if point.window_llr > 0.0 { SPOOF } else { BONAFIDE };
        chart.point((point.at_seconds, point.window_llr), 3.0, colour, &words);
    }
    chart.line(leg.path.iter().map(|point| (point.at_seconds, point.llr)), INK, None);
    if let Some(at) = leg.verdict.firm_at_seconds {
        chart.line([(at, -1.08 * reach), (at, 1.08 * reach)], INK, Some([1.0, 3.0]));
        chart.words((at, -reach), "firm", INK);
    }
    chart.draw("The llr of each window as a dot and of the leg so far as a line, with both thresholds.")
}

/// Evidence over time.
pub fn time(leg: &LegExplanation) -> Drawing {
    let most = leg.time.iter().fold(0.5, |most, evidence| f64::max(most, evidence.llr.abs()));
    let length = seconds(leg);
    let mut chart = Chart::new(
        "Evidence over time",
        Axis::linear("seconds", 0.0, length),
        Axis::linear("llr it brings", -1.1 * most, 1.1 * most),
        WIDTH,
        170.0,
    );
    for evidence in &leg.time {
        let colour = if evidence.llr > 0.0 { SPOOF } else { BONAFIDE };
        let (low, high) = (evidence.llr.min(0.0), evidence.llr.max(0.0));
        chart.area((evidence.from, evidence.to), (low, high), colour, if evidence.llr > 0.0 { 0.9 } else { 0.6 });
    }
    chart.line([(0.0, 0.0), (length, 0.0)], INK, None);
    chart.draw("What the windows' llr loses without each half second: up speaks for a machine, down for a person.")
}

/// Bars of evidence with the ranges of people and machines.
pub fn parts(name: &str, parts: &[Evidence]) -> String {
    let row = 44.0;
    let (width, label) = (620.0, 190.0);
    let height = row * parts.len() as f64 + 40.0;
    let all = parts.iter().flat_map(|part| {
        let range = part.range.map(|r| [r.people[0], r.people[4], r.machines[0], r.machines[4]]);
        std::iter::once(part.llr).chain(range.into_iter().flatten())
    });
    let reach = 1.05 * all.fold(0.5, |most, value| f64::max(most, value.abs()));
    let x = |llr: f64| label + f64::midpoint(llr / reach, 1.0) * (width - label - 12.0);
    let words: Vec<String> = parts.iter().map(|part| format!("{} {:+.2}", title(&part.part), part.llr)).collect();
    let mut svg = String::new();
    // Writing to a String cannot fail.
    let _ = write!(
        svg,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" height=\"{height}\" role=\"img\" \
         aria-label=\"{}\" font-family=\"system-ui, sans-serif\" font-size=\"12\" fill=\"#333\"><rect width=\"{width}\" \
         height=\"{height}\" fill=\"#fff\"/><line x1=\"{:.1}\" y1=\"4\" x2=\"{:.1}\" y2=\"{:.1}\" stroke=\"#888\"/>",
        escape(&format!("{name}: {}", words.join("; "))),
        x(0.0),
        x(0.0),
        height - 30.0
    );
    for (n, part) in parts.iter().enumerate() {
        let y = row * n as f64 + 8.0;
        let (colour, from, to) =
            if part.llr > 0.0 { (SPOOF, x(0.0), x(part.llr)) } else { (BONAFIDE, x(part.llr), x(0.0)) };
        let _ = write!(
            svg,
            "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{}</text><rect x=\"{from:.1}\" y=\"{y:.1}\" width=\"{:.1}\" \
             height=\"14\" fill=\"{colour}\"/><text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"{}\" font-size=\"11\">{:+.2}</text>",
            label - 8.0,
            y + 12.0,
            escape(&title(&part.part)),
            (to - from).max(1.0),
            if part.llr > 0.0 { to + 4.0 } else { from - 4.0 },
            y + 12.0,
            if part.llr > 0.0 { "start" } else { "end" },
            part.llr
        );
        if let Some(range) = part.range {
            svg.push_str(&whisker(&range.people, &x, y + 21.0, BONAFIDE, ""));
            svg.push_str(&whisker(&range.machines, &x, y + 29.0, SPOOF, " stroke-dasharray=\"4 2\""));
        }
    }
    let _ = write!(
        svg,
        "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"middle\" font-size=\"11\">for a person ← llr of a window → for a machine</text></svg>",
        x(0.0),
        height - 10.0
    );
    svg
}

fn whisker(q: &[f64; 5], x: &dyn Fn(f64) -> f64, y: f64, colour: Colour, dashes: &str) -> String {
    format!(
        "<line x1=\"{:.1}\" y1=\"{y:.1}\" x2=\"{:.1}\" y2=\"{y:.1}\" stroke=\"{colour}\" stroke-width=\"2\"{dashes}/><circle cx=\"{:.1}\" \
         cy=\"{y:.1}\" r=\"3\" fill=\"{colour}\"/>",
        x(q[0]),
        x(q[4]),
        x(q[2])
    )
}

/// A signal measure as a small strip: people, machines, and where this leg lies.
pub fn strip(value: f64, range: &Range) -> String {
    let all = [range.people[0], range.people[4], range.machines[0], range.machines[4], value];
    let (low, high) = all.iter().fold((f64::MAX, f64::MIN), |(low, high), v| (low.min(*v), high.max(*v)));
    let span = (high - low).max(1e-9);
    let x = move |v: f64| 8.0 + (v - low) / span * 164.0;
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 180 26\" width=\"180\" height=\"26\" aria-hidden=\"true\">{}{}<path \
         d=\"M{:.1} 3 l4 5 l-4 5 l-4 -5 z\" fill=\"#111\"/></svg>",
        whisker(&range.people, &x, 14.0, BONAFIDE, ""),
        whisker(&range.machines, &x, 21.0, SPOOF, " stroke-dasharray=\"4 2\""),
        x(value)
    )
}

/// The main pictures of a leg, to be shown one below the other, and what they are of.
pub fn of_leg(name: &str, leg: &LegExplanation, thresholds: &Thresholds) -> (String, [Drawing; 4]) {
    let title = format!("{name}, leg {}: {}", leg.verdict.leg, leg.verdict.decision);
    let strongest = super::words::strongest(leg);
    (title, [waveform(leg, &strongest), spectrum(leg), path(leg, thresholds), time(leg)])
}
