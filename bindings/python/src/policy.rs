//! The decisions, for scores that come from elsewhere.

use pyo3::prelude::*;
use veravox::decide::{DecisionCosts, WindowScore};
use veravox::{Decision, Thresholds, policy};

use crate::errors::{argument_error, to_python};

/// The verdict became firm, or the voice changed.
#[pyclass(module = "veravox", frozen, get_all, eq)]
#[derive(PartialEq)]
pub(crate) struct Turn {
    /// What the voice is.
    decision: &'static str,
    /// Where the windows that tell begin, in the unit of `start` and `end`.
    since: u64,
    /// There was a firm verdict before, and it was the other one.
    changed: bool,
}

#[pymethods]
impl Turn {
    fn __repr__(&self) -> String {
        let changed = if self.changed { "True" } else { "False" };
        format!("Turn(decision='{}', since={}, changed={changed})", self.decision, self.since)
    }
}

/// The test that turns the llrs of a leg's windows into a verdict while the call goes on, for scores of your own.
///
/// `prior`, `synthetic_llr` and `bonafide_llr` are those of `veravox.Thresholds`. `correlation`, 0 to 1, is that of llrs of
/// windows of one voice that share no audio: at 1 many windows say what one says, at 0 each counts in full.
///
/// Raises `InvalidArgumentError` for thresholds out of order and numbers out of their range.
///
///     >>> import veravox
///     >>> test = veravox.SequentialTest(0.5, synthetic_llr=2.0, bonafide_llr=-2.0, correlation=0.5)
///     >>> test.push(1.5, start=0, end=32_000)
///     >>> for start in range(8_000, 40_000, 8_000):      # each holds a quarter that was not heard before
///     ...     turn = test.push(1.5, 0.25, start=start, end=start + 32_000)
///     >>> turn, test.llr, test.firm
///     (Turn(decision='synthetic', since=0, changed=False), 2.0, 'synthetic')
#[pyclass(module = "veravox")]
pub(crate) struct SequentialTest {
    inner: policy::SequentialTest,
}

#[pymethods]
impl SequentialTest {
    #[new]
    fn new(py: Python<'_>, prior: f64, synthetic_llr: f64, bonafide_llr: f64, correlation: f64) -> PyResult<Self> {
        let in_order = synthetic_llr.is_finite() && bonafide_llr.is_finite() && bonafide_llr < synthetic_llr;
        if !(in_order && prior > 0.0 && prior < 1.0 && (0.0..=1.0).contains(&correlation)) {
            let message = format!(
                "expected a prior inside (0, 1), a bonafide_llr below the synthetic_llr and a correlation of 0 to 1, got \
                 {prior}, {bonafide_llr}, {synthetic_llr} and {correlation}"
            );
            return Err(argument_error(py, message));
        }
        let thresholds = Thresholds { prior, synthetic_llr, bonafide_llr };
        Ok(Self { inner: policy::SequentialTest::new(thresholds, correlation) })
    }

    /// Takes the llr of the next window; returns a `Turn` if the verdict became firm with it or the voice changed, or None.
    ///
    /// `fresh_share` is the share of the window's speech that no window before it held, above 0 and at most 1. `start` and
    /// `end` say where it lies, in samples or any other whole unit, and matter to `Turn.since` alone.
    #[pyo3(signature = (llr, fresh_share=1.0, *, start=0, end=0))]
    fn push(&mut self, py: Python<'_>, llr: f32, fresh_share: f32, start: u64, end: u64) -> PyResult<Option<Turn>> {
        if !(llr.is_finite() && fresh_share > 0.0 && fresh_share <= 1.0 && start <= end) {
            let message = format!(
                "expected an llr, a fresh_share above 0 and at most 1, and an end not before the start, got {llr}, \
                 {fresh_share}, {end} and {start}"
            );
            return Err(argument_error(py, message));
        }
        let turn = self.inner.push(&WindowScore { start, end, fresh_share, llr, novel: false });
        Ok(turn.map(|t| Turn { decision: t.decision.as_str(), since: t.since, changed: t.changed }))
    }

    /// The evidence so far, since the voice last changed; None before the first window.
    #[getter]
    fn llr(&self) -> Option<f64> {
        self.inner.llr()
    }

    /// The decision if the leg ended now.
    #[getter]
    fn decision(&self) -> &'static str {
        self.inner.decision().0.as_str()
    }

    /// Why it is inconclusive; empty otherwise.
    #[getter]
    fn reasons(&self) -> Vec<&'static str> {
        self.inner.decision().1.iter().map(|reason| reason.as_str()).collect()
    }

    /// The firm verdict on the voice that speaks now; None while the evidence does not suffice.
    #[getter]
    fn firm(&self) -> Option<&'static str> {
        self.inner.firm().map(Decision::as_str)
    }
}

/// `(synthetic_llr, bonafide_llr)`.
#[pyfunction]
pub(crate) fn thresholds_from_costs(
    py: Python<'_>,
    prior: f64,
    false_synthetic: f64,
    false_bonafide: f64,
    inconclusive: f64,
) -> PyResult<(f64, f64)> {
    let costs = DecisionCosts { false_synthetic, false_bonafide, inconclusive };
    llrs(py, Thresholds::from_costs(prior, costs))
}

/// `(synthetic_llr, bonafide_llr)`.
#[pyfunction]
pub(crate) fn thresholds_from_rates(py: Python<'_>, prior: f64, false_alarm: f64, miss: f64) -> PyResult<(f64, f64)> {
    llrs(py, Thresholds::from_rates(prior, false_alarm, miss))
}

fn llrs(py: Python<'_>, thresholds: veravox::Result<Thresholds>) -> PyResult<(f64, f64)> {
    thresholds.map(|t| (t.synthetic_llr, t.bonafide_llr)).map_err(|e| to_python(py, &e))
}
