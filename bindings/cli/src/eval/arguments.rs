//! The arguments of `veravox eval`.

#![expect(clippy::doc_markdown, reason = "these comments are the help text, where backticks would stand as they are")]

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use veravox::evaluate::{Direction, EvaluationOptions};
use veravox::metrics::{Bootstrap, Tandem};

use crate::audio::Audio;
use crate::odds::CostArguments;

#[derive(Args)]
#[command(after_long_help = NOTES)]
pub struct Eval {
    /// Key files, which say what each trial is: those of ASVspoof 2019, 2021 and 5 as they are, MLAAD's and In-the-Wild's
    /// meta.csv, or a table with columns "file" and "label" and any others to group by. Several are taken together.
    #[arg(long, required = true, value_name = "FILE", num_args = 1..)]
    pub key: Vec<PathBuf>,
    /// A score file: "file score" in each line, ASVspoof's forms, a table with "llr" or "score", or what veravox scan --jsonl
    /// or --csv wrote.
    #[arg(long, value_name = "FILE", required_unless_present = "audio", conflicts_with = "audio")]
    pub scores: Option<PathBuf>,
    #[command(flatten)]
    pub audio: Audio,
    /// What higher scores speak for; as such files usually have it without it: synthetic in a column "llr" and in results of
    /// veravox, bona fide in all others.
    #[arg(long, value_name = "CLASS", value_enum, requires = "scores")]
    pub higher: Option<Higher>,
    /// Write a report in one HTML file.
    #[arg(long, short, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Write the plots into this folder: det, roc, histogram, reliability.
    #[arg(long, value_name = "DIR")]
    pub plots: Option<PathBuf>,
    /// The form of the plots.
    #[arg(long, value_name = "FORM", value_enum, default_value_t = PlotForm::Svg, requires = "plots")]
    pub plot_format: PlotForm,
    /// Print a JSON object.
    #[arg(long)]
    pub json: bool,
    /// Group by these columns of the key, each or joined as in attack+codec; by every column of 2 to 100 values without it.
    #[arg(long, value_name = "COLUMN", value_delimiter = ',')]
    pub by: Option<Vec<String>>,
    /// Draw whole groups of this column for the intervals; the speaker, source, page or call where the key has it without it.
    #[arg(long, value_name = "COLUMN")]
    pub resample_by: Option<String>,
    /// Rounds of the bootstrap.
    #[arg(long, value_name = "N", default_value_t = Bootstrap::default().rounds, value_parser = rounds)]
    pub rounds: usize,
    /// Another seed, another set of draws.
    #[arg(long, value_name = "N", default_value_t = Bootstrap::default().seed)]
    pub seed: u64,
    #[command(flatten)]
    pub costs: CostArguments,
    /// Miss rates at which the false-alarm rate is given, 0 to 1.
    #[arg(long, value_name = "RATE", value_delimiter = ',')]
    pub miss_rates: Option<Vec<f64>>,
    /// Error rates of a speaker verification for the t-DCF: false alarm, miss, and share of spoofs that it accepts, 0 to 1.
    #[arg(long, value_name = "FA,MISS,SPOOF", value_delimiter = ',')]
    pub asv: Option<Vec<f64>>,
    /// The t-DCF of ASVspoof 2019 in place of that of 2021 and 5.
    #[arg(long, requires = "asv")]
    pub t_dcf_2019: bool,
}

const NOTES: &str = "\
Figures are those of the official scripts of ASVspoof 2019, 2021 and 5 on the same files. Polarity here: llr is positive for
synthetic; files of the field, which count the other way, are turned round, and the report says so. A trial without a score
counts as undecided, llr 0.

Exit status: 0 evaluated, whatever came out; 2 nothing was evaluated; 130 interrupted.";

#[derive(ValueEnum, Clone, Copy, PartialEq, Eq)]
pub enum Higher {
    Synthetic,
    Bonafide,
}

#[derive(ValueEnum, Clone, Copy, PartialEq, Eq)]
pub enum PlotForm {
    Svg,
    Png,
}

fn rounds(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(n) if (1..=1_000_000).contains(&n) => Ok(n),
        _ => Err("expected 1 to 1000000".to_owned()),
    }
}

impl Eval {
    pub fn direction(&self) -> Option<Direction> {
        self.higher.map(|higher| match higher {
            Higher::Synthetic => Direction::HigherIsSpoof,
            Higher::Bonafide => Direction::HigherIsBonafide,
        })
    }

    pub fn options(&self) -> Result<EvaluationOptions, String> {
        let defaults = EvaluationOptions::default();
        let tandem = match self.asv.as_deref() {
            None => None,
            Some([false_alarm, miss, spoof]) => {
                Some(Tandem { legacy: self.t_dcf_2019, ..Tandem::new(*false_alarm, *miss, *spoof) })
            }
            Some(other) => return Err(format!("--asv: expected three rates, FA,MISS,SPOOF, got {}", other.len())),
        };
        Ok(EvaluationOptions {
            costs: self.costs.costs(),
            tandem,
            miss_rates: self.miss_rates.clone().unwrap_or(defaults.miss_rates),
            bootstrap: Bootstrap { rounds: self.rounds, seed: self.seed, ..defaults.bootstrap },
            resample_by: self.resample_by.clone(),
            by: self.by.clone(),
            ..defaults
        })
    }
}
