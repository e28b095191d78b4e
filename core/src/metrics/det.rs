//! Trading one error for the other: the DET curve, its equal error rate and the area that it leaves.

use super::checks::check_both;
use super::ladder::{Climb, read_off, sort, tied};
use crate::error::Result;

/// The equal error rate, from 0 to 1: the error rate at the threshold that rejects as large a share of the bona fide clips
/// (FRR) as it accepts of the spoofs (FAR).
///
/// It is the number that the evaluation package of `ASVspoof` 5 gives for the negated scores: the mean of FRR and FAR where
/// they are closest, and of two such places the one with the higher threshold. Published results are compared by it, so
/// its treatment of ties is kept as well, and that one is pessimistic: among clips with the same score the bona fide ones
/// are rejected first, as if every tie were an error. A detector that gives 0 to everything has an EER of 1 by this rule,
/// not 0.5. Scores that seldom tie across the classes do not notice; for scores that do, look at [`auc`], which counts
/// ties half.
///
/// ```
/// use veravox::metrics::eer;
///
/// assert_eq!(eer(&[-2.0, -1.0], &[1.0, 2.0])?, 0.0);
/// assert_eq!(eer(&[-2.0, -1.0, 3.0], &[-3.0, 1.0, 2.0])?, 1.0 / 3.0);
/// assert_eq!(eer(&[0.0], &[0.0])?, 1.0);
/// # Ok::<(), veravox::Error>(())
/// ```
///
/// # Errors
///
/// `InvalidArgument` for a class without scores, or a score that is not a number.
pub fn eer(bonafide: &[f64], spoof: &[f64]) -> Result<f64> {
    check_both(bonafide, spoof)?;
    Ok(read_off(bonafide, spoof, eer_of))
}

/// FRR grows and FAR sinks along the ladder, so they are closest beside the rung where they cross.
pub(super) fn eer_of(climb: &Climb) -> f64 {
    let (n_bonafide, n_spoof) = (climb.n_bonafide, climb.n_spoof);
    let frr = |rejected: u64| rejected as f64 / n_bonafide as f64;
    let far = |caught: u64| n_spoof.saturating_sub(caught) as f64 / n_spoof as f64;
    let (mut rejected, mut caught) = (0, 0);
    for rung in &climb.rungs {
        let (rejected_after, caught_after) = (rung.bonafide_down_to, rung.spoof_down_to);
        if frr(rejected_after) >= far(caught_after) {
            // Down to this rung the clips go one by one: first the bona fide ones, while FAR stands still, then the spoofs.
            let even = (far(caught) * n_bonafide as f64) as u64;
            let first = around(even, rejected, rejected_after).map(|rejected| (frr(rejected), far(caught)));
            let even = ((1.0 - frr(rejected_after)) * n_spoof as f64) as u64;
            let second = around(even, caught, caught_after).map(|caught| (frr(rejected_after), far(caught)));
            return mean_where_closest(first.chain(second));
        }
        (rejected, caught) = (rejected_after, caught_after);
    }
    // Below the last spoof score FAR is 0: the loop has returned.
    f64::NAN
}

/// The counts beside `even`, where rounding may have put it off by one, as far as they lie in the range.
fn around(even: u64, from: u64, to: u64) -> impl Iterator<Item = u64> {
    (even.saturating_sub(1)..=even.saturating_add(2)).map(move |count| count.clamp(from, to))
}

fn mean_where_closest(rates: impl Iterator<Item = (f64, f64)>) -> f64 {
    let mut closest = (f64::INFINITY, f64::NAN);
    for (frr, far) in rates {
        let gap = (frr - far).abs();
        if gap < closest.0 {
            closest = (gap, f64::midpoint(frr, far));
        }
    }
    closest.1
}

/// The area under the ROC curve, from 0 to 1: the chance that a spoof scores above a bona fide clip. Ties count half.
///
/// Hanley and `McNeil`, The meaning and use of the area under a receiver operating characteristic curve, Radiology 143
/// (1982): the statistic of Mann, Whitney and Wilcoxon over the number of pairs.
///
/// ```
/// use veravox::metrics::auc;
///
/// assert_eq!(auc(&[0.0, 1.0], &[1.0, 2.0])?, 0.875);
/// assert_eq!(auc(&[0.0], &[0.0])?, 0.5);
/// # Ok::<(), veravox::Error>(())
/// ```
///
/// # Errors
///
/// `InvalidArgument` for a class without scores, or a score that is not a number.
pub fn auc(bonafide: &[f64], spoof: &[f64]) -> Result<f64> {
    check_both(bonafide, spoof)?;
    Ok(read_off(bonafide, spoof, auc_of))
}

pub(super) fn auc_of(climb: &Climb) -> f64 {
    let n_bonafide = climb.n_bonafide;
    let pairs = climb.rungs.iter().map(|rung| {
        let won = n_bonafide.saturating_sub(rung.bonafide_down_to);
        let tied = rung.bonafide_down_to.saturating_sub(rung.bonafide_above);
        rung.spoof_down_to.saturating_sub(rung.spoof_above) as f64 * (won as f64 + 0.5 * tied as f64)
    });
    pairs.sum::<f64>() / (n_bonafide as f64 * climb.n_spoof as f64)
}

/// The two error rates at a threshold: a clip is rejected as synthetic where its score is `threshold` or more.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
pub struct DetPoint {
    /// In the unit of the scores; infinite in the first point, where nothing is rejected.
    pub threshold: f64,
    /// The share of bona fide clips that are rejected, from 0 to 1: FRR, `P_miss` in the plans of `ASVspoof`.
    pub bonafide_rejected: f64,
    /// The share of spoofs that are accepted, from 0 to 1: FAR, `P_fa` in the plans of `ASVspoof`.
    pub spoof_accepted: f64,
}

/// The error rates at every threshold that makes a difference, from the one that rejects nothing down.
///
/// The first point rejects nothing; then comes one point for each distinct score, infinity too, since clips with the same
/// score can only be rejected together. The last one rejects everything. A DET plot (Martin, Doddington, Kamm, Ordowski and
/// Przybocki, The DET curve in assessment of detection task performance, Eurospeech 1997) draws the rates on the scale of
/// normal deviates.
///
/// ```
/// use veravox::metrics::det_curve;
///
/// let curve = det_curve(&[0.0, 1.0], &[1.0, 2.0])?;
/// let rates: Vec<_> = curve.iter().map(|p| (p.threshold, p.bonafide_rejected, p.spoof_accepted)).collect();
/// assert_eq!(rates, [(f64::INFINITY, 0.0, 1.0), (2.0, 0.0, 0.5), (1.0, 0.5, 0.0), (0.0, 1.0, 0.0)]);
/// # Ok::<(), veravox::Error>(())
/// ```
///
/// # Errors
///
/// `InvalidArgument` for a class without scores, or a score that is not a number.
pub fn det_curve(bonafide: &[f64], spoof: &[f64]) -> Result<Vec<DetPoint>> {
    check_both(bonafide, spoof)?;
    let (n_bonafide, n_spoof) = (bonafide.len() as f64, spoof.len() as f64);
    let (bonafide, spoof) = (sort(bonafide), sort(spoof));
    let thresholds = sort(&[bonafide.as_slice(), spoof.as_slice()].concat());
    let nothing = DetPoint { threshold: f64::INFINITY, bonafide_rejected: 0.0, spoof_accepted: 1.0 };
    let points = tied(&thresholds).map(|(threshold, _)| {
        let rejected = |scores: &[f64]| scores.partition_point(|score| *score >= threshold);
        DetPoint {
            threshold,
            bonafide_rejected: rejected(&bonafide) as f64 / n_bonafide,
            spoof_accepted: spoof.len().saturating_sub(rejected(&spoof)) as f64 / n_spoof,
        }
    });
    Ok(std::iter::once(nothing).chain(points).collect())
}
