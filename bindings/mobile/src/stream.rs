//! One leg of a call that goes on.

use std::sync::{Mutex, MutexGuard, PoisonError};

use veravox::ErrorKind;
use veravox::stream::Sample;

use crate::arguments::{count, rate};
use crate::error::{Result, VeravoxError, refused};
use crate::event::Event;
use crate::samples::{Stored, samples};
use crate::verdict::{LegVerdict, RunningVerdict};

/// Watches one leg of a call: push its samples as they come, in chunks of any size; the chunks change nothing.
///
/// Say what is missing, too: `lost`, `silence`, `hold`. Threads take turns. After `finish`, or after an error of kind `Runtime`, the
/// stream is over, and every call fails with `InvalidArgument`.
#[derive(uniffi::Object)]
pub struct Stream {
    /// Nothing once it is finished, or the model failed.
    pub(crate) inner: Mutex<Option<veravox::Stream>>,
}

#[uniffi::export]
impl Stream {
    /// Takes the next samples, 16-bit integers, little-endian, from where they lie. Returns the windows that they completed and any
    /// news of the verdict.
    pub fn push_pcm16(&self, samples: &[u8]) -> Result<Vec<Event>> {
        self.push::<i16>(samples)
    }

    /// Takes the next samples, 32-bit floats in [-1, 1], little-endian, from where they lie. What is no number counts as zero, and
    /// much of it makes the leg inconclusive; values outside are clipped.
    pub fn push_float32(&self, samples: &[u8]) -> Result<Vec<Event>> {
        self.push::<f32>(samples)
    }

    /// `nSamples` of the leg never came. A hole of up to 0.1 s is filled with silence; a longer one is never spliced over.
    pub fn lost(&self, n_samples: i64) -> Result<Vec<Event>> {
        let n_samples = count(n_samples)?;
        self.events(|stream| stream.lost(n_samples))
    }

    /// `nSamples` were not sent since the other side was silent. A pause like any other.
    pub fn silence(&self, n_samples: i64) -> Result<Vec<Event>> {
        let n_samples = count(n_samples)?;
        self.events(|stream| stream.silence(n_samples))
    }

    /// The call is on hold: what is pushed until `resume` is not listened to.
    pub fn hold(&self) -> Result<Vec<Event>> {
        self.events(veravox::Stream::hold)
    }

    /// The hold is over.
    pub fn resume(&self) -> Result<Vec<Event>> {
        self.events(veravox::Stream::resume)
    }

    /// The source goes on at another rate, as after a change of codec.
    pub fn change_rate(&self, sample_rate_hz: i32) -> Result<Vec<Event>> {
        let sample_rate_hz = rate(sample_rate_hz)?;
        self.events(|stream| stream.change_rate(sample_rate_hz))
    }

    /// The verdict as if the leg ended now.
    pub fn verdict(&self) -> Result<RunningVerdict> {
        self.lock().as_ref().map(|stream| stream.verdict().into()).ok_or_else(over)
    }

    /// Ends the leg: scores what is left and gives the verdict.
    pub fn finish(&self) -> Result<LegVerdict> {
        let stream = self.lock().take().ok_or_else(over)?;
        Ok(stream.finish()?.into())
    }
}

impl Stream {
    fn lock(&self) -> MutexGuard<'_, Option<veravox::Stream>> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn push<S: Sample + Stored>(&self, bytes: &[u8]) -> Result<Vec<Event>> {
        let samples = samples::<S>(bytes)?;
        self.events(|stream| stream.push(&samples))
    }

    /// What the stream answers. One whose model failed, or that panics, is not to be used any more.
    fn events(
        &self,
        what: impl FnOnce(&mut veravox::Stream) -> veravox::Result<Vec<veravox::Event>>,
    ) -> Result<Vec<Event>> {
        let mut guard = self.lock();
        let mut stream = guard.take().ok_or_else(over)?;
        let events = what(&mut stream);
        if !events.as_ref().is_err_and(|error| error.kind() == ErrorKind::Runtime) {
            *guard = Some(stream);
        }
        Ok(events?.into_iter().filter_map(Event::of).collect())
    }
}

fn over() -> VeravoxError {
    refused("the stream is over: it was finished, or failed")
}
