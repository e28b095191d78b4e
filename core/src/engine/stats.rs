//! What an engine counts.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use serde::Serialize;

use super::locked;

/// Buckets of delays: eight to each doubling, from 1 ms up to more than a minute.
const PER_DOUBLING: f64 = 8.0;
const N_BUCKETS: usize = 136;

/// Counters shared by the engine, its workers and its legs.
#[derive(Default)]
pub(super) struct Counters {
    pub legs: AtomicUsize,
    pub refused_legs: AtomicU64,
    pub failed_legs: AtomicU64,
    pub scored_windows: AtomicU64,
    pub shed_windows: AtomicU64,
    pub dropped_samples: AtomicU64,
    pub missed_events: AtomicU64,
    pub delays: Mutex<Delays>,
}

/// How often windows were late by how much.
pub(super) struct Delays {
    buckets: [u64; N_BUCKETS],
    max_seconds: f64,
}

impl Default for Delays {
    fn default() -> Self {
        Self { buckets: [0; N_BUCKETS], max_seconds: 0.0 }
    }
}

impl Delays {
    pub fn add(&mut self, seconds: f64) {
        let bucket = ((seconds * 1_000.0).max(1.0).log2() * PER_DOUBLING).ceil() as usize;
        if let Some(count) = self.buckets.get_mut(bucket.min(N_BUCKETS - 1)) {
            *count += 1;
        }
        self.max_seconds = self.max_seconds.max(seconds);
    }

    fn percentile(&self, share: f64) -> f64 {
        let total: u64 = self.buckets.iter().sum();
        let rank = (share * total as f64).ceil() as u64;
        let mut seen = 0;
        for (bucket, count) in self.buckets.iter().enumerate() {
            seen += count;
            if seen >= rank.max(1) {
                return (bucket as f64 / PER_DOUBLING).exp2().min(self.max_seconds * 1_000.0);
            }
        }
        0.0
    }
}

/// Half, nearly all, and the worst of some delays, in milliseconds; exact to 9 %, the worst exactly.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize)]
pub struct Percentiles {
    /// Half were no longer than this.
    pub p50: f64,
    /// 99 of 100 were no longer than this.
    pub p99: f64,
    /// None was longer.
    pub max: f64,
}

/// What an engine does, and did since it was started or its delays were last forgotten.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize)]
pub struct EngineStats {
    /// Legs that are open.
    pub legs: usize,
    /// Legs that were refused since as many as are admitted were open.
    pub refused_legs: u64,
    /// Legs that ended with an error: of the model, or a panic over their audio.
    pub failed_legs: u64,
    /// Windows that were scored.
    pub scored_windows: u64,
    /// Windows that were not, for want of time.
    pub shed_windows: u64,
    /// Samples that no ring had room for; their legs count them as lost.
    pub dropped_samples: u64,
    /// Window events that nobody fetched in time.
    pub missed_events: u64,
    /// From the audio that completes a window to its score, in milliseconds. Audio counts as pushed when it was spoken, so
    /// a packet's own length is in it.
    pub compute_delay_ms: Percentiles,
}

impl Counters {
    pub fn stats(&self) -> EngineStats {
        let of = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let delays = locked(&self.delays);
        EngineStats {
            legs: self.legs.load(Ordering::Relaxed),
            refused_legs: of(&self.refused_legs),
            failed_legs: of(&self.failed_legs),
            scored_windows: of(&self.scored_windows),
            shed_windows: of(&self.shed_windows),
            dropped_samples: of(&self.dropped_samples),
            missed_events: of(&self.missed_events),
            compute_delay_ms: Percentiles {
                p50: delays.percentile(0.5),
                p99: delays.percentile(0.99),
                max: delays.max_seconds * 1_000.0,
            },
        }
    }

    pub fn scored(&self, delay: Duration) {
        self.scored_windows.fetch_add(1, Ordering::Relaxed);
        locked(&self.delays).add(delay.as_secs_f64());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_right_to_a_bucket() {
        let mut delays = Delays::default();
        assert_eq!(delays.percentile(0.99), 0.0);
        for n in 1..=1_000 {
            delays.add(f64::from(n) / 1_000.0);
        }
        for (share, expected) in [(0.5, 500.0), (0.99, 990.0), (1.0, 1_000.0)] {
            let found = delays.percentile(share);
            assert!((expected..=expected * 1.1).contains(&found) || found == 1_000.0, "{share}: {found}");
        }
        delays.add(1e9);
        assert_eq!(delays.percentile(1.0), (135.0 / 8.0_f64).exp2(), "beyond the last bucket");
    }
}
