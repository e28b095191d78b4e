//! What ends a scan before its time: another thread's word, or Ctrl-C.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use pyo3::prelude::*;

use crate::errors::to_python;

/// How often a scan asks the interpreter for signals. It must hold the interpreter's lock for that, which another thread
/// may keep for milliseconds.
const ASK_EVERY: Duration = Duration::from_millis(100);

/// A word that ends the scans that it was given to.
#[pyclass(module = "veravox._core", frozen)]
#[derive(Default)]
pub(crate) struct Stop {
    said: AtomicBool,
}

#[pymethods]
impl Stop {
    #[new]
    fn new() -> Self {
        Self::default()
    }

    fn set(&self) {
        self.said.store(true, Ordering::Relaxed);
    }
}

/// Runs `scan` without the interpreter's lock. What `scan` is handed answers whether to go on; when a signal's handler
/// raised, as Ctrl-C does, that exception comes out.
pub(crate) fn interruptible<T: Send>(
    py: Python<'_>,
    stop: Option<&Stop>,
    scan: impl FnOnce(&mut dyn FnMut() -> bool) -> veravox::Result<T> + Send,
) -> PyResult<T> {
    let (done, raised) = py.detach(|| {
        let (mut asked, mut raised) = (Instant::now(), None);
        let mut go_on = || {
            if stop.is_some_and(|stop| stop.said.load(Ordering::Relaxed)) {
                return false;
            }
            if asked.elapsed() >= ASK_EVERY {
                asked = Instant::now();
                raised = Python::try_attach(|py| py.check_signals().err()).flatten();
            }
            raised.is_none()
        };
        (scan(&mut go_on), raised)
    });
    match raised {
        Some(raised) => Err(raised),
        None => done.map_err(|e| to_python(py, &e)),
    }
}
