//! What a file may claim.

use crate::error::{Error, ErrorKind, Result};

/// What a file may claim before it is refused with [`ErrorKind::LimitExceeded`].
#[derive(Debug, Clone, PartialEq)]
pub struct Limits {
    /// Most channels; each is scored as a leg of its own. Default 16.
    pub max_channels: usize,
    /// Lowest sample rate in hertz. Default 4,000.
    pub min_sample_rate_hz: u32,
    /// Highest sample rate in hertz. Default 384,000.
    pub max_sample_rate_hz: u32,
    /// Longest audio in seconds, counted while it is read. Default 86,400, a day.
    pub max_duration_seconds: f64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_channels: 16,
            min_sample_rate_hz: 4_000,
            max_sample_rate_hz: 384_000,
            max_duration_seconds: 86_400.0,
        }
    }
}

impl Limits {
    /// Refuses audio without channels, or with more than the limit.
    ///
    /// # Errors
    /// [`CorruptAudio`](ErrorKind::CorruptAudio), [`LimitExceeded`](ErrorKind::LimitExceeded).
    pub fn check_channels(&self, channels: usize) -> Result<()> {
        if channels == 0 {
            return Err(Error::new(ErrorKind::CorruptAudio, "expected at least 1 channel, the header says 0"));
        }
        if channels > self.max_channels {
            let message = format!("expected at most {} channels (max_channels), found {channels}", self.max_channels);
            return Err(Error::new(ErrorKind::LimitExceeded, message));
        }
        Ok(())
    }

    pub(crate) fn check_sample_rate(&self, rate_hz: u32) -> Result<()> {
        if rate_hz < self.min_sample_rate_hz || rate_hz > self.max_sample_rate_hz {
            let message = format!(
                "expected a sample rate of {} to {} Hz (min_sample_rate_hz, max_sample_rate_hz), found {rate_hz} Hz",
                self.min_sample_rate_hz, self.max_sample_rate_hz
            );
            return Err(Error::new(ErrorKind::LimitExceeded, message));
        }
        Ok(())
    }
}
