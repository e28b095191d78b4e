//! The arguments, as clap reads them.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

/// Watches calls that phone systems and cloud telephony bring over the network, and says which voices are synthetic.
#[derive(Parser)]
#[command(name = "veravox-gateway", version, max_term_width = 100, after_long_help = SIGNALS)]
#[command(args_conflicts_with_subcommands = true)]
pub struct Arguments {
    #[command(subcommand)]
    pub command: Option<Command>,
    /// The configuration; without it every key has its default.
    #[arg(long, short, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Folder of the model, or phone, or wide; instead of scoring.model.
    #[arg(long, value_name = "DIR|NAME")]
    pub model: Option<PathBuf>,
    /// A site's calibration, as veravox calibrate writes it; instead of scoring.calibration.
    #[arg(long, value_name = "FILE")]
    pub calibration: Option<PathBuf>,
    /// Read the configuration and all that it names, load the model, say what is wrong, and end.
    #[arg(long)]
    pub check: bool,
    /// Print a configuration with every key and its default, and end.
    #[arg(long, conflicts_with_all = ["config", "check"])]
    pub print_config: bool,
}

#[derive(Subcommand)]
pub enum Command {
    /// Measure a gateway under load: starts one, and calls it by AudioSocket at the pace of speech from this process.
    Loadtest(Loadtest),
}

#[derive(Args)]
pub struct Loadtest {
    /// A recording whose first leg every call repeats.
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// Calls at once.
    #[arg(long, value_name = "N", default_value_t = 500, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub calls: u32,
    /// How long each lasts, in seconds.
    #[arg(long, value_name = "SECONDS", default_value_t = 300, value_parser = clap::value_parser!(u32).range(5..=86_400))]
    pub seconds: u32,
    /// Print a JSON object.
    #[arg(long)]
    pub json: bool,
}

const SIGNALS: &str = "\
Signals:
  SIGTERM, SIGINT  take no more calls, end those that go on, tell their verdicts, and end
  SIGHUP           read the configuration again: model, calibration and thresholds of the calls that come, tokens and keys

Exit status: 0 ended in order, or the configuration is good; 2 it is not, or an address cannot be listened on.";
