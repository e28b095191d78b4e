//! The command `veravox` as a program.

use std::process::ExitCode;

fn main() -> ExitCode {
    ExitCode::from(veravox_cli::run(std::env::args_os(), veravox_cli::Host::default()))
}
