//! The arguments, as clap reads them.

#![expect(clippy::doc_markdown, reason = "these comments are the help text, where backticks would stand as they are")]

use std::path::PathBuf;

use clap::Parser;

/// Watches calls that phone systems and cloud telephony bring over the network, and says which voices are synthetic.
#[derive(Parser)]
#[command(name = "veravox-gateway", version, max_term_width = 100, after_long_help = SIGNALS)]
pub struct Arguments {
    /// The configuration; without it every key has its default.
    #[arg(long, short, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Read the configuration and all that it names, load the model, say what is wrong, and end.
    #[arg(long)]
    pub check: bool,
    /// Print a configuration with every key and its default, and end.
    #[arg(long, conflicts_with_all = ["config", "check"])]
    pub print_config: bool,
}

const SIGNALS: &str = "\
Signals:
  SIGTERM, SIGINT  take no more calls, end those that go on, tell their verdicts, and end
  SIGHUP           read the configuration again: model, calibration and thresholds of the calls that come, tokens and keys

Exit status: 0 ended in order, or the configuration is good; 2 it is not, or an address cannot be listened on.";
