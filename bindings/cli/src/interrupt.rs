//! Ctrl-C, and the signal that asks a program to end (SIGTERM).

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use crate::exit::Exit;

/// Files that are not to stay when the program ends at once.
static LITTER: Mutex<Vec<PathBuf>> = Mutex::new(Vec::new());

/// The first signal lets the work end in order, the second ends it at once.
pub fn stop_on_ctrl_c() -> Result<Arc<AtomicBool>, ctrlc::Error> {
    let stop = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&stop);
    ctrlc::set_handler(move || {
        if flag.swap(true, Ordering::Relaxed) {
            for path in LITTER.lock().unwrap_or_else(PoisonError::into_inner).drain(..) {
                // It may be gone.
                let _ = fs::remove_file(path);
            }
            #[expect(clippy::exit, reason = "the user asked twice")]
            std::process::exit(Exit::Interrupted as i32);
        }
    })?;
    Ok(stop)
}

/// A file that is removed when this is dropped, and when the program is ended at once.
pub struct Litter(PathBuf);

impl Litter {
    pub fn new(path: &Path) -> Self {
        LITTER.lock().unwrap_or_else(PoisonError::into_inner).push(path.to_owned());
        Self(path.to_owned())
    }
}

impl Drop for Litter {
    fn drop(&mut self) {
        LITTER.lock().unwrap_or_else(PoisonError::into_inner).retain(|path| *path != self.0);
        // Where it was put in its place there is nothing of this name.
        let _ = fs::remove_file(&self.0);
    }
}
