//! Programs that a chore runs, and where.

use std::env;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Words for people say what went wrong.
pub type Result<T> = std::result::Result<T, String>;

#[expect(clippy::print_stderr, reason = "a program for people")]
pub fn say(words: &str) {
    eprintln!("{words}");
}

pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().map(Path::to_owned).unwrap_or_default()
}

/// Where optimised builds lie.
pub fn target() -> PathBuf {
    env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from).join("release")
}

pub fn cargo(arguments: &[&str]) -> Command {
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args(arguments).current_dir(root());
    command
}

/// A command of cargo's for all crates but this one. All of them, since with the gateway features resolve otherwise than without, and
/// the library would be compiled once for each; the gateway runs where signals are those of Unix.
pub fn cargo_all(verb: &str) -> Command {
    let all: &[&str] = if cfg!(unix) { &["--workspace", "--exclude", "xtask"] } else { &[] };
    cargo(&[&[verb, "--release"], all].concat())
}

/// Builds an example of a crate, and says where it lies.
pub fn example(name: &str) -> Result<PathBuf> {
    let mut build = cargo_all("build");
    build.args(["--example", name]);
    run(build)?;
    Ok(target().join("examples").join(name))
}

pub fn in_root(program: impl AsRef<OsStr>, arguments: &[&str]) -> Command {
    let mut command = Command::new(program);
    command.args(arguments).current_dir(root());
    command
}

pub fn run(mut command: Command) -> Result<()> {
    say(&format!("$ {}", in_words(&command)));
    let program = command.get_program().to_string_lossy().into_owned();
    let status = command.status().map_err(|e| missing(&program, &e))?;
    if status.success() { Ok(()) } else { Err(format!("failed: {}", in_words(&command))) }
}

pub fn run_quietly(mut command: Command) -> Result<String> {
    let program = command.get_program().to_string_lossy().into_owned();
    let output = command.output().map_err(|e| missing(&program, &e))?;
    if !output.status.success() {
        return Err(format!("failed: {}\n{}", in_words(&command), String::from_utf8_lossy(&output.stderr)));
    }
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

fn in_words(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(|word| word.to_string_lossy().into_owned()).collect::<Vec<_>>().join(" ")
}

/// A toolchain that is not there is named, with how to get it.
pub fn missing(program: &str, error: &std::io::Error) -> String {
    let how = if program.contains("python") {
        "install Python 3.10 or newer with its venv module (Debian: apt install python3 python3-venv; python.org)"
    } else {
        "install Rust by rustup (rustup.rs)"
    };
    format!("cannot run {program}: {error}; {how}")
}
