//! The command `veravox`, run by Python.

use std::ffi::OsString;
use std::path::PathBuf;

use pyo3::prelude::*;
use veravox_cli::Host;

/// Runs the command; returns its exit status. `restart` is how it is started once more, program and arguments.
#[pyfunction]
pub(crate) fn run_command(
    py: Python<'_>,
    arguments: Vec<OsString>,
    restart: (PathBuf, Vec<OsString>),
    onnxruntime: Option<PathBuf>,
) -> u8 {
    py.detach(|| veravox_cli::run(arguments, Host { restart: Some(restart), onnxruntime }))
}
