//! Whether calls changed: two batches of results, side by side.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::key::invalid;
use super::scores::{Score, Scores};
use crate::error::Result;
use crate::metrics::{Bootstrap, Figure, Trials};
use crate::verdict::decide::Decision;

/// From this effect on a shift is more than trifling, and from this one on it is large: Cliff's delta (Romano, Kromrey, Coraggio
/// and Skowronek, Florida Association of Institutional Research, 2006).
const SMALL: f64 = 0.147;
const LARGE: f64 = 0.474;
/// Fewer legs on either side say nothing.
const LEAST: usize = 30;
/// A share that moved by less than this many points is no matter.
const LEAST_POINTS: f64 = 0.02;

/// How a quantity moved from one batch to the other.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Shift {
    /// What it is.
    pub name: String,
    /// Its median before.
    pub before: f64,
    /// Its median after.
    pub after: f64,
    /// Cliff's delta, -1 to 1: the chance that one of the later legs lies above one of the earlier, less the chance of the
    /// contrary. 0 is no shift.
    pub effect: f64,
    /// Lower end of its 95 % interval, whole calls drawn again.
    pub low: f64,
    /// Upper end of it.
    pub high: f64,
}

/// How a share moved.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ShareShift {
    /// Of what: a decision, a reason, a codec.
    pub name: String,
    /// The share of legs before, 0 to 1.
    pub before: f64,
    /// The share after.
    pub after: f64,
    /// Lower end of the 95 % interval of the difference, whole calls drawn again.
    pub low: f64,
    /// Upper end of it.
    pub high: f64,
}

/// Two batches side by side.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Drift {
    /// Legs and calls before.
    pub n_before: (usize, usize),
    /// Legs and calls after.
    pub n_after: (usize, usize),
    /// Scores and seconds of speech.
    pub shifts: Vec<Shift>,
    /// Decisions, reasons and codecs, those that moved most first.
    pub shares: Vec<ShareShift>,
    /// Whether a recalibration is due.
    pub due: bool,
    /// That in one line.
    pub verdict: String,
}

impl Drift {
    /// Compares results of `veravox scan --jsonl`.
    ///
    /// # Errors
    /// [`InvalidArgument`](crate::ErrorKind::InvalidArgument) for fewer than 30 scored legs on either side, and for results of
    /// another model or calibration, whose scores cannot be compared.
    pub fn between(before: &Scores, after: &Scores, bootstrap: &Bootstrap) -> Result<Self> {
        let (old, new) = (Legs::of(before)?, Legs::of(after)?);
        if (&old.model, &before.calibrated_by) != (&new.model, &after.calibrated_by) {
            let message = format!(
                "made with {} and {} with {}: scores of different models or calibrations cannot be compared",
                words_of(&new.model, after.calibrated_by.as_deref()),
                before.name,
                words_of(&old.model, before.calibrated_by.as_deref()),
            );
            return Err(invalid(&after.name, None, &message));
        }
        let mut shifts = vec![shift("llr", &old, &new, |score| score.llr, bootstrap)?];
        shifts.push(shift("seconds of speech", &old, &new, |score| score.speech_seconds, bootstrap)?);
        let names: BTreeSet<String> = old.all.iter().chain(&new.all).flat_map(|(_, score)| labels(score)).collect();
        let mut shares = Vec::new();
        for name in names {
            let has = |score: &Score| f64::from(labels(score).any(|label| label == name));
            let (a, b) = (old.means(has), new.means(has));
            let all = |means: &[(f64, f64)]| {
                let (sum, n) = means.iter().fold((0.0, 0.0), |(sum, n), (s, m)| (sum + s, n + m));
                sum / n
            };
            let (low, high) = bootstrap.interval(&[a.len(), b.len()], |times| match times {
                [of_a, of_b] => drawn(&b, of_b) - drawn(&a, of_a),
                _ => f64::NAN,
            })?;
            shares.push(ShareShift { name, before: all(&a), after: all(&b), low, high });
        }
        shares.sort_by(|a, b| (b.after - b.before).abs().total_cmp(&(a.after - a.before).abs()));
        let (due, verdict) = judge(&shifts, &shares);
        Ok(Self { n_before: old.count(), n_after: new.count(), shifts, shares, due, verdict })
    }
}

/// One line.
fn judge(shifts: &[Shift], shares: &[ShareShift]) -> (bool, String) {
    let Some(llr) = shifts.first() else { return (false, String::new()) };
    let beyond = |shift: &Shift| (shift.low > 0.0 || shift.high < 0.0) && shift.effect.abs() >= SMALL;
    let size = |effect: f64| if effect.abs() >= LARGE { "large" } else { "small to middling" };
    let moved = |share: &&ShareShift| {
        (share.low > 0.0 || share.high < 0.0) && (share.after - share.before).abs() >= LEAST_POINTS
    };
    let by = |share: &ShareShift| format!("{} {:.1} to {:.1} %", share.name, 100.0 * share.before, 100.0 * share.after);
    let alarms = shares.iter().find(|share| share.name == "synthetic").filter(moved);
    let others = shares.iter().filter(|share| share.name != "synthetic").find(moved);
    let effect = format!("effect {:+.2}, {:+.2} to {:+.2}", llr.effect, llr.low, llr.high);
    let more = others.map_or_else(String::new, |share| format!("; also {}", by(share)));
    if beyond(llr) {
        let direction = if llr.effect > 0.0 { "higher" } else { "lower" };
        let words = format!(
            "A recalibration is due: calls score {direction} than before, a {} shift ({effect}){}{more}.",
            size(llr.effect),
            alarms.map_or_else(String::new, |share| format!(", {}", by(share)))
        );
        return (true, words);
    }
    if let Some(alarms) = alarms {
        return (true, format!("A recalibration is due: the share of alarms moved, {} ({effect}){more}.", by(alarms)));
    }
    match others {
        Some(share) => (
            false,
            format!("No recalibration is due: scores did not move ({effect}). But the calls did: {}.", by(share)),
        ),
        None => (false, format!("No recalibration is due: nothing moved beyond chance ({effect}).")),
    }
}

fn words_of(model: &str, calibration: Option<&str>) -> String {
    calibration.map_or_else(|| model.to_owned(), |name| format!("{model} calibrated for {name:?}"))
}

/// Decision, reasons and codec of a leg.
fn labels(score: &Score) -> impl Iterator<Item = String> + '_ {
    let decision = score.decision.map(|decision: Decision| decision.as_str().to_owned());
    let reasons = score.reasons.iter().map(|reason| reason.replace('_', " "));
    decision.into_iter().chain(reasons).chain(score.codec.iter().map(|codec| format!("codec {codec}")))
}

/// The legs of a batch, each with the number of its call.
struct Legs<'a> {
    all: Vec<(usize, &'a Score)>,
    n_calls: usize,
    model: String,
}

impl<'a> Legs<'a> {
    fn of(scores: &'a Scores) -> Result<Self> {
        let mut legs = Vec::new();
        let mut model = None;
        for (call, file) in scores.order.iter().enumerate() {
            for score in scores.of.get(file).map(Vec::as_slice).unwrap_or_default() {
                if let Some(of_leg) = &score.model {
                    model.get_or_insert_with(|| format!("{} {}", of_leg.name, of_leg.version));
                    legs.push((call, score));
                }
            }
        }
        let n_scored = legs.iter().filter(|(_, score)| score.llr.is_some()).count();
        let Some(model) = model.filter(|_| n_scored >= LEAST) else {
            let message = format!(
                "{n_scored} scored legs are too few to compare: expected results of veravox scan --jsonl with {LEAST} or more"
            );
            return Err(invalid(&scores.name, None, &message));
        };
        Ok(Self { all: legs, n_calls: scores.order.len(), model })
    }

    fn count(&self) -> (usize, usize) {
        (self.all.len(), self.n_calls)
    }

    /// Sum and number of a quantity over the legs of each call that has any.
    fn means(&self, of: impl Fn(&Score) -> f64) -> Vec<(f64, f64)> {
        let mut calls: BTreeMap<usize, (f64, f64)> = BTreeMap::new();
        for (call, score) in &self.all {
            let (sum, n) = calls.entry(*call).or_default();
            *sum += of(score);
            *n += 1.0;
        }
        calls.into_values().collect()
    }
}

fn drawn(means: &[(f64, f64)], times: &[u32]) -> f64 {
    let (sum, n) = means
        .iter()
        .zip(times)
        .fold((0.0, 0.0), |(sum, n), ((s, m), times)| (sum + f64::from(*times) * s, n + f64::from(*times) * m));
    sum / n
}

fn shift(
    name: &str,
    old: &Legs<'_>,
    new: &Legs<'_>,
    of: impl Fn(&Score) -> Option<f64>,
    bootstrap: &Bootstrap,
) -> Result<Shift> {
    let side = |legs: &Legs<'_>| -> (Vec<f64>, Vec<String>) {
        legs.all.iter().filter_map(|(call, score)| of(score).map(|value| (value, call.to_string()))).unzip()
    };
    let ((before, calls_before), (after, calls_after)) = (side(old), side(new));
    // The chance that a later leg lies above an earlier one is the area under the curve that parts the two.
    let trials = Trials::new(&before, &calls_before, &after, &calls_after)?;
    let auc = trials.estimate(Figure::Auc, bootstrap)?;
    let median = |mut values: Vec<f64>| {
        values.sort_unstable_by(f64::total_cmp);
        values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
    };
    let effect = |auc: f64| 2.0 * auc - 1.0;
    Ok(Shift {
        name: name.to_owned(),
        before: median(before),
        after: median(after),
        effect: effect(auc.value),
        low: effect(auc.low),
        high: effect(auc.high),
    })
}
