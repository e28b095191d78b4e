//! What a detector is worth in front of a speaker verification: the tandem detection cost.

use serde::{Deserialize, Serialize};

use super::checks::{check_both, invalid};
use super::ladder::{Climb, read_off};
use crate::error::Result;

/// Priors, costs and the error rates of the speaker verification behind the detector. The defaults of priors and costs are
/// those of the evaluation packages; the rates belong to a verification and have none.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Tandem {
    /// The share of non-target speakers that the verification accepts, 0 to 1: `Pfa_asv`.
    pub asv_false_alarm: f64,
    /// The share of target speakers that it rejects, 0 to 1: `Pmiss_asv`.
    pub asv_miss: f64,
    /// The share of spoofs that it accepts, 0 to 1: `Pfa_spoof_asv`, 1 - `Pmiss_spoof_asv`.
    pub asv_spoof_accepted: f64,
    /// Prior of a spoof; default 0.05. The rest are speakers, one in a hundred of whom is not the target.
    pub spoof_prior: f64,
    /// The cost of rejecting a target speaker; default 1.
    pub miss: f64,
    /// The cost of accepting a non-target speaker; default 10.
    pub false_alarm: f64,
    /// The cost of accepting a spoof; default 10.
    pub accept_spoof: f64,
    /// The formulation of `ASVspoof` 2019, in place of the one of 2021 and 5, whose detector has a floor at the cost that the
    /// verification alone makes.
    pub legacy: bool,
}

/// The share of target speakers among bona fide trials, in every edition.
const TARGETS: f64 = 0.99;

impl Tandem {
    /// The costs of `ASVspoof` 2021 and 5 with a verification of these error rates.
    #[must_use]
    pub fn new(asv_false_alarm: f64, asv_miss: f64, asv_spoof_accepted: f64) -> Self {
        Self {
            asv_false_alarm,
            asv_miss,
            asv_spoof_accepted,
            spoof_prior: 0.05,
            miss: 1.0,
            false_alarm: 10.0,
            accept_spoof: 10.0,
            legacy: false,
        }
    }

    /// What there is to pay without any error of the detector, for its rejecting every bona fide clip, and for its accepting
    /// every spoof.
    pub(super) fn weights(&self) -> Result<(f64, f64, f64)> {
        let rates = [self.asv_false_alarm, self.asv_miss, self.asv_spoof_accepted];
        if rates.iter().any(|rate| !(0.0..=1.0).contains(rate)) {
            return Err(invalid(format!(
                "expected error rates of the speaker verification from 0 to 1, got {rates:?}"
            )));
        }
        if !(self.spoof_prior > 0.0 && self.spoof_prior < 1.0) {
            return Err(invalid(format!("expected a spoof_prior inside (0, 1), got {}", self.spoof_prior)));
        }
        let costs = [self.miss, self.false_alarm, self.accept_spoof];
        if costs.iter().any(|cost| !(cost.is_finite() && *cost > 0.0)) {
            return Err(invalid(format!("expected costs above 0, got {costs:?}")));
        }
        let (target, non_target) = (TARGETS * (1.0 - self.spoof_prior), (1.0 - TARGETS) * (1.0 - self.spoof_prior));
        let passed = target * self.miss * self.asv_miss + non_target * self.false_alarm * self.asv_false_alarm;
        let (rejecting, accepting) =
            (target * self.miss - passed, self.spoof_prior * self.accept_spoof * self.asv_spoof_accepted);
        if !(rejecting > 0.0 && accepting > 0.0) {
            let message = "a speaker verification with these error rates is of no use, with a detector or without one";
            return Err(invalid(message));
        }
        Ok((if self.legacy { 0.0 } else { passed }, rejecting, accepting))
    }
}

/// The smallest tandem detection cost over all thresholds of the detector, normalised: 1 is what it costs to leave the
/// detector away or to reject all.
///
/// `min_t [C0 + C1 FRR(t) + C2 FAR(t)] / (C0 + min(C1, C2))`: Kinnunen et al., Tandem assessment of spoofing countermeasures and
/// automatic speaker verification: fundamentals, IEEE/ACM TASLP 28 (2020); `ASVspoof` 2021 and 5 call it min t-DCF. With
/// [`legacy`](Tandem::legacy), without C0, it is that of `ASVspoof` 2019.
///
/// ```
/// use veravox::metrics::{Tandem, min_t_dcf};
///
/// let tandem = Tandem { legacy: true, ..Tandem::new(0.02, 0.02, 0.5) };
/// assert_eq!(min_t_dcf(&[-2.0, -1.0], &[1.0, 2.0], &tandem)?, 0.0);
/// # Ok::<(), veravox::Error>(())
/// ```
///
/// # Errors
///
/// `InvalidArgument` for a class without scores, a score that is not a number, or rates and costs outside their ranges.
pub fn min_t_dcf(bonafide: &[f64], spoof: &[f64], tandem: &Tandem) -> Result<f64> {
    check_both(bonafide, spoof)?;
    let weights = tandem.weights()?;
    Ok(read_off(bonafide, spoof, |climb| t_dcf_of(climb, weights)))
}

pub(super) fn t_dcf_of(climb: &Climb, (passed, reject, accept): (f64, f64, f64)) -> f64 {
    let (n_bonafide, n_spoof) = (climb.n_bonafide as f64, climb.n_spoof);
    let cost = |rejected: u64, caught: u64| {
        let accepted = n_spoof.saturating_sub(caught) as f64 / n_spoof as f64;
        (passed + reject * (rejected as f64 / n_bonafide) + accept * accepted) / (passed + reject.min(accept))
    };
    let below = climb.rungs.iter().map(|rung| cost(rung.bonafide_down_to, rung.spoof_down_to));
    below.fold(cost(0, 0), f64::min)
}
