//! Errors of the core as exceptions of `veravox.errors`.

use pyo3::prelude::*;
use veravox::ErrorKind;

/// The exception for a kind, by Python's own table.
pub(crate) fn raise(py: Python<'_>, kind: ErrorKind, message: &str) -> PyErr {
    let made = py
        .import("veravox.errors")
        .and_then(|module| module.getattr("of_kind"))
        .and_then(|of_kind| of_kind.call1((kind.as_str(), message)));
    match made {
        Ok(exception) => PyErr::from_value(exception),
        Err(failed) => failed,
    }
}

pub(crate) fn to_python(py: Python<'_>, error: &veravox::Error) -> PyErr {
    raise(py, error.kind(), &error.to_string())
}

pub(crate) fn argument_error(py: Python<'_>, message: impl AsRef<str>) -> PyErr {
    raise(py, ErrorKind::InvalidArgument, message.as_ref())
}
