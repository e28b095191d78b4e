//! The detector, with reports as JSON text.

use std::path::PathBuf;

use pyo3::prelude::*;
use veravox::decide::DecisionCosts;
use veravox::report::{AudioSummary, CallReport};
use veravox::runtime::{Runtime, RuntimeChoice, RuntimeOptions};
use veravox::{CalibrationSource, DetectorOptions, ThresholdChanges};

use crate::audio::{DecodeOptions, Samples, Source, check_legs, rows};
use crate::errors::to_python;
use crate::json::to_text;
use crate::stop::{Stop, interruptible};

/// A model with its settings, see `veravox.Detector`.
#[pyclass(module = "veravox._core", frozen)]
pub(crate) struct Detector {
    pub(crate) inner: veravox::Detector,
}

#[pymethods]
impl Detector {
    #[new]
    #[pyo3(signature = (
        model=None, prior=None, synthetic_llr=None, bonafide_llr=None, calibration=None, target_false_alarm=None,
        cost_false_alarm=None, cost_miss=None, cost_undecided=None
    ))]
    #[allow(clippy::too_many_arguments, reason = "the keywords of the Python class")]
    fn new(
        py: Python<'_>,
        model: Option<PathBuf>,
        prior: Option<f64>,
        synthetic_llr: Option<f64>,
        bonafide_llr: Option<f64>,
        calibration: Option<PathBuf>,
        target_false_alarm: Option<f64>,
        cost_false_alarm: Option<f64>,
        cost_miss: Option<f64>,
        cost_undecided: Option<f64>,
    ) -> PyResult<Self> {
        let costs = DecisionCosts::given(cost_false_alarm, cost_miss, cost_undecided);
        let options = DetectorOptions {
            model,
            calibration: calibration.map(CalibrationSource::File),
            target_false_alarm,
            thresholds: ThresholdChanges { prior, costs, synthetic_llr, bonafide_llr },
        };
        let opened = py.detach(|| options.open());
        opened.map(|inner| Self { inner }).map_err(|e| to_python(py, &e))
    }

    /// The manifest of the widest model whose band `sample_rate` can hold.
    fn manifest(&self, py: Python<'_>, sample_rate: u32) -> PyResult<String> {
        to_text(py, self.inner.manifest(sample_rate))
    }

    /// What the report on audio at `sample_rate` starts with where no leg of it was scored; 0 where the rate never came to light.
    fn report_head(&self, py: Python<'_>, sample_rate: u32) -> PyResult<String> {
        to_text(py, &self.inner.report_head(sample_rate))
    }

    /// Scans a file; returns the report.
    fn scan(&self, py: Python<'_>, source: Source, options: &DecodeOptions, stop: Option<&Stop>) -> PyResult<String> {
        let report = interruptible(py, stop, |go_on| {
            let mut reader = source.open(options)?;
            self.inner.scan_reader(&mut reader, &mut |_| go_on())
        })?;
        to_text(py, &report)
    }

    /// Scans samples `[legs, n]`; returns the report.
    fn scan_samples(&self, py: Python<'_>, samples: Samples<'_>, sample_rate: u32) -> PyResult<String> {
        let report = match &samples {
            Samples::Float32(array) => self.report_on(py, &rows(array)?, "float32", sample_rate),
            Samples::Int16(array) => self.report_on(py, &rows(array)?, "int16", sample_rate),
        };
        to_text(py, &report?)
    }
}

impl Detector {
    fn report_on<S: veravox::stream::Sample + Sync>(
        &self,
        py: Python<'_>,
        legs: &[&[S]],
        codec: &str,
        sample_rate_hz: u32,
    ) -> PyResult<CallReport> {
        check_legs(py, legs.len())?;
        let verdicts =
            interruptible(py, None, |go_on| self.inner.scan_samples_with(legs, sample_rate_hz, &mut |_| go_on()))?;
        let n_samples = legs.first().map_or(0, |leg| leg.len());
        Ok(CallReport {
            head: self.inner.report_head_of(&verdicts, sample_rate_hz),
            audio: AudioSummary {
                container: "array".to_owned(),
                codec: codec.to_owned(),
                sample_rate_hz,
                channels: legs.len(),
                duration_seconds: n_samples as f64 / f64::from(sample_rate_hz),
            },
            warnings: Vec::new(),
            legs: verdicts,
        })
    }
}

/// Whether this is the name of a model that comes with the package, not a folder.
#[pyfunction]
pub(crate) fn is_builtin(model: PathBuf) -> bool {
    veravox::Detector::is_builtin(&model)
}

/// How many threads the machine, or the container, can run at once.
#[pyfunction]
pub(crate) fn n_cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// Uses the ONNX Runtime inside the installed `onnxruntime` package, given its folder, unless a runtime is in use already; execution
/// providers and a size limit hold for the process. Gives what is to be said of providers that were asked for.
#[pyfunction]
pub(crate) fn select_runtime(
    py: Python<'_>,
    package: Option<PathBuf>,
    providers: Vec<String>,
    max_model_bytes: Option<u64>,
) -> PyResult<Option<String>> {
    let select = || -> veravox::Result<Option<String>> {
        let default = RuntimeOptions::default();
        let options = RuntimeOptions {
            providers: providers.iter().map(|name| name.parse()).collect::<veravox::Result<_>>()?,
            max_model_bytes: max_model_bytes.unwrap_or(default.max_model_bytes),
        };
        let by_wheel = package.is_some_and(|package| Runtime::select_wheel_with(&package, &options));
        if options == default {
            return Ok(None);
        }
        let runtime = if by_wheel { Runtime::get() } else { Runtime::select_with(&RuntimeChoice::Auto, &options) }?;
        Ok(runtime.note().filter(|_| !options.providers.is_empty()).map(str::to_owned))
    };
    py.detach(select).map_err(|e| to_python(py, &e))
}
