//! Reports, as they stand in `report.schema.json`.

use veravox::{decide, report};

use crate::verdict::LegVerdict;

/// The report on one call.
#[derive(Debug, Clone, PartialEq, uniffi::Record)]
pub struct CallReport {
    /// The model that scored.
    pub model: ModelSummary,
    /// The runtime that ran it, name and version.
    pub runtime: String,
    /// Where decisions are made.
    pub thresholds: Thresholds,
    /// The site's calibration, where one is in use.
    pub calibration: Option<CalibrationSummary>,
    /// What the audio was.
    pub audio: AudioSummary,
    /// What was wrong with the file and could be read past.
    pub warnings: Vec<String>,
    /// A verdict for each leg, in the order of the channels. Legs are never mixed.
    pub legs: Vec<LegVerdict>,
}

/// Which model it was.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct ModelSummary {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// SHA-256 of its ONNX file.
    pub sha256: String,
}

/// Where decisions are made.
#[derive(Debug, Clone, Copy, PartialEq, uniffi::Record)]
pub struct Thresholds {
    /// Prior probability of a synthetic voice that `probability` is stated at, inside (0, 1).
    pub prior: f64,
    /// A leg at or above this llr is `synthetic`.
    pub synthetic_llr: f64,
    /// A leg at or below this llr is `bonafide`.
    pub bonafide_llr: f64,
}

/// Which site calibration it was.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct CalibrationSummary {
    /// Its name.
    pub name: String,
    /// Its digest, as in the file.
    pub digest: String,
}

/// What the audio was.
#[derive(Debug, Clone, PartialEq, uniffi::Record)]
pub struct AudioSummary {
    /// Container, as in `wave`, or `raw`.
    pub container: String,
    /// Codec, as in `pcm_mulaw`.
    pub codec: String,
    /// Samples a second of one channel.
    pub sample_rate_hz: i32,
    /// Channels, each a leg.
    pub channels: i32,
    /// Seconds of audio read.
    pub duration_seconds: f64,
}

impl From<report::CallReport> for CallReport {
    fn from(call: report::CallReport) -> Self {
        let report::CallReport { head, audio, warnings, legs } = call;
        Self {
            model: ModelSummary { name: head.model.name, version: head.model.version, sha256: head.model.sha256 },
            runtime: head.runtime,
            thresholds: head.thresholds.into(),
            calibration: head.calibration.map(|site| CalibrationSummary { name: site.name, digest: site.digest }),
            audio: AudioSummary {
                container: audio.container,
                codec: audio.codec,
                sample_rate_hz: i32::try_from(audio.sample_rate_hz).unwrap_or(i32::MAX),
                channels: i32::try_from(audio.channels).unwrap_or(i32::MAX),
                duration_seconds: audio.duration_seconds,
            },
            warnings,
            legs: legs.into_iter().map(LegVerdict::from).collect(),
        }
    }
}

impl From<decide::Thresholds> for Thresholds {
    fn from(thresholds: decide::Thresholds) -> Self {
        let decide::Thresholds { prior, synthetic_llr, bonafide_llr } = thresholds;
        Self { prior, synthetic_llr, bonafide_llr }
    }
}
