//! One leg of a call that goes on. Events cross as JSON text.

use std::sync::{Mutex, MutexGuard, PoisonError};

use numpy::{Element, PyReadonlyArray1};
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedBytes;
use veravox::stream::{Sample, StreamOptions};
use veravox::{ErrorKind, Event};

use crate::detector::Detector;
use crate::errors::{argument_error, to_python};
use crate::json::to_text;
use crate::stop::interruptible;

/// The next samples of a leg; bytes are 16-bit, little-endian.
#[derive(FromPyObject)]
pub(crate) enum Chunk<'py> {
    Bytes(PyBackedBytes),
    Int16(PyReadonlyArray1<'py, i16>),
    Float32(PyReadonlyArray1<'py, f32>),
}

pub(crate) fn from_bytes(py: Python<'_>, bytes: &[u8]) -> PyResult<Vec<i16>> {
    let (samples, rest) = bytes.as_chunks();
    if !rest.is_empty() {
        return Err(argument_error(py, format!("expected whole samples of 2 bytes each, got {} bytes", bytes.len())));
    }
    Ok(samples.iter().map(|sample| i16::from_le_bytes(*sample)).collect())
}

pub(crate) fn in_order<'a, T: Element>(array: &'a PyReadonlyArray1<'_, T>) -> PyResult<&'a [T]> {
    array.as_slice().map_err(|_| argument_error(array.py(), "expected an array without gaps"))
}

/// `options` with what is not `None`.
pub(crate) fn watched(
    py: Python<'_>,
    options: StreamOptions,
    update_seconds: Option<f64>,
    first_look_seconds: Option<f64>,
    max_windows_kept: Option<usize>,
) -> PyResult<StreamOptions> {
    for (name, seconds) in [("update_seconds", update_seconds), ("first_look_seconds", first_look_seconds)] {
        if let Some(seconds) = seconds.filter(|seconds| seconds.is_nan() || *seconds <= 0.0) {
            return Err(argument_error(py, format!("expected {name} above 0, got {seconds}")));
        }
    }
    Ok(StreamOptions {
        update_seconds: update_seconds.or(options.update_seconds),
        first_look_seconds: first_look_seconds.or(options.first_look_seconds),
        max_windows_kept: max_windows_kept.unwrap_or(options.max_windows_kept),
    })
}

/// One leg, see `veravox.Stream`. Threads take turns.
#[pyclass(module = "veravox._core", frozen)]
pub(crate) struct Stream {
    /// Nothing once it is finished, or the model failed.
    inner: Mutex<Option<veravox::Stream>>,
    block_samples: usize,
}

#[pymethods]
impl Stream {
    #[new]
    fn new(
        py: Python<'_>,
        detector: &Detector,
        sample_rate: u32,
        live: bool,
        update_seconds: Option<f64>,
        first_look_seconds: Option<f64>,
        max_windows_kept: Option<usize>,
    ) -> PyResult<Self> {
        let options = if live { StreamOptions::live() } else { StreamOptions::default() };
        let options = watched(py, options, update_seconds, first_look_seconds, max_windows_kept)?;
        let opened = py.detach(|| detector.inner.stream_with(sample_rate, &options));
        let inner = Mutex::new(Some(opened.map_err(|e| to_python(py, &e))?));
        Ok(Self { inner, block_samples: sample_rate as usize })
    }

    /// The events, a JSON array; None where there are none.
    fn push(&self, py: Python<'_>, chunk: Chunk<'_>) -> PyResult<Option<String>> {
        match chunk {
            Chunk::Bytes(bytes) => self.push_samples(py, &from_bytes(py, &bytes)?),
            Chunk::Int16(array) => self.push_samples(py, in_order(&array)?),
            Chunk::Float32(array) => self.push_samples(py, in_order(&array)?),
        }
    }

    fn lost(&self, py: Python<'_>, n_samples: u64) -> PyResult<Option<String>> {
        self.events(py, |stream| stream.lost(n_samples))
    }

    fn silence(&self, py: Python<'_>, n_samples: u64) -> PyResult<Option<String>> {
        self.events(py, |stream| stream.silence(n_samples))
    }

    fn hold(&self, py: Python<'_>) -> PyResult<Option<String>> {
        self.events(py, veravox::Stream::hold)
    }

    fn resume(&self, py: Python<'_>) -> PyResult<Option<String>> {
        self.events(py, veravox::Stream::resume)
    }

    fn change_rate(&self, py: Python<'_>, sample_rate: u32) -> PyResult<Option<String>> {
        self.events(py, |stream| stream.change_rate(sample_rate))
    }

    /// The verdict so far.
    fn verdict(&self, py: Python<'_>) -> PyResult<String> {
        let verdict = py.detach(|| self.lock().as_ref().map(veravox::Stream::verdict));
        to_text(py, &verdict.ok_or_else(|| over(py))?)
    }

    /// The verdict on the leg.
    fn finish(&self, py: Python<'_>) -> PyResult<String> {
        let finished = py.detach(|| self.lock().take().map(veravox::Stream::finish));
        let leg = finished.ok_or_else(|| over(py))?.map_err(|e| to_python(py, &e))?;
        to_text(py, &leg)
    }
}

impl Stream {
    /// To be called without the interpreter's lock: who holds this one may wait for that.
    fn lock(&self) -> MutexGuard<'_, Option<veravox::Stream>> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A long chunk goes in piece by piece, so that Ctrl-C ends it.
    fn push_samples<S: Sample + Sync>(&self, py: Python<'_>, samples: &[S]) -> PyResult<Option<String>> {
        let events = interruptible(py, None, |go_on| {
            let mut guard = self.lock();
            let mut events = Vec::new();
            for block in samples.chunks(self.block_samples) {
                let Some(more) = run(&mut guard, |stream| stream.push(block))? else { return Ok(None) };
                events.extend(more);
                if !go_on() {
                    break;
                }
            }
            Ok(guard.is_some().then_some(events))
        })?;
        to_events(py, &events.ok_or_else(|| over(py))?)
    }

    fn events(
        &self,
        py: Python<'_>,
        what: impl FnOnce(&mut veravox::Stream) -> veravox::Result<Vec<Event>> + Send,
    ) -> PyResult<Option<String>> {
        let events = py.detach(|| run(&mut self.lock(), what)).map_err(|e| to_python(py, &e))?;
        to_events(py, &events.ok_or_else(|| over(py))?)
    }
}

/// What a stream answers, if there is one. One whose model failed is not to be used any more.
fn run(
    stream: &mut Option<veravox::Stream>,
    what: impl FnOnce(&mut veravox::Stream) -> veravox::Result<Vec<Event>>,
) -> veravox::Result<Option<Vec<Event>>> {
    let events = stream.as_mut().map(what).transpose();
    if events.as_ref().is_err_and(|error| error.kind() == ErrorKind::Runtime) {
        *stream = None;
    }
    events
}

fn to_events(py: Python<'_>, events: &[Event]) -> PyResult<Option<String>> {
    if events.is_empty() { Ok(None) } else { to_text(py, &events).map(Some) }
}

fn over(py: Python<'_>) -> PyErr {
    argument_error(py, "the stream is over: it was finished, or failed")
}
