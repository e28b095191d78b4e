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

/// What is being tried, and since when.
#[derive(Default, Clone)]
pub struct Watched(Arc<Mutex<Option<(Instant, String, Vec<u8>)>>>);

impl Watched {
    /// Tries an input.
    pub fn tries(&self, target: fn(&[u8]), name: &str, bytes: &[u8]) -> Result<(), Finding> {
        *self.0.lock().unwrap() = Some((Instant::now(), name.to_owned(), bytes.to_vec()));
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
            let mut tried = self.0.lock().unwrap();
            if let Some((_, name, bytes)) = tried.take_if(|(began, ..)| began.elapsed() > patience) {
                return Err(Finding { name, words: format!("took more than {patience:?}"), bytes });
            }
        }
        worker.join().unwrap()
    }
}
