//! Numbers that callers pass. Both languages count in signed integers.

use crate::error::{Result, refused};

/// A rate in hertz; the core says which there can be.
pub(crate) fn rate(sample_rate_hz: i32) -> Result<u32> {
    u32::try_from(sample_rate_hz)
        .map_err(|_| refused(format!("expected a sample rate above 0, got {sample_rate_hz} Hz")))
}

/// How many samples there are.
pub(crate) fn count(n_samples: i64) -> Result<u64> {
    u64::try_from(n_samples).map_err(|_| refused(format!("expected 0 samples or more, got {n_samples}")))
}
