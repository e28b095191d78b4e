//! What likelihood ratios tell, in bits: Brümmer and du Preez, Application-independent evaluation of speaker detection,
//! Computer Speech and Language 20 (2006).

use super::checks::check_both;
use super::ladder::{Climb, read_off};
use crate::error::Result;

/// The cost of natural-log likelihood ratios in bits, 0 or more: the mean over all priors and costs of what deciding by
/// them costs. 1 is what an answer of 0 everywhere costs; more than 1 misleads.
///
/// `[mean over bona fide of log2(1 + e^llr) + mean over spoof of log2(1 + e^-llr)] / 2`. An infinite ratio on the right side
/// costs nothing, on the wrong side infinitely much.
///
/// ```
/// use veravox::metrics::cllr;
///
/// assert_eq!(cllr(&[0.0, 0.0], &[0.0])?, 1.0);
/// assert_eq!(cllr(&[f64::NEG_INFINITY], &[f64::INFINITY])?, 0.0);
/// assert!(cllr(&[4.0], &[-4.0])? > 5.0);
/// # Ok::<(), veravox::Error>(())
/// ```
///
/// # Errors
///
/// `InvalidArgument` for a class without scores, or a score that is not a number.
pub fn cllr(bonafide: &[f64], spoof: &[f64]) -> Result<f64> {
    check_both(bonafide, spoof)?;
    let rejected = bonafide.iter().map(|llr| bits(*llr)).sum::<f64>() / bonafide.len() as f64;
    let accepted = spoof.iter().map(|llr| bits(-llr)).sum::<f64>() / spoof.len() as f64;
    Ok(f64::midpoint(rejected, accepted))
}

/// `log2(1 + e^llr)`, where the exponential would overflow as well.
pub(super) fn bits(llr: f64) -> f64 {
    (llr.max(0.0) + (-llr.abs()).exp().ln_1p()) / std::f64::consts::LN_2
}

/// The [`cllr`] in bits, from 0 to 1, that is left after the best calibration that keeps the order of the scores: what the
/// detector fails to tell apart. `cllr - min_cllr` is what its calibration loses.
///
/// The best calibration is found by pooling adjacent violators (PAV, isotonic regression); tied scores get the same ratio.
/// Where a ratio comes out infinite, among clips of one class beyond all of the other, it is on the right side and costs
/// nothing. No smoothing is added.
///
/// ```
/// use veravox::metrics::min_cllr;
///
/// assert_eq!(min_cllr(&[7.0, 8.0], &[9.0])?, 0.0);
/// assert_eq!(min_cllr(&[9.0], &[7.0, 8.0])?, 1.0);
/// assert_eq!(min_cllr(&[0.0], &[0.0])?, 1.0);
/// # Ok::<(), veravox::Error>(())
/// ```
///
/// # Errors
///
/// `InvalidArgument` for a class without scores, or a score that is not a number.
pub fn min_cllr(bonafide: &[f64], spoof: &[f64]) -> Result<f64> {
    check_both(bonafide, spoof)?;
    Ok(read_off(bonafide, spoof, min_cllr_of))
}

/// Clips that get the same ratio.
#[derive(Clone, Copy)]
struct Pool {
    bonafide: u64,
    spoof: u64,
}

impl Pool {
    /// Whether the share of spoofs is no larger than in a pool below, where it must be smaller.
    fn violates(self, below: Self) -> bool {
        u128::from(self.spoof) * u128::from(below.bonafide) <= u128::from(below.spoof) * u128::from(self.bonafide)
    }

    fn bits(self, n_bonafide: f64, n_spoof: f64) -> f64 {
        if self.bonafide == 0 || self.spoof == 0 {
            return 0.0;
        }
        let (bonafide, spoof) = (self.bonafide as f64 / n_bonafide, self.spoof as f64 / n_spoof);
        let llr = (spoof / bonafide).ln();
        0.5 * (bonafide * bits(llr) + spoof * bits(-llr))
    }
}

pub(super) fn min_cllr_of(climb: &Climb) -> f64 {
    let (n_bonafide, n_spoof) = (climb.n_bonafide, climb.n_spoof);
    let mut pools: Vec<Pool> = Vec::new();
    let mut push = |mut pool: Pool| {
        if pool.bonafide + pool.spoof == 0 {
            return;
        }
        while let Some(above) = pools.pop_if(|above| above.violates(pool)) {
            pool = Pool { bonafide: above.bonafide + pool.bonafide, spoof: above.spoof + pool.spoof };
        }
        pools.push(pool);
    };
    let mut seen = 0;
    for rung in &climb.rungs {
        // The bona fide clips between two spoof scores can go as one: PAV never parts neighbours of one class.
        push(Pool { bonafide: rung.bonafide_above.saturating_sub(seen), spoof: 0 });
        push(Pool {
            bonafide: rung.bonafide_down_to.saturating_sub(rung.bonafide_above),
            spoof: rung.spoof_down_to.saturating_sub(rung.spoof_above),
        });
        seen = rung.bonafide_down_to;
    }
    push(Pool { bonafide: n_bonafide.saturating_sub(seen), spoof: 0 });
    pools.iter().map(|pool| pool.bits(n_bonafide as f64, n_spoof as f64)).sum()
}
