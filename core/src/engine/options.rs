//! How an engine works.

use std::num::NonZero;
use std::time::Duration;

use crate::error::{Error, ErrorKind, Result};
use crate::leg::stream::StreamOptions;

/// How an engine works. The default takes every core and is good for calls of 20 ms packets.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct EngineOptions {
    /// Threads that score; as many as there are cores by default.
    pub workers: usize,
    /// Legs that are open at once; the next is refused. 4,096 by default.
    pub max_legs: usize,
    /// Audio that a leg can hold while its worker is busy, 0.1 s to 60 s; one second by default. Of 16 bits a sample.
    pub buffer: Duration,
    /// How long a window waits for its score at most; 0.75 s by default. One that waits longer is shed. As long as the buffer
    /// or longer, nothing is shed, and audio that finds no room is lost instead.
    pub max_delay: Duration,
    /// Windows that are scored together at most; 4 by default, beyond which the built-in models gain nothing.
    pub batch: usize,
    /// Events that a leg keeps for [`LiveLeg::poll`](super::LiveLeg::poll); 24 by default. Of window events that find no room
    /// the leg keeps none.
    pub max_events: usize,
    /// How each leg is watched; [`StreamOptions::live`] by default.
    pub stream: StreamOptions,
}

impl Default for EngineOptions {
    fn default() -> Self {
        Self {
            workers: std::thread::available_parallelism().map_or(1, NonZero::get),
            max_legs: 4_096,
            buffer: Duration::from_secs(1),
            max_delay: Duration::from_millis(750),
            batch: 4,
            max_events: 24,
            stream: StreamOptions::live(),
        }
    }
}

impl EngineOptions {
    pub(super) fn check(&self) -> Result<()> {
        let ensure = |holds: bool, message: &str| {
            if holds { Ok(()) } else { Err(Error::new(ErrorKind::InvalidArgument, message)) }
        };
        ensure((1..=1_024).contains(&self.workers), "expected 1 to 1024 workers")?;
        ensure(self.max_legs >= 1, "expected max_legs to be at least 1")?;
        let buffer = Duration::from_millis(100)..=Duration::from_mins(1);
        ensure(buffer.contains(&self.buffer), "expected a buffer of 0.1 s to 60 s")?;
        ensure(!self.max_delay.is_zero(), "expected max_delay to be above 0")?;
        ensure((1..=256).contains(&self.batch), "expected batches of 1 to 256 windows")?;
        ensure((1..=65_536).contains(&self.max_events), "expected max_events to be 1 to 65536")?;
        self.stream.check()
    }

    /// How long a window may wait for its score; for ever where it is the buffer that ends it.
    pub(super) fn shed_after(&self) -> Duration {
        if self.max_delay >= self.buffer { Duration::MAX } else { self.max_delay }
    }

    /// Seconds of speech that a leg must remember behind a window that waits: up to where a newer one takes its place; none
    /// where it is shed before, or never given up.
    pub(super) fn seconds_behind(&self, update_seconds: f64) -> f64 {
        let max_delay = self.shed_after();
        if max_delay == Duration::MAX || max_delay.as_secs_f64() < update_seconds { 0.0 } else { update_seconds }
    }

    pub(super) fn buffer_samples(&self, sample_rate_hz: u32) -> usize {
        (self.buffer.as_secs_f64() * f64::from(sample_rate_hz)) as usize
    }
}
