//! How a leg is watched.

use crate::error::{Error, ErrorKind, Result};

/// How a leg is watched. The default is that of recordings.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct StreamOptions {
    /// Seconds of speech between two scores, from 0.1 up to the length of a window; the hop of the model's manifest without
    /// it.
    pub update_seconds: Option<f64>,
    /// Take a first look at this many seconds of speech, before there is a whole window. It makes a provisional verdict,
    /// which the first window replaces; where it is shorter than the model's least speech, it comes at that.
    pub first_look_seconds: Option<f64>,
    /// Scored windows that the verdict lists at the end; of more the oldest are forgotten. A window takes some 50 bytes.
    pub max_windows_kept: usize,
}

impl Default for StreamOptions {
    /// Every hop of the model, no first look, and all windows of the longest recording that is read by default.
    fn default() -> Self {
        Self { update_seconds: None, first_look_seconds: None, max_windows_kept: 100_000 }
    }
}

impl StreamOptions {
    /// What could not be kept up with, or is no number, is refused.
    pub(crate) fn check(&self) -> Result<()> {
        let refused = |message: String| Err(Error::new(ErrorKind::InvalidArgument, message));
        match (self.update_seconds, self.first_look_seconds) {
            (Some(update), _) if !(0.1..=3_600.0).contains(&update) => {
                refused(format!("expected update_seconds of 0.1 to 3600, got {update}"))
            }
            (_, Some(look)) if !(0.0..=3_600.0).contains(&look) => {
                refused(format!("expected first_look_seconds of 0 to 3600, got {look}"))
            }
            _ => Ok(()),
        }
    }

    /// For a call that goes on: a first look after 3 s of speech, a score for every second of it, the last five minutes
    /// kept.
    #[must_use]
    pub fn live() -> Self {
        Self { update_seconds: Some(1.0), first_look_seconds: Some(3.0), max_windows_kept: 300 }
    }
}
