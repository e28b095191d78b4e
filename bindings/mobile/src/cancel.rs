//! Stopping a scan from another thread.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Stops a scan from another thread. The scan ends with `Cancelled` after the piece of audio that it is at.
#[derive(Debug, Default, uniffi::Object)]
pub struct Cancellation(AtomicBool);

#[uniffi::export]
impl Cancellation {
    /// One that is not cancelled yet.
    #[uniffi::constructor]
    #[must_use]
    pub fn new() -> Arc<Self> {
        Arc::default()
    }

    /// Stops the scans that it was handed to, and those that it will be.
    pub fn cancel(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether `cancel` was called.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}
