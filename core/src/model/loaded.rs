//! A loaded model, and scorers that run it on windows.

use std::ops::Range;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use super::graph::{Graph, Session};
use super::manifest::{Label, Manifest};
use super::runtime::Runtime;
use super::threads::Threads;
use crate::error::{Error, ErrorKind, Result};
use crate::features::{Extractor, Frames};
use crate::voice::conditions::{Texture, texture_of};
use crate::voice::window::Window;

/// A loaded model. Immutable and shared; windows are scored by as many scorers as threads ask at once.
pub struct Model {
    manifest: Manifest,
    body: Body,
    runtime: &'static Runtime,
    idle: Mutex<Vec<Scorer>>,
    batches: OnceLock<bool>,
    frames: OnceLock<Option<Frames>>,
}

/// What scores: a graph, or several models whose llrs are added up.
enum Body {
    Graph(Graph),
    Whole(Box<dyn Whole>),
}

/// The same, for one thread.
enum Voice {
    Session(Session),
    Whole(Box<dyn ScoreWhole>),
}

/// Several models that are one to the rest of the library.
pub(super) trait Whole: Send + Sync {
    /// What one thread needs to score windows with them.
    fn scorer(&self, threads: &Threads) -> Result<Box<dyn ScoreWhole>>;
}

/// The same, for one thread.
pub(super) trait ScoreWhole: Send {
    /// The score of a window of waveform.
    fn score(&mut self, window: &[f32]) -> Result<RawScore>;
}

/// What the model says of one window.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RawScore {
    /// logit(spoof) - logit(bonafide): positive speaks for a synthetic voice; not yet calibrated.
    pub score: f64,
    /// How unlike anything in training the window is, where the model tells.
    pub novelty: Option<f64>,
}

/// What one thread needs to score windows, one or several at once: a session, the feature extractor and their buffers.
pub(crate) struct Scorer {
    voice: Voice,
    extractor: Extractor,
    window: Vec<f32>,
    texture: Texture,
    features: Vec<f32>,
    n_values: usize,
}

impl Model {
    /// What was checked becomes a model.
    pub(super) fn of(manifest: Manifest, graph: Graph, runtime: &'static Runtime) -> Self {
        Self::with_body(manifest, Body::Graph(graph), runtime)
    }

    /// Several models as one.
    pub(super) fn whole(manifest: Manifest, parts: Box<dyn Whole>) -> Result<Arc<Self>> {
        Ok(Arc::new(Self::with_body(manifest, Body::Whole(parts), Runtime::get()?)))
    }

    fn with_body(manifest: Manifest, body: Body, runtime: &'static Runtime) -> Self {
        Self {
            manifest,
            body,
            runtime,
            idle: Mutex::new(Vec::new()),
            batches: OnceLock::new(),
            frames: OnceLock::new(),
        }
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
        self.with_scorer(|scorer| {
            scorer.clear();
            scorer.add(window, 0, None)?;
            scorer.score(&self.manifest)
        })
    }

    /// Lends a scorer that is idle, or a new one.
    pub(crate) fn with_scorer<T>(&self, work: impl FnOnce(&mut Scorer) -> Result<T>) -> Result<T> {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let mut scorer = match idle {
            Some(scorer) => scorer,
            None => self.scorer()?,
        };
        let done = work(&mut scorer);
        self.keep(scorer);
        done
    }

    /// Room for the frames of a leg, none where the model's are too many to be kept.
    pub(crate) fn frames(&self) -> Result<Option<Frames>> {
        if let Some(known) = self.frames.get() {
            return Ok(known.clone());
        }
        let found = self.with_scorer(|scorer| Ok(scorer.extractor.frames()))?;
        Ok(self.frames.get_or_init(|| found).clone())
    }

    /// Whether the graph takes several windows at once, and scores each as if it were alone. Tried once.
    pub(crate) fn scores_batches(&self) -> Result<bool> {
        if let Some(known) = self.batches.get() {
            return Ok(*known);
        }
        let found = self.with_scorer(|scorer| Ok(scorer.scores_batches(&self.manifest)))?;
        Ok(*self.batches.get_or_init(|| found))
    }

    fn keep(&self, scorer: Scorer) {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(scorer);
    }

    /// A scorer of one's own.
    pub(crate) fn scorer(&self) -> Result<Scorer> {
        self.scorer_on(&Threads::new(self.runtime))
    }

    /// A scorer for work that runs on `threads`.
    pub(crate) fn scorer_on(&self, threads: &Threads) -> Result<Scorer> {
        let voice = match &self.body {
            Body::Graph(graph) => Voice::Session(graph.session(threads)?),
            Body::Whole(parts) => Voice::Whole(parts.scorer(threads)?),
        };
        let input = &self.manifest.input;
        let extractor = Extractor::new(&input.features, input.sample_rate_hz, input.window_samples, input.level_dbfs)?;
        let (n_frames, n_features) = extractor.shape();
        Ok(Scorer {
            voice,
            extractor,
            window: vec![0.0; input.window_samples],
            texture: Texture::new(input.sample_rate_hz),
            features: Vec::new(),
            n_values: n_frames * n_features,
        })
    }
}

impl Scorer {
    /// Takes the place of what was to be scored.
    pub fn clear(&mut self) {
        self.features.clear();
    }

    /// How many windows are to be scored.
    pub fn len(&self) -> usize {
        self.features.len() / self.n_values.max(1)
    }

    /// Adds a window of a leg to those that are to be scored, and listens to its sound. `frames` are those of its leg, where it
    /// shares them with the windows before it.
    pub fn listen(&mut self, window: &Window<'_>, frames: Option<&mut Frames>) -> Result<()> {
        let mut samples = std::mem::take(&mut self.window);
        window.read(&mut samples);
        texture_of(&samples, &mut self.texture);
        let added = self.add(&samples, window.cut.start, frames);
        self.window = samples;
        added
    }

    /// The sound of the window that was listened to last.
    pub fn texture(&self) -> &Texture {
        &self.texture
    }

    /// The features of the windows added.
    pub fn features(&self) -> &[f32] {
        &self.features
    }

    /// Adds a window by its features.
    pub fn add_features(&mut self, features: &[f32]) {
        debug_assert_eq!(features.len(), self.n_values, "as many as the model takes");
        self.features.extend(features.iter().take(self.n_values));
    }

    /// Adds a window that begins with sample `start` of a leg, whose frames are `frames` where it shares them.
    pub fn add(&mut self, window: &[f32], start: u64, frames: Option<&mut Frames>) -> Result<()> {
        let before = self.features.len();
        self.features.resize(before + self.n_values, 0.0);
        let features = self.features.get_mut(before..).unwrap_or_default();
        let computed = self.extractor.compute_of_stream(window, start, frames, features);
        if computed.is_err() {
            self.features.truncate(before);
        }
        computed
    }

    /// The score of the one window added.
    pub fn score(&mut self, manifest: &Manifest) -> Result<RawScore> {
        let missing = || Error::new(ErrorKind::Runtime, "the model gave no score");
        self.run(manifest, 0..1)?.pop().ok_or_else(missing)?
    }

    /// The scores of the windows added, in order, of at most so many together. Where the model fails on several together
    /// each has its own chance.
    pub fn scores(&mut self, manifest: &Manifest, most: usize) -> Vec<Result<RawScore>> {
        let n_windows = self.len();
        let mut scores = Vec::with_capacity(n_windows);
        for start in (0..n_windows).step_by(most.max(1)) {
            let some = start..n_windows.min(start + most.max(1));
            match self.run(manifest, some.clone()) {
                Ok(of_some) => scores.extend(of_some),
                Err(error) if some.len() == 1 => scores.push(Err(error)),
                Err(_) => scores.extend(some.map(|n| self.run(manifest, n..n + 1)?.remove(0))),
            }
        }
        scores
    }

    /// Whether the graph takes several windows at once, and scores each as if it were alone.
    fn scores_batches(&mut self, manifest: &Manifest) -> bool {
        let window =
            |n: usize| (0..manifest.input.window_samples).map(move |i| 0.1 * ((n + 2) as f32 * i as f32).sin());
        self.clear();
        let added = (0..2).all(|n| {
            let samples: Vec<f32> = window(n).collect();
            self.add(&samples, 0, None).is_ok()
        });
        let alone = (0..2).map(|n| self.run(manifest, n..n + 1).ok()?.pop()?.ok()).collect::<Option<Vec<_>>>();
        let together = self.run(manifest, 0..2).ok().and_then(|scores| scores.into_iter().map(Result::ok).collect());
        self.clear();
        let alike = |(a, b): (&RawScore, &RawScore)| (a.score - b.score).abs() <= 1e-4 * (1.0 + a.score.abs());
        added
            && match (alone, together) {
                (Some(alone), Some::<Vec<RawScore>>(together)) => alone.iter().zip(&together).all(alike),
                _ => false,
            }
    }

    /// Scores some of the windows together. One whose outputs are not finite has an error of its own.
    fn run(&mut self, manifest: &Manifest, windows: Range<usize>) -> Result<Vec<Result<RawScore>>> {
        let n_windows = windows.len();
        let features =
            self.features.get(windows.start * self.n_values..windows.end * self.n_values).unwrap_or_default();
        let session = match &mut self.voice {
            Voice::Session(session) => session,
            Voice::Whole(parts) => return Ok(features.chunks(self.n_values.max(1)).map(|w| parts.score(w)).collect()),
        };
        let mut shape = manifest.input.batch_of_one();
        if let Some(batch) = shape.first_mut() {
            *batch = n_windows;
        }
        let n_labels = manifest.output.labels.len();
        let mut wanted = vec![(manifest.output.tensor.as_str(), [n_windows, n_labels])];
        wanted.extend(manifest.output.novelty.as_ref().map(|novelty| (novelty.tensor.as_str(), [n_windows, 1])));
        let outputs = session.run(&manifest.input.tensor, &shape, features, &wanted)?;
        let logits = outputs.first().map(Vec::as_slice).unwrap_or_default();
        let novelties = outputs.get(1);
        let score = |n: usize| {
            let logits = logits.get(n * n_labels..(n + 1) * n_labels).unwrap_or_default();
            raw_score(manifest, logits, novelties.map(|values| values.get(n).copied().unwrap_or(f32::NAN)))
        };
        Ok((0..n_windows).map(score).collect())
    }
}

fn raw_score(manifest: &Manifest, logits: &[f32], novelty: Option<f32>) -> Result<RawScore> {
    let logit = |label| {
        let index = manifest.output.labels.iter().position(|l| *l == label)?;
        logits.get(index).filter(|v| v.is_finite()).map(|v| f64::from(*v))
    };
    let (Some(spoof), Some(bonafide)) = (logit(Label::Spoof), logit(Label::Bonafide)) else {
        return Err(Error::new(ErrorKind::Runtime, format!("expected two finite logits, the model gave {logits:?}")));
    };
    // An infinite distance is a distance.
    if novelty.is_some_and(f32::is_nan) {
        return Err(Error::new(ErrorKind::Runtime, "expected one novelty that is a number, the model gave NaN"));
    }
    let novelty = novelty.map(f64::from);
    Ok(RawScore { score: spoof - bonafide, novelty })
}
