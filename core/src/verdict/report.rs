//! What a scan says, in the form that `core/schemas/report.schema.json` describes.

use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::audio::decode::{AudioInfo, StreamSummary};
use crate::error::Error;
use crate::hex::hex;
use crate::model::manifest::{Manifest, MemberOf};
use crate::verdict::decide::{Decision, Reason, Thresholds};

/// The version of the report's form. It rises when a field changes its meaning or goes away; new fields may come.
pub const REPORT_SCHEMA_VERSION: u32 = 1;

/// What every report starts with.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ReportHead {
    /// [`REPORT_SCHEMA_VERSION`].
    pub schema_version: u32,
    /// The model that scored; where legs have different ones, that of the first leg that was scored.
    pub model: ModelSummary,
    /// The runtime that ran it, name and version.
    pub runtime: String,
    /// Where decisions are made.
    pub thresholds: Thresholds,
    /// The site's calibration, where one is in use.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub calibration: Option<CalibrationSummary>,
    /// The cascade, where one is in use.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cascade: Option<CascadeSummary>,
}

/// Which site calibration it was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CalibrationSummary {
    /// Its name.
    pub name: String,
    /// Its digest, as in the file.
    pub digest: String,
}

/// Which model it was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModelSummary {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// SHA-256 of its ONNX file.
    pub sha256: String,
    /// The models that it adds up, where it is a fusion.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub members: Vec<MemberOf>,
}

/// Which cascade it was; `model` is its first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CascadeSummary {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// The model that is asked where the first does not know.
    pub second: ModelSummary,
}

/// What the second model of a cascade had to do with a leg.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct SecondReport {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Windows that it was asked about.
    pub asked: u64,
    /// Windows whose score is its.
    pub answered: u64,
    /// Windows whose answer came too late: the first model's score stands.
    pub late: u64,
    /// Windows that it would have been asked about, had the budget allowed.
    pub over_budget: u64,
}

/// The model of a leg.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LegModel {
    /// Which it was.
    #[serde(flatten)]
    pub summary: ModelSummary,
    /// Why it was this one.
    pub because: Because,
    /// Where its decisions are made.
    pub thresholds: Thresholds,
}

/// Why a leg has the model that it has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Because {
    /// The detector has no other.
    Only,
    /// The sample rate can hold the band of no wider one.
    Rate,
    /// The band of the first two seconds of speech, or of what there was.
    Band,
    /// Nobody spoke: the widest that the sample rate can hold.
    NoVoice,
}

/// What is measured of a leg's signal.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct SignalSummary {
    /// Where the sound ends, in hertz: above it less is left than 50 dB under the strongest part of speech. `None` where too
    /// little sounds.
    pub bandwidth_hz: Option<f64>,
    /// The rate that the audio may have had before, where its band says that it was brought to a higher one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub upsampled_from_hz: Option<u32>,
    /// Level of the voice in decibels of full scale (RMS); `None` without one.
    pub level_dbfs: Option<f64>,
    /// Share of the samples that are clipped.
    pub clipped_share: f64,
    /// Mean of the samples, of full scale.
    pub dc_offset: f64,
}

/// What the audio was.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AudioSummary {
    /// Container, as in `wave`, or `raw`.
    pub container: String,
    /// Codec, as in `pcm_mulaw`.
    pub codec: String,
    /// Samples a second of one channel.
    pub sample_rate_hz: u32,
    /// Channels, each a leg.
    pub channels: usize,
    /// Seconds of audio read.
    pub duration_seconds: f64,
}

/// The report on one call.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CallReport {
    /// Model, runtime, thresholds.
    #[serde(flatten)]
    pub head: ReportHead,
    /// What the audio was.
    pub audio: AudioSummary,
    /// What was wrong with the file and could be read past.
    pub warnings: Vec<String>,
    /// A verdict for each leg, in the order of the channels. Legs are never mixed.
    pub legs: Vec<LegVerdict>,
}

/// How far a verdict is founded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
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
#[derive(Debug, Clone, PartialEq, Serialize)]
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
    /// The model of a cascade that most of the evidence is from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub given_by: Option<String>,
    /// Where its decisions are made, by the model that was made for the band of its voice; none before that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub thresholds: Option<Thresholds>,
}

/// The verdict on one leg.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LegVerdict {
    /// Index of the leg, from 0: the channel.
    pub leg: usize,
    /// How far the decision is founded; [`Stage::Listening`] in reports from before it was told.
    #[serde(default)]
    pub stage: Stage,
    /// The decision.
    pub decision: Decision,
    /// Natural-log likelihood ratio of the windows since the voice last changed; positive speaks for a synthetic voice, 0
    /// for neither. `None` when nothing was scored.
    pub llr: Option<f64>,
    /// Probability of a synthetic voice, 0 to 1, at `thresholds.prior`. `None` when nothing was scored.
    pub probability: Option<f64>,
    /// The share of this site's people who score at least as high, 0 to 1, where a site calibration knows it: small where the
    /// leg is unlike them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub people_above: Option<f64>,
    /// Seconds of voice.
    pub speech_seconds: f64,
    /// Why the leg is inconclusive; empty otherwise.
    pub reasons: Vec<Reason>,
    /// Where, in seconds of the leg, the windows end that made the verdict firm; `None` when it never was.
    pub firm_at_seconds: Option<f64>,
    /// Where the voice changed after that.
    #[serde(default)]
    pub changes: Vec<Change>,
    /// Every scored window, in order.
    pub windows: Vec<WindowReport>,
    /// Stretches whose windows all point to a synthetic voice.
    pub segments: Vec<Segment>,
    /// What was not heard of the leg.
    #[serde(default)]
    pub interruptions: Interruptions,
    /// What is odd about the leg, in words: samples that were misread, another leg's voice in it.
    #[serde(default)]
    pub notes: Vec<String>,
    /// The model of a cascade that most of the evidence is from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub given_by: Option<String>,
    /// What the second model of a cascade had to do with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub second: Option<SecondReport>,
    /// The model that scored it; none in reports from before it was told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<LegModel>,
    /// What is measured of its signal; none in reports from before it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signal: Option<SignalSummary>,
    /// The stream of a capture that it was; none of a file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stream: Option<StreamSummary>,
}

/// Another voice, from here on.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Change {
    /// Where, in seconds of the leg, the speech begins that tells.
    pub at_seconds: f64,
    /// What the voice is from there on.
    pub decision: Decision,
}

/// What was not heard, or not scored, of a leg.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct Interruptions {
    /// Seconds of audio that never came.
    pub lost_seconds: f64,
    /// Seconds on hold.
    pub held_seconds: f64,
    /// Windows that were not scored since there was no time for them.
    pub shed_windows: u64,
    /// Windows that were not scored since a newer one was ready.
    #[serde(default)]
    pub replaced_windows: u64,
}

/// One scored window.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct WindowReport {
    /// Where it starts, in seconds of the leg.
    pub start_seconds: f64,
    /// Where it ends. Pauses that were left out lie between.
    pub end_seconds: f64,
    /// Natural-log likelihood ratio; positive speaks for a synthetic voice.
    pub llr: f64,
    /// Share of its speech that no window before it held, above 0 and at most 1: what it counts for.
    #[serde(default = "wholly_fresh")]
    pub fresh_share: f64,
    /// Why it does not count; nothing where it does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Reason>,
    /// Whether the second model of a cascade gave the score.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub by_second: bool,
}

/// Reports from before it was told.
fn wholly_fresh() -> f64 {
    1.0
}

/// A suspicious stretch.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Segment {
    /// Where it starts, in seconds of the leg.
    pub start_seconds: f64,
    /// Where it ends.
    pub end_seconds: f64,
    /// Mean llr of its windows.
    pub llr: f64,
}

/// The line on one file of a batch: the report, or why there is none.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FileReport {
    /// The file, as the caller named it; what is no text in it stands as U+FFFD.
    pub path: String,
    /// The bytes of its name in hexadecimal, where that is no text (UTF-8).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path_bytes: Option<String>,
    /// The report or the failure.
    #[serde(flatten)]
    pub outcome: Outcome,
}

/// What came of a file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Outcome {
    /// It was scanned.
    Scanned(Box<CallReport>),
    /// It was not.
    Failed(Box<Failure>),
}

/// Why a file has no report.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Failure {
    /// Model, runtime, thresholds.
    #[serde(flatten)]
    pub head: ReportHead,
    /// What went wrong.
    pub error: ErrorReport,
}

/// An error, as it stands in a report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErrorReport {
    /// The name of its [kind](crate::ErrorKind).
    pub kind: String,
    /// What it says to people.
    pub message: String,
}

impl ModelSummary {
    pub(crate) fn of(manifest: &Manifest) -> Self {
        Self {
            name: manifest.name.clone(),
            version: manifest.version.clone(),
            sha256: manifest.onnx.sha256.clone(),
            members: manifest.members.clone(),
        }
    }
}

impl AudioSummary {
    pub(crate) fn of(info: &AudioInfo, duration_seconds: f64) -> Self {
        Self {
            container: info.container.clone(),
            codec: info.codec.clone(),
            sample_rate_hz: info.sample_rate_hz,
            channels: info.channels,
            duration_seconds,
        }
    }
}

impl FileReport {
    /// The line for a file that was scanned or was not.
    #[must_use]
    pub fn new(path: &Path, head: ReportHead, result: Result<CallReport, Error>) -> Self {
        let outcome = match result {
            Ok(report) => Outcome::Scanned(Box::new(report)),
            Err(error) => {
                let error = ErrorReport { kind: error.kind().as_str().to_owned(), message: error.to_string() };
                Outcome::Failed(Box::new(Failure { head, error }))
            }
        };
        Self::of(path, outcome)
    }

    /// The line for a file, whatever came of it.
    #[must_use]
    pub fn of(path: &Path, outcome: Outcome) -> Self {
        let (path, path_bytes) = Self::name_of(path);
        Self { path, path_bytes, outcome }
    }

    /// A path as `path` and `path_bytes` have it.
    #[must_use]
    pub fn name_of(path: &Path) -> (String, Option<String>) {
        let bytes = path.as_os_str().as_encoded_bytes();
        (path.to_string_lossy().into_owned(), path.to_str().is_none().then(|| hex(bytes)))
    }
}
