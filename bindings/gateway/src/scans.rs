//! How many recordings may be here by HTTP, and how many of them are scanned at once.

use std::sync::Arc;

use tokio::sync::Semaphore;

use crate::config::Scan;

/// Places for recordings.
pub struct Scans {
    /// To be here.
    pub here: Arc<Semaphore>,
    /// To be scanned.
    pub scanned: Arc<Semaphore>,
}

impl Scans {
    /// As many as the configuration says.
    #[must_use]
    pub fn new(config: &Scan) -> Self {
        Self {
            here: Arc::new(Semaphore::new(config.at_once + config.waiting)),
            scanned: Arc::new(Semaphore::new(config.at_once)),
        }
    }
}
