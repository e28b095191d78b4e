//! `veravox drift`: did the calls change?

use std::io::Write as _;
use std::path::PathBuf;

use clap::Args;
use veravox::evaluate::{Drift, Scores};
use veravox::metrics::Bootstrap;

use crate::exit::{Exit, Outcome};
use crate::words::{BOLD, DIM, GREEN, YELLOW};

#[derive(Args)]
pub struct DriftArguments {
    /// Results of veravox scan --jsonl from when the site was calibrated, or all was well.
    #[arg(value_name = "BEFORE")]
    pub before: PathBuf,
    /// Results of the same model from now.
    #[arg(value_name = "AFTER")]
    pub after: PathBuf,
    /// Print a JSON object.
    #[arg(long)]
    pub json: bool,
    /// Exit with 3 when a recalibration is due.
    #[arg(long)]
    pub fail_on_drift: bool,
}

/// Rows of shares that are printed.
const MOST_ROWS: usize = 12;

pub fn run(arguments: &DriftArguments) -> Outcome {
    let (before, after) = (Scores::read(&arguments.before, None)?, Scores::read(&arguments.after, None)?);
    let drift = Drift::between(&before, &after, &Bootstrap::default())?;
    let mut out = anstream::stdout().lock();
    if arguments.json {
        writeln!(out, "{}", serde_json::to_string_pretty(&drift)?)?;
    } else {
        let style = if drift.due { YELLOW } else { GREEN };
        writeln!(out, "{style}{}{style:#}", drift.verdict)?;
        let ((legs, calls), (legs_after, calls_after)) = (drift.n_before, drift.n_after);
        writeln!(
            out,
            "{DIM}before: {legs} legs of {calls} calls, after: {legs_after} legs of {calls_after} calls{DIM:#}\n"
        )?;
        writeln!(out, "{BOLD}{:26} {:>9} {:>9}   effect (95 % interval){BOLD:#}", "median", "before", "after")?;
        for shift in &drift.shifts {
            let (effect, low, high) = (shift.effect, shift.low, shift.high);
            writeln!(
                out,
                "{:26} {:9.2} {:9.2}   {effect:+.2} ({low:+.2} to {high:+.2})",
                shift.name, shift.before, shift.after
            )?;
        }
        writeln!(
            out,
            "\n{BOLD}{:26} {:>9} {:>9}   difference (95 % interval){BOLD:#}",
            "share of legs, %", "before", "after"
        )?;
        for share in drift.shares.iter().take(MOST_ROWS) {
            let [before, after, low, high] =
                [share.before, share.after, share.low, share.high].map(|share| 100.0 * share);
            writeln!(
                out,
                "{:26} {before:9.1} {after:9.1}   {:+.1} ({low:+.1} to {high:+.1})",
                share.name,
                after - before
            )?;
        }
    }
    Ok(if arguments.fail_on_drift && drift.due { Exit::SyntheticFound } else { Exit::Done })
}
