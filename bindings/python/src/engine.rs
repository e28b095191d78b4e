//! Many calls at once.

use std::sync::{Mutex, MutexGuard, PoisonError, RwLock};
use std::time::Duration;

use pyo3::prelude::*;
use veravox::engine::{self, EngineOptions};

use crate::detector::Detector;
use crate::errors::{argument_error, to_python};
use crate::json::to_text;
use crate::stream::{Chunk, from_bytes, in_order, watched};

/// See `veravox.Engine`.
#[pyclass(module = "veravox._core", frozen)]
pub(crate) struct Engine {
    /// Nothing once it is stopped.
    inner: RwLock<Option<veravox::Engine>>,
}

#[pymethods]
impl Engine {
    #[new]
    #[expect(clippy::too_many_arguments, reason = "each has a name of its own in Python")]
    fn new(
        py: Python<'_>,
        detector: &Detector,
        workers: Option<usize>,
        max_legs: Option<usize>,
        buffer_seconds: Option<f64>,
        max_delay_seconds: Option<f64>,
        batch: Option<usize>,
        max_events: Option<usize>,
        update_seconds: Option<f64>,
        first_look_seconds: Option<f64>,
        max_windows_kept: Option<usize>,
    ) -> PyResult<Self> {
        let default = EngineOptions::default();
        let options = EngineOptions {
            workers: workers.unwrap_or(default.workers),
            max_legs: max_legs.unwrap_or(default.max_legs),
            buffer: duration(py, "buffer_seconds", buffer_seconds)?.unwrap_or(default.buffer),
            max_delay: duration(py, "max_delay_seconds", max_delay_seconds)?.unwrap_or(default.max_delay),
            batch: batch.unwrap_or(default.batch),
            max_events: max_events.unwrap_or(default.max_events),
            stream: watched(py, default.stream, update_seconds, first_look_seconds, max_windows_kept)?,
        };
        let started = py.detach(|| veravox::Engine::start(detector.inner.clone(), options));
        Ok(Self { inner: RwLock::new(Some(started.map_err(|e| to_python(py, &e))?)) })
    }

    fn open(&self, py: Python<'_>, sample_rate: u32) -> PyResult<LiveLeg> {
        let opened = py.detach(|| self.with(|engine| engine.open(sample_rate)));
        let leg = opened.ok_or_else(|| stopped(py))?.map_err(|e| to_python(py, &e))?;
        Ok(LiveLeg { inner: Mutex::new(Some(leg)) })
    }

    fn stats(&self, py: Python<'_>) -> PyResult<String> {
        let stats = py.detach(|| self.with(veravox::Engine::stats));
        to_text(py, &stats.ok_or_else(|| stopped(py))?)
    }

    /// Stops the workers and waits for them; one that is stopped stays so.
    fn stop(&self, py: Python<'_>) {
        py.detach(|| {
            let engine = self.inner.write().unwrap_or_else(PoisonError::into_inner).take();
            if let Some(engine) = engine {
                engine.stop();
            }
        });
    }
}

impl Engine {
    fn with<T>(&self, what: impl FnOnce(&veravox::Engine) -> T) -> Option<T> {
        self.inner.read().unwrap_or_else(PoisonError::into_inner).as_ref().map(what)
    }
}

/// See `veravox.LiveLeg`. Nothing here but `finish` waits for anything, so that none gives up the interpreter's lock.
#[pyclass(module = "veravox._core", frozen)]
pub(crate) struct LiveLeg {
    /// Nothing once it is finished.
    inner: Mutex<Option<engine::LiveLeg>>,
}

#[pymethods]
impl LiveLeg {
    /// How many samples found room.
    fn push(&self, py: Python<'_>, chunk: Chunk<'_>) -> PyResult<usize> {
        match chunk {
            Chunk::Bytes(bytes) => {
                let samples = from_bytes(py, &bytes)?;
                self.with(py, |leg| leg.push(&samples))
            }
            Chunk::Int16(array) => {
                let samples = in_order(&array)?;
                self.with(py, |leg| leg.push(samples))
            }
            Chunk::Float32(array) => {
                let samples = in_order(&array)?;
                self.with(py, |leg| leg.push(samples))
            }
        }
    }

    fn lost(&self, py: Python<'_>, n_samples: u64) -> PyResult<()> {
        self.with(py, |leg| leg.lost(n_samples))
    }

    fn silence(&self, py: Python<'_>, n_samples: u64) -> PyResult<()> {
        self.with(py, |leg| leg.silence(n_samples))
    }

    fn hold(&self, py: Python<'_>) -> PyResult<()> {
        self.with(py, engine::LiveLeg::hold)
    }

    fn resume(&self, py: Python<'_>) -> PyResult<()> {
        self.with(py, engine::LiveLeg::resume)
    }

    fn change_rate(&self, py: Python<'_>, sample_rate: u32) -> PyResult<()> {
        self.with(py, |leg| leg.change_rate(sample_rate))?.map_err(|e| to_python(py, &e))
    }

    /// The next event, if there is one.
    fn poll(&self, py: Python<'_>) -> PyResult<Option<String>> {
        let event = self.with(py, engine::LiveLeg::poll)?;
        event.map(|event| to_text(py, &event)).transpose()
    }

    fn end(&self, py: Python<'_>) -> PyResult<()> {
        self.with(py, engine::LiveLeg::end)
    }

    #[getter]
    fn is_over(&self) -> bool {
        self.lock().as_ref().is_none_or(engine::LiveLeg::is_over)
    }

    /// The verdict on the leg.
    fn finish(&self, py: Python<'_>, timeout_seconds: f64) -> PyResult<String> {
        let timeout = duration(py, "timeout", Some(timeout_seconds))?.unwrap_or_default();
        let leg = self.lock().take().ok_or_else(|| over(py))?;
        let verdict = py.detach(|| leg.finish(timeout)).map_err(|e| to_python(py, &e))?;
        to_text(py, &verdict)
    }
}

impl LiveLeg {
    fn lock(&self) -> MutexGuard<'_, Option<engine::LiveLeg>> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn with<T>(&self, py: Python<'_>, what: impl FnOnce(&mut engine::LiveLeg) -> T) -> PyResult<T> {
        self.lock().as_mut().map(what).ok_or_else(|| over(py))
    }
}

fn duration(py: Python<'_>, name: &str, seconds: Option<f64>) -> PyResult<Option<Duration>> {
    let refused = |_| argument_error(py, format!("expected {name} of 0 or more"));
    seconds.map(|seconds| Duration::try_from_secs_f64(seconds).map_err(refused)).transpose()
}

fn stopped(py: Python<'_>) -> PyErr {
    argument_error(py, "the engine was stopped")
}

fn over(py: Python<'_>) -> PyErr {
    argument_error(py, "the leg is over: it was finished")
}
