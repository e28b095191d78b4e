//! The manifest: everything that a model needs of its input and promises of its output.
//!
//! `models/<name>/manifest.json` is read strictly: an unknown field, a missing one or a value out of range is an error
//! that names it. Nothing of a model stands anywhere else in the code.

use serde::{Deserialize, Serialize};

use crate::error::{Error, ErrorKind, Result};
use crate::features::FeatureSpec;
use crate::verdict::decide::Thresholds;

/// The version of the manifest's form that this library reads.
pub const SCHEMA_VERSION: u32 = 1;

/// Longest window in seconds that a manifest may ask for.
const MAX_WINDOW_SECONDS: usize = 120;

/// A model's manifest.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// Version of this form: [`SCHEMA_VERSION`].
    pub schema_version: u32,
    /// Name of the model: letters, digits, `-` and `_`.
    pub name: String,
    /// Version of the model, as in `0.1.0`.
    pub version: String,
    /// One sentence for people.
    pub description: String,
    /// Licence of the model's weights, an SPDX expression.
    pub licence: String,
    /// The file with the graph and weights.
    pub onnx: OnnxFile,
    /// What goes in.
    pub input: Input,
    /// What comes out.
    pub output: Output,
    /// From logits to a log likelihood ratio.
    pub calibration: Calibration,
    /// From a log likelihood ratio to a decision: the defaults, a user may set others.
    pub decision: Thresholds,
    /// What was measured, and under which conditions.
    pub figures: Vec<Figure>,
    /// The models of a [fusion](crate::model::FusionManifest), which stands in no file but its own.
    #[serde(skip_deserializing, skip_serializing_if = "Vec::is_empty")]
    pub members: Vec<MemberOf>,
}

/// A model that is part of another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemberOf {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// SHA-256 of its ONNX file.
    pub sha256: String,
}

impl MemberOf {
    pub(crate) fn of(manifest: &Manifest) -> Self {
        Self { name: manifest.name.clone(), version: manifest.version.clone(), sha256: manifest.onnx.sha256.clone() }
    }
}

/// The ONNX file beside the manifest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OnnxFile {
    /// Its name, in the manifest's own folder.
    pub file: String,
    /// SHA-256 of its bytes, 64 lower-case hexadecimal digits.
    pub sha256: String,
    /// The file with the weights, where they do not lie in the graph's own: ONNX's external data, which a graph of more than
    /// 2 GiB has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data: Option<DataFile>,
}

/// The file with the weights of a graph.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DataFile {
    /// Its name, in the manifest's own folder.
    pub file: String,
    /// SHA-256 of its bytes, 64 lower-case hexadecimal digits.
    pub sha256: String,
}

/// The model's input.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Input {
    /// Name of the graph's input.
    pub tensor: String,
    /// The rate that audio is resampled to.
    pub sample_rate_hz: u32,
    /// The least rate at which audio may have been sampled for its score to count; `sample_rate_hz` without it. Audio of a lower
    /// one is `narrow_band`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub least_sample_rate_hz: Option<u32>,
    /// Samples of speech in one window.
    pub window_samples: usize,
    /// Samples of speech from one window to the next.
    pub hop_samples: usize,
    /// Least speech that is scored at all; a shorter leg is `inconclusive`, one between this and a window is repeated to
    /// fill it.
    pub min_speech_samples: usize,
    /// Root mean square in dB relative to full scale that each window is scaled to, or `null` to leave it.
    pub level_dbfs: Option<f64>,
    /// The features.
    pub features: FeatureSpec,
}

/// The model's output: two logits for each window.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Output {
    /// Name of the graph's output.
    pub tensor: String,
    /// What the logits stand for, in order: `bonafide` and `spoof`.
    pub labels: Vec<Label>,
    /// The output that tells how unlike anything in training a window is, where the graph has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub novelty: Option<Novelty>,
}

/// A second output: one value for each window, the higher the less it resembles what the model was trained on. Both classes
/// of training are alike to it; it says whether the score means anything, not which way it points.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Novelty {
    /// Name of the graph's output, of shape `[batch, 1]`.
    pub tensor: String,
    /// A window above it is unlike anything in training.
    pub limit: f64,
}

/// What a logit stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Label {
    /// A person's own voice.
    Bonafide,
    /// A synthetic or converted voice.
    Spoof,
}

impl Label {
    /// The word as files have it, `"bonafide"` or `"spoof"`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Bonafide => "bonafide",
            Self::Spoof => "spoof",
        }
    }
}

/// The affine map from a window's raw score, logit(spoof) - logit(bonafide), to a natural-log likelihood ratio:
/// `llr = scale * score + offset` (Brümmer, du Preez: Application-independent evaluation of speaker detection, 2006).
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Calibration {
    /// Factor, above 0: positive stays synthetic.
    pub scale: f64,
    /// Summand.
    pub offset: f64,
    /// Correlation, from 0 to 1, of the llrs of windows of one leg that share no audio: how much of what a window says the
    /// next one only says again (see [`policy`](crate::policy)). 1, the most careful, where the manifest does not tell.
    #[serde(default = "wholly_correlated")]
    pub correlation: f64,
    /// It was fitted to nothing: `llr` is a bare score. There is no verdict by such a model until a site's calibration gives its scores a
    /// meaning.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub uncalibrated: bool,
}

fn wholly_correlated() -> f64 {
    1.0
}

/// One measured figure.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Figure {
    /// The data: name and split.
    pub set: String,
    /// Channel and duration.
    pub condition: String,
    /// What was measured, with its unit: `eer_percent`.
    pub metric: String,
    /// The figure.
    pub value: f64,
    /// Lower end of its 95 % interval.
    pub low: f64,
    /// Upper end of its 95 % interval.
    pub high: f64,
    /// Trials with a human voice.
    pub n_bonafide: u64,
    /// Trials with a synthetic voice.
    pub n_spoof: u64,
}

impl Manifest {
    /// Reads a manifest's text: schema version, then fields. Ranges are the business of [`check_ranges`](Self::check_ranges).
    pub(crate) fn parse_fields(text: &str) -> Result<Self> {
        serde_json::from_str(text).map_err(|e| invalid(format!("manifest.json: {e}")))
    }

    /// The first check: a later form of the manifest is named as such, not as a heap of unknown fields.
    pub(crate) fn check_schema_version(text: &str) -> Result<()> {
        let value: serde_json::Value =
            serde_json::from_str(text).map_err(|e| invalid(format!("manifest.json is not JSON: {e}")))?;
        match value.get("schema_version") {
            None => Err(invalid(format!("schema_version is missing, expected {SCHEMA_VERSION}"))),
            Some(found) if found.as_u64() == Some(u64::from(SCHEMA_VERSION)) => Ok(()),
            Some(found) => Err(invalid(format!("schema_version must be {SCHEMA_VERSION}, is {found}"))),
        }
    }

    /// The ranges of every number and name.
    pub(crate) fn check_ranges(&self) -> Result<()> {
        check_name("name", &self.name)?;
        check_name("version", &self.version)?;
        self.input.check()?;
        let labels = &self.output.labels;
        ensure(labels.len() == 2 && labels.contains(&Label::Bonafide) && labels.contains(&Label::Spoof), || {
            "output.labels must be bonafide and spoof, each once, in the order of the logits".to_owned()
        })?;
        let Calibration { scale, offset, correlation, .. } = self.calibration;
        ensure(scale > 0.0 && scale.is_finite() && offset.is_finite(), || {
            format!("calibration: scale must be above 0 and offset finite, are {scale} and {offset}")
        })?;
        ensure((0.0..=1.0).contains(&correlation), || {
            format!("calibration.correlation must be 0 to 1, is {correlation}")
        })?;
        if let Some(Novelty { limit, .. }) = &self.output.novelty {
            ensure(limit.is_finite(), || format!("output.novelty.limit must be finite, is {limit}"))?;
        }
        self.decision.check()?;
        for figure in &self.figures {
            let ordered = figure.low <= figure.value && figure.value <= figure.high;
            ensure(ordered, || {
                format!("figures: {} must lie between its low and high, is {}", figure.metric, figure.value)
            })?;
        }
        Ok(())
    }
}

impl OnnxFile {
    /// The files must lie beside the manifest, and their hashes must be some.
    pub(crate) fn check(&self) -> Result<()> {
        check_file("onnx", &self.file, &self.sha256)?;
        self.data.as_ref().map_or(Ok(()), |data| check_file("onnx.data", &data.file, &data.sha256))
    }
}

impl Input {
    /// The checks of `input` alone, for callers who compute features before there is a model.
    ///
    /// # Errors
    /// [`InvalidManifest`](ErrorKind::InvalidManifest); the message names the field and its range.
    pub fn check(&self) -> Result<()> {
        let rate = self.sample_rate_hz;
        ensure((4_000..=192_000).contains(&rate), || {
            format!("input.sample_rate_hz must be 4000 to 192000, is {rate}")
        })?;
        let least = self.least_rate_hz();
        ensure((4_000..=rate).contains(&least), || {
            format!("input.least_sample_rate_hz must be 4000 to sample_rate_hz ({rate}), is {least}")
        })?;
        let longest = rate as usize * MAX_WINDOW_SECONDS;
        ensure((1..=longest).contains(&self.window_samples), || {
            format!("input.window_samples must be 1 to {longest} ({MAX_WINDOW_SECONDS} s), is {}", self.window_samples)
        })?;
        ensure((1..=self.window_samples).contains(&self.hop_samples), || {
            format!("input.hop_samples must be 1 to window_samples ({}), is {}", self.window_samples, self.hop_samples)
        })?;
        ensure((1..=self.window_samples).contains(&self.min_speech_samples), || {
            format!(
                "input.min_speech_samples must be 1 to window_samples ({}), is {}",
                self.window_samples, self.min_speech_samples
            )
        })?;
        if let Some(level) = self.level_dbfs {
            ensure((-60.0..=0.0).contains(&level), || format!("input.level_dbfs must be -60 to 0, is {level}"))?;
        }
        self.features.check(rate, self.window_samples)
    }

    /// The least rate at which audio may have been sampled for its score to count.
    #[must_use]
    pub fn least_rate_hz(&self) -> u32 {
        self.least_sample_rate_hz.unwrap_or(self.sample_rate_hz)
    }

    /// The shape of one window's tensor without the batch: `[n_frames, n_features]`; `[window_samples]` of a waveform and
    /// `[n_values]` of statistics and of several kinds of features.
    #[must_use]
    pub fn tensor_shape(&self) -> Vec<usize> {
        let (n_frames, n_features) = self.features.shape(self.sample_rate_hz, self.window_samples);
        if self.features.spectrogram().is_some() { vec![n_frames, n_features] } else { vec![n_features] }
    }

    /// The shape of the tensor of a single window: a batch of one.
    pub(crate) fn batch_of_one(&self) -> Vec<usize> {
        std::iter::once(1).chain(self.tensor_shape()).collect()
    }
}

impl Thresholds {
    /// Prior inside (0, 1), thresholds finite and in order.
    pub(crate) fn check(&self) -> Result<()> {
        ensure(self.prior > 0.0 && self.prior < 1.0, || {
            format!("decision.prior must lie between 0 and 1, is {}", self.prior)
        })?;
        let finite = self.synthetic_llr.is_finite() && self.bonafide_llr.is_finite();
        ensure(finite && self.bonafide_llr < self.synthetic_llr, || {
            format!(
                "decision: bonafide_llr must be below synthetic_llr, are {} and {}",
                self.bonafide_llr, self.synthetic_llr
            )
        })
    }
}

/// Names and versions stand in reports and file names.
pub(super) fn check_name(field: &str, text: &str) -> Result<()> {
    let fits = !text.is_empty()
        && text.len() <= 64
        && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '+'));
    ensure(fits, || format!("{field} must be 1 to 64 letters, digits, '-', '_', '.' or '+'"))
}

/// Whether this is the name of a file in the folder at hand and nowhere else.
pub(super) fn is_plain(file: &str) -> bool {
    !file.is_empty() && !file.contains(['/', '\\']) && file != "." && file != ".."
}

fn check_file(field: &str, file: &str, sha256: &str) -> Result<()> {
    ensure(is_plain(file), || format!("{field}.file must be the name of a file in the manifest's own folder"))?;
    let digest = sha256.len() == 64 && sha256.chars().all(|c| matches!(c, '0'..='9' | 'a'..='f'));
    ensure(digest, || format!("{field}.sha256 must be 64 lower-case hexadecimal digits"))
}

fn invalid(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::InvalidManifest, message)
}

fn ensure(holds: bool, message: impl FnOnce() -> String) -> Result<()> {
    if holds { Ok(()) } else { Err(invalid(message())) }
}
