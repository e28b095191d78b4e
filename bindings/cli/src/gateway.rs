//! `veravox gateway`: hands over to the program `veravox-gateway`, which is built for itself, so that whoever scans recordings need
//! not compile its network libraries.

use std::env::consts::EXE_SUFFIX;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::args::{Gateway, Setup};
use crate::exit::Outcome;
use crate::host::Host;

const MISSING: &str = "veravox-gateway is neither beside this program nor on the PATH; it is a program of its own: \
                       from a clone, cargo build --release -p veravox-gateway puts it into target/release";

pub fn run(arguments: &Gateway, setup: &Setup) -> Outcome {
    let Some(program) = find(&setup.host) else { return Err(MISSING.into()) };
    let of_setup = [("--model", &setup.model), ("--calibration", &setup.calibration)];
    let of_setup = of_setup.into_iter().filter_map(|(name, path)| Some([name.into(), path.clone()?.into_os_string()]));
    let all: Vec<OsString> = of_setup.flatten().chain(arguments.arguments.iter().cloned()).collect();
    hand_over(&program, &all)
}

/// Beside this program, else on the PATH.
fn find(host: &Host) -> Option<PathBuf> {
    let name = format!("veravox-gateway{EXE_SUFFIX}");
    let this = host.command().ok().map(|command| PathBuf::from(command.get_program()));
    let beside = this.as_deref().and_then(Path::parent).map(|folder| folder.join(&name));
    let path = std::env::var_os("PATH").unwrap_or_default();
    beside.into_iter().chain(std::env::split_paths(&path).map(|folder| folder.join(&name))).find(|path| path.is_file())
}

/// The program takes the place of this one: signals are its own.
#[cfg(unix)]
fn hand_over(program: &Path, arguments: &[OsString]) -> Outcome {
    use std::os::unix::process::CommandExt as _;

    let error = Command::new(program).args(arguments).exec();
    Err(format!("cannot run {}: {error}", program.display()).into())
}

#[cfg(not(unix))]
fn hand_over(program: &Path, arguments: &[OsString]) -> Outcome {
    let status = Command::new(program).args(arguments).status();
    let status = status.map_err(|error| format!("cannot run {}: {error}", program.display()))?;
    Ok(if status.success() { crate::exit::Exit::Done } else { crate::exit::Exit::Refused })
}
