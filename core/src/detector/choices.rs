//! The models of a detector, and which of them audio of a rate may be scored with.

use std::sync::{Arc, OnceLock};

use crate::audio::resample::holds_band;
use crate::error::Result;
use crate::model::manifest::Manifest;
use crate::model::{Builtin, Model};

/// The models, from the lowest rate to the highest.
pub(super) struct Choices {
    narrowest: Choice,
    wider: Vec<Choice>,
}

/// A model that audio may be scored with.
pub(super) struct Choice {
    pub manifest: Manifest,
    model: Source,
}

enum Source {
    Loaded(Arc<Model>),
    /// Loaded when the first audio asks for it.
    Builtin(Builtin, OnceLock<Arc<Model>>),
}

impl Choices {
    /// All that come with the library.
    pub fn builtin() -> Result<Self> {
        let (narrowest, wider) = Builtin::all();
        let wider = wider.map(Choice::builtin).collect::<Result<_>>()?;
        Ok(Self { narrowest: Choice::builtin(narrowest)?, wider })
    }

    /// One of those that come with the library.
    pub fn only(builtin: Builtin) -> Result<Self> {
        Ok(Self { narrowest: Choice::builtin(builtin)?, wider: Vec::new() })
    }

    pub fn loaded(model: Arc<Model>) -> Self {
        let narrowest = Choice { manifest: model.manifest().clone(), model: Source::Loaded(model) };
        Self { narrowest, wider: Vec::new() }
    }

    pub fn all(&self) -> impl Iterator<Item = &Choice> {
        std::iter::once(&self.narrowest).chain(&self.wider)
    }

    /// Whether there is nothing to choose.
    pub fn is_one(&self) -> bool {
        self.wider.is_empty()
    }

    /// The widest model whose band this rate can hold, else the narrowest; and the narrower ones, the widest first.
    pub fn held(&self, sample_rate_hz: u32) -> (&Choice, impl Iterator<Item = &Choice>) {
        let holds = move |c: &&Choice| holds_band(sample_rate_hz, c.manifest.input.sample_rate_hz);
        let mut held = self.wider.iter().rev().filter(holds).chain(std::iter::once(&self.narrowest));
        (held.next().unwrap_or(&self.narrowest), held)
    }
}

impl Choice {
    fn builtin(builtin: Builtin) -> Result<Self> {
        Ok(Self { manifest: builtin.manifest()?, model: Source::Builtin(builtin, OnceLock::new()) })
    }

    pub fn model(&self) -> Result<Arc<Model>> {
        match &self.model {
            Source::Loaded(model) => Ok(Arc::clone(model)),
            Source::Builtin(builtin, loaded) => {
                if let Some(model) = loaded.get() {
                    return Ok(Arc::clone(model));
                }
                // Two threads may load it side by side; one of the two is kept.
                let model = builtin.load(self.manifest.clone())?;
                Ok(Arc::clone(loaded.get_or_init(|| model)))
            }
        }
    }
}
