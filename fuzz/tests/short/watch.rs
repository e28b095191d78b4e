//! Inputs are tried on a thread of their own, and somebody looks at the clock: what hangs cannot tell that it does.

use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use veravox_fuzz::tried;

const LOOKS: Duration = Duration::from_millis(50);

/// What came of an input that should not have.
#[derive(Debug)]
pub struct Finding {
    /// Which input.
    pub name: String,
    /// What came of it.
    pub words: String,
    /// The input.
    pub bytes: Vec<u8>,
}

/// What is being tried.
struct Trial {
    began: Instant,
    name: String,
    bytes: Vec<u8>,
}

/// Shows what is being tried to who looks at the clock.
#[derive(Default, Clone)]
pub struct Watched(Arc<Mutex<Option<Trial>>>);

impl Watched {
    /// Tries an input.
    pub fn tries(&self, target: fn(&[u8]), name: &str, bytes: &[u8]) -> Result<(), Finding> {
        let trial = Trial { began: Instant::now(), name: name.to_owned(), bytes: bytes.to_vec() };
        *self.0.lock().unwrap() = Some(trial);
        let found = tried(target, bytes);
        *self.0.lock().unwrap() = None;
        found.map_err(|words| Finding { name: name.to_owned(), words, bytes: bytes.to_vec() })
    }

    /// Does work that tries inputs, and gives it up where one of them takes too long.
    pub fn holds<T: Send + 'static>(
        self,
        patience: Duration,
        work: impl FnOnce(&Self) -> Result<T, Finding> + Send + 'static,
    ) -> Result<T, Finding> {
        let now = self.clone();
        let worker = thread::spawn(move || work(&now));
        while !worker.is_finished() {
            thread::sleep(LOOKS);
            let overdue = self.0.lock().unwrap().take_if(|trial| trial.began.elapsed() > patience);
            if let Some(Trial { name, bytes, .. }) = overdue {
                return Err(Finding { name, words: format!("took more than {patience:?}"), bytes });
            }
        }
        worker.join().unwrap()
    }
}
