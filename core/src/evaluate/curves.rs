//! What the plots draw: few enough points for a page.

use serde::Serialize;

use crate::error::Result;
use crate::metrics::{DetPoint, det_curve};
use crate::model::calibrate::probability;

/// Points of a curve that are kept.
const MOST_POINTS: usize = 400;
const BINS: usize = 40;
const RELIABILITY_BINS: usize = 10;

/// Counts of scores in bins of equal width. Scores beyond the ends count in the last bins.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Histogram {
    /// The edges of the bins, one more than there are bins.
    pub edges: Vec<f64>,
    /// Bona fide trials in each bin.
    pub bonafide: Vec<usize>,
    /// Spoofs in each bin.
    pub spoof: Vec<usize>,
}

/// One point of the reliability diagram: what was said, and what was true, of trials at even odds.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Reliability {
    /// The mean probability of a synthetic voice that was stated at a prior of 0.5.
    pub stated: f64,
    /// The share of spoofs among these trials, had both classes been as many.
    pub observed: f64,
    /// Trials.
    pub n: usize,
}

/// What there is to draw.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Curves {
    /// Both error rates over all thresholds, thinned.
    pub det: Vec<DetPoint>,
    /// The scores of both classes.
    pub histogram: Histogram,
    /// How far probabilities can be believed.
    pub reliability: Vec<Reliability>,
}

impl Curves {
    pub(super) fn of(bonafide: &[f64], spoof: &[f64]) -> Result<Self> {
        Ok(Self {
            det: thin(&det_curve(bonafide, spoof)?),
            histogram: histogram(bonafide, spoof),
            reliability: reliability(bonafide, spoof),
        })
    }
}

/// Points that lie apart on the curve, the ends included.
fn thin(curve: &[DetPoint]) -> Vec<DetPoint> {
    let step = 2.0 / MOST_POINTS as f64;
    let mut kept: Vec<DetPoint> = Vec::new();
    for (index, point) in curve.iter().enumerate() {
        let far = kept.last().is_none_or(|last| {
            let moved = (point.bonafide_rejected - last.bonafide_rejected).abs()
                + (point.spoof_accepted - last.spoof_accepted).abs();
            // Small rates are what a DET plot shows large.
            let small =
                point.bonafide_rejected.min(point.spoof_accepted).min(last.bonafide_rejected.max(1e-4)).max(1e-4);
            moved >= step.min(0.2 * small)
        });
        if far || index + 1 == curve.len() {
            kept.push(*point);
        }
    }
    // Of a curve in very fine steps every so many will do.
    let every = kept.len().div_ceil(5 * MOST_POINTS).max(1);
    let last = kept.len().saturating_sub(1);
    kept.into_iter().enumerate().filter(|(n, _)| n % every == 0 || *n == last).map(|(_, point)| point).collect()
}

fn histogram(bonafide: &[f64], spoof: &[f64]) -> Histogram {
    let mut all: Vec<f64> = bonafide.iter().chain(spoof).copied().filter(|score| score.is_finite()).collect();
    all.sort_unstable_by(f64::total_cmp);
    let at = |share: f64| all.get((share * all.len().saturating_sub(1) as f64) as usize).copied().unwrap_or(0.0);
    let (low, high) = (at(0.002), at(0.998));
    let (low, high) = if high > low { (low, high) } else { (low - 0.5, low + 0.5) };
    let width = (high - low) / BINS as f64;
    let count = |scores: &[f64]| {
        let mut counts = vec![0; BINS];
        for score in scores {
            let bin = ((score - low) / width).clamp(0.0, BINS as f64 - 1.0) as usize;
            if let Some(n) = counts.get_mut(bin) {
                *n += 1;
            }
        }
        counts
    };
    Histogram {
        edges: (0..=BINS).map(|n| low + width * n as f64).collect(),
        bonafide: count(bonafide),
        spoof: count(spoof),
    }
}

fn reliability(bonafide: &[f64], spoof: &[f64]) -> Vec<Reliability> {
    let weight = |scores: &[f64]| 0.5 / scores.len() as f64;
    let mut bins = vec![(0.0, 0.0, 0.0, 0_usize); RELIABILITY_BINS];
    for (scores, is_spoof) in [(bonafide, 0.0), (spoof, 1.0)] {
        let weight = weight(scores);
        for score in scores {
            let stated = probability(*score, 0.5);
            let bin = (stated * RELIABILITY_BINS as f64).min(RELIABILITY_BINS as f64 - 1.0) as usize;
            if let Some((all, of_spoofs, said, n)) = bins.get_mut(bin) {
                *all += weight;
                *of_spoofs += weight * is_spoof;
                *said += weight * stated;
                *n += 1;
            }
        }
    }
    let point = |(all, of_spoofs, said, n): (f64, f64, f64, usize)| {
        (n > 0).then(|| Reliability { stated: said / all, observed: of_spoofs / all, n })
    };
    bins.into_iter().filter_map(point).collect()
}
