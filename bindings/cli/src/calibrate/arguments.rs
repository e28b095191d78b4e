//! The arguments of `veravox calibrate`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use crate::audio::Audio;
use crate::odds::CostArguments;

#[derive(Args)]
#[command(after_long_help = NOTES)]
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
    #[command(flatten)]
    pub costs: CostArguments,
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
