//! What is published can be built from what is in the packages alone.

use std::path::Path;

use crate::process::{Result, cargo, in_root, root, run, target};
use crate::python::{make_venv, python_of};
use crate::scratch::Scratch;

/// Members of the workspace that no registry gets.
const UNPUBLISHED: [&str; 4] = ["veravox-c", "veravox-fuzz", "veravox-python", "xtask"];

/// Packs the crates, without building what was packed: a file outside of its crate, a dependency without a version.
pub fn pack() -> Result<()> {
    cargo_package(&["--no-verify"])
}

/// Packs the crates and the Python package's sources, and builds and runs what was packed.
pub fn check() -> Result<()> {
    cargo_package(&[])?;
    sdist()
}

fn cargo_package(more: &[&str]) -> Result<()> {
    // What is about to be committed is what is to be packed. What is built of it is not kept: the quicker the better.
    let mut package = cargo(&["package", "--workspace", "--allow-dirty"]);
    package.args(UNPUBLISHED.iter().flat_map(|name| ["--exclude", name])).args(more);
    package.env("CARGO_PROFILE_DEV_DEBUG", "false");
    run(package)
}

/// The source distribution, installed by pip into a virtual environment of its own.
fn sdist() -> Result<()> {
    let scratch = Scratch::new("sdist")?;
    let folder = scratch.path();
    make_venv(folder)?;
    let python = python_of(folder);
    let pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check"];
    run(in_root(&python, &[pip.as_slice(), &["maturin>=1.8,<2"]].concat()))?;
    let mut pack =
        in_root(&python, &["-m", "maturin", "sdist", "--manifest-path", "bindings/python/Cargo.toml", "--out"]);
    pack.arg(folder);
    run(pack)?;
    let packed = std::fs::read_dir(folder)
        .map_err(|e| format!("cannot read {}: {e}", folder.display()))?
        .filter_map(|entry| entry.ok().map(|entry| entry.path()))
        .find(|path| path.extension().is_some_and(|extension| extension == "gz"))
        .ok_or("maturin packed nothing")?;
    let mut install = in_root(&python, &pip);
    // What the workspace has compiled of others' crates is used.
    install.arg(packed).env("CARGO_TARGET_DIR", target().parent().unwrap_or(Path::new("target")));
    run(install)?;
    let call = root().join("testdata/calls/03-bank-card.alaw.wav");
    for words in [["doctor"].as_slice(), &["scan", &call.to_string_lossy()]] {
        let mut veravox = in_root(&python, &["-m", "veravox"]);
        // From a folder with no package in it that could be taken for the installed one.
        veravox.args(words).current_dir(folder);
        run(veravox)?;
    }
    Ok(())
}
