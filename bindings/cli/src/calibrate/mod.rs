//! `veravox calibrate`: a site's own calibration, from its labelled calls or from bona fide calls alone.

use std::io::Write as _;
use std::path::PathBuf;

use anstream::eprintln;
use clap::{Args, ValueEnum};
use veravox::Detector;
use veravox::evaluate::{Key, ProblemKind, Scores};
use veravox::metrics::Costs;
use veravox::site::{FitOptions, Material, Measures, Method, ModelCalibration, SiteCalibration};

use crate::args::Setup;
use crate::exit::{Exit, Outcome};
use crate::save::save;
use crate::scoring::{Audio, Scored, score};
use crate::words::{BOLD, DIM, YELLOW};

#[derive(Args)]
#[command(after_long_help = NOTES)]
#[expect(clippy::doc_markdown, reason = "these comments are the help text, where backticks would stand as they are")]
pub struct Calibrate {
    /// Results of veravox scan --jsonl, made without a calibration.
    #[arg(long, value_name = "FILE", required_unless_present = "audio", conflicts_with = "audio")]
    pub results: Option<PathBuf>,
    #[command(flatten)]
    pub audio: Audio,
    /// Key files that label the calls, as for veravox eval: a table with "file", "label", for calls with several legs "leg",
    /// and if it is known "speaker".
    #[arg(long, value_name = "FILE", num_args = 1.., required_unless_present = "bonafide", conflicts_with = "bonafide")]
    pub key: Vec<PathBuf>,
    /// All of these calls are people's: set the threshold by them.
    #[arg(long)]
    pub bonafide: bool,
    /// With --bonafide, take this leg of each call alone.
    #[arg(long, value_name = "LEG", requires = "bonafide")]
    pub leg: Option<usize>,
    /// The calibration, a JSON file.
    #[arg(long, short, value_name = "FILE")]
    pub output: PathBuf,
    /// The site's name, for reports.
    #[arg(long, value_name = "NAME", default_value = "site")]
    pub name: String,
    /// The form of the map, for labelled calls.
    #[arg(long, value_enum, default_value_t = Form::Affine)]
    pub method: Form,
    /// Call at most this share of people synthetic, 0 to 1, with a confidence of 95 %; 0.02 with --bonafide, the model's own
    /// thresholds with labelled calls.
    #[arg(long, value_name = "RATE")]
    pub target_false_alarm: Option<f64>,
    /// A map of its own for each codec with 50 legs and more of either class.
    #[arg(long, requires = "key")]
    pub by_codec: bool,
    /// Prior probability of a synthetic voice in the actDCF that is measured before and after.
    #[arg(long, value_name = "P", default_value_t = Costs::default().spoof_prior)]
    pub prior: f64,
    /// Cost of calling a person synthetic, in it.
    #[arg(long, value_name = "COST", default_value_t = Costs::default().reject_bonafide)]
    pub cost_false_alarm: f64,
    /// Cost of letting a machine pass, in it.
    #[arg(long, value_name = "COST", default_value_t = Costs::default().accept_spoof)]
    pub cost_miss: f64,
    /// Print the calibration as well.
    #[arg(long)]
    pub json: bool,
}

const NOTES: &str = "\
Use it with --calibration FILE: scan, live, loadtest and eval take it. It holds the hash of the model that it was made for and
is refused for any other, and when it was changed by hand.

Exit status: 0 fitted; 2 nothing was fitted; 130 interrupted.";

#[derive(ValueEnum, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// Two numbers, by logistic regression.
    Affine,
    /// Any rising map, by isotonic regression; it takes a thousand calls.
    Isotonic,
}

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
    let material = match arguments.bonafide {
        true => Material::bonafide(&scores, arguments.leg)?,
        false => Material::labelled(&keys, &scores)?,
    };
    for kind in [ProblemKind::KeyWithoutScore, ProblemKind::WhichLeg, ProblemKind::NoScore, ProblemKind::DuplicateTrial] {
        let of_kind: Vec<_> = material.problems.iter().filter(|problem| problem.kind == kind).collect();
        if let Some(first) = of_kind.first() {
            let what = if kind == ProblemKind::NoScore { "without a window that counts: left out" } else { kind.describe() };
            eprintln!("{YELLOW}note{YELLOW:#} {} {what}: {} ({})", of_kind.len(), first.file, first.place);
        }
    }
    let options = FitOptions {
        name: arguments.name.clone(),
        method: if arguments.method == Form::Affine { Method::Affine } else { Method::Isotonic },
        target_false_alarm: arguments.target_false_alarm,
        by_codec: arguments.by_codec,
        costs: Costs {
            spoof_prior: arguments.prior,
            reject_bonafide: arguments.cost_false_alarm,
            accept_spoof: arguments.cost_miss,
        },
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
    let mut from = format!("  {} legs of people ({})", fit.n_bonafide, groups(fit.n_bonafide_groups));
    if fit.n_spoof > 0 {
        from += &format!(", {} of machines ({})", fit.n_spoof, groups(fit.n_spoof_groups));
    }
    lines.push(from);
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
