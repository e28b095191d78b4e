//! What the card says of a model where this leg lies: by seconds of speech.

use serde::Serialize;

use crate::model::manifest::Manifest;

/// A figure of the model's card.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CardFigure {
    /// The clips and their line.
    pub condition: String,
    /// What was measured, with its unit.
    pub metric: String,
    /// The value.
    pub value: f64,
    /// Lower end of its 95 % interval.
    pub low: f64,
    /// Upper end of it.
    pub high: f64,
    /// Human and synthetic trials.
    pub n: (u64, u64),
}

const WANTED: [&str; 4] =
    ["eer_percent", "false_synthetic_percent", "true_synthetic_percent", "false_bonafide_percent"];

/// The figures of the newest clips, of those with about so much speech, and of the codec where the card has it.
pub(super) fn of_card(manifest: &Manifest, speech_seconds: f64, codec: &str) -> Vec<CardFigure> {
    let seconds = |condition: &str| -> Option<f64> {
        condition.strip_suffix(" s of one voice")?.rsplit(' ').next()?.parse().ok()
    };
    let longest = manifest
        .figures
        .iter()
        .filter_map(|figure| seconds(&figure.condition))
        .filter(|seconds| *seconds <= speech_seconds.max(1.0))
        .fold(0.0, f64::max);
    let first = manifest.figures.first().map(|figure| figure.condition.clone()).unwrap_or_default();
    let coded = ["gsm", "amr", "g729", "opus", "g722"].into_iter().find(|name| codec.to_lowercase().contains(name));
    let of_codec = |condition: &str| {
        let plain = condition.to_lowercase().replace(['.', '-', ' '], "");
        coded.is_some_and(|name| plain.starts_with(name))
    };
    let fits = |condition: &str| condition == first || seconds(condition) == Some(longest) || of_codec(condition);
    let mut found: Vec<CardFigure> = Vec::new();
    for figure in manifest.figures.iter().filter(|f| fits(&f.condition) && WANTED.contains(&f.metric.as_str())) {
        let known = found.iter().any(|f| f.condition == figure.condition && f.metric == figure.metric);
        if !known {
            found.push(CardFigure {
                condition: figure.condition.clone(),
                metric: figure.metric.clone(),
                value: figure.value,
                low: figure.low,
                high: figure.high,
                n: (figure.n_bonafide, figure.n_spoof),
            });
        }
    }
    found
}
