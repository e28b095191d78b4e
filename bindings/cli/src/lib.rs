//! The command `veravox`. It converts arguments, calls the library and prints; what a call means is decided in the core.
//!
//! It is a library of its own so that a program and the Python package, which carries the command in its extension, run
//! the same one.

mod args;
mod audio;
mod bench;
mod calibrate;
mod doctor;
mod draw;
mod drift;
mod eval;
mod exit;
mod explain;
mod gateway;
mod host;
mod interrupt;
mod live;
mod loadtest;
mod measure;
mod model;
mod odds;
mod probe;
mod save;
mod scan;
mod scoring;
mod words;

use std::ffi::OsString;

use anstream::eprintln;
use clap::Parser;

use args::{Arguments, Command};
pub use eval::{html as evaluation_page, plots_as_png, plots_as_svg};
pub use exit::Exit;
pub use host::Host;
pub use scan::resume::Results;

/// Runs the command with these arguments, the first of which is the name that it was called by, and gives the exit status.
pub fn run(arguments: impl IntoIterator<Item = OsString>, host: Host) -> u8 {
    let mut arguments = match Arguments::try_parse_from(arguments) {
        Ok(arguments) => arguments,
        Err(help_or_error) => {
            // Where not even this can be written, nobody is left to be told.
            let _ = help_or_error.print();
            return help_or_error.exit_code() as u8;
        }
    };
    arguments.setup.host = host;
    arguments.color.write_global();
    let outcome = match arguments.command {
        Command::Scan(scan) => scan::run(&scan, &arguments.setup),
        Command::Eval(eval) => eval::run(&eval, &arguments.setup),
        Command::Calibrate(calibrate) => calibrate::run(&calibrate, &arguments.setup),
        Command::Explain(explain) => explain::run(&explain, &arguments.setup),
        Command::Drift(arguments) => drift::run(&arguments),
        Command::Probe(probe) => probe::run(&probe),
        Command::Doctor(doctor) => doctor::run(&doctor, &arguments.setup),
        Command::Model(model) => model::run(&model, &arguments.setup),
        Command::Live(live) => live::run(&live, &arguments.setup),
        Command::Loadtest(loadtest) => loadtest::run(&loadtest, &arguments.setup),
        Command::Bench(bench) => bench::run(&bench, &arguments.setup),
        Command::Gateway(gateway) => gateway::run(&gateway, &arguments.setup),
    };
    let exit = outcome.unwrap_or_else(|error| {
        if is_broken_pipe(error.as_ref()) {
            // The reader of our output has seen enough (`veravox scan … | head`).
            return Exit::Done;
        }
        let style = anstyle::AnsiColor::Red.on_default().bold();
        eprintln!("{style}error:{style:#} {error}");
        Exit::Refused
    });
    exit as u8
}

fn is_broken_pipe(error: &(dyn std::error::Error + 'static)) -> bool {
    let mut next = Some(error);
    while let Some(error) = next {
        if error.downcast_ref::<std::io::Error>().is_some_and(|e| e.kind() == std::io::ErrorKind::BrokenPipe) {
            return true;
        }
        next = error.source();
    }
    false
}
