//! Verdicts on legs, so far and at their end.

use veravox::report;

use crate::words::{Because, Decision, Reason, Stage};

/// The verdict on one leg.
#[derive(Debug, Clone, PartialEq, uniffi::Record)]
pub struct LegVerdict {
    /// Index of the leg, from 0: the channel.
    pub leg: i32,
    /// How far the decision is founded.
    pub stage: Stage,
    /// The decision.
    pub decision: Decision,
    /// Natural-log likelihood ratio since the voice last changed; positive speaks for a synthetic voice, 0 for neither. Nothing
    /// where nothing was scored.
    pub llr: Option<f64>,
    /// Probability of a synthetic voice, 0 to 1, at the prior of the thresholds.
    pub probability: Option<f64>,
    /// The share of this site's people who score at least as high, 0 to 1, where a site calibration knows it.
    pub people_above: Option<f64>,
    /// Seconds of voice.
    pub speech_seconds: f64,
    /// Why the leg is inconclusive; empty otherwise.
    pub reasons: Vec<Reason>,
    /// Where, in seconds of the leg, the windows end that made the verdict firm; nothing where it never was.
    pub firm_at_seconds: Option<f64>,
    /// Where the voice changed after that.
    pub changes: Vec<Change>,
    /// Every scored window, in order.
    pub windows: Vec<WindowReport>,
    /// Stretches whose windows all point to a synthetic voice.
    pub segments: Vec<Segment>,
    /// What was not heard of the leg.
    pub interruptions: Interruptions,
    /// What is odd about the leg, in words.
    pub notes: Vec<String>,
    /// The model that scored it.
    pub model: Option<LegModel>,
}

/// The model of a leg.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct LegModel {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// SHA-256 of its ONNX file.
    pub sha256: String,
    /// Why it was this one.
    pub because: Because,
}

/// The verdict so far.
#[derive(Debug, Clone, PartialEq, uniffi::Record)]
pub struct RunningVerdict {
    /// How far it is founded.
    pub stage: Stage,
    /// The decision if the leg ended now.
    pub decision: Decision,
    /// Natural-log likelihood ratio since the voice last changed, positive for synthetic; nothing before the first score.
    pub llr: Option<f64>,
    /// Probability of a synthetic voice, 0 to 1, at the prior of the thresholds.
    pub probability: Option<f64>,
    /// Seconds of voice so far.
    pub speech_seconds: f64,
    /// Why it is inconclusive; empty otherwise.
    pub reasons: Vec<Reason>,
}

/// Another voice, from here on.
#[derive(Debug, Clone, Copy, PartialEq, uniffi::Record)]
pub struct Change {
    /// Where, in seconds of the leg, the speech begins that tells.
    pub at_seconds: f64,
    /// What the voice is from there on.
    pub decision: Decision,
}

/// One scored window.
#[derive(Debug, Clone, Copy, PartialEq, uniffi::Record)]
pub struct WindowReport {
    /// Where it starts, in seconds of the leg.
    pub start_seconds: f64,
    /// Where it ends. Pauses that were left out lie between.
    pub end_seconds: f64,
    /// Natural-log likelihood ratio; positive speaks for a synthetic voice.
    pub llr: f64,
    /// Share of its speech that no window before it held, above 0 and at most 1: what it counts for.
    pub fresh_share: f64,
    /// Why it does not count; nothing where it does.
    pub reason: Option<Reason>,
}

/// A suspicious stretch.
#[derive(Debug, Clone, Copy, PartialEq, uniffi::Record)]
pub struct Segment {
    /// Where it starts, in seconds of the leg.
    pub start_seconds: f64,
    /// Where it ends.
    pub end_seconds: f64,
    /// Mean llr of its windows.
    pub llr: f64,
}

/// What was not heard, or not scored, of a leg.
#[derive(Debug, Clone, Copy, PartialEq, uniffi::Record)]
pub struct Interruptions {
    /// Seconds of audio that never came.
    pub lost_seconds: f64,
    /// Seconds on hold.
    pub held_seconds: f64,
    /// Windows that were not scored since there was no time for them.
    pub shed_windows: i64,
    /// Windows that were not scored since a newer one was ready.
    pub replaced_windows: i64,
}

impl From<report::LegVerdict> for LegVerdict {
    fn from(verdict: report::LegVerdict) -> Self {
        Self {
            leg: i32::try_from(verdict.leg).unwrap_or(i32::MAX),
            stage: verdict.stage.into(),
            decision: verdict.decision.into(),
            llr: verdict.llr,
            probability: verdict.probability,
            people_above: verdict.people_above,
            speech_seconds: verdict.speech_seconds,
            reasons: verdict.reasons.into_iter().map(Reason::from).collect(),
            firm_at_seconds: verdict.firm_at_seconds,
            changes: verdict.changes.into_iter().map(Change::from).collect(),
            windows: verdict.windows.into_iter().map(WindowReport::from).collect(),
            segments: verdict.segments.into_iter().map(Segment::from).collect(),
            interruptions: verdict.interruptions.into(),
            notes: verdict.notes,
            model: verdict.model.map(LegModel::from),
        }
    }
}

impl From<report::LegModel> for LegModel {
    fn from(model: report::LegModel) -> Self {
        let report::ModelSummary { name, version, sha256, .. } = model.summary;
        Self { name, version, sha256, because: model.because.into() }
    }
}

impl From<report::RunningVerdict> for RunningVerdict {
    fn from(verdict: report::RunningVerdict) -> Self {
        let report::RunningVerdict { stage, decision, llr, probability, speech_seconds, reasons, .. } = verdict;
        let reasons = reasons.into_iter().map(Reason::from).collect();
        Self { stage: stage.into(), decision: decision.into(), llr, probability, speech_seconds, reasons }
    }
}

impl From<report::Change> for Change {
    fn from(change: report::Change) -> Self {
        Self { at_seconds: change.at_seconds, decision: change.decision.into() }
    }
}

impl From<report::WindowReport> for WindowReport {
    fn from(window: report::WindowReport) -> Self {
        let report::WindowReport { start_seconds, end_seconds, llr, fresh_share, reason, .. } = window;
        Self { start_seconds, end_seconds, llr, fresh_share, reason: reason.map(Reason::from) }
    }
}

impl From<report::Segment> for Segment {
    fn from(segment: report::Segment) -> Self {
        let report::Segment { start_seconds, end_seconds, llr } = segment;
        Self { start_seconds, end_seconds, llr }
    }
}

impl From<report::Interruptions> for Interruptions {
    fn from(missing: report::Interruptions) -> Self {
        Self {
            lost_seconds: missing.lost_seconds,
            held_seconds: missing.held_seconds,
            shed_windows: i64::try_from(missing.shed_windows).unwrap_or(i64::MAX),
            replaced_windows: i64::try_from(missing.replaced_windows).unwrap_or(i64::MAX),
        }
    }
}
