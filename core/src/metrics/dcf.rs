//! What decisions cost: the detection cost function of `ASVspoof` 5.

use serde::{Deserialize, Serialize};

use super::checks::{check_both, invalid};
use super::ladder::{Climb, read_off};
use crate::error::Result;

/// How often a spoof comes, and what each error costs. The default is that of `ASVspoof` 5, track 1.
///
/// The fields say what happens, since *miss* and *false alarm* change places with what one looks for: the plans of
/// `ASVspoof` call rejecting a bona fide clip the miss.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Costs {
    /// The share of spoofs among the clips to come, inside (0, 1). `P_spoof`; default 0.05.
    pub spoof_prior: f64,
    /// The cost of taking human speech for synthetic, above 0. `C_miss`; default 1.
    pub reject_bonafide: f64,
    /// The cost of taking synthetic speech for human, above 0. `C_fa`; default 10.
    pub accept_spoof: f64,
}

impl Default for Costs {
    fn default() -> Self {
        Self { spoof_prior: 0.05, reject_bonafide: 1.0, accept_spoof: 10.0 }
    }
}

impl Costs {
    /// The threshold that costs least where scores are natural-log likelihood ratios (Bayes): a clip above it is rejected.
    ///
    /// ```
    /// use veravox::metrics::Costs;
    ///
    /// let even = Costs { spoof_prior: 0.5, reject_bonafide: 1.0, accept_spoof: 1.0 };
    /// assert_eq!(even.threshold(), 0.0);
    /// assert!((Costs::default().threshold() - 1.9_f64.ln()).abs() < 1e-12);
    /// ```
    #[must_use]
    pub fn threshold(&self) -> f64 {
        let (rejecting, accepting) = self.weights();
        (rejecting / accepting).ln()
    }

    /// What rejecting all bona fide clips costs, and what accepting all spoofs does.
    fn weights(&self) -> (f64, f64) {
        (self.reject_bonafide * (1.0 - self.spoof_prior), self.accept_spoof * self.spoof_prior)
    }

    /// The cost of two error rates, over that of the better one of the two answers that need no detector.
    pub(super) fn normalised(&self, bonafide_rejected: f64, spoof_accepted: f64) -> f64 {
        let (rejecting, accepting) = self.weights();
        (rejecting * bonafide_rejected + accepting * spoof_accepted) / rejecting.min(accepting)
    }

    pub(super) fn check(&self) -> Result<()> {
        if !(self.spoof_prior > 0.0 && self.spoof_prior < 1.0) {
            return Err(invalid(format!("expected a spoof_prior inside (0, 1), got {}", self.spoof_prior)));
        }
        for (name, cost) in [("reject_bonafide", self.reject_bonafide), ("accept_spoof", self.accept_spoof)] {
            if !(cost.is_finite() && cost > 0.0) {
                return Err(invalid(format!("expected a cost {name} above 0, got {cost}")));
            }
        }
        Ok(())
    }
}

/// The normalised cost of the best threshold, chosen after the fact: 0 without errors, 1 where no threshold is better than
/// rejecting everything or accepting everything.
///
/// `min_t [C_miss (1 - P) FRR(t) + C_fa P FAR(t)] / min(C_miss (1 - P), C_fa P)`, equations 3 and 4 of the evaluation plan of
/// `ASVspoof` 5, of which it is the first figure of merit in track 1. Clips with the same score are rejected together.
///
/// ```
/// use veravox::metrics::{Costs, min_dcf};
///
/// assert_eq!(min_dcf(&[0.0, 1.0], &[2.0, 3.0], &Costs::default())?, 0.0);
/// assert_eq!(min_dcf(&[0.0], &[0.0], &Costs::default())?, 1.0);
/// # Ok::<(), veravox::Error>(())
/// ```
///
/// # Errors
///
/// `InvalidArgument` for a class without scores, a score that is not a number, or costs outside their ranges.
pub fn min_dcf(bonafide: &[f64], spoof: &[f64], costs: &Costs) -> Result<f64> {
    check_both(bonafide, spoof)?;
    costs.check()?;
    Ok(read_off(bonafide, spoof, |climb| min_dcf_of(climb, costs)))
}

/// Just below a spoof score is the cheapest place before the next one, and above all of them nothing is rejected.
pub(super) fn min_dcf_of(climb: &Climb, costs: &Costs) -> f64 {
    let (n_bonafide, n_spoof) = (climb.n_bonafide, climb.n_spoof);
    let below = climb.rungs.iter().map(|rung| {
        let accepted = n_spoof.saturating_sub(rung.spoof_down_to);
        costs.normalised(rung.bonafide_down_to as f64 / n_bonafide as f64, accepted as f64 / n_spoof as f64)
    });
    below.fold(costs.normalised(0.0, 1.0), f64::min)
}

/// The normalised cost of the decisions that natural-log likelihood ratios lead to, at the threshold that
/// [the costs ask for](Costs::threshold): 0 without errors, and above 1 where no detector at all would do better.
///
/// The actual DCF of `ASVspoof` 5. Its distance from [`min_dcf`] is what bad calibration costs. A clip whose ratio is the
/// threshold itself is accepted, as in the evaluation package.
///
/// ```
/// use veravox::metrics::{Costs, act_dcf};
///
/// let costs = Costs::default();
/// assert_eq!(act_dcf(&[-3.0, -1.0], &[2.0, 5.0], &costs)?, 0.0);
/// // The order is as good, but every clip lies above the threshold and is rejected.
/// assert_eq!(act_dcf(&[7.0, 9.0], &[12.0, 15.0], &costs)?, 1.9);
/// # Ok::<(), veravox::Error>(())
/// ```
///
/// # Errors
///
/// `InvalidArgument` for a class without scores, a score that is not a number, or costs outside their ranges.
pub fn act_dcf(bonafide: &[f64], spoof: &[f64], costs: &Costs) -> Result<f64> {
    check_both(bonafide, spoof)?;
    costs.check()?;
    let threshold = costs.threshold();
    let rejected = |llrs: &[f64]| llrs.iter().filter(|llr| **llr > threshold).count() as f64 / llrs.len() as f64;
    let accepted = |llrs: &[f64]| llrs.iter().filter(|llr| **llr <= threshold).count() as f64 / llrs.len() as f64;
    Ok(costs.normalised(rejected(bonafide), accepted(spoof)))
}
