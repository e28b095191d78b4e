//! Raw scores to likelihood ratios and probabilities.

use crate::model::manifest::Calibration;

impl Calibration {
    /// The natural-log likelihood ratio of a raw score; positive speaks for a synthetic voice.
    ///
    /// ```
    /// let calibration = veravox::manifest::Calibration {
    ///     scale: 0.5, offset: -0.25, correlation: 1.0, uncalibrated: false,
    /// };
    /// assert_eq!(calibration.llr(2.5), 1.0);
    /// ```
    #[must_use]
    pub fn llr(&self, score: f64) -> f64 {
        self.scale * score + self.offset
    }
}

/// The probability of a synthetic voice, from 0 to 1, for an `llr` at a `prior` inside (0, 1): Bayes' rule in log odds.
///
/// ```
/// use veravox::calibrate::probability;
///
/// assert_eq!(probability(0.0, 0.5), 0.5);
/// assert!((probability(0.0, 0.01) - 0.01).abs() < 1e-12);
/// assert!(probability(3.0, 0.5) > 0.95);
/// ```
#[must_use]
pub fn probability(llr: f64, prior: f64) -> f64 {
    let log_odds = llr + (prior / (1.0 - prior)).ln();
    1.0 / (1.0 + (-log_odds).exp())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn probability_rises_with_the_llr_and_stays_inside_its_range(llr in -700.0..700.0_f64, prior in 0.001..0.999_f64) {
            let p = probability(llr, prior);
            prop_assert!((0.0..=1.0).contains(&p));
            prop_assert!(probability(llr + 1.0, prior) >= p);
        }
    }
}
