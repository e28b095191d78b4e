//! One leg of a call, from samples to verdict. Files, calls and arrays all go through here.

use std::sync::Arc;

use crate::calibrate::probability;
use crate::conditions::Conditions;
use crate::decide::{Decision, Reason, Thresholds, WindowScore, decide, leg_llr, suspicious_stretches};
use crate::decode::Limits;
use crate::detector::Detector;
use crate::error::{Error, ErrorKind, Result};
use crate::model::Model;
use crate::report::{LegVerdict, Segment, WindowReport};
use crate::resample::Resampler;
use crate::speech::{Frame, SpeechGate};
use crate::window::{Window, Windower};

/// Samples that are taken at a time: a whole call in one push needs no more memory than live audio does.
const MAX_BLOCK_SAMPLES: usize = 8_192;

/// A type of sample that can be pushed: `f32` in [-1, 1], or `i16`.
pub trait Sample: Copy + sealed::Sealed {
    /// The sample as `f32` in [-1, 1].
    fn to_f32(self) -> f32;
}

impl Sample for f32 {
    fn to_f32(self) -> f32 {
        self
    }
}

impl Sample for i16 {
    fn to_f32(self) -> f32 {
        f32::from(self) / 32_768.0
    }
}

mod sealed {
    pub trait Sealed {}
    impl Sealed for f32 {}
    impl Sealed for i16 {}
}

/// What a push brought.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Event {
    /// A window was scored. Times are seconds of the leg.
    Window(WindowReport),
    /// The decision so far is now another. It stays provisional until [`Stream::finish`].
    Decision(RunningVerdict),
}

/// The verdict so far.
#[derive(Debug, Clone, PartialEq)]
pub struct RunningVerdict {
    /// The decision if the leg ended now.
    pub decision: Decision,
    /// Natural-log likelihood ratio, positive for synthetic; none before the first window.
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
/// zero, and many of them make the leg inconclusive; values outside [-1, 1] are clipped.
///
/// ```
/// use veravox::{Detector, Decision};
///
/// let detector = Detector::builtin()?;
/// let mut stream = detector.stream(8_000)?;
/// for frame in [0_i16; 16_000].chunks(160) {
///     stream.push(frame)?;
/// }
/// let verdict = stream.finish()?;
/// assert_eq!(verdict.decision, Decision::Inconclusive);
/// assert_eq!(verdict.reasons[0].as_str(), "no_signal");
/// # Ok::<(), veravox::Error>(())
/// ```
pub struct Stream {
    model: Arc<Model>,
    thresholds: Thresholds,
    conditions: Conditions,
    resampler: Resampler,
    gate: SpeechGate,
    windower: Windower,
    windows: Vec<WindowScore>,
    decision: Decision,
    samples: Vec<f32>,
    resampled: Vec<f32>,
}

impl Stream {
    pub(crate) fn new(detector: &Detector, sample_rate_hz: u32) -> Result<Self> {
        Limits::default().check_sample_rate(sample_rate_hz)?;
        let model = detector.model(sample_rate_hz)?;
        let input = &model.manifest().input;
        Ok(Self {
            thresholds: detector.thresholds(sample_rate_hz),
            conditions: Conditions::new(sample_rate_hz, input.sample_rate_hz),
            resampler: Resampler::new(sample_rate_hz, input.sample_rate_hz)?,
            gate: SpeechGate::new(input.sample_rate_hz)?,
            windower: Windower::new(input),
            windows: Vec::new(),
            decision: Decision::Inconclusive,
            samples: Vec::new(),
            resampled: Vec::new(),
            model,
        })
    }

    /// Takes the next samples of the leg; returns the windows that they completed and any change of the decision.
    ///
    /// # Errors
    /// [`Runtime`](ErrorKind::Runtime) when the model fails. The stream is not to be used after an error.
    pub fn push<S: Sample>(&mut self, samples: &[S]) -> Result<Vec<Event>> {
        let n_before = self.windows.len();
        for block in samples.chunks(MAX_BLOCK_SAMPLES) {
            self.push_block(block)?;
        }
        Ok(self.events_since(n_before))
    }

    fn push_block<S: Sample>(&mut self, block: &[S]) -> Result<()> {
        self.samples.clear();
        let mut n_invalid = 0;
        for sample in block {
            let value = sample.to_f32();
            n_invalid += usize::from(!value.is_finite());
            self.samples.push(if value.is_finite() { value.clamp(-1.0, 1.0) } else { 0.0 });
        }
        self.conditions.count(&self.samples, n_invalid);
        self.resampled.clear();
        self.resampler.push(&self.samples, &mut self.resampled)?;
        self.score_resampled(false)
    }

    /// The verdict as if the leg ended now, over the windows complete so far.
    #[must_use]
    pub fn verdict(&self) -> RunningVerdict {
        let against = self.conditions.reasons(!self.windows.is_empty());
        let (decision, reasons) = decide(&self.windows, &self.thresholds, against);
        let llr = leg_llr(&self.windows);
        RunningVerdict {
            decision,
            llr,
            probability: llr.map(|llr| probability(llr, self.thresholds.prior)),
            speech_seconds: self.seconds(self.windower.speech()),
            reasons,
        }
    }

    /// Ends the leg: scores what is left and gives the verdict.
    ///
    /// # Errors
    /// As [`push`](Self::push).
    pub fn finish(mut self) -> Result<LegVerdict> {
        self.resampled.clear();
        self.resampler.finish(&mut self.resampled)?;
        self.score_resampled(true)?;
        let RunningVerdict { decision, llr, probability, speech_seconds, reasons } = self.verdict();
        let segments = suspicious_stretches(&self.windows, &self.thresholds)
            .iter()
            .map(|s| Segment { start_seconds: self.seconds(s.start), end_seconds: self.seconds(s.end), llr: s.llr })
            .collect();
        let windows = self.windows.iter().map(|w| self.window_report(w)).collect();
        Ok(LegVerdict { leg: 0, decision, llr, probability, speech_seconds, reasons, windows, segments })
    }

    /// Runs the resampled audio through gate, windower and model.
    fn score_resampled(&mut self, finish: bool) -> Result<()> {
        let Self { model, conditions, gate, windower, windows, resampled, .. } = self;
        let (calibration, novelty) = (model.manifest().calibration, &model.manifest().output.novelty);
        let mut on_window = |window: Window<'_>| {
            let raw = model.score(window.samples)?;
            let Window { start, end, fresh_speech, .. } = window;
            let llr = calibration.llr(raw.score) as f32;
            let novel = raw.novelty.zip(novelty.as_ref()).is_some_and(|(found, novelty)| found > novelty.limit);
            windows.push(WindowScore { start, end, fresh_speech, llr, novel });
            Ok(())
        };
        let mut on_frame = |frame: Frame<'_>| {
            conditions.observe(&frame);
            windower.push(&frame, &mut on_window)
        };
        gate.push(resampled, &mut on_frame)?;
        if finish {
            gate.finish(&mut on_frame)?;
            windower.finish(&mut on_window)?;
        }
        Ok(())
    }

    fn events_since(&mut self, n_before: usize) -> Vec<Event> {
        let fresh = self.windows.get(n_before..).unwrap_or_default();
        if fresh.is_empty() {
            return Vec::new();
        }
        let mut events: Vec<Event> = fresh.iter().map(|w| Event::Window(self.window_report(w))).collect();
        let verdict = self.verdict();
        if verdict.decision != self.decision {
            self.decision = verdict.decision;
            events.push(Event::Decision(verdict));
        }
        events
    }

    fn window_report(&self, window: &WindowScore) -> WindowReport {
        WindowReport {
            start_seconds: self.seconds(window.start),
            end_seconds: self.seconds(window.end),
            llr: f64::from(window.llr),
        }
    }

    fn seconds(&self, n_samples: u64) -> f64 {
        n_samples as f64 / f64::from(self.model.manifest().input.sample_rate_hz)
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
