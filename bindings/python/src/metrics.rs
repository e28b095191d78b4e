//! `veravox.metrics`: arrays and names in, figures out.

use numpy::{AllowTypeChange, PyArray1, PyArrayLike1};
use pyo3::prelude::*;
use pyo3::types::PyDict;
use veravox::metrics::{self, Bootstrap, Costs, Figure};

use crate::errors::to_python;

/// What `numpy.asarray(x, float)` takes.
type Numbers<'py> = PyArrayLike1<'py, f64, AllowTypeChange>;

fn owned(numbers: &Numbers<'_>) -> Vec<f64> {
    numbers.as_array().iter().copied().collect()
}

/// Names of groups; what is no string goes by its string.
fn names(groups: &Bound<'_, PyAny>) -> PyResult<Vec<String>> {
    groups.try_iter()?.map(|name| Ok(name?.str()?.to_str()?.to_owned())).collect()
}

/// The core's defaults where nothing is said.
fn costs(spoof_prior: Option<f64>, reject_bonafide: Option<f64>, accept_spoof: Option<f64>) -> Costs {
    let default = Costs::default();
    Costs {
        spoof_prior: spoof_prior.unwrap_or(default.spoof_prior),
        reject_bonafide: reject_bonafide.unwrap_or(default.reject_bonafide),
        accept_spoof: accept_spoof.unwrap_or(default.accept_spoof),
    }
}

fn bootstrap(rounds: Option<usize>, confidence: Option<f64>, seed: Option<u64>) -> Bootstrap {
    let default = Bootstrap::default();
    Bootstrap {
        rounds: rounds.unwrap_or(default.rounds),
        confidence: confidence.unwrap_or(default.confidence),
        seed: seed.unwrap_or(default.seed),
    }
}

/// Both classes are copied, so that the work goes on without the interpreter's lock.
fn figure<T: Send>(
    py: Python<'_>,
    bonafide: &Numbers<'_>,
    spoof: &Numbers<'_>,
    compute: impl FnOnce(&[f64], &[f64]) -> veravox::Result<T> + Send,
) -> PyResult<T> {
    let (bonafide, spoof) = (owned(bonafide), owned(spoof));
    py.detach(|| compute(&bonafide, &spoof)).map_err(|e| to_python(py, &e))
}

/// The equal error rate, from 0 to 1, as the evaluation package of `ASVspoof` 5 gives it for the negated scores. Among clips
/// with the same score the bona fide ones are rejected first, as if every tie were an error.
///
///     >>> from veravox import metrics
///     >>> metrics.eer([-4, -2.5, -1, 0.5], [-0.5, 1, 3, 6])
///     0.25
#[pyfunction]
fn eer(py: Python<'_>, bonafide: Numbers<'_>, spoof: Numbers<'_>) -> PyResult<f64> {
    figure(py, &bonafide, &spoof, metrics::eer)
}

/// The chance, from 0 to 1, that a spoof scores above a bona fide clip. Ties count half.
///
///     >>> from veravox import metrics
///     >>> metrics.auc([0, 2], [1, 3])
///     0.75
#[pyfunction]
fn auc(py: Python<'_>, bonafide: Numbers<'_>, spoof: Numbers<'_>) -> PyResult<f64> {
    figure(py, &bonafide, &spoof, metrics::auc)
}

/// The cost of natural-log likelihood ratios in bits, 0 or more. 1 is what an answer of 0 everywhere costs.
///
///     >>> from veravox import metrics
///     >>> metrics.cllr([0, 0], [0])
///     1.0
#[pyfunction]
fn cllr(py: Python<'_>, bonafide: Numbers<'_>, spoof: Numbers<'_>) -> PyResult<f64> {
    figure(py, &bonafide, &spoof, metrics::cllr)
}

/// The Cllr in bits, from 0 to 1, that the best calibration would leave which keeps the order of the scores.
///
///     >>> from veravox import metrics
///     >>> metrics.min_cllr([-1, 0], [1, 2])
///     0.0
#[pyfunction]
fn min_cllr(py: Python<'_>, bonafide: Numbers<'_>, spoof: Numbers<'_>) -> PyResult<f64> {
    figure(py, &bonafide, &spoof, metrics::min_cllr)
}

/// The normalised detection cost at the best threshold, from 0 to 1. Without more said, the costs are those of `ASVspoof` 5.
///
///     >>> from veravox import metrics
///     >>> metrics.min_dcf([-4, -2.5, -1, 0.5], [-0.5, 1, 3, 6], spoof_prior=0.5, accept_spoof=1)
///     0.25
#[pyfunction]
#[pyo3(signature = (bonafide, spoof, *, spoof_prior=None, reject_bonafide=None, accept_spoof=None))]
fn min_dcf(
    py: Python<'_>,
    bonafide: Numbers<'_>,
    spoof: Numbers<'_>,
    spoof_prior: Option<f64>,
    reject_bonafide: Option<f64>,
    accept_spoof: Option<f64>,
) -> PyResult<f64> {
    let costs = costs(spoof_prior, reject_bonafide, accept_spoof);
    figure(py, &bonafide, &spoof, |bonafide, spoof| metrics::min_dcf(bonafide, spoof, &costs))
}

/// The normalised detection cost of natural-log likelihood ratios at the threshold that the costs ask for, 0 or more.
///
///     >>> from veravox import metrics
///     >>> metrics.act_dcf([-4, -2.5, -1, 0.5], [-0.5, 1, 3, 6], spoof_prior=0.5, accept_spoof=1)
///     0.5
#[pyfunction]
#[pyo3(signature = (bonafide, spoof, *, spoof_prior=None, reject_bonafide=None, accept_spoof=None))]
fn act_dcf(
    py: Python<'_>,
    bonafide: Numbers<'_>,
    spoof: Numbers<'_>,
    spoof_prior: Option<f64>,
    reject_bonafide: Option<f64>,
    accept_spoof: Option<f64>,
) -> PyResult<f64> {
    let costs = costs(spoof_prior, reject_bonafide, accept_spoof);
    figure(py, &bonafide, &spoof, |bonafide, spoof| metrics::act_dcf(bonafide, spoof, &costs))
}

type Column<'py> = Bound<'py, PyArray1<f64>>;

/// `(thresholds, bonafide_rejected, spoof_accepted)`, float64 arrays from the threshold that rejects nothing, infinity, down.
/// A clip is rejected where its score is the threshold or more.
///
///     >>> from veravox import metrics
///     >>> thresholds, bonafide_rejected, spoof_accepted = metrics.det_curve([0, 1], [1, 2])
///     >>> bonafide_rejected.tolist(), spoof_accepted.tolist()
///     ([0.0, 0.0, 0.5, 1.0], [1.0, 0.5, 0.0, 0.0])
#[pyfunction]
fn det_curve<'py>(
    py: Python<'py>,
    bonafide: Numbers<'py>,
    spoof: Numbers<'py>,
) -> PyResult<(Column<'py>, Column<'py>, Column<'py>)> {
    let points = figure(py, &bonafide, &spoof, metrics::det_curve)?;
    let column = |value: fn(&metrics::DetPoint) -> f64| PyArray1::from_iter(py, points.iter().map(value));
    Ok((column(|p| p.threshold), column(|p| p.bonafide_rejected), column(|p| p.spoof_accepted)))
}

/// A figure with the ends of its interval.
#[pyclass(module = "veravox.metrics", frozen, get_all, eq)]
#[derive(PartialEq)]
struct Estimate {
    value: f64,
    low: f64,
    high: f64,
}

#[pymethods]
impl Estimate {
    fn __repr__(&self) -> String {
        format!("Estimate(value={}, low={}, high={})", self.value, self.low, self.high)
    }
}

impl From<metrics::Estimate> for Estimate {
    fn from(estimate: metrics::Estimate) -> Self {
        Self { value: estimate.value, low: estimate.low, high: estimate.high }
    }
}

/// The mean of values, one for each clip, with the interval from drawing their groups again; a share where they are 0 and 1.
///
///     >>> from veravox import metrics
///     >>> metrics.mean([True, True, False, True], groups=["a", "a", "b", "c"]).value
///     0.75
#[pyfunction]
#[pyo3(signature = (values, groups, *, rounds=None, confidence=None, seed=None))]
fn mean(
    py: Python<'_>,
    values: Numbers<'_>,
    groups: Bound<'_, PyAny>,
    rounds: Option<usize>,
    confidence: Option<f64>,
    seed: Option<u64>,
) -> PyResult<Estimate> {
    let (values, groups, bootstrap) = (owned(&values), names(&groups)?, bootstrap(rounds, confidence, seed));
    let estimate = py.detach(|| bootstrap.mean(&values, &groups));
    estimate.map(Estimate::from).map_err(|e| to_python(py, &e))
}

/// Scores with the groups that their clips belong to: bona fide clips by source, spoofs by system, or both by page.
///
///     >>> from veravox import metrics
///     >>> trials = metrics.Trials([-4, -2, -1, 1], ["p", "p", "q", "q"], [0, 2, 3, 6], ["x", "x", "y", "y"])
///     >>> trials.value("eer"), trials.eer_by_system()
///     (0.25, {'x': 0.375, 'y': 0.0})
///     >>> estimate = trials.estimate("eer", rounds=100)
///     >>> estimate.low <= estimate.value <= estimate.high
///     True
#[pyclass(module = "veravox.metrics", frozen)]
struct Trials {
    inner: metrics::Trials,
}

#[pymethods]
impl Trials {
    #[new]
    #[pyo3(signature = (bonafide, bonafide_groups, spoof, spoof_groups, *, spoof_prior=None, reject_bonafide=None, accept_spoof=None))]
    #[expect(clippy::too_many_arguments, reason = "each has a name of its own in Python")]
    fn new(
        py: Python<'_>,
        bonafide: Numbers<'_>,
        bonafide_groups: Bound<'_, PyAny>,
        spoof: Numbers<'_>,
        spoof_groups: Bound<'_, PyAny>,
        spoof_prior: Option<f64>,
        reject_bonafide: Option<f64>,
        accept_spoof: Option<f64>,
    ) -> PyResult<Self> {
        let (bonafide_groups, spoof_groups) = (names(&bonafide_groups)?, names(&spoof_groups)?);
        let costs = costs(spoof_prior, reject_bonafide, accept_spoof);
        let inner = figure(py, &bonafide, &spoof, |bonafide, spoof| {
            metrics::Trials::new(bonafide, &bonafide_groups, spoof, &spoof_groups)?.with_costs(costs)
        });
        Ok(Self { inner: inner? })
    }

    /// A figure of all clips.
    fn value(&self, py: Python<'_>, figure: &str) -> PyResult<f64> {
        py.detach(|| self.inner.value(figure.parse::<Figure>()?)).map_err(|e| to_python(py, &e))
    }

    /// A figure of all clips, with the interval from drawing whole groups again.
    #[pyo3(signature = (figure, *, rounds=None, confidence=None, seed=None))]
    fn estimate(
        &self,
        py: Python<'_>,
        figure: &str,
        rounds: Option<usize>,
        confidence: Option<f64>,
        seed: Option<u64>,
    ) -> PyResult<Estimate> {
        let bootstrap = bootstrap(rounds, confidence, seed);
        let estimate = py.detach(|| self.inner.estimate(figure.parse()?, &bootstrap));
        estimate.map(Estimate::from).map_err(|e| to_python(py, &e))
    }

    /// The EER of each spoof group against all bona fide clips, by name.
    fn eer_by_system<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let eers = PyDict::new(py);
        for (system, eer) in py.detach(|| self.inner.eer_by_system()) {
            eers.set_item(system, eer)?;
        }
        Ok(eers)
    }
}

/// What `veravox.metrics` is made of. Its functions go by that name, wherever they are pickled or printed.
pub(crate) fn module(py: Python<'_>) -> PyResult<Bound<'_, PyModule>> {
    let module = PyModule::new(py, "veravox.metrics")?;
    module.add_function(wrap_pyfunction!(eer, &module)?)?;
    module.add_function(wrap_pyfunction!(auc, &module)?)?;
    module.add_function(wrap_pyfunction!(cllr, &module)?)?;
    module.add_function(wrap_pyfunction!(min_cllr, &module)?)?;
    module.add_function(wrap_pyfunction!(min_dcf, &module)?)?;
    module.add_function(wrap_pyfunction!(act_dcf, &module)?)?;
    module.add_function(wrap_pyfunction!(det_curve, &module)?)?;
    module.add_function(wrap_pyfunction!(mean, &module)?)?;
    module.add_class::<Estimate>()?;
    module.add_class::<Trials>()?;
    Ok(module)
}
