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
    /// Most bytes of samples, as 16 bits, for one byte of the file: a few bytes may unpack to hours. Counted once there are
    /// more than 64 MiB of them. Default 20,000; silence takes FLAC and Opus to some 5,000.
    pub max_decoded_ratio: f64,
    /// Most bytes of samples, as `f32`, that [`AudioReader::read_to_end`](super::AudioReader::read_to_end) puts together.
    /// Default 4 GiB. Whoever reads chunk by chunk holds little, whatever the file.
    pub max_memory_bytes: u64,
    /// Longest time in seconds from opening a file to its last sample, whatever else is done between. Default infinite, so
    /// that results do not hang on the speed of the machine.
    pub max_reading_seconds: f64,
}

/// Decoded bytes from which the ratio counts.
const RATIO_FROM_BYTES: u64 = 64 << 20;

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_channels: 16,
            min_sample_rate_hz: 4_000,
            max_sample_rate_hz: 384_000,
            max_duration_seconds: 86_400.0,
            max_decoded_ratio: 20_000.0,
            max_memory_bytes: 4 << 30,
            max_reading_seconds: f64::INFINITY,
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

    /// Refuses more audio than the duration, the bytes of the file and the time allow. `n_samples` of each channel so far.
    pub(super) fn check_progress(&self, n_samples: u64, rate_hz: u32, channels: usize, read: Progress) -> Result<()> {
        let exceeded = |message: String| Err(Error::new(ErrorKind::LimitExceeded, message));
        if n_samples as f64 / f64::from(rate_hz) > self.max_duration_seconds {
            let most = self.max_duration_seconds;
            return exceeded(format!("expected at most {most} s of audio (max_duration_seconds), found more"));
        }
        let n_decoded = n_samples.saturating_mul(2 * channels as u64);
        let ratio = n_decoded as f64 / read.n_bytes.max(1) as f64;
        if n_decoded > RATIO_FROM_BYTES && ratio > self.max_decoded_ratio {
            return exceeded(format!(
                "expected at most {} bytes of samples for a byte of the file (max_decoded_ratio), found {ratio:.0}",
                self.max_decoded_ratio
            ));
        }
        if read.seconds > self.max_reading_seconds {
            let most = self.max_reading_seconds;
            return exceeded(format!("expected to be done within {most} s (max_reading_seconds)"));
        }
        Ok(())
    }

    pub(super) fn check_memory(&self, n_samples: usize) -> Result<()> {
        let n_bytes = (n_samples as u64).saturating_mul(4);
        if n_bytes > self.max_memory_bytes {
            let most = self.max_memory_bytes;
            let message = format!("expected samples of at most {most} bytes in memory (max_memory_bytes), found more");
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

/// How much of a file was read, and for how long.
#[derive(Clone, Copy)]
pub(super) struct Progress {
    pub n_bytes: u64,
    pub seconds: f64,
}
