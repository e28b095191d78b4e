//! The engine that scores, and its replacement while calls go on.

use std::sync::{Arc, PoisonError, RwLock};

use veravox::engine::{EngineStats, LiveLeg};
use veravox::{Engine, ErrorKind};

use crate::config::Scoring;
use crate::words::Fault;

/// The engine in use, or why there is none. A reload makes another for the legs that come; the old one ends with its legs.
pub struct Scorer {
    engine: RwLock<Result<Arc<Engine>, Missing>>,
}

/// Why nothing is scored.
#[derive(Debug, Clone)]
pub struct Missing {
    /// In one word.
    pub fault: Fault,
    /// In words for the administrator.
    pub words: String,
}

impl Scorer {
    /// Starts an engine. Where it does not start, legs have the status ERROR, and calls go on.
    #[must_use]
    pub fn start(scoring: &Scoring) -> Self {
        Self { engine: RwLock::new(engine(scoring)) }
    }

    /// Starts another engine for the legs that come. One that does not start leaves the old one in place.
    ///
    /// # Errors
    /// Why it does not start.
    pub fn reload(&self, scoring: &Scoring) -> Result<(), Missing> {
        let new = engine(scoring);
        let failed = new.as_ref().err().cloned();
        let mut in_use = self.engine.write().unwrap_or_else(PoisonError::into_inner);
        if failed.is_none() || in_use.is_err() {
            *in_use = new;
        }
        failed.map_or(Ok(()), Err)
    }

    /// The engine in use.
    ///
    /// # Errors
    /// Why there is none.
    pub fn engine(&self) -> Result<Arc<Engine>, Missing> {
        self.engine.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// What the engine in use did.
    #[must_use]
    pub fn stats(&self) -> Option<EngineStats> {
        self.engine().ok().map(|engine| engine.stats())
    }

    /// Opens a leg. The engine is to be kept as long as the leg.
    ///
    /// # Errors
    /// Why the leg is not watched.
    pub fn open(&self, sample_rate_hz: u32) -> Result<(Arc<Engine>, LiveLeg), Fault> {
        let engine = self.engine().map_err(|missing| missing.fault)?;
        let refused = engine.stats().refused_legs;
        match engine.open(sample_rate_hz) {
            Ok(leg) => Ok((engine, leg)),
            Err(error) if error.kind() == ErrorKind::LimitExceeded => {
                Err(if engine.stats().refused_legs > refused { Fault::Overloaded } else { Fault::SampleRate })
            }
            Err(error) => Err(error.kind().into()),
        }
    }
}

fn engine(scoring: &Scoring) -> Result<Arc<Engine>, Missing> {
    let started =
        scoring.detector_options().open().and_then(|detector| Engine::start(detector, scoring.engine_options()));
    started.map(Arc::new).map_err(|error| Missing { fault: error.kind().into(), words: error.to_string() })
}
