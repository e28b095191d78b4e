//! What evidence and verdicts mean, for people.

use veravox::Decision;
use veravox::explain::{Evidence, Explanation, LegExplanation};

/// The stretches that speak most for a machine; those that touch are one.
pub fn strongest(leg: &LegExplanation) -> Vec<Evidence> {
    // What is less is shown as nothing.
    let mut order: Vec<&Evidence> = leg.time.iter().filter(|evidence| evidence.llr >= 0.05).collect();
    order.sort_by(|a, b| b.llr.total_cmp(&a.llr));
    let mut top: Vec<Evidence> = Vec::new();
    for evidence in order {
        // Neighbours are one place to listen to.
        if let Some(near) =
            top.iter_mut().find(|near| (near.to - evidence.from).abs() < 0.01 || (near.from - evidence.to).abs() < 0.01)
        {
            near.llr = f64::midpoint(near.llr, evidence.llr);
            (near.from, near.to) = (near.from.min(evidence.from), near.to.max(evidence.to));
        } else if top.len() < 3 {
            top.push(evidence.clone());
        }
    }
    top.sort_by(|a, b| b.llr.total_cmp(&a.llr));
    top
}

/// The name of a part, for people.
pub fn title(part: &str) -> String {
    match part {
        "spectrum" => "colour of the sound".to_owned(),
        "pulses" => "shape of the pulses".to_owned(),
        "cycles" => "beat of the pulses".to_owned(),
        "lines" => "lines of the harmonics".to_owned(),
        "phases" => "order of the phases".to_owned(),
        band => format!("{} Hz", band.replace('-', " to ")),
    }
}

/// What a family listens to, or what lies in a band.
pub fn meaning(part: &str) -> &'static str {
    match part {
        "spectrum" => {
            "How the spectrum of short frames spreads, changes and repeats itself: vocoders smooth it, or make it too even."
        }
        "pulses" => {
            "The fine shape of sound within a few milliseconds, where the vocal folds strike: machines often round it off or scatter it."
        }
        "cycles" => {
            "How regularly stronger and weaker moments follow each other: networks that work in fixed steps leave a beat."
        }
        "lines" => "Harmonics seen as long lines: how straight they run and what stands between them.",
        "phases" => {
            "Whether neighbouring tones keep their phases to each other, as they do in a throat and a room: vocoders invent phases."
        }
        "0-300" => "Hum, breath and the lowest harmonics; a telephone line lets little of it pass.",
        "300-700" => "The first resonance of most vowels and the strongest harmonics.",
        "700-1200" => "Open vowels, and the back of the mouth.",
        "1200-1800" => "The second resonance of middle vowels.",
        "1800-2500" => "The second resonance of front vowels, and the third of others.",
        "2500-3400" => "The upper end of a telephone line: edges of consonants, and the ring of a voice.",
        "3400-4000" => "At the edge of a telephone line: what its filter leaves.",
        "4000-5500" => "Hiss of s and sh, above what a telephone line carries.",
        "5500-7000" => "The main hiss of s.",
        _ => "The upper end of the band, where generators are least careful.",
    }
}

/// The verdict in a sentence.
pub fn verdict(leg: &LegExplanation, explained: &Explanation) -> String {
    let v = &leg.verdict;
    let t = &explained.head.thresholds;
    let heard = format!("{:.1} s of speech", v.speech_seconds);
    let Some((llr, probability)) = v.llr.zip(v.probability) else {
        return format!("Nothing could be scored in {heard}: {}.", reasons(leg));
    };
    let odds = format!(
        "llr {llr:+.2}, where synthetic begins at {:+.2} and bona fide ends at {:+.2}; at a prior of {} % that is a probability of \
         {:.0} %",
        t.synthetic_llr,
        t.bonafide_llr,
        (1e4 * t.prior).round() / 1e2,
        100.0 * probability
    );
    match v.decision {
        Decision::Synthetic => format!("{heard} sound made, or changed, by a machine: {odds}."),
        Decision::Bonafide => format!("{heard} sound like a person's own voice: {odds}. That is no proof."),
        Decision::Inconclusive => format!("No verdict on {heard} ({}): {odds}.", reasons(leg)),
    }
}

fn reasons(leg: &LegExplanation) -> String {
    let words: Vec<String> = leg.verdict.reasons.iter().map(|reason| reason.as_str().replace('_', " ")).collect();
    words.join(", ")
}

/// Where a value lies among people and machines of the reference.
pub fn standing(value: f64, range: &veravox::explain::Range) -> &'static str {
    let inside = |q: &[f64; 5]| value >= q[0] && value <= q[4];
    match (inside(&range.people), inside(&range.machines)) {
        (true, true) => "as many people and many machines have it",
        (true, false) => "as people have it, and few machines",
        (false, true) => "unlike nine people in ten, as machines have it",
        (false, false) => "unlike nine in ten of either",
    }
}
