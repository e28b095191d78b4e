//! The words of a verdict: decisions, reasons, thresholds, and the scores of windows that they rest on.
//!
//! How scores become a decision is the business of [`policy`](crate::policy). Between the thresholds, or where the audio
//! itself speaks against a verdict, the answer is `inconclusive`, with its reasons.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::error::{Error, ErrorKind, Result};

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
    /// The samples are not what they were read as: swapped bytes, the wrong law, interleaved channels.
    Misread,
    /// Most of the speech is unlike anything that the model was trained on.
    UnlikeTraining,
    /// The evidence lies between the thresholds.
    Undecided,
    /// There was speech, and no time to score it.
    NotScored,
    /// A machine spoke on this leg, and later a person.
    MixedVoices,
    /// The model's scores were never fitted to anything: they have an order and no meaning.
    Uncalibrated,
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
            Self::Misread => "misread",
            Self::UnlikeTraining => "unlike_training",
            Self::Undecided => "undecided",
            Self::NotScored => "not_scored",
            Self::MixedVoices => "mixed_voices",
            Self::Uncalibrated => "uncalibrated",
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

/// What false answers and no answer cost, in any one unit.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct DecisionCosts {
    /// A person who is called synthetic.
    pub false_synthetic: f64,
    /// A machine that is called bona fide.
    pub false_bonafide: f64,
    /// No answer.
    pub inconclusive: f64,
}

impl DecisionCosts {
    /// The costs that a user gives, where any is given; the others are the [default](Self::default)'s.
    #[must_use]
    pub fn given(false_synthetic: Option<f64>, false_bonafide: Option<f64>, inconclusive: Option<f64>) -> Option<Self> {
        let usual = Self::default();
        [false_synthetic, false_bonafide, inconclusive].iter().any(Option::is_some).then(|| Self {
            false_synthetic: false_synthetic.unwrap_or(usual.false_synthetic),
            false_bonafide: false_bonafide.unwrap_or(usual.false_bonafide),
            inconclusive: inconclusive.unwrap_or(usual.inconclusive),
        })
    }
}

/// 1 for false answers, 0.15 for none.
impl Default for DecisionCosts {
    fn default() -> Self {
        Self { false_synthetic: 1.0, false_bonafide: 1.0, inconclusive: 0.15 }
    }
}

impl Thresholds {
    /// Answers are given where they cost less than none at this prior (Chow, On optimum recognition error and reject
    /// tradeoff, 1970). So were the thresholds of the built-in models made, at a prior of 0.5, costs of 1 and 0.15 for none.
    ///
    /// ```
    /// use veravox::decide::{DecisionCosts, Thresholds};
    ///
    /// let costs = DecisionCosts { false_synthetic: 1.0, false_bonafide: 1.0, inconclusive: 0.15 };
    /// let thresholds = Thresholds::from_costs(0.5, costs)?;
    /// assert!((thresholds.synthetic_llr - 1.73).abs() < 0.01);
    /// assert!((thresholds.bonafide_llr + 1.73).abs() < 0.01);
    /// # Ok::<(), veravox::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`InvalidArgument`](ErrorKind::InvalidArgument) when the prior is not inside (0, 1), or no answer costs nothing, or
    /// more than answering blindly.
    pub fn from_costs(prior: f64, costs: DecisionCosts) -> Result<Self> {
        let (synthetic, bonafide) =
            (costs.inconclusive / costs.false_synthetic, costs.inconclusive / costs.false_bonafide);
        let sensible = synthetic > 0.0 && bonafide > 0.0 && synthetic + bonafide < 1.0;
        if !(sensible && prior > 0.0 && prior < 1.0) {
            let message = format!(
                "expected a prior inside (0, 1) and no answer to cost something, less than the false answers, got a prior \
                 of {prior} and {costs:?}"
            );
            return Err(Error::new(ErrorKind::InvalidArgument, message));
        }
        let log_odds = |p: f64| (p / (1.0 - p)).ln();
        Ok(Self {
            prior,
            synthetic_llr: log_odds(1.0 - synthetic) - log_odds(prior),
            bonafide_llr: log_odds(bonafide) - log_odds(prior),
        })
    }

    /// A person is called synthetic with a probability of about `false_alarm`, and a machine bona fide with one of about
    /// `miss`, if the llrs are what they claim to be (Wald, Sequential Analysis, 1947, section 3.4). The rates of these
    /// models on calls are measured in the documentation; the prior only states the probability.
    ///
    /// ```
    /// let thresholds = veravox::Thresholds::from_rates(0.01, 0.01, 0.05)?;
    /// assert!((thresholds.synthetic_llr - 95.0_f64.ln()).abs() < 1e-9);
    /// # Ok::<(), veravox::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`InvalidArgument`](ErrorKind::InvalidArgument) when the prior or a rate is not inside (0, 1), or the rates sum up to
    /// 1 or more.
    pub fn from_rates(prior: f64, false_alarm: f64, miss: f64) -> Result<Self> {
        let inside = |p: f64| p > 0.0 && p < 1.0;
        if !(inside(prior) && inside(false_alarm) && inside(miss) && false_alarm + miss < 1.0) {
            let message = format!(
                "expected a prior and error rates inside (0, 1) and rates that sum up to less than 1, got a prior of {prior}, \
                 a false-alarm rate of {false_alarm} and a miss rate of {miss}"
            );
            return Err(Error::new(ErrorKind::InvalidArgument, message));
        }
        Ok(Self {
            prior,
            synthetic_llr: ((1.0 - miss) / false_alarm).ln(),
            bonafide_llr: (miss / (1.0 - false_alarm)).ln(),
        })
    }
}

/// Thresholds that a user sets; what is `None` stays as the model's manifest has it.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct ThresholdChanges {
    /// Prior probability of a synthetic voice, inside (0, 1). It moves thresholds only together with costs.
    pub prior: Option<f64>,
    /// Thresholds follow from these and the prior, as by [`Thresholds::from_costs`], unless they are set as well.
    pub costs: Option<DecisionCosts>,
    /// A leg at or above this llr is `synthetic`.
    pub synthetic_llr: Option<f64>,
    /// A leg at or below this llr is `bonafide`.
    pub bonafide_llr: Option<f64>,
}

impl ThresholdChanges {
    /// `defaults` with these changes. `target_llr`, where the site's people set it, is the threshold for `synthetic` that only one
    /// given by number goes before.
    pub(crate) fn over(&self, defaults: &Thresholds, target_llr: Option<f64>) -> Result<Thresholds> {
        let prior = self.prior.unwrap_or(defaults.prior);
        let mut found = match self.costs {
            Some(costs) => Thresholds::from_costs(prior, costs)?,
            None => Thresholds { prior, ..*defaults },
        };
        if let Some(synthetic_llr) = target_llr {
            found.synthetic_llr = synthetic_llr;
            found.bonafide_llr = found.bonafide_llr.min(synthetic_llr - 1e-3);
        }
        found.synthetic_llr = self.synthetic_llr.unwrap_or(found.synthetic_llr);
        found.bonafide_llr = self.bonafide_llr.unwrap_or(found.bonafide_llr);
        found.check()?;
        Ok(found)
    }
}

/// The score of one window. Positions are samples of the leg at the model's rate.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct WindowScore {
    /// First sample.
    pub start: u64,
    /// One past the last sample.
    pub end: u64,
    /// Share of its speech that no window before it held, above 0 and at most 1; of less speech than a window, its share of
    /// one.
    pub fresh_share: f32,
    /// Natural-log likelihood ratio; positive speaks for a synthetic voice.
    pub llr: f32,
    /// It is unlike anything that the model was trained on.
    pub novel: bool,
}

impl WindowScore {
    /// Where, about, its fresh speech begins: the rest of the window was heard before.
    #[must_use]
    pub fn fresh_from(&self) -> u64 {
        let fresh = (self.end.saturating_sub(self.start) as f64 * f64::from(self.fresh_share)) as u64;
        self.end.saturating_sub(fresh)
    }
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
        let stretch = Stretch { start: first.start, end, llr };
        points_to_synthetic(first, thresholds).then_some(stretch)
    })
    .collect()
}

fn points_to_synthetic(window: &WindowScore, thresholds: &Thresholds) -> bool {
    f64::from(window.llr) >= thresholds.synthetic_llr
}

#[cfg(test)]
mod tests {
    use super::*;

    const THRESHOLDS: Thresholds = Thresholds { prior: 0.5, synthetic_llr: 1.0, bonafide_llr: -1.0 };

    fn windows(llrs: &[f32]) -> Vec<WindowScore> {
        let at = |n: usize| n as u64 * 100;
        llrs.iter()
            .enumerate()
            .map(|(n, &llr)| WindowScore { start: at(n), end: at(n) + 200, fresh_share: 0.5, llr, novel: false })
            .collect()
    }

    #[test]
    fn stretches_do_not_overlap() {
        let stretches = suspicious_stretches(&windows(&[2.0, 4.0, 0.0, 3.0]), &THRESHOLDS);
        assert_eq!(stretches, [Stretch { start: 0, end: 200, llr: 3.0 }, Stretch { start: 300, end: 500, llr: 3.0 }]);
    }

    #[test]
    fn senseless_costs_and_rates_are_refused() {
        for (false_synthetic, inconclusive) in [(1.0, 0.0), (1.0, 0.5), (0.1, 0.15), (f64::NAN, 0.1)] {
            let costs = DecisionCosts { false_synthetic, false_bonafide: 1.0, inconclusive };
            assert!(Thresholds::from_costs(0.5, costs).is_err(), "{costs:?}");
        }
        for (prior, false_alarm, miss) in [(0.0, 0.1, 0.1), (0.5, 0.0, 0.1), (0.5, 0.6, 0.5), (0.5, 0.1, f64::NAN)] {
            let refused = Thresholds::from_rates(prior, false_alarm, miss).unwrap_err();
            assert_eq!(refused.kind(), ErrorKind::InvalidArgument);
        }
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
