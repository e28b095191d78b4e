//! The Python extension `veravox._core`: converts, calls the core, converts back.

#![expect(clippy::needless_pass_by_value, reason = "pyo3 hands arguments over by value")]

mod metrics;

use numpy::ndarray::{ArrayView, Dimension};
use numpy::{PyArray1, PyArray2, PyArray3, PyArrayMethods, PyReadonlyArray1, PyReadonlyArray2, PyReadonlyArrayDyn};
use pyo3::exceptions::PyException;
use pyo3::prelude::*;
use pyo3::types::PyDict;
use serde::Serialize;
use std::borrow::Cow;
use std::path::PathBuf;
use std::sync::Mutex;
use veravox::ErrorKind;
use veravox::decode::DecodeOptions;
use veravox::features::Extractor;
use veravox::manifest::Input;
use veravox::runtime::Runtime;

pyo3::create_exception!(_core, VeravoxError, PyException, "An error of veravox; `kind` names what went wrong.");

fn raise(py: Python<'_>, kind: ErrorKind, message: String) -> PyErr {
    let raised = VeravoxError::new_err(message);
    match raised.value(py).setattr("kind", kind.as_str()) {
        Ok(()) => raised,
        Err(failed) => failed,
    }
}

fn to_python(py: Python<'_>, error: &veravox::Error) -> PyErr {
    raise(py, error.kind(), error.to_string())
}

fn argument_error(py: Python<'_>, message: String) -> PyErr {
    raise(py, ErrorKind::InvalidArgument, message)
}

/// What serialises to JSON as Python objects, by Python's own reader.
fn json_to_python<'py>(py: Python<'py>, value: &impl Serialize) -> PyResult<Bound<'py, PyAny>> {
    let text = serde_json::to_string(value).map_err(|e| argument_error(py, e.to_string()))?;
    py.import("json")?.call_method1("loads", (text,))
}

/// The features of windows, as a model's manifest describes them in `input`.
#[pyclass(module = "veravox", frozen)]
struct WindowFeatures {
    extractor: Mutex<Extractor>,
    window_samples: usize,
    shape: (usize, usize),
}

#[pymethods]
impl WindowFeatures {
    #[new]
    fn new(py: Python<'_>, input: &Bound<'_, PyDict>) -> PyResult<Self> {
        let text: String = py.import("json")?.call_method1("dumps", (input,))?.extract()?;
        let input: Input = serde_json::from_str(&text).map_err(|e| argument_error(py, format!("input: {e}")))?;
        input.check().map_err(|e| to_python(py, &e))?;
        let extractor = Extractor::new(&input.features, input.sample_rate_hz, input.window_samples, input.level_dbfs)
            .map_err(|e| to_python(py, &e))?;
        let shape = extractor.shape();
        Ok(Self { extractor: Mutex::new(extractor), window_samples: input.window_samples, shape })
    }

    /// `(n_frames, n_features)` of one window.
    #[getter]
    fn shape(&self) -> (usize, usize) {
        self.shape
    }

    /// float32 `[window_samples]` to float32 `[n_frames, n_features]`.
    fn __call__<'py>(
        &self,
        py: Python<'py>,
        samples: PyReadonlyArray1<'py, f32>,
    ) -> PyResult<Bound<'py, PyArray2<f32>>> {
        let features = self.compute(py, &contiguous(samples.as_slice().ok(), samples.as_array()))?;
        PyArray1::from_vec(py, features).reshape([self.shape.0, self.shape.1])
    }

    /// float32 `[batch, window_samples]` to float32 `[batch, n_frames, n_features]`.
    fn batch<'py>(&self, py: Python<'py>, samples: PyReadonlyArray2<'py, f32>) -> PyResult<Bound<'py, PyArray3<f32>>> {
        let (n_windows, width) = samples.as_array().dim();
        if width != self.window_samples {
            let message = format!("expected windows of {} samples, got {width}", self.window_samples);
            return Err(argument_error(py, message));
        }
        let features = self.compute(py, &contiguous(samples.as_slice().ok(), samples.as_array()))?;
        PyArray1::from_vec(py, features).reshape([n_windows, self.shape.0, self.shape.1])
    }
}

impl WindowFeatures {
    fn compute(&self, py: Python<'_>, windows: &[f32]) -> PyResult<Vec<f32>> {
        let n_values = self.shape.0 * self.shape.1;
        let computed = py.detach(|| {
            let mut extractor = self.extractor.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            let mut features = vec![0.0; windows.len().div_ceil(self.window_samples) * n_values];
            for (window, out) in windows.chunks(self.window_samples).zip(features.chunks_mut(n_values)) {
                extractor.compute(window, out)?;
            }
            Ok(features)
        });
        computed.map_err(|e: veravox::Error| to_python(py, &e))
    }
}

/// The values in order: as they lie where they lie in order, copied otherwise.
fn contiguous<'a, D: Dimension>(slice: Option<&'a [f32]>, array: ArrayView<'_, f32, D>) -> Cow<'a, [f32]> {
    slice.map_or_else(|| array.iter().copied().collect(), Cow::Borrowed)
}

/// A model with its settings: those that come with the package, by the sample rate; one of them by its name, `phone` or
/// `wide`; or the one in a folder with `manifest.json`.
#[pyclass(module = "veravox", frozen)]
struct Detector {
    inner: veravox::Detector,
}

#[pymethods]
impl Detector {
    #[new]
    #[pyo3(signature = (model=None))]
    fn new(py: Python<'_>, model: Option<PathBuf>) -> PyResult<Self> {
        let inner = py.detach(|| match model {
            Some(model) => veravox::Detector::open(&model),
            None => veravox::Detector::builtin(),
        });
        inner.map(|inner| Self { inner }).map_err(|e| to_python(py, &e))
    }

    /// The manifest, as a dict, of the model that scores audio at `sample_rate_hz`.
    #[pyo3(signature = (sample_rate_hz=8_000))]
    fn manifest<'py>(&self, py: Python<'py>, sample_rate_hz: u32) -> PyResult<Bound<'py, PyAny>> {
        json_to_python(py, self.inner.manifest(sample_rate_hz))
    }

    /// Scans a file; returns the report as a dict (see core/schemas/report.schema.json).
    fn scan<'py>(&self, py: Python<'py>, path: PathBuf) -> PyResult<Bound<'py, PyAny>> {
        let report = py.detach(|| self.inner.scan_file(&path, &DecodeOptions::default()));
        json_to_python(py, &report.map_err(|e| to_python(py, &e))?)
    }

    /// Scores float32 samples in [-1, 1], `[n]` or `[legs, n]`; returns a dict with `legs` and what a report starts with.
    fn detect<'py>(
        &self,
        py: Python<'py>,
        samples: PyReadonlyArrayDyn<'py, f32>,
        sample_rate_hz: u32,
    ) -> PyResult<Bound<'py, PyAny>> {
        let array = samples.as_array();
        let legs: Vec<Vec<f32>> = match array.ndim() {
            1 => vec![array.iter().copied().collect()],
            2 => array.outer_iter().map(|leg| leg.iter().copied().collect()).collect(),
            n => return Err(argument_error(py, format!("expected samples of shape [n] or [legs, n], got {n} axes"))),
        };
        let verdicts = py.detach(|| self.inner.scan_samples(&legs, sample_rate_hz)).map_err(|e| to_python(py, &e))?;
        let report = json_to_python(py, &self.inner.report_head(sample_rate_hz))?;
        report.set_item("legs", json_to_python(py, &verdicts)?)?;
        Ok(report)
    }
}

/// Uses the ONNX Runtime inside the installed `onnxruntime` package, given its folder. Called once, by the package.
#[pyfunction]
fn _use_onnxruntime_of(package: PathBuf) -> bool {
    Runtime::select_wheel(&package)
}

#[pymodule(gil_used = false)]
fn _core(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add("__version__", env!("CARGO_PKG_VERSION"))?;
    module.add("VeravoxError", module.py().get_type::<VeravoxError>())?;
    module.add_class::<WindowFeatures>()?;
    module.add_class::<Detector>()?;
    module.add("metrics", metrics::module(module.py())?)?;
    module.add_function(wrap_pyfunction!(_use_onnxruntime_of, module)?)
}
