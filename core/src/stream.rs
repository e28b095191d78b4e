//! One leg of a call, from samples to verdict. Files, live calls and arrays all go through here.

use crate::decide::{Decision, Reason};
use crate::detector::Detector;
use crate::error::{Error, ErrorKind, Result};
use crate::leg::{Judged, Leg, MAX_BLOCK_SAMPLES, Scoring};
use crate::model::RawScore;
use crate::report::{ErrorReport, LegVerdict, WindowReport};

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

/// What a push brought.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Event {
    /// A window was scored. Times are seconds of the leg.
    Window(WindowReport),
    /// The verdict is another than before, or better founded.
    Verdict(RunningVerdict),
    /// The leg of an [`Engine`](crate::engine::Engine) ended; nothing comes after this.
    Ended(Box<LegVerdict>),
    /// The leg of an engine failed; nothing comes after this.
    Failed(ErrorReport),
}

/// How far a verdict is founded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// Too little speech to say anything.
    #[default]
    Listening,
    /// What would be said if the leg ended now; the evidence does not suffice.
    Provisional,
    /// The evidence sufficed.
    Firm,
    /// The evidence sufficed, and later it did for the other answer: another voice speaks.
    Changed,
}

impl Stage {
    /// The name as it stands in reports.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Listening => "listening",
            Self::Provisional => "provisional",
            Self::Firm => "firm",
            Self::Changed => "changed",
        }
    }
}

impl std::fmt::Display for Stage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The verdict so far.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct RunningVerdict {
    /// How far it is founded.
    pub stage: Stage,
    /// The decision if the leg ended now.
    pub decision: Decision,
    /// Natural-log likelihood ratio since the voice last changed, positive for synthetic; none before the first score.
    pub llr: Option<f64>,
    /// Probability of a synthetic voice at the prior of the thresholds.
    pub probability: Option<f64>,
    /// Seconds of voice so far.
    pub speech_seconds: f64,
    /// Why it is inconclusive.
    pub reasons: Vec<Reason>,
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
    scored: Vec<(Judged, RawScore)>,
}

impl Stream {
    pub(crate) fn new(detector: &Detector, sample_rate_hz: u32, options: &StreamOptions) -> Result<Self> {
        Ok(Self { leg: Leg::new(detector, sample_rate_hz, options)?, scored: Vec::new() })
    }

    /// Takes the next samples of the leg; returns the windows that they completed and any news of the verdict.
    ///
    /// # Errors
    /// [`Runtime`](ErrorKind::Runtime) when the model fails. The stream is not to be used after an error.
    pub fn push<S: Sample>(&mut self, samples: &[S]) -> Result<Vec<Event>> {
        self.run(|leg, scoring| {
            samples.chunks(MAX_BLOCK_SAMPLES).try_for_each(|block| leg.push(block.iter().map(|s| s.to_f32()), scoring))
        })
    }

    /// `n_samples` of the leg, at its own rate, never came. A hole of up to 0.1 s, said at once or packet by packet, is
    /// filled with silence; a longer one is never spliced over: no window holds speech from both its sides.
    ///
    /// # Errors
    /// As [`push`](Self::push).
    pub fn lost(&mut self, n_samples: u64) -> Result<Vec<Event>> {
        self.run(|leg, scoring| leg.lose(n_samples, scoring))
    }

    /// `n_samples` were not sent since the other side was silent (discontinuous transmission), or are comfort noise that
    /// was not pushed. A pause like any other: the voice after it is taken for the one before.
    ///
    /// # Errors
    /// As [`push`](Self::push).
    pub fn silence(&mut self, n_samples: u64) -> Result<Vec<Event>> {
        self.run(|leg, scoring| leg.be_silent(n_samples, scoring))
    }

    /// The call is on hold: what is pushed until [`resume`](Self::resume) is not listened to, whatever it is, and no window
    /// holds speech from both sides.
    ///
    /// # Errors
    /// As [`push`](Self::push).
    pub fn hold(&mut self) -> Result<Vec<Event>> {
        self.run(|leg, scoring| leg.hold(scoring))
    }

    /// The hold is over.
    ///
    /// # Errors
    /// As [`push`](Self::push).
    pub fn resume(&mut self) -> Result<Vec<Event>> {
        self.run(|leg, scoring| leg.resume(scoring))
    }

    /// The source goes on at another rate, as after a change of codec. The model stays the one that the leg began with, and
    /// no window holds speech from both sides.
    ///
    /// # Errors
    /// [`LimitExceeded`](ErrorKind::LimitExceeded) when the rate is outside the default limits; the stream then goes on at
    /// the old one. Others as [`push`](Self::push).
    pub fn change_rate(&mut self, sample_rate_hz: u32) -> Result<Vec<Event>> {
        self.run(|leg, scoring| leg.change_rate(sample_rate_hz, scoring))
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
        self.run(|leg, scoring| leg.finish(scoring))?;
        Ok(self.leg.end())
    }

    /// Scores the windows that `feed` completes, one by one.
    fn run(&mut self, feed: impl FnOnce(&mut Leg, &mut Scoring<'_>) -> Result<()>) -> Result<Vec<Event>> {
        let Self { leg, scored } = self;
        scored.clear();
        let model = std::sync::Arc::clone(leg.model());
        feed(leg, &mut |window, conditions| {
            let (judged, raw) = model.with_scorer(|scorer| {
                scorer.clear();
                let judged = scorer.listen(&window, conditions)?;
                Ok((judged, scorer.score(model.manifest())?))
            })?;
            scored.push((judged, raw));
            Ok(())
        })?;
        let mut events = Vec::new();
        for (judged, raw) in scored.drain(..) {
            leg.take(judged, raw, &mut |event| events.push(event));
        }
        Ok(events)
    }
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
