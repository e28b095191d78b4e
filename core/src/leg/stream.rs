//! One leg of a call, from samples to verdict. Files, live calls and arrays all go through here.

use std::sync::Arc;

use super::{Candidates, Leg, MAX_BLOCK_SAMPLES};
use crate::audio::decode::Gap;
use crate::error::{Error, ErrorKind, Result};
use crate::verdict::report::LegVerdict;

pub use super::event::Event;
pub use super::options::StreamOptions;
pub use super::windows::windows_of_speech;
pub use crate::verdict::report::{RunningVerdict, Stage};

/// A type of sample that can be pushed: `f32` in [-1, 1], or `i16`.
pub trait Sample: Copy + sealed::Sealed {
    /// The sample as `f32` in [-1, 1].
    fn to_f32(self) -> f32;

    /// The sample in 16 bits, and whether it was a number.
    fn to_i16(self) -> (i16, bool);
}

impl Sample for f32 {
    fn to_f32(self) -> f32 {
        self
    }

    fn to_i16(self) -> (i16, bool) {
        if !self.is_finite() {
            return (0, false);
        }
        // Conversion saturates.
        ((self * 32_768.0).round() as i16, true)
    }
}

impl Sample for i16 {
    fn to_f32(self) -> f32 {
        f32::from(self) / 32_768.0
    }

    fn to_i16(self) -> (i16, bool) {
        (self, true)
    }
}

mod sealed {
    pub trait Sealed {}
    impl Sealed for f32 {}
    impl Sealed for i16 {}
}

/// Watches one leg of a call.
///
/// Push samples as they come, in chunks of any size; the chunks change nothing. Samples that are not numbers count as
/// zero, and many of them make the leg inconclusive; values outside [-1, 1] are clipped. Say what is missing, too:
/// [`lost`](Self::lost), [`silence`](Self::silence), [`hold`](Self::hold). Memory does not grow with the call beyond the
/// windows that the verdict is to list.
///
/// ```
/// use veravox::stream::StreamOptions;
/// use veravox::{Decision, Detector};
///
/// let detector = Detector::builtin()?;
/// let mut stream = detector.stream_with(8_000, &StreamOptions::live())?;
/// for frame in [0_i16; 16_000].chunks(160) {
///     stream.push(frame)?;
/// }
/// stream.lost(320)?; // two packets of 20 ms
/// let verdict = stream.finish()?;
/// assert_eq!(verdict.decision, Decision::Inconclusive);
/// assert_eq!(verdict.reasons[0].as_str(), "no_signal");
/// # Ok::<(), veravox::Error>(())
/// ```
pub struct Stream {
    leg: Leg,
}

impl Stream {
    pub(crate) fn new(candidates: Candidates, sample_rate_hz: u32, options: &StreamOptions) -> Result<Self> {
        Ok(Self { leg: Leg::new(candidates, sample_rate_hz, options)? })
    }

    /// Takes the next samples of the leg; returns the windows that they completed and any news of the verdict.
    ///
    /// # Errors
    /// [`Runtime`](ErrorKind::Runtime) when the model fails. The stream is not to be used after an error.
    pub fn push<S: Sample>(&mut self, samples: &[S]) -> Result<Vec<Event>> {
        let mut events = Vec::new();
        for block in samples.chunks(MAX_BLOCK_SAMPLES) {
            self.run_into(&mut events, |leg| leg.push(block.iter().map(|s| s.to_f32())))?;
        }
        Ok(events)
    }

    /// `n_samples` of the leg, at its own rate, never came. A hole of up to 0.1 s, said at once or packet by packet, is
    /// filled with silence; a longer one is never spliced over: no window holds speech from both its sides.
    ///
    /// # Errors
    /// As [`push`](Self::push).
    pub fn lost(&mut self, n_samples: u64) -> Result<Vec<Event>> {
        self.run(|leg| leg.lose(n_samples))
    }

    /// `n_samples` were not sent since the other side was silent (discontinuous transmission), or are comfort noise that
    /// was not pushed. A pause like any other: the voice after it is taken for the one before.
    ///
    /// # Errors
    /// As [`push`](Self::push).
    pub fn silence(&mut self, n_samples: u64) -> Result<Vec<Event>> {
        self.run(|leg| leg.be_silent(n_samples))
    }

    /// What is missing between the samples of a capture, as [`PcmChunk::gaps`](crate::decode::PcmChunk::gaps) has it: [`lost`](Self::lost) or
    /// [`silence`](Self::silence).
    ///
    /// # Errors
    /// As [`push`](Self::push).
    pub fn miss(&mut self, gap: Gap) -> Result<Vec<Event>> {
        match gap {
            Gap::Lost(n) => self.lost(n),
            Gap::Silence(n) => self.silence(n),
        }
    }

    /// The call is on hold: what is pushed until [`resume`](Self::resume) is not listened to, whatever it is, and no window
    /// holds speech from both sides.
    ///
    /// # Errors
    /// As [`push`](Self::push).
    pub fn hold(&mut self) -> Result<Vec<Event>> {
        self.run(Leg::hold)
    }

    /// The hold is over.
    ///
    /// # Errors
    /// As [`push`](Self::push).
    pub fn resume(&mut self) -> Result<Vec<Event>> {
        self.run(Leg::resume)
    }

    /// The source goes on at another rate, as after a change of codec. The model stays the one that the leg began with, and
    /// no window holds speech from both sides.
    ///
    /// # Errors
    /// [`LimitExceeded`](ErrorKind::LimitExceeded) when the rate is outside the default limits; the stream then goes on at
    /// the old one. Others as [`push`](Self::push).
    pub fn change_rate(&mut self, sample_rate_hz: u32) -> Result<Vec<Event>> {
        self.run(|leg| leg.change_rate(sample_rate_hz))
    }

    /// The verdict as if the leg ended now, over the windows complete so far.
    #[must_use]
    pub fn verdict(&self) -> RunningVerdict {
        self.leg.verdict()
    }

    /// Ends the leg: scores what is left and gives the verdict.
    ///
    /// # Errors
    /// As [`push`](Self::push).
    pub fn finish(mut self) -> Result<LegVerdict> {
        self.run(Leg::finish)?;
        Ok(self.leg.end())
    }

    /// Scores the windows that `feed` completes, one by one.
    fn run(&mut self, feed: impl FnOnce(&mut Leg) -> Result<()>) -> Result<Vec<Event>> {
        let mut events = Vec::new();
        self.run_into(&mut events, feed)?;
        Ok(events)
    }

    fn run_into(&mut self, events: &mut Vec<Event>, feed: impl FnOnce(&mut Leg) -> Result<()>) -> Result<()> {
        let leg = &mut self.leg;
        feed(leg)?;
        while let Some(ready) = leg.next_ready() {
            let model = Arc::clone(leg.model());
            let (judged, raw) = model.with_scorer(|scorer| {
                scorer.clear();
                let (window, frames) = leg.window(&ready).ok_or_else(left_too_long)?;
                scorer.listen(&window, frames)?;
                Ok((leg.judge(&ready, scorer.texture()), scorer.score(model.manifest())?))
            })?;
            let second = match leg.asks(&judged, raw) {
                Some(second) => {
                    let (speech, rate_hz) = leg.speech(&ready).ok_or_else(left_too_long)?;
                    Some(second.hear(&speech, rate_hz)?)
                }
                None => None,
            };
            leg.take(judged, raw, second, &mut |event| events.push(event));
        }
        Ok(())
    }
}

fn left_too_long() -> Error {
    Error::new(ErrorKind::Runtime, "a window was left too long")
}

/// Refuses a chunk whose legs have different lengths.
pub(crate) fn check_equal_lengths<T>(legs: &[impl AsRef<[T]>]) -> Result<()> {
    let mut lengths = legs.iter().map(|leg| leg.as_ref().len());
    let first = lengths.next().unwrap_or(0);
    match lengths.find(|n| *n != first) {
        None => Ok(()),
        Some(other) => {
            let message = format!("expected legs of equal length, got {first} and {other} samples");
            Err(Error::new(ErrorKind::InvalidArgument, message))
        }
    }
}
