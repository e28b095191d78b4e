//! What a recording or capture is, as JSON text.

use pyo3::prelude::*;

use crate::audio::{DecodeOptions, Source};
use crate::json::to_text;
use crate::stop::interruptible;

/// Says what the audio of a file is.
#[pyfunction]
pub(crate) fn probe(py: Python<'_>, source: Source, options: &DecodeOptions) -> PyResult<String> {
    let found = interruptible(py, None, |go_on| {
        let mut reader = source.open(options)?;
        veravox::probe::probe(&mut reader, &mut |_| go_on())
    })?;
    to_text(py, &found)
}
