//! `veravox calibrate`: a site's own calibration, from its labelled calls or from bona fide calls alone.

pub mod arguments;

use std::io::Write as _;

use anstream::eprintln;
use veravox::Detector;
use veravox::evaluate::{Key, ProblemKind, Scores};
use veravox::site::{FitOptions, Material, Measures, Method, ModelCalibration, SiteCalibration};

use crate::args::Setup;
use crate::exit::{Exit, Outcome};
use crate::save::save;
use crate::scoring::{Scored, score};
use crate::words::{BOLD, DIM, YELLOW};
use arguments::{Calibrate, Form};

pub fn run(arguments: &Calibrate, setup: &Setup) -> Outcome {
    // Fitted on the model's own scores, whatever is in use otherwise.
    let setup = Setup { calibration: None, ..setup.clone() };
    let detector: Detector = setup.detector()?;
    let keys = arguments.key.iter().map(|path| Key::read(path)).collect::<veravox::Result<Vec<_>>>()?;
    let scores = match &arguments.results {
        Some(file) => Scores::read(file, None)?,
        None => match score(&arguments.audio, (!arguments.bonafide).then_some(keys.as_slice()), &setup)? {
            Scored::All(scores) => scores,
            Scored::Ended(exit) => return Ok(exit),
        },
    };
    let material = if arguments.bonafide {
        Material::bonafide(&scores, arguments.leg)?
    } else {
        Material::labelled(&keys, &scores)?
    };
    for kind in [ProblemKind::KeyWithoutScore, ProblemKind::WhichLeg, ProblemKind::NoScore, ProblemKind::DuplicateTrial]
    {
        let of_kind: Vec<_> = material.problems.iter().filter(|problem| problem.kind == kind).collect();
        if let Some(first) = of_kind.first() {
            let what =
                if kind == ProblemKind::NoScore { "without a window that counts: left out" } else { kind.describe() };
            eprintln!("{YELLOW}note{YELLOW:#} {} {what}: {} ({})", of_kind.len(), first.file, first.place);
        }
    }
    let options = FitOptions {
        name: arguments.name.clone(),
        method: if arguments.method == Form::Affine { Method::Affine } else { Method::Isotonic },
        target_false_alarm: arguments.target_false_alarm,
        by_codec: arguments.by_codec,
        costs: arguments.costs.costs(),
    };
    let calibration = SiteCalibration::fit(&material, detector.manifests(), &options)?;
    save(&arguments.output, calibration.to_json().as_bytes())?;
    let mut out = anstream::stdout().lock();
    if arguments.json {
        write!(out, "{}", calibration.to_json())?;
    } else {
        for (_, model) in calibration.by_model() {
            write!(out, "{}", words(model))?;
        }
    }
    eprintln!("written: {}; use it with --calibration", arguments.output.display());
    Ok(Exit::Done)
}

/// What was fitted and what it does.
fn words(model: &ModelCalibration) -> String {
    let fit = &model.fit;
    let mut lines = vec![format!("{BOLD}{} {}{BOLD:#}", model.model, model.version)];
    let groups = |n: usize| format!("{n} {}{}", fit.grouped_by, if n == 1 { "" } else { "s" });
    let machines = if fit.n_spoof > 0 {
        format!(", {} of machines ({})", fit.n_spoof, groups(fit.n_spoof_groups))
    } else {
        String::new()
    };
    lines.push(format!("  {} legs of people ({})", fit.n_bonafide, groups(fit.n_bonafide_groups)) + &machines);
    match &model.map {
        veravox::site::Map::Affine { scale, offset } => {
            lines.push(format!("  llr at this site = {scale:.3} * llr {offset:+.3}, for each window"));
        }
        veravox::site::Map::Isotonic { points } => lines.push(format!("  a rising map of {} points", points.len())),
        veravox::site::Map::Identity {} => lines.push("  scores stay as they are".to_owned()),
    }
    lines.extend(model.lines.iter().map(|line| format!("  and a map of its own for {}", line.codec)));
    if let (Some(llr), Some(target)) = (model.synthetic_llr, fit.target_false_alarm) {
        lines.push(format!(
            "  synthetic from llr {llr:+.2}: at most {} % of this site's people are called so, with a confidence of 95 %",
            (1e5 * target).round() / 1e3
        ));
    }
    lines.push(format!("{DIM}                     before    after   held out{DIM:#}"));
    let row = |name: &str, of: &dyn Fn(&Measures) -> Option<f64>, digits: usize, factor: f64| {
        let cell = |measures: Option<&Measures>| {
            measures.and_then(of).map_or_else(|| "-".to_owned(), |value| format!("{:.digits$}", factor * value))
        };
        let (before, after, held) = (cell(Some(&fit.before)), cell(Some(&fit.after)), cell(fit.held_out.as_ref()));
        format!("  {name:17} {before:>8} {after:>8} {held:>10}")
    };
    if fit.n_spoof > 0 {
        lines.push(row("Cllr, bits", &|m| m.cllr, 3, 1.0));
        lines.push(row("actDCF", &|m| m.act_dcf, 3, 1.0));
    }
    lines.push(row("false alarms, %", &|m| Some(m.false_alarm), 1, 100.0));
    if fit.n_spoof > 0 {
        lines.push(row("machines found, %", &|m| m.found, 1, 100.0));
    }
    lines.extend(fit.cautions.iter().map(|caution| format!("  {YELLOW}note{YELLOW:#} {caution}")));
    lines.join("\n") + "\n"
}
