//! A fusion: several models hear the same window, and their calibrated llrs are added up with weights. To the rest of the library it is
//! one model over waveforms.

use std::path::Path;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::builtin::Builtin;
use super::check::load_plain;
use super::hearing::window_for;
use super::kind::Kind;
use super::loaded::{Model, RawScore, ScoreWhole, Scorer, Whole};
use super::manifest::{
    Calibration, Figure, Input, Label, Manifest, MemberOf, Novelty, OnnxFile, Output, SCHEMA_VERSION, check_name,
};
use super::members::{Member, of_member};
use super::threads::Threads;
use crate::error::{Error, ErrorKind, Result};
use crate::features::{FeatureSpec, WaveformSpec};
use crate::hex::hex;
use crate::verdict::decide::Thresholds;

/// Most models of a fusion.
const MAX_MEMBERS: usize = 8;

/// A model of a fusion.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FusionMember {
    /// The name of a built-in model, or a folder: `NAME` inside the manifest's own, `../NAME` beside it.
    pub model: String,
    /// What its calibrated llr is multiplied by, 0 or above.
    pub weight: f64,
}

/// The manifest of a fusion, `manifest.json` in a folder: `llr = offset + sum of weight * llr`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FusionManifest {
    /// Version of the form: [`SCHEMA_VERSION`].
    pub schema_version: u32,
    /// [`Kind::Fusion`].
    pub kind: Kind,
    /// Name of the fusion.
    pub name: String,
    /// Its version.
    pub version: String,
    /// One sentence for people.
    pub description: String,
    /// Its models, two or more.
    pub members: Vec<FusionMember>,
    /// Summand, in natural-log units.
    pub offset: f64,
    /// As in a model's `calibration`; 1, the most careful, without it.
    #[serde(default = "wholly")]
    pub correlation: f64,
    /// From a log likelihood ratio to a decision.
    pub decision: Thresholds,
    /// What was measured.
    #[serde(default)]
    pub figures: Vec<Figure>,
}

fn wholly() -> f64 {
    1.0
}

/// A member at work.
struct Part {
    weight: f64,
    model: Arc<Model>,
}

/// The parts of a fused model.
struct Parts {
    offset: f64,
    members: Vec<Part>,
    rate_hz: u32,
}

/// What one thread needs to score them.
struct PartScorers {
    offset: f64,
    rate_hz: u32,
    scorers: Vec<(f64, Arc<Model>, Scorer)>,
}

impl Whole for Parts {
    fn scorer(&self, threads: &Threads) -> Result<Box<dyn ScoreWhole>> {
        let scorer = |part: &Part| Ok((part.weight, Arc::clone(&part.model), part.model.scorer_on(threads)?));
        let scorers = self.members.iter().map(scorer).collect::<Result<_>>()?;
        Ok(Box::new(PartScorers { offset: self.offset, rate_hz: self.rate_hz, scorers }))
    }
}

impl ScoreWhole for PartScorers {
    /// The llr of a window of the fusion. Where a member finds it unlike its training, so does the fusion.
    fn score(&mut self, window: &[f32]) -> Result<RawScore> {
        let (mut llr, mut novelty) = (self.offset, 0.0_f64);
        for (weight, model, scorer) in &mut self.scorers {
            let manifest = model.manifest();
            scorer.clear();
            scorer.add(&window_for(&manifest.input, window, self.rate_hz)?, 0, None)?;
            let raw = scorer.score(manifest)?;
            llr += *weight * manifest.calibration.llr(raw.score);
            let novel = raw.novelty.zip(manifest.output.novelty.as_ref()).is_some_and(|(found, n)| found > n.limit);
            novelty = if novel { 1.0 } else { novelty };
        }
        Ok(RawScore { score: llr, novelty: Some(novelty) })
    }
}

impl FusionManifest {
    fn parse(text: &str) -> Result<Self> {
        let found: Self = serde_json::from_str(text).map_err(|e| invalid(format!("manifest.json: {e}")))?;
        if found.schema_version != SCHEMA_VERSION {
            return Err(invalid(format!("schema_version must be {SCHEMA_VERSION}, is {}", found.schema_version)));
        }
        check_name("name", &found.name)?;
        check_name("version", &found.version)?;
        if !(2..=MAX_MEMBERS).contains(&found.members.len()) {
            let n = found.members.len();
            return Err(invalid(format!("members must be 2 to {MAX_MEMBERS} models, are {n}")));
        }
        if let Some(member) = found.members.iter().find(|m| !(m.weight >= 0.0 && m.weight.is_finite())) {
            return Err(invalid(format!(
                "members: a weight must be 0 or above, that of {:?} is {}",
                member.model, member.weight
            )));
        }
        if !(found.offset.is_finite() && (0.0..=1.0).contains(&found.correlation)) {
            let Self { offset, correlation, .. } = found;
            return Err(invalid(format!(
                "offset must be finite and correlation 0 to 1, are {offset} and {correlation}"
            )));
        }
        found.decision.check()?;
        Ok(found)
    }
}

/// Loads the fusion in a folder.
pub(super) fn load(folder: &Path, text: &str) -> Result<Arc<Model>> {
    let manifest = FusionManifest::parse(text)?;
    let mut parts = Vec::new();
    for (n, FusionMember { model, weight }) in manifest.members.iter().enumerate() {
        let field = format!("members[{n}]");
        let model = match Member::find(folder, model, &field)? {
            Member::Builtin(builtin) => of_builtin(builtin)?,
            Member::Folder(folder) => load_plain(&folder).map_err(|e| of_member(&field, e))?,
        };
        parts.push(Part { weight: *weight, model });
    }
    let offset = manifest.offset;
    let manifest = as_one(manifest, text, &parts)?;
    let rate_hz = manifest.input.sample_rate_hz;
    Model::whole(manifest, Box::new(Parts { offset, members: parts, rate_hz }))
}

fn of_builtin(builtin: Builtin) -> Result<Arc<Model>> {
    builtin.load(builtin.manifest()?)
}

/// The manifest by which the rest of the library knows it: waveforms of the highest rate and the longest window among its members.
fn as_one(fusion: FusionManifest, text: &str, parts: &[Part]) -> Result<Manifest> {
    let inputs = || parts.iter().map(|part| &part.model.manifest().input);
    let rate = inputs().map(|input| input.sample_rate_hz).max().unwrap_or_default();
    let at_rate =
        |n: usize, input: &Input| (n as f64 * f64::from(rate) / f64::from(input.sample_rate_hz)).ceil() as usize;
    let longest = |of: fn(&Input) -> usize| inputs().map(|input| at_rate(of(input), input)).max().unwrap_or_default();
    let window_samples = longest(|input| input.window_samples);
    let hop = inputs().map(|input| at_rate(input.hop_samples, input)).min().unwrap_or_default();
    let least = inputs().map(Input::least_rate_hz).max().unwrap_or_default();
    let mut digest = Sha256::new();
    digest.update(text.as_bytes());
    for part in parts {
        digest.update(part.model.manifest().onnx.sha256.as_bytes());
    }
    let members: Vec<MemberOf> = parts.iter().map(|part| MemberOf::of(part.model.manifest())).collect();
    let uncalibrated = parts.iter().any(|part| part.weight > 0.0 && part.model.manifest().calibration.uncalibrated);
    let manifest = Manifest {
        schema_version: fusion.schema_version,
        name: fusion.name,
        version: fusion.version,
        description: fusion.description,
        licence: String::new(),
        onnx: OnnxFile { file: "manifest.json".to_owned(), sha256: hex(&digest.finalize()), data: None },
        input: Input {
            tensor: "waveform".to_owned(),
            sample_rate_hz: rate,
            least_sample_rate_hz: Some(least.min(rate)),
            window_samples,
            hop_samples: hop.clamp(1, window_samples),
            min_speech_samples: longest(|input| input.min_speech_samples).clamp(1, window_samples),
            level_dbfs: None,
            features: FeatureSpec::Waveform(WaveformSpec {}),
        },
        output: Output {
            tensor: "llr".to_owned(),
            labels: vec![Label::Bonafide, Label::Spoof],
            novelty: Some(Novelty { tensor: "novelty".to_owned(), limit: 0.5 }),
        },
        calibration: Calibration { scale: 1.0, offset: 0.0, correlation: fusion.correlation, uncalibrated },
        decision: fusion.decision,
        figures: fusion.figures,
        members,
    };
    manifest.check_ranges()?;
    Ok(manifest)
}

fn invalid(message: String) -> Error {
    Error::new(ErrorKind::InvalidManifest, message)
}
