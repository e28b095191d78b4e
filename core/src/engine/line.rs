//! What the two sides of a leg of an engine tell each other besides audio and events.

use std::sync::atomic::{AtomicBool, AtomicU64};

/// Things that befall a leg while its worker is busy; more are merged.
pub(super) const MAX_MARKS: usize = 32;

/// Something that happened after the sample `at` of those that went into the ring.
#[derive(Debug, Clone, Copy)]
pub(super) struct Mark {
    pub at: u64,
    pub what: What,
}

#[derive(Debug, Clone, Copy)]
pub(super) enum What {
    Lost(u64),
    Silence(u64),
    Invalid(u32),
    Held(bool),
    Rate(u32),
}

/// What the two sides of a leg share beside the rings.
#[derive(Default)]
pub(super) struct Line {
    /// No more audio comes: the leg is to be finished.
    pub ended: AtomicBool,
    /// Samples lost, and pushed as what is not a number, that no mark had room for at the end.
    pub lost_at_end: AtomicU64,
    pub invalid_at_end: AtomicU64,
}
