//! A file of results that grows while files are scanned.

use std::path::PathBuf;
use std::sync::Mutex;

use pyo3::prelude::*;

use crate::detector::Detector;
use crate::errors::argument_error;

/// A JSONL file of results that is gone on with, and that nobody else writes to until it is closed.
#[pyclass(module = "veravox._core", frozen)]
pub(crate) struct Results {
    /// None once it is closed.
    inner: Mutex<Option<veravox_cli::Results>>,
}

#[pymethods]
impl Results {
    #[new]
    fn new(py: Python<'_>, path: PathBuf, detector: &Detector) -> PyResult<Self> {
        let results = veravox_cli::Results::open(&path, &detector.inner);
        let results = results.map_err(|e| argument_error(py, e.to_string()))?;
        Ok(Self { inner: Mutex::new(Some(results)) })
    }

    /// Whether there is a result for this file, by its name or by where it lies.
    fn has(&self, path: PathBuf) -> bool {
        self.with(|results| results.as_ref().is_some_and(|results| results.has(&path)))
    }

    /// Writes a line, whole or not at all.
    fn put(&self, py: Python<'_>, line: &str) -> PyResult<()> {
        let put = || self.with(|results| results.as_mut().map(|results| results.put(line)).transpose());
        Ok(py.detach(put).map(|_| ())?)
    }

    fn close(&self) {
        self.with(|results| *results = None);
    }
}

impl Results {
    fn with<T>(&self, what: impl FnOnce(&mut Option<veravox_cli::Results>) -> T) -> T {
        what(&mut self.inner.lock().unwrap_or_else(std::sync::PoisonError::into_inner))
    }
}
