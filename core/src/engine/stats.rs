//! What an engine counts.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde::Serialize;

use crate::model::SecondCounts;

/// Buckets: eight to each doubling, over 35 doublings.
const PER_DOUBLING: f64 = 8.0;
const N_BUCKETS: usize = 280;

/// Counters shared by the engine, its workers and its legs.
#[derive(Default)]
pub(super) struct Counters {
    pub legs: AtomicUsize,
    pub refused_legs: AtomicU64,
    pub failed_legs: AtomicU64,
    pub scored_windows: AtomicU64,
    pub shed_windows: AtomicU64,
    pub replaced_windows: AtomicU64,
    /// Nanoseconds.
    pub hearing: AtomicU64,
    pub scoring: AtomicU64,
    pub dropped_samples: AtomicU64,
    pub missed_events: AtomicU64,
    /// Milliseconds.
    pub delays: Mutex<Histogram>,
}

/// How often values of some kind came, by their size: for percentiles of more values than anybody wants to keep. Exact to 9 %
/// from 1 up to 34 thousand million, in whatever unit; smaller values count as 1.
///
/// ```
/// let mut histogram = veravox::engine::Histogram::default();
/// (1..=1_000).for_each(|value| histogram.add(f64::from(value)));
/// let percentiles = histogram.percentiles();
/// assert!((500.0..546.0).contains(&percentiles.p50));
/// assert_eq!(percentiles.max, 1_000.0);
/// ```
#[derive(Debug, Clone)]
pub struct Histogram {
    buckets: [u64; N_BUCKETS],
    max: f64,
}

impl Default for Histogram {
    fn default() -> Self {
        Self { buckets: [0; N_BUCKETS], max: 0.0 }
    }
}

impl Histogram {
    /// Counts a value.
    pub fn add(&mut self, value: f64) {
        let bucket = (value.max(1.0).log2() * PER_DOUBLING).ceil() as usize;
        if let Some(count) = self.buckets.get_mut(bucket.min(N_BUCKETS - 1)) {
            *count += 1;
        }
        self.max = self.max.max(value);
    }

    /// What was counted, in short.
    #[must_use]
    pub fn percentiles(&self) -> Percentiles {
        Percentiles { p50: self.percentile(0.5), p99: self.percentile(0.99), max: self.max }
    }

    fn percentile(&self, share: f64) -> f64 {
        let total: u64 = self.buckets.iter().sum();
        let rank = (share * total as f64).ceil() as u64;
        let mut seen = 0;
        for (bucket, count) in self.buckets.iter().enumerate() {
            seen += count;
            if seen >= rank.max(1) {
                return (bucket as f64 / PER_DOUBLING).exp2().min(self.max);
            }
        }
        0.0
    }
}

/// Half, nearly all, and the largest of some values, as a [`Histogram`] has them.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize)]
pub struct Percentiles {
    /// Half were no larger than this.
    pub p50: f64,
    /// 99 of 100 were no larger than this.
    pub p99: f64,
    /// None was larger.
    pub max: f64,
}

/// What an engine does, and did since it was started.
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
    /// Windows that were not, since they had waited for longer than [`max_delay`](super::EngineOptions::max_delay).
    pub shed_windows: u64,
    /// Windows that were not, since a newer one of the same leg was ready.
    pub replaced_windows: u64,
    /// Samples that no ring had room for; their legs count them as lost.
    pub dropped_samples: u64,
    /// Window events that nobody fetched in time.
    pub missed_events: u64,
    /// From the audio that completes a window to its score, in milliseconds. Audio counts as pushed when it was spoken, so
    /// a packet's own length is in it.
    pub compute_delay_ms: Percentiles,
    /// Seconds that the workers listened to audio: resampling, speech detection.
    pub hearing_seconds: f64,
    /// Seconds that they scored windows: features and model. That of a cascade's second model is not in it.
    pub scoring_seconds: f64,
    /// How often the second model of a cascade was asked, over all that is made from the detector.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub second: Option<SecondCounts>,
}

/// A mutex whose holder panicked guards numbers that are true all the same.
pub(super) fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Counters {
    pub fn stats(&self) -> EngineStats {
        let of = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        EngineStats {
            legs: self.legs.load(Ordering::Relaxed),
            refused_legs: of(&self.refused_legs),
            failed_legs: of(&self.failed_legs),
            scored_windows: of(&self.scored_windows),
            shed_windows: of(&self.shed_windows),
            replaced_windows: of(&self.replaced_windows),
            dropped_samples: of(&self.dropped_samples),
            missed_events: of(&self.missed_events),
            compute_delay_ms: locked(&self.delays).percentiles(),
            hearing_seconds: of(&self.hearing) as f64 * 1e-9,
            scoring_seconds: of(&self.scoring) as f64 * 1e-9,
            second: None,
        }
    }

    /// Adds the time since `started` to a counter of nanoseconds.
    pub fn spend(counter: &AtomicU64, started: Instant) {
        counter.fetch_add(u64::try_from(started.elapsed().as_nanos()).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    pub fn scored(&self, delay: Duration) {
        self.scored_windows.fetch_add(1, Ordering::Relaxed);
        locked(&self.delays).add(delay.as_secs_f64() * 1_000.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_right_to_a_bucket() {
        let mut histogram = Histogram::default();
        assert_eq!(histogram.percentiles(), Percentiles::default());
        (1..=1_000).for_each(|value| histogram.add(f64::from(value)));
        let Percentiles { p50, p99, max } = histogram.percentiles();
        assert!((500.0..546.0).contains(&p50) && (990.0..=1_000.0).contains(&p99), "{p50} {p99}");
        assert!((max - 1_000.0).abs() < 1e-9);
        histogram.add(1e300);
        let last = (279.0 / 8.0_f64).exp2();
        assert!((histogram.percentile(1.0) / last - 1.0).abs() < 1e-9, "beyond the last bucket");
    }
}
