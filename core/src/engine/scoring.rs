//! What scores the windows of one model, for one worker.

use std::sync::Arc;

use crate::error::Result;
use crate::features::Frames;
use crate::model::{Model, RawScore, Scorer, Threads};
use crate::voice::conditions::Texture;
use crate::voice::window::Window;

/// Scores windows in batches. A trait so that tests can have one that is slow, broken or panics.
pub(super) trait ScoreWindows: Send {
    /// Adds a window to the batch.
    fn listen(&mut self, window: &Window<'_>, frames: Option<&mut Frames>) -> Result<()>;
    /// The sound of the window that was added last.
    fn texture(&self) -> &Texture;
    /// The scores of the batch, in order; the next one begins.
    fn scores(&mut self) -> Vec<Result<RawScore>>;
    /// Windows that are scored together at most.
    fn most(&self) -> usize;
}

/// A real model's.
pub(super) struct ModelScorer {
    model: Arc<Model>,
    scorer: Scorer,
    most: usize,
}

impl ModelScorer {
    pub fn new(model: Arc<Model>, batch: usize, threads: &Threads) -> Result<Self> {
        let most = if batch > 1 && model.scores_batches()? { batch } else { 1 };
        Ok(Self { scorer: model.scorer_on(threads)?, most, model })
    }
}

impl ScoreWindows for ModelScorer {
    fn listen(&mut self, window: &Window<'_>, frames: Option<&mut Frames>) -> Result<()> {
        self.scorer.listen(window, frames)
    }

    fn texture(&self) -> &Texture {
        self.scorer.texture()
    }

    fn scores(&mut self) -> Vec<Result<RawScore>> {
        let scores = self.scorer.scores(self.model.manifest(), self.most);
        self.scorer.clear();
        scores
    }

    fn most(&self) -> usize {
        self.most
    }
}

pub(super) type MakeScorer = dyn Fn(&Arc<Model>, usize, &Threads) -> Result<Box<dyn ScoreWindows>> + Send + Sync;
