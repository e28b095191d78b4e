//! Fitting a site's calibration.

use std::collections::BTreeSet;

use super::alarm::{alarm, mean_and_gain};
use super::file::{Fit, LineMap, Measures, ModelCalibration, Reference, SiteCalibration};
use super::map::Map;
use super::material::{Leg, Material};
use crate::error::{Error, ErrorKind, Result};
use crate::metrics::{self, Costs};
use crate::model::manifest::{Label, Manifest};
use crate::verdict::decide::Thresholds;

/// The form of the map.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Method {
    /// Two numbers, by logistic regression: the choice for tens and hundreds of calls.
    #[default]
    Affine,
    /// Any rising map, by isotonic regression: it takes a thousand calls and more.
    Isotonic,
}

/// How a calibration is fitted.
#[derive(Debug, Clone, PartialEq)]
pub struct FitOptions {
    /// The site's name, for reports.
    pub name: String,
    /// The form of the map where there are machines.
    pub method: Method,
    /// The share of people who may be called synthetic; without machines 2 % by default, with them the thresholds of the manifest
    /// stay.
    pub target_false_alarm: Option<f64>,
    /// Maps of their own for codecs with at least [`LEAST_OF_A_LINE`] legs of either class.
    pub by_codec: bool,
    /// Prior and costs of the actDCF that is measured before and after.
    pub costs: Costs,
}

/// Legs of either class that a codec needs for a map of its own.
pub const LEAST_OF_A_LINE: usize = 50;
const FEW: usize = 100;
const TOO_FEW: usize = 20;
const MOST_FOLDS: usize = 10;
const DEFAULT_TARGET: f64 = 0.02;

impl Default for FitOptions {
    fn default() -> Self {
        Self {
            name: "site".to_owned(),
            method: Method::Affine,
            target_false_alarm: None,
            by_codec: false,
            costs: Costs::default(),
        }
    }
}

impl SiteCalibration {
    /// Fits a calibration for each model that scored the material. `manifests` are those of the models in use.
    ///
    /// With legs of both classes their map is fitted, each class with the same weight however many legs it has: the odds of the
    /// traffic belong into the thresholds. With people alone the scores stay as they are and the threshold for `synthetic` is
    /// set by an order statistic of their scores.
    ///
    /// # Errors
    /// [`InvalidArgument`](ErrorKind::InvalidArgument) when results are of a model that is not in use, when there are no people or too few, when
    /// scores point the wrong way, or when people are too few for the target of false alarms.
    pub fn fit<'a>(
        material: &Material,
        manifests: impl IntoIterator<Item = &'a Manifest>,
        options: &FitOptions,
    ) -> Result<Self> {
        let manifests: Vec<&Manifest> = manifests.into_iter().collect();
        let (mut models, mut passed_over) = (Vec::new(), Vec::new());
        for (sha256, (model, legs)) in &material.models {
            let Some(manifest) = manifests.iter().find(|manifest| manifest.onnx.sha256 == *sha256) else {
                passed_over.push((format!("{} {}", model.name, model.version), legs.len()));
                continue;
            };
            let of_others =
                if material.models.len() > 1 { "; name another model to fit that one alone (--model)" } else { "" };
            let fitted = fit_model(manifest, legs, &material.grouped_by, options)
                .map_err(|e| refused(format!("for the model {} {}: {e}{of_others}", model.name, model.version)))?;
            models.push(fitted);
        }
        // Of a batch whose legs went to several models that of one can be fitted.
        let Some(first) = models.first_mut() else {
            let of = passed_over.first().map_or("", |(model, _)| model);
            return Err(refused(format!(
                "the results are of the model {of}, which is not the one in use: scan again, or name it by --model"
            )));
        };
        first.fit.cautions.extend(
            passed_over.iter().map(|(model, n)| {
                format!("{n} legs that the model {model} scored are left out, since it is not in use")
            }),
        );
        Self::new(options.name.clone(), models)
    }
}

fn refused(message: String) -> Error {
    Error::new(ErrorKind::InvalidArgument, message)
}

/// What a fit gives.
struct Found {
    map: Map,
    lines: Vec<LineMap>,
    synthetic_llr: Option<f64>,
}

impl Found {
    fn map(&self, codec: &str) -> &Map {
        self.lines.iter().find(|line| line.codec == codec).map_or(&self.map, |line| &line.map)
    }
}

/// The model's side of a fit.
struct Rules<'a> {
    thresholds: Thresholds,
    correlation: f64,
    options: &'a FitOptions,
}

fn fit_model(manifest: &Manifest, legs: &[Leg], grouped_by: &str, options: &FitOptions) -> Result<ModelCalibration> {
    let rules = Rules { thresholds: manifest.decision, correlation: manifest.calibration.correlation, options };
    let all: Vec<&Leg> = legs.iter().collect();
    let groups = |label| legs.iter().filter(|l| l.label == label).map(|l| l.group.as_str()).collect::<BTreeSet<_>>();
    let (people, machines) = (groups(Label::Bonafide), groups(Label::Spoof));
    let count = |label| legs.iter().filter(|leg| leg.label == label).count();
    let (n_bonafide, n_spoof) = (count(Label::Bonafide), count(Label::Spoof));
    if n_bonafide < TOO_FEW || n_spoof > 0 && n_spoof < TOO_FEW {
        return Err(refused(format!(
            "{n_bonafide} legs of people and {n_spoof} of machines are too few: it takes {TOO_FEW} of either, or people alone"
        )));
    }
    let found = rules.fit(&all)?;
    let before = rules.measure(&all, &Found { map: Map::Identity {}, lines: Vec::new(), synthetic_llr: None });
    let after = rules.measure(&all, &found);
    let held_out = rules.held_out(&all, &people, &machines);
    let reference = rules.reference(&all, &found, people.len());
    let mut cautions = Vec::new();
    for (words, n, groups) in [("people", n_bonafide, people.len()), ("machines", n_spoof, machines.len())] {
        if n == 0 {
            continue;
        }
        if n < FEW {
            cautions.push(format!("{n} legs of {words} are few: fit it anew when there are more"));
        }
        if grouped_by != "call" && groups < TOO_FEW {
            cautions.push(format!(
                "the legs of {words} come from {groups} by {grouped_by} only; others may score otherwise"
            ));
        }
    }
    if held_out.is_none() {
        cautions
            .push(format!("too few groups by {grouped_by} to leave some out: the figures are of what was fitted to"));
    }
    if let Some(held_out) = held_out.filter(|_| n_spoof > 0)
        && held_out.cllr > before.cllr
    {
        cautions.push("on groups left out the scores are no better than before: do not use it".to_owned());
    }
    let fit = Fit {
        method: match (n_spoof, options.method) {
            (0, _) => "bonafide_only",
            (_, Method::Affine) => "affine",
            (_, Method::Isotonic) => "isotonic",
        }
        .to_owned(),
        n_bonafide,
        n_spoof,
        grouped_by: grouped_by.to_owned(),
        n_bonafide_groups: people.len(),
        n_spoof_groups: machines.len(),
        target_false_alarm: rules.target(n_spoof > 0),
        before,
        after,
        held_out,
        cautions,
    };
    let Found { map, lines, synthetic_llr } = found;
    let (model, version, sha256) = (manifest.name.clone(), manifest.version.clone(), manifest.onnx.sha256.clone());
    Ok(ModelCalibration { model, version, sha256, map, lines, synthetic_llr, people: reference, fit })
}

impl Rules<'_> {
    fn target(&self, any_machines: bool) -> Option<f64> {
        self.options.target_false_alarm.or_else(|| (!any_machines).then_some(DEFAULT_TARGET))
    }

    fn fit(&self, legs: &[&Leg]) -> Result<Found> {
        let any_machines = legs.iter().any(|leg| leg.label == Label::Spoof);
        let mut found = Found { map: Map::Identity {}, lines: Vec::new(), synthetic_llr: None };
        if any_machines {
            found.map = self.map(legs)?;
            if self.options.by_codec {
                let codecs: BTreeSet<&str> = legs.iter().map(|leg| leg.codec.as_str()).collect();
                for codec in codecs {
                    let of_line: Vec<&Leg> = legs.iter().filter(|leg| leg.codec == codec).copied().collect();
                    let enough = |label| of_line.iter().filter(|l| l.label == label).count() >= LEAST_OF_A_LINE;
                    if enough(Label::Bonafide) && enough(Label::Spoof) {
                        found.lines.push(LineMap { codec: codec.to_owned(), map: self.map(&of_line)? });
                    }
                }
            }
        }
        if let Some(target) = self.target(any_machines) {
            let threshold = self.reference(legs, &found, 0).threshold_for(target).map_err(refused)?;
            // At 0 and below, a leg that says nothing would be an alarm.
            found.synthetic_llr = Some(threshold.max(0.05));
        }
        Ok(found)
    }

    fn map(&self, legs: &[&Leg]) -> Result<Map> {
        match self.options.method {
            Method::Affine => affine(legs, self.correlation),
            Method::Isotonic => Ok(isotonic(legs)),
        }
    }

    fn reference(&self, legs: &[&Leg], found: &Found, n_groups: usize) -> Reference {
        let people: Vec<&&Leg> = legs.iter().filter(|leg| leg.label == Label::Bonafide).collect();
        let scores = people.iter().filter_map(|leg| self.alarm(leg, found)).collect();
        let mut seconds: Vec<f64> = people.iter().map(|leg| leg.speech_seconds).collect();
        seconds.sort_unstable_by(f64::total_cmp);
        Reference::of(scores, n_groups, seconds.get(seconds.len() / 2).copied().unwrap_or_default())
    }

    fn alarm(&self, leg: &Leg, found: &Found) -> Option<f64> {
        alarm(&leg.windows, found.map(&leg.codec), &self.thresholds, self.correlation)
    }

    fn llr(&self, leg: &Leg, found: &Found) -> Option<f64> {
        let map = found.map(&leg.codec);
        let mapped: Vec<(f64, f64)> = leg.windows.iter().map(|(llr, share)| (map.llr(*llr), *share)).collect();
        mean_and_gain(&mapped, self.correlation).map(|(mean, gain)| gain * mean)
    }

    fn measure(&self, legs: &[&Leg], found: &Found) -> Measures {
        self.measures(&legs.iter().map(|leg| self.judged(leg, found)).collect::<Vec<_>>())
    }

    /// Label, llr at the end, and whether the leg would be called synthetic.
    fn judged(&self, leg: &Leg, found: &Found) -> (Label, f64, bool) {
        let threshold = found.synthetic_llr.unwrap_or(self.thresholds.synthetic_llr);
        let alarm = self.alarm(leg, found).is_some_and(|alarm| alarm >= threshold);
        (leg.label, self.llr(leg, found).unwrap_or(0.0), alarm)
    }

    fn measures(&self, judged: &[(Label, f64, bool)]) -> Measures {
        let of = |label| judged.iter().filter(move |(l, _, _)| *l == label);
        let llrs = |label| of(label).map(|(_, llr, _)| *llr).collect::<Vec<f64>>();
        let share = |label| of(label).filter(|(_, _, alarm)| *alarm).count() as f64 / of(label).count().max(1) as f64;
        let (people, machines) = (llrs(Label::Bonafide), llrs(Label::Spoof));
        Measures {
            cllr: metrics::cllr(&people, &machines).ok(),
            act_dcf: metrics::act_dcf(&people, &machines, &self.options.costs).ok(),
            false_alarm: share(Label::Bonafide),
            found: (!machines.is_empty()).then(|| share(Label::Spoof)),
        }
    }

    /// Each group is judged by a fit that has not seen it.
    fn held_out(&self, legs: &[&Leg], people: &BTreeSet<&str>, machines: &BTreeSet<&str>) -> Option<Measures> {
        let fewest = if machines.is_empty() { people.len() } else { people.len().min(machines.len()) };
        let n_folds = fewest.min(MOST_FOLDS);
        if n_folds < 2 {
            return None;
        }
        let groups: BTreeSet<&str> = people.union(machines).copied().collect();
        // Groups in the order of their names, spread over the folds: the same folds every time.
        let fold = |leg: &Leg| groups.range(..leg.group.as_str()).count() % n_folds;
        let folds: Vec<usize> = legs.iter().map(|leg| fold(leg)).collect();
        let mut judged = Vec::new();
        for number in 0..n_folds {
            let (held, rest): (Vec<_>, Vec<_>) = legs.iter().zip(&folds).partition(|(_, fold)| **fold == number);
            let rest: Vec<&Leg> = rest.into_iter().map(|(leg, _)| *leg).collect();
            let found = self.fit(&rest).ok()?;
            judged.extend(held.into_iter().map(|(leg, _)| self.judged(leg, &found)));
        }
        Some(self.measures(&judged))
    }
}

/// `llr of the leg = gain * (scale * mean + offset)`, the scale and offset of its windows, by logistic regression at even odds:
/// Newton's method on the two numbers, with a slight pull to (1, 0), which is what is known before.
fn affine(legs: &[&Leg], correlation: f64) -> Result<Map> {
    const PULL: f64 = 1e-3;
    let of_leg = |leg: &&Leg| {
        let (mean, gain) = mean_and_gain(&leg.windows, correlation)?;
        Some((gain * mean, gain, if leg.label == Label::Spoof { 1.0 } else { 0.0 }))
    };
    let points: Vec<(f64, f64, f64)> = legs.iter().filter_map(of_leg).collect();
    let n_spoof: f64 = points.iter().map(|(_, _, truth)| truth).sum();
    let n_bonafide = points.len() as f64 - n_spoof;
    let (mut scale, mut offset) = (1.0, 0.0);
    for _ in 0..100 {
        let (mut slope, mut bend) = ([PULL * (scale - 1.0), PULL * offset], [PULL, 0.0, PULL]);
        for (x, g, truth) in &points {
            let p = 1.0 / (1.0 + (-(scale * x + offset * g)).exp());
            let weight = truth * 0.5 / n_spoof + (1.0 - truth) * 0.5 / n_bonafide;
            let (pull, curve) = (weight * (p - truth), weight * p * (1.0 - p));
            slope = [slope[0] + pull * x, slope[1] + pull * g];
            bend = [bend[0] + curve * x * x, bend[1] + curve * x * g, bend[2] + curve * g * g];
        }
        let determinant = bend[0] * bend[2] - bend[1] * bend[1];
        let step = [
            (bend[2] * slope[0] - bend[1] * slope[1]) / determinant,
            (bend[0] * slope[1] - bend[1] * slope[0]) / determinant,
        ];
        // Far from the end a whole step may go too far.
        let shrink = (2.0 / step[0].hypot(step[1])).min(1.0);
        (scale, offset) = (scale - shrink * step[0], offset - shrink * step[1]);
        if step[0].hypot(step[1]) < 1e-10 {
            break;
        }
    }
    if !(scale.is_finite() && offset.is_finite()) {
        return Err(refused("the regression found no numbers".to_owned()));
    }
    if scale <= 0.02 {
        return Err(refused(format!(
            "the scores do not tell machines from people here, or point the wrong way (slope {scale:.2}): a calibration cannot \
             mend that. Look at veravox eval first"
        )));
    }
    Ok(Map::Affine { scale, offset })
}

/// Pooled adjacent violators over the windows; each leg has the same weight in its class. A window more of either class is added
/// to each pool, so that none is sure of itself.
fn isotonic(legs: &[&Leg]) -> Map {
    let n = |label| legs.iter().filter(|leg| leg.label == label).count() as f64;
    let (n_bonafide, n_spoof) = (n(Label::Bonafide), n(Label::Spoof));
    let mut windows: Vec<(f64, f64, f64)> = Vec::new();
    for leg in legs {
        let all: f64 = leg.windows.iter().map(|(_, share)| share).sum();
        for (llr, share) in &leg.windows {
            let weight = share / all;
            windows.push(if leg.label == Label::Spoof { (*llr, 0.0, weight) } else { (*llr, weight, 0.0) });
        }
    }
    windows.sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
    // Of each pool the sum of llrs and the weights of both classes.
    let mut pools: Vec<(f64, f64, f64)> = Vec::new();
    for (llr, bonafide, spoof) in windows {
        let mut pool = (llr * (bonafide + spoof), bonafide, spoof);
        // Pools of one class below a fiftieth of it are noise.
        while let Some((sum, b, s)) =
            pools.pop_if(|(_, b, s)| *s * pool.1 >= pool.2 * *b || *b / n_bonafide + *s / n_spoof < 0.02)
        {
            pool = (pool.0 + sum, pool.1 + b, pool.2 + s);
        }
        pools.push(pool);
    }
    let ratio = |b: f64, s: f64| ((s + 0.5) / (n_spoof + 1.0)).ln() - ((b + 0.5) / (n_bonafide + 1.0)).ln();
    let mut points: Vec<(f64, f64)> = Vec::new();
    for (sum, b, s) in pools {
        let (x, y) = (sum / (b + s), ratio(b, s));
        // What is added to the counts may turn two neighbours round.
        let y = points.last().map_or(y, |(_, before)| y.max(*before));
        if points.last().is_none_or(|(before, _)| x > *before) {
            points.push((x, y));
        }
    }
    Map::Isotonic { points }
}
