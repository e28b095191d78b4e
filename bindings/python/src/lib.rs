//! The Python extension `veravox._core`: converts, calls the core, converts back. The package around it gives the forms
//! that Python users see.

#![expect(clippy::needless_pass_by_value, reason = "pyo3 hands arguments over by value")]

mod audio;
mod command;
mod detector;
mod engine;
mod errors;
mod evaluation;
mod features;
mod json;
mod metrics;
mod policy;
mod probe;
mod results;
mod stop;
mod stream;

use pyo3::prelude::*;

#[pymodule(gil_used = false)]
fn _core(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add("__version__", env!("CARGO_PKG_VERSION"))?;
    module.add_class::<audio::DecodeOptions>()?;
    module.add_class::<detector::Detector>()?;
    module.add_class::<engine::Engine>()?;
    module.add_class::<engine::LiveLeg>()?;
    module.add_class::<features::WindowFeatures>()?;
    module.add_class::<policy::SequentialTest>()?;
    module.add_class::<policy::Turn>()?;
    module.add_class::<results::Results>()?;
    module.add_class::<stop::Stop>()?;
    module.add_class::<stream::Stream>()?;
    module.add("metrics", metrics::module(module.py())?)?;
    module.add_function(wrap_pyfunction!(audio::read_audio, module)?)?;
    module.add_function(wrap_pyfunction!(command::run_command, module)?)?;
    module.add_function(wrap_pyfunction!(detector::is_builtin, module)?)?;
    module.add_function(wrap_pyfunction!(detector::n_cores, module)?)?;
    module.add_function(wrap_pyfunction!(detector::select_runtime, module)?)?;
    module.add_function(wrap_pyfunction!(evaluation::audio_of_keys, module)?)?;
    module.add_function(wrap_pyfunction!(evaluation::calibrate, module)?)?;
    module.add_function(wrap_pyfunction!(evaluation::evaluate, module)?)?;
    module.add_function(wrap_pyfunction!(features::compute_features, module)?)?;
    module.add_function(wrap_pyfunction!(probe::probe, module)?)?;
    module.add_function(wrap_pyfunction!(policy::thresholds_from_costs, module)?)?;
    module.add_function(wrap_pyfunction!(policy::thresholds_from_rates, module)?)
}
