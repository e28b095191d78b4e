//! Evaluation and calibration: files in, JSON and pages out.

use std::collections::HashMap;
use std::path::PathBuf;

use pyo3::prelude::*;
use veravox::evaluate::{Direction, Evaluation, EvaluationOptions, Key, Scores, Trials};
use veravox::metrics::{Bootstrap, Costs, Tandem};
use veravox::site::{FitOptions, Material, Method, SiteCalibration};

use crate::detector::Detector;
use crate::errors::{argument_error, to_python};
use crate::json::to_text;

/// A score file, or a score for each file.
#[derive(FromPyObject)]
pub(crate) enum ScoresOf {
    Of(HashMap<String, f64>),
    File(PathBuf),
}

fn costs(prior: Option<f64>, false_alarm: Option<f64>, miss: Option<f64>) -> Costs {
    let default = Costs::default();
    Costs {
        spoof_prior: prior.unwrap_or(default.spoof_prior),
        reject_bonafide: false_alarm.unwrap_or(default.reject_bonafide),
        accept_spoof: miss.unwrap_or(default.accept_spoof),
    }
}

/// A plot: its name, as SVG, as PNG.
type Plot = (&'static str, String, Vec<u8>);

/// The evaluation as JSON text, as a page, and its plots.
#[pyfunction]
#[pyo3(signature = (keys, scores, higher, prior, cost_false_alarm, cost_miss, asv, t_dcf_2019, by, resample_by, rounds, seed))]
#[expect(clippy::too_many_arguments, reason = "each is an option of the evaluation")]
pub(crate) fn evaluate(
    py: Python<'_>,
    keys: Vec<PathBuf>,
    scores: ScoresOf,
    higher: Option<&str>,
    prior: Option<f64>,
    cost_false_alarm: Option<f64>,
    cost_miss: Option<f64>,
    asv: Option<(f64, f64, f64)>,
    t_dcf_2019: bool,
    by: Option<Vec<String>>,
    resample_by: Option<String>,
    rounds: Option<usize>,
    seed: Option<u64>,
) -> PyResult<(String, String, Vec<Plot>)> {
    let direction = match higher {
        None => None,
        Some("synthetic") => Some(Direction::HigherIsSpoof),
        Some("bonafide") => Some(Direction::HigherIsBonafide),
        Some(other) => {
            let message = format!("expected higher to be \"synthetic\" or \"bonafide\", got {other:?}");
            return Err(argument_error(py, message));
        }
    };
    let defaults = EvaluationOptions::default();
    let options = EvaluationOptions {
        costs: costs(prior, cost_false_alarm, cost_miss),
        tandem: asv.map(|(fa, miss, spoof)| Tandem { legacy: t_dcf_2019, ..Tandem::new(fa, miss, spoof) }),
        bootstrap: Bootstrap {
            rounds: rounds.unwrap_or(defaults.bootstrap.rounds),
            seed: seed.unwrap_or(defaults.bootstrap.seed),
            ..defaults.bootstrap
        },
        by,
        resample_by,
        ..defaults
    };
    let work = || {
        let keys = keys.iter().map(|path| Key::read(path)).collect::<veravox::Result<Vec<_>>>()?;
        let scores = match &scores {
            ScoresOf::File(path) => Scores::read(path, direction)?,
            ScoresOf::Of(of) => Scores::of_files("scores", of.iter().map(|(file, llr)| (file.as_str(), *llr)))?,
        };
        Evaluation::of(&Trials::join(&keys, &scores)?, &options)
    };
    let evaluation = py.detach(work).map_err(|e| to_python(py, &e))?;
    let svg = veravox_cli::plots_as_svg(&evaluation).into_iter();
    let png = veravox_cli::plots_as_png(&evaluation)?.into_iter();
    let plots = svg.zip(png).map(|((name, svg), (_, png))| (name, svg, png)).collect();
    Ok((to_text(py, &evaluation)?, veravox_cli::evaluation_page(&evaluation), plots))
}

/// The text of the calibration file.
#[pyfunction]
#[pyo3(signature = (detector, results, keys, leg, name, method, target_false_alarm, by_codec, prior, cost_false_alarm, cost_miss))]
#[expect(clippy::too_many_arguments, reason = "each is an option of the fit")]
pub(crate) fn calibrate(
    py: Python<'_>,
    detector: &Detector,
    results: PathBuf,
    keys: Option<Vec<PathBuf>>,
    leg: Option<usize>,
    name: Option<String>,
    method: Option<&str>,
    target_false_alarm: Option<f64>,
    by_codec: bool,
    prior: Option<f64>,
    cost_false_alarm: Option<f64>,
    cost_miss: Option<f64>,
) -> PyResult<String> {
    let defaults = FitOptions::default();
    let method = match method {
        None => defaults.method,
        Some("affine") => Method::Affine,
        Some("isotonic") => Method::Isotonic,
        Some(other) => {
            let message = format!("expected the method \"affine\" or \"isotonic\", got {other:?}");
            return Err(argument_error(py, message));
        }
    };
    let options = FitOptions {
        name: name.unwrap_or(defaults.name),
        method,
        target_false_alarm,
        by_codec,
        costs: costs(prior, cost_false_alarm, cost_miss),
    };
    let work = || {
        let scores = Scores::read(&results, None)?;
        let material = match &keys {
            Some(keys) => {
                let keys = keys.iter().map(|path| Key::read(path)).collect::<veravox::Result<Vec<_>>>()?;
                Material::labelled(&keys, &scores)?
            }
            None => Material::bonafide(&scores, leg)?,
        };
        SiteCalibration::fit(&material, detector.inner.manifests(), &options)
    };
    py.detach(work).map(|calibration| calibration.to_json()).map_err(|e| to_python(py, &e))
}

/// Which of these files the trials of keys mean, by their places.
#[pyfunction]
pub(crate) fn audio_of_keys(py: Python<'_>, keys: Vec<PathBuf>, files: Vec<String>) -> PyResult<Vec<usize>> {
    let read = || keys.iter().map(|path| Key::read(path)).collect::<veravox::Result<Vec<_>>>();
    py.detach(|| read().map(|keys| Key::audio(&keys, &files).0)).map_err(|e| to_python(py, &e))
}
