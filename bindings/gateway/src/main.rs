//! The gateway as a program.

use std::process::ExitCode;

fn main() -> ExitCode {
    ExitCode::from(veravox_gateway::run(std::env::args_os()))
}
