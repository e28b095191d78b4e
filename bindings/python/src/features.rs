//! Features of audio in numpy arrays.

use std::borrow::Cow;
use std::sync::{Mutex, PoisonError};

use numpy::ndarray::{ArrayView, Dimension};
use numpy::{PyArray1, PyArray2, PyArray3, PyArrayMethods, PyReadonlyArray1, PyReadonlyArray2};
use pyo3::prelude::*;
use pyo3::types::PyDict;
use veravox::features::{Extractor, FeatureSpec};
use veravox::manifest::Input;
use veravox::stream::windows_of_speech;

use crate::errors::{argument_error, to_python};
use crate::json::from_object;

/// The features of windows, exactly as a model gets them: the scaling of the level and the normalisation included.
///
/// `input` is the part of that name of a model's manifest. An object serves several threads, one after the other.
///
/// Raises `InvalidManifestError` when a parameter is out of its range, and `InvalidArgumentError` when `input` is not of
/// the form or a window not of the length that it says.
///
///     >>> import numpy as np
///     >>> import veravox
///     >>> features = veravox.WindowFeatures(veravox.Detector("phone").manifest()["input"])
///     >>> window = np.zeros(32_000, dtype=np.float32)
///     >>> features(window).shape == features.shape
///     True
///     >>> features.batch(np.stack([window, window])).shape == (2, *features.shape)
///     True
#[pyclass(module = "veravox", frozen)]
pub(crate) struct WindowFeatures {
    extractor: Mutex<Extractor>,
    input: Input,
    shape: (usize, usize),
}

#[pymethods]
impl WindowFeatures {
    #[new]
    fn new(py: Python<'_>, input: &Bound<'_, PyDict>) -> PyResult<Self> {
        let input: Input = from_object(input, "input")?;
        input.check().map_err(|e| to_python(py, &e))?;
        let extractor = Extractor::new(&input.features, input.sample_rate_hz, input.window_samples, input.level_dbfs)
            .map_err(|e| to_python(py, &e))?;
        let shape = extractor.shape();
        Ok(Self { extractor: Mutex::new(extractor), input, shape })
    }

    /// `(n_frames, n_features)` of one window; the first is 1 for a waveform, for statistics and for several kinds of features,
    /// whose graph takes `[batch, n_features]`.
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
        let window = in_order(samples.as_array());
        let features = self.compute(py, &window)?;
        PyArray1::from_vec(py, features).reshape([self.shape.0, self.shape.1])
    }

    /// float32 `[batch, window_samples]` to float32 `[batch, n_frames, n_features]`.
    fn batch<'py>(&self, py: Python<'py>, samples: PyReadonlyArray2<'py, f32>) -> PyResult<Bound<'py, PyArray3<f32>>> {
        let (n_windows, width) = samples.as_array().dim();
        if width != self.input.window_samples {
            let message = format!("expected windows of {} samples, got {width}", self.input.window_samples);
            return Err(argument_error(py, message));
        }
        let windows = in_order(samples.as_array());
        let features = self.compute(py, &windows)?;
        PyArray1::from_vec(py, features).reshape([n_windows, self.shape.0, self.shape.1])
    }

    /// The features of all windows that a stream would score of a whole leg, float32 `[n]` in [-1, 1] at `sample_rate` Hz:
    /// pauses are cut out, and speech that is shorter than a window is repeated. float32 `[n_windows, n_frames, n_features]`;
    /// no window where there is too little speech.
    ///
    /// Raises `LimitExceededError` when the rate is outside the default limits.
    fn of_speech<'py>(
        &self,
        py: Python<'py>,
        samples: PyReadonlyArray1<'py, f32>,
        sample_rate: u32,
    ) -> PyResult<Bound<'py, PyArray3<f32>>> {
        let leg = in_order(samples.as_array());
        let n_values = self.shape.0 * self.shape.1;
        let computed = py.detach(|| {
            let mut extractor = self.extractor.lock().unwrap_or_else(PoisonError::into_inner);
            let mut features = Vec::new();
            windows_of_speech(&self.input, &leg, sample_rate, &mut |window| {
                let before = features.len();
                features.resize(before + n_values, 0.0);
                extractor.compute(window, &mut features[before..])
            })?;
            Ok(features)
        });
        let features = computed.map_err(|e: veravox::Error| to_python(py, &e))?;
        let n_windows = features.len() / n_values;
        PyArray1::from_vec(py, features).reshape([n_windows, self.shape.0, self.shape.1])
    }
}

impl WindowFeatures {
    fn compute(&self, py: Python<'_>, windows: &[f32]) -> PyResult<Vec<f32>> {
        let computed = py.detach(|| {
            let mut extractor = self.extractor.lock().unwrap_or_else(PoisonError::into_inner);
            compute_all(&mut extractor, self.input.window_samples, windows)
        });
        computed.map_err(|e| to_python(py, &e))
    }
}

/// The features of one window after the other, in one run of values.
fn compute_all(extractor: &mut Extractor, window_samples: usize, windows: &[f32]) -> veravox::Result<Vec<f32>> {
    let (n_frames, n_features) = extractor.shape();
    let mut features = vec![0.0; windows.len().div_ceil(window_samples) * n_frames * n_features];
    for (window, out) in windows.chunks(window_samples).zip(features.chunks_mut(n_frames * n_features)) {
        extractor.compute(window, out)?;
    }
    Ok(features)
}

/// The values row by row: as they lie where they lie in that order, copied otherwise.
fn in_order<D: Dimension>(array: ArrayView<'_, f32, D>) -> Cow<'_, [f32]> {
    array.to_slice().map_or_else(|| array.iter().copied().collect(), Cow::Borrowed)
}

/// float32 `[batch, n]` to float32 `[batch, n_frames, n_features]`; `spec` is `input.features` of a manifest.
#[pyfunction]
pub(crate) fn compute_features<'py>(
    py: Python<'py>,
    samples: PyReadonlyArray2<'py, f32>,
    sample_rate: u32,
    spec: &Bound<'py, PyDict>,
) -> PyResult<Bound<'py, PyArray3<f32>>> {
    let spec: FeatureSpec = from_object(spec, "features")?;
    let (batch, n_samples) = samples.as_array().dim();
    let windows = in_order(samples.as_array());
    let computed = py.detach(|| {
        let mut extractor = Extractor::new(&spec, sample_rate, n_samples, None)?;
        Ok((extractor.shape(), compute_all(&mut extractor, n_samples, &windows)?))
    });
    // The parameters come from a call, not from a manifest, and the message must not say otherwise.
    let ((n_frames, n_features), features) = computed.map_err(|e: veravox::Error| {
        let message = e.to_string();
        argument_error(py, message.trim_start_matches("input.features: ").replace("window_samples", "the samples"))
    })?;
    PyArray1::from_vec(py, features).reshape([batch, n_frames, n_features])
}
