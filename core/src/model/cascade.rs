//! A cascade: two models in a row. The first hears every window; the second, slower and better, hears those that the first does not call
//! human, within a budget. Its score takes the place of the first's.

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use super::hearing::window_for;
use super::kind::Kind;
use super::loaded::{Model, RawScore};
use super::manifest::{SCHEMA_VERSION, check_name};
use super::members::{Member, of_member};
use crate::error::{Error, ErrorKind, Result};
use crate::verdict::decide::Thresholds;

/// What the second model may cost.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Budget {
    /// The share of a leg's windows that it may hear, 0 to 1. It holds at any time in the leg, so a leg of few windows gets none where
    /// the share is small, and it does not hang on other legs: a recording gets the same verdict again.
    #[serde(default = "all")]
    pub max_share: f64,
    /// Windows a second over all legs of an engine, above 0; no limit without it. Recordings know no clock.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_per_second: Option<f64>,
    /// Seconds of the clock that a window of a live leg waits for it, above 0 and at most 60; then the first model's score stands.
    #[serde(default = "a_second")]
    pub max_delay: f64,
}

fn all() -> f64 {
    1.0
}

fn a_second() -> f64 {
    1.0
}

/// Which windows the second model is asked about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ask {
    /// Those whose llr by the first lies between the thresholds, or that it finds unlike its training.
    Undecided,
    /// Those that the first finds synthetic.
    Synthetic,
}

/// The manifest of a cascade, `manifest.json` in a folder.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CascadeManifest {
    /// Version of the form: [`SCHEMA_VERSION`].
    pub schema_version: u32,
    /// [`Kind::Cascade`].
    pub kind: Kind,
    /// Name of the cascade.
    pub name: String,
    /// Its version.
    pub version: String,
    /// One sentence for people.
    pub description: String,
    /// The first model: `builtin` for the built-in ones by sample rate, the name of one of them, or a folder: `NAME` inside the
    /// manifest's own, `../NAME` beside it.
    pub first: String,
    /// The second model: the name of a built-in one, or a folder.
    pub second: String,
    /// Which windows the second is asked about.
    #[serde(default = "both")]
    pub ask: Vec<Ask>,
    /// What that may cost.
    pub budget: Budget,
    /// Where decisions are made; as the first model's manifest has it without.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decision: Option<Thresholds>,
}

fn both() -> Vec<Ask> {
    vec![Ask::Undecided, Ask::Synthetic]
}

impl CascadeManifest {
    /// Reads and checks a manifest's text.
    pub(crate) fn parse(text: &str) -> Result<Self> {
        let found: Self = serde_json::from_str(text).map_err(|e| invalid(format!("manifest.json: {e}")))?;
        if found.schema_version != SCHEMA_VERSION {
            return Err(invalid(format!("schema_version must be {SCHEMA_VERSION}, is {}", found.schema_version)));
        }
        check_name("name", &found.name)?;
        check_name("version", &found.version)?;
        let Budget { max_share, max_per_second, max_delay } = found.budget;
        if !(0.0..=1.0).contains(&max_share) {
            return Err(invalid(format!("budget.max_share must be 0 to 1, is {max_share}")));
        }
        if let Some(rate) = max_per_second.filter(|rate| !(rate.is_finite() && *rate > 0.0)) {
            return Err(invalid(format!("budget.max_per_second must be above 0, is {rate}")));
        }
        if !(max_delay > 0.0 && max_delay <= 60.0) {
            return Err(invalid(format!("budget.max_delay must be above 0 and at most 60 s, is {max_delay}")));
        }
        if found.ask.is_empty() {
            return Err(invalid("ask must name undecided, synthetic or both".to_owned()));
        }
        if let Some(decision) = &found.decision {
            decision.check()?;
        }
        Ok(found)
    }

    /// The second model, loaded.
    pub(crate) fn load_second(&self, folder: &Path) -> Result<Arc<Second>> {
        let model = match Member::find(folder, &self.second, "second")? {
            Member::Builtin(builtin) => builtin.load(builtin.manifest()?)?,
            Member::Folder(folder) => Model::load(&folder).map_err(|e| of_member("second", e))?,
        };
        Ok(Arc::new(Second {
            model,
            ask: self.ask.clone(),
            budget: self.budget,
            bucket: Mutex::new(None),
            answered: AtomicU64::new(0),
            late: AtomicU64::new(0),
            over_budget: AtomicU64::new(0),
        }))
    }
}

fn invalid(message: String) -> Error {
    Error::new(ErrorKind::InvalidManifest, message)
}

/// How often the second model of a cascade was asked, over all legs of its detector.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct SecondCounts {
    /// Windows that it was asked about.
    pub asked: u64,
    /// Windows whose score is its.
    pub answered: u64,
    /// Windows whose answer came too late.
    pub late: u64,
    /// Windows that it would have been asked about, had the budget allowed.
    pub over_budget: u64,
}

/// The second model at work. Shared by all legs of a detector.
pub(crate) struct Second {
    model: Arc<Model>,
    ask: Vec<Ask>,
    budget: Budget,
    /// What is left of this second's windows, and when that was so.
    bucket: Mutex<Option<(f64, Instant)>>,
    answered: AtomicU64,
    late: AtomicU64,
    over_budget: AtomicU64,
}

/// What became of a window that the second model could have heard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    Answered,
    Late,
    OverBudget,
}

impl Second {
    pub fn model(&self) -> &Arc<Model> {
        &self.model
    }

    pub fn budget(&self) -> Budget {
        self.budget
    }

    pub fn max_delay(&self) -> Duration {
        Duration::from_secs_f64(self.budget.max_delay)
    }

    /// Whether a window with this llr by the first model is one for the second.
    pub fn wants(&self, llr: f64, novel: bool, thresholds: &Thresholds) -> bool {
        let kind = if novel {
            Ask::Undecided
        } else if llr >= thresholds.synthetic_llr {
            Ask::Synthetic
        } else if llr > thresholds.bonafide_llr {
            Ask::Undecided
        } else {
            return false;
        };
        self.ask.contains(&kind)
    }

    /// Whether the clock allows one more window now; a second without any allows as many as a second has.
    pub fn admits(&self, now: Instant) -> bool {
        let Some(rate) = self.budget.max_per_second else { return true };
        let most = rate.max(1.0);
        let mut bucket = self.bucket.lock().unwrap_or_else(PoisonError::into_inner);
        let (left, since) = bucket.unwrap_or((most, now));
        let left = (left + rate * now.saturating_duration_since(since).as_secs_f64()).min(most);
        let admitted = left >= 1.0;
        *bucket = Some((if admitted { left - 1.0 } else { left }, now));
        admitted
    }

    /// What it says of speech at `rate_hz`, which the first model heard as one window.
    pub fn hear(&self, speech: &[f32], rate_hz: u32) -> Result<RawScore> {
        self.model.score(&window_for(&self.model.manifest().input, speech, rate_hz)?)
    }

    pub fn count(&self, fate: Fate) {
        let counter = match fate {
            Fate::Answered => &self.answered,
            Fate::Late => &self.late,
            Fate::OverBudget => &self.over_budget,
        };
        counter.fetch_add(1, Ordering::Relaxed);
    }

    pub fn counts(&self) -> SecondCounts {
        let of = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let (answered, late) = (of(&self.answered), of(&self.late));
        SecondCounts { asked: answered + late, answered, late, over_budget: of(&self.over_budget) }
    }
}

impl std::fmt::Debug for Second {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let manifest = self.model.manifest();
        f.debug_struct("Second").field("model", &manifest.name).field("budget", &self.budget).finish_non_exhaustive()
    }
}
