//! The classifier: a manifest, its ONNX graph, and scorers that run it on windows.

mod check;
mod rehearsal;

use std::borrow::Cow;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use ort::session::builder::GraphOptimizationLevel;
use ort::session::{Session, SessionOutputs};
use ort::value::TensorRef;

pub use check::{Rule, check};

use crate::error::{Error, ErrorKind, Result};
use crate::features::Extractor;
use crate::manifest::{Label, Manifest, Novelty};
use crate::runtime::Runtime;

/// A model inside the library, as its folder in `models/` holds it.
pub(crate) struct Builtin {
    pub name: &'static str,
    manifest: &'static str,
    onnx: &'static [u8],
}

macro_rules! builtin {
    ($name:literal) => {
        Builtin {
            name: $name,
            manifest: include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../models/", $name, "/manifest.json")),
            onnx: include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/../models/", $name, "/model.onnx")),
        }
    };
}

/// The models inside the library: telephone speech at 8 kHz, and 16 kHz.
pub(crate) static BUILTIN: [Builtin; 2] = [builtin!("phone"), builtin!("wide")];

impl Builtin {
    pub fn manifest(&self) -> Result<Manifest> {
        Manifest::parse_fields(self.manifest)
    }

    pub fn load(&'static self) -> Result<Arc<Model>> {
        check::load(self.manifest, &mut |_| Ok(Cow::Borrowed(self.onnx)), &mut |_| {})
    }
}

/// A loaded model. Immutable and shared; windows are scored by as many scorers as threads ask at once.
pub struct Model {
    manifest: Manifest,
    onnx: Cow<'static, [u8]>,
    runtime: &'static Runtime,
    idle: Mutex<Vec<Scorer>>,
}

/// What the model says of one window.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RawScore {
    /// logit(spoof) - logit(bonafide): positive speaks for a synthetic voice; not yet calibrated.
    pub score: f64,
    /// How unlike anything in training the window is, where the model tells.
    pub novelty: Option<f64>,
}

/// What one thread needs to score windows: a session, the feature extractor and their buffers.
struct Scorer {
    session: Session,
    extractor: Extractor,
    features: Vec<f32>,
}

impl Model {
    /// Loads the model in a folder with `manifest.json` and the ONNX file that it names.
    ///
    /// # Errors
    /// [`NotFound`](ErrorKind::NotFound) and its kin when a file cannot be read,
    /// [`InvalidManifest`](ErrorKind::InvalidManifest), [`HashMismatch`](ErrorKind::HashMismatch) or
    /// [`InvalidModel`](ErrorKind::InvalidModel) for the first [`Rule`] that is broken, in their order.
    pub fn load(folder: &Path) -> Result<Arc<Self>> {
        check::load_folder(folder, &mut |_| {})
    }

    /// The model's manifest.
    #[must_use]
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// The runtime that scores it.
    #[must_use]
    pub fn runtime(&self) -> &'static Runtime {
        self.runtime
    }

    /// The raw score of a window of `window_samples` at the manifest's rate.
    ///
    /// # Errors
    /// [`InvalidArgument`](ErrorKind::InvalidArgument) when the window has the wrong length,
    /// [`Runtime`](ErrorKind::Runtime) when the model fails or its outputs are not finite.
    pub fn score(&self, window: &[f32]) -> Result<RawScore> {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let mut scorer = match idle {
            Some(scorer) => scorer,
            None => self.scorer()?,
        };
        let score = scorer.score(&self.manifest, window);
        self.keep(scorer);
        score
    }

    fn keep(&self, scorer: Scorer) {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(scorer);
    }

    fn scorer(&self) -> Result<Scorer> {
        self.scorer_with(open_session(self.runtime, &self.onnx)?)
    }

    fn scorer_with(&self, session: Session) -> Result<Scorer> {
        let input = &self.manifest.input;
        let extractor = Extractor::new(&input.features, input.sample_rate_hz, input.window_samples, input.level_dbfs)?;
        let (n_frames, n_features) = extractor.shape();
        Ok(Scorer { session, extractor, features: vec![0.0; n_frames * n_features] })
    }
}

impl Scorer {
    fn score(&mut self, manifest: &Manifest, window: &[f32]) -> Result<RawScore> {
        self.extractor.compute(window, &mut self.features)?;
        let tensor =
            TensorRef::from_array_view((manifest.input.batch_of_one(), self.features.as_slice())).map_err(failed)?;
        let outputs = self.session.run(ort::inputs![manifest.input.tensor.as_str() => tensor]).map_err(failed)?;
        let logits = values(&outputs, &manifest.output.tensor)?;
        let logit = |label| {
            let index = manifest.output.labels.iter().position(|l| *l == label)?;
            logits.get(index).filter(|v| v.is_finite()).map(|v| f64::from(*v))
        };
        let (Some(spoof), Some(bonafide)) = (logit(Label::Spoof), logit(Label::Bonafide)) else {
            return Err(Error::new(
                ErrorKind::Runtime,
                format!("expected two finite logits, the model gave {logits:?}"),
            ));
        };
        let novelty = match &manifest.output.novelty {
            None => None,
            Some(Novelty { tensor, .. }) => match values(&outputs, tensor)? {
                // An infinite distance is a distance.
                [value] if !value.is_nan() => Some(f64::from(*value)),
                other => {
                    let message = format!("expected one novelty that is a number, the model gave {other:?}");
                    return Err(Error::new(ErrorKind::Runtime, message));
                }
            },
        };
        Ok(RawScore { score: spoof - bonafide, novelty })
    }
}

fn failed(e: ort::Error) -> Error {
    Error::new(ErrorKind::Runtime, format!("the model failed: {e}")).with_source(e)
}

/// The values of one output.
fn values<'a>(outputs: &'a SessionOutputs<'_>, name: &str) -> Result<&'a [f32]> {
    let missing = || Error::new(ErrorKind::Runtime, format!("the model gave no output named {name}"));
    outputs.get(name).ok_or_else(missing)?.try_extract_tensor::<f32>().map(|(_, values)| values).map_err(failed)
}

fn open_session(runtime: &Runtime, onnx: &[u8]) -> Result<Session> {
    let refused = |e: ort::Error| {
        Error::new(ErrorKind::InvalidModel, format!("{runtime} cannot load the ONNX graph: {e}")).with_source(e)
    };
    // One thread for each session: legs are scored side by side, not one leg faster.
    let mut builder = Session::builder(runtime.environment())
        .map_err(refused)?
        .with_optimization_level(GraphOptimizationLevel::Level3)
        .map_err(|e| refused(e.into()))?
        .with_intra_threads(1)
        .map_err(|e| refused(e.into()))?;
    builder.commit_from_memory(onnx).map_err(refused)
}
