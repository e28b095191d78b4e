//! What has a JSON form crosses as JSON text, both ways: the package reads reports with Python's own reader.

use pyo3::prelude::*;
use pyo3::types::PyDict;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::errors::argument_error;

pub(crate) fn to_text(py: Python<'_>, value: &impl Serialize) -> PyResult<String> {
    serde_json::to_string(value).map_err(|e| argument_error(py, e.to_string()))
}

/// A Python value, such as a dict, read as what its JSON form describes; `what` names it in the error. numpy's numbers, which
/// Python's writer does not know, are taken for Python's.
pub(crate) fn from_object<T: DeserializeOwned>(value: &Bound<'_, PyAny>, what: &str) -> PyResult<T> {
    let py = value.py();
    let options = PyDict::new(py);
    options.set_item("default", py.import("operator")?.call_method1("methodcaller", ("item",))?)?;
    let text: String = py.import("json")?.call_method("dumps", (value,), Some(&options))?.extract()?;
    serde_json::from_str(&text).map_err(|e| argument_error(py, format!("{what}: {e}")))
}
