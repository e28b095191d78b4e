//! From window scores to a decision on a leg.
//!
//! The policy is small on purpose. Each window's llr is weighed by the speech that it brings for the first time, and the
//! leg's llr is their weighted mean: windows of one voice over one line are anything but independent, so their sum would
//! overstate what is known. The decision compares that mean with two thresholds. Between them, or where the audio itself
//! speaks against a verdict, the answer is `inconclusive`, with its reasons.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The answer for a leg.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Decision {
    /// A machine made this voice, or changed it into another's.
    Synthetic,
    /// A person's own voice.
    Bonafide,
    /// No verdict; the reasons say why.
    Inconclusive,
}

/// Why a leg is inconclusive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Reason {
    /// Less speech than the model needs.
    TooLittleSpeech,
    /// Digital silence, or next to it.
    NoSignal,
    /// Most of what sounds is music, tones or DTMF.
    MusicOrTones,
    /// Speech drowns in noise, or there is nothing but noise.
    Noise,
    /// Many samples are cut off at full scale.
    Clipping,
    /// The audio was sampled at a lower rate than the model was made for.
    NarrowBand,
    /// Many samples are not numbers.
    InvalidSamples,
    /// Most of the speech is unlike anything that the model was trained on.
    UnlikeTraining,
    /// The evidence lies between the thresholds.
    Undecided,
    /// The leg as a whole sounds human, a stretch of it synthetic.
    MixedVoices,
}

impl Decision {
    /// The name as it stands in reports.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Synthetic => "synthetic",
            Self::Bonafide => "bonafide",
            Self::Inconclusive => "inconclusive",
        }
    }
}

impl Reason {
    /// The name as it stands in reports.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::TooLittleSpeech => "too_little_speech",
            Self::NoSignal => "no_signal",
            Self::MusicOrTones => "music_or_tones",
            Self::Noise => "noise",
            Self::Clipping => "clipping",
            Self::NarrowBand => "narrow_band",
            Self::InvalidSamples => "invalid_samples",
            Self::UnlikeTraining => "unlike_training",
            Self::Undecided => "undecided",
            Self::MixedVoices => "mixed_voices",
        }
    }
}

impl fmt::Display for Decision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Where decisions are made. The defaults are the manifest's.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Thresholds {
    /// Prior probability of a synthetic voice that `probability` is stated at, inside (0, 1).
    pub prior: f64,
    /// A leg at or above this llr is `synthetic`.
    pub synthetic_llr: f64,
    /// A leg at or below this llr is `bonafide`.
    pub bonafide_llr: f64,
}

/// Thresholds that a user sets; what is `None` stays as the model's manifest has it.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct ThresholdChanges {
    /// Prior probability of a synthetic voice, inside (0, 1).
    pub prior: Option<f64>,
    /// A leg at or above this llr is `synthetic`.
    pub synthetic_llr: Option<f64>,
    /// A leg at or below this llr is `bonafide`.
    pub bonafide_llr: Option<f64>,
}

impl ThresholdChanges {
    /// `defaults` with these changes.
    #[must_use]
    pub fn over(&self, defaults: &Thresholds) -> Thresholds {
        Thresholds {
            prior: self.prior.unwrap_or(defaults.prior),
            synthetic_llr: self.synthetic_llr.unwrap_or(defaults.synthetic_llr),
            bonafide_llr: self.bonafide_llr.unwrap_or(defaults.bonafide_llr),
        }
    }
}

/// The score of one window. Positions are samples of the leg at the model's rate.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct WindowScore {
    /// First sample.
    pub start: u64,
    /// One past the last sample.
    pub end: u64,
    /// Samples of voice that no window before it held.
    pub fresh_speech: u64,
    /// Natural-log likelihood ratio; positive speaks for a synthetic voice.
    pub llr: f32,
    /// It is unlike anything that the model was trained on.
    pub novel: bool,
}

/// A stretch of a leg whose windows all point to a synthetic voice.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Stretch {
    /// First sample.
    pub start: u64,
    /// One past the last sample.
    pub end: u64,
    /// Mean llr of its windows.
    pub llr: f64,
    /// Its windows.
    pub n_windows: usize,
}

/// The mean llr of windows, each weighed by its fresh speech. `None` without windows.
#[must_use]
pub fn leg_llr(windows: &[WindowScore]) -> Option<f64> {
    mean_by_speech(windows, |w| f64::from(w.llr))
}

fn mean_by_speech(windows: &[WindowScore], value: impl Fn(&WindowScore) -> f64) -> Option<f64> {
    let weight = |w: &WindowScore| w.fresh_speech.max(1) as f64;
    let total: f64 = windows.iter().map(weight).sum();
    (total > 0.0).then(|| windows.iter().map(|w| weight(w) * value(w)).sum::<f64>() / total)
}

/// The stretches of consecutive windows at or above the threshold for `synthetic`.
///
/// Windows overlap, stretches do not: where a window that points elsewhere begins, the stretch before it ends.
#[must_use]
pub fn suspicious_stretches(windows: &[WindowScore], thresholds: &Thresholds) -> Vec<Stretch> {
    let runs = windows.chunk_by(|a, b| points_to_synthetic(a, thresholds) == points_to_synthetic(b, thresholds));
    let mut n_before = 0;
    runs.filter_map(|run| {
        n_before += run.len();
        let (first, last) = (run.first()?, run.last()?);
        let end = windows.get(n_before).map_or(last.end, |next| next.start.min(last.end));
        let llr = run.iter().map(|w| f64::from(w.llr)).sum::<f64>() / run.len() as f64;
        let stretch = Stretch { start: first.start, end, llr, n_windows: run.len() };
        points_to_synthetic(first, thresholds).then_some(stretch)
    })
    .collect()
}

fn points_to_synthetic(window: &WindowScore, thresholds: &Thresholds) -> bool {
    f64::from(window.llr) >= thresholds.synthetic_llr
}

/// Windows in a row that must point to a synthetic voice before a leg that sounds human as a whole is called mixed: one
/// window alone crosses the threshold too easily by chance.
const MIXED_MIN_WINDOWS: usize = 3;

/// No verdict where more than this share of a leg's speech lies in windows unlike anything in training. Up to there such
/// windows count like any other.
const MAX_NOVEL_SHARE: f64 = 0.5;

/// Decides on a leg. `against` are the reasons that its audio gives against any verdict.
#[must_use]
pub fn decide(windows: &[WindowScore], thresholds: &Thresholds, mut against: Vec<Reason>) -> (Decision, Vec<Reason>) {
    let novel_share = mean_by_speech(windows, |w| f64::from(u8::from(w.novel))).unwrap_or(0.0);
    if novel_share > MAX_NOVEL_SHARE {
        against.push(Reason::UnlikeTraining);
    }
    if !against.is_empty() {
        return (Decision::Inconclusive, against);
    }
    match leg_llr(windows) {
        None => (Decision::Inconclusive, vec![Reason::TooLittleSpeech]),
        Some(llr) if llr >= thresholds.synthetic_llr => (Decision::Synthetic, Vec::new()),
        Some(llr) if llr <= thresholds.bonafide_llr => {
            let stretches = suspicious_stretches(windows, thresholds);
            if stretches.iter().any(|s| s.n_windows >= MIXED_MIN_WINDOWS) {
                (Decision::Inconclusive, vec![Reason::MixedVoices])
            } else {
                (Decision::Bonafide, Vec::new())
            }
        }
        Some(_) => (Decision::Inconclusive, vec![Reason::Undecided]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const THRESHOLDS: Thresholds = Thresholds { prior: 0.5, synthetic_llr: 1.0, bonafide_llr: -1.0 };

    fn windows(llrs: &[f32]) -> Vec<WindowScore> {
        let at = |n: usize| n as u64 * 100;
        llrs.iter()
            .enumerate()
            .map(|(n, &llr)| WindowScore { start: at(n), end: at(n) + 200, fresh_speech: 100, llr, novel: false })
            .collect()
    }

    #[test]
    fn the_mean_meets_the_thresholds() {
        let decided = |llrs: &[f32]| decide(&windows(llrs), &THRESHOLDS, Vec::new());
        assert_eq!(decided(&[1.0, 1.0]), (Decision::Synthetic, vec![]));
        assert_eq!(decided(&[-1.0]), (Decision::Bonafide, vec![]));
        assert_eq!(decided(&[0.9]), (Decision::Inconclusive, vec![Reason::Undecided]));
        assert_eq!(decided(&[]), (Decision::Inconclusive, vec![Reason::TooLittleSpeech]));
    }

    #[test]
    fn a_synthetic_stretch_in_a_human_leg_is_not_called_human() {
        let mut llrs = vec![-4.0; 10];
        llrs.extend([2.0; 3]);
        let (decision, reasons) = decide(&windows(&llrs), &THRESHOLDS, Vec::new());
        assert_eq!((decision, reasons), (Decision::Inconclusive, vec![Reason::MixedVoices]));
        let stretches = suspicious_stretches(&windows(&llrs), &THRESHOLDS);
        assert_eq!(stretches, [Stretch { start: 1_000, end: 1_400, llr: 2.0, n_windows: 3 }]);
    }

    #[test]
    fn stretches_do_not_overlap() {
        let stretches = suspicious_stretches(&windows(&[2.0, 2.0, 0.0, 3.0]), &THRESHOLDS);
        let places: Vec<_> = stretches.iter().map(|s| (s.start, s.end)).collect();
        assert_eq!(places, [(0, 200), (300, 500)]);
    }

    #[test]
    fn the_audio_overrules_the_score() {
        let (decision, reasons) = decide(&windows(&[9.0]), &THRESHOLDS, vec![Reason::Clipping]);
        assert_eq!((decision, reasons), (Decision::Inconclusive, vec![Reason::Clipping]));
    }

    #[test]
    fn speech_unlike_training_gets_no_verdict() {
        let mut three = windows(&[9.0, 9.0, 9.0]);
        three[0].novel = true;
        assert_eq!(decide(&three, &THRESHOLDS, Vec::new()).0, Decision::Synthetic);
        three[1].novel = true;
        let (decision, reasons) = decide(&three, &THRESHOLDS, vec![Reason::Noise]);
        assert_eq!((decision, reasons), (Decision::Inconclusive, vec![Reason::Noise, Reason::UnlikeTraining]));
    }

    #[test]
    fn fresh_speech_weighs() {
        let mut two = windows(&[3.0, 0.0]);
        two[0].fresh_speech = 300;
        assert_eq!(leg_llr(&two), Some(2.25));
    }

    #[test]
    fn names_are_the_serialised_ones() {
        for reason in [
            Reason::UnlikeTraining,
            Reason::TooLittleSpeech,
            Reason::MusicOrTones,
            Reason::InvalidSamples,
            Reason::MixedVoices,
        ] {
            assert_eq!(serde_json::to_value(reason).unwrap(), reason.as_str());
        }
        assert_eq!(serde_json::to_value(Decision::Bonafide).unwrap(), Decision::Bonafide.as_str());
    }
}
