//! A verdict in the words of a dialplan, the same as those of the modules for phone systems.

use serde::Serialize;
use veravox::report::{LegVerdict, Stage};
use veravox::stream::RunningVerdict;
use veravox::{Decision, ErrorKind, Reason, Thresholds};

/// What a dialplan branches on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Status {
    /// A person.
    Human,
    /// A machine.
    Synthetic,
    /// No verdict; the cause says why.
    #[default]
    NotSure,
    /// Not watched; the cause says why.
    Error,
}

impl Status {
    /// All of them, for counters.
    pub const ALL: [Self; 4] = [Self::Human, Self::Synthetic, Self::NotSure, Self::Error];

    /// As it stands in `VERAVOX_STATUS`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Human => "HUMAN",
            Self::Synthetic => "SYNTHETIC",
            Self::NotSure => "NOTSURE",
            Self::Error => "ERROR",
        }
    }
}

/// Why a leg has the status ERROR.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Fault {
    /// The model is not there, or broken.
    Model,
    /// A setting is out of its range.
    Settings,
    /// The inference runtime failed.
    Runtime,
    /// As many legs are watched as are admitted, or there was no time to score this one.
    Overloaded,
    /// The rate is out of the library's limits.
    SampleRate,
    /// What came is not the protocol.
    Protocol,
    /// The gateway was stopped.
    Stopped,
    /// The gateway failed.
    Internal,
}

impl Fault {
    /// As it stands in `VERAVOX_CAUSE`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Model => "model",
            Self::Settings => "settings",
            Self::Runtime => "runtime",
            Self::Overloaded => "overloaded",
            Self::SampleRate => "sample_rate",
            Self::Protocol => "protocol",
            Self::Stopped => "stopped",
            Self::Internal => "internal",
        }
    }
}

/// Of the error with which an engine does not start.
impl From<ErrorKind> for Fault {
    fn from(kind: ErrorKind) -> Self {
        match kind {
            ErrorKind::NotFound
            | ErrorKind::PermissionDenied
            | ErrorKind::Io
            | ErrorKind::InvalidManifest
            | ErrorKind::HashMismatch
            | ErrorKind::InvalidModel => Self::Model,
            ErrorKind::InvalidArgument => Self::Settings,
            ErrorKind::Runtime => Self::Runtime,
            ErrorKind::Cancelled => Self::Stopped,
            _ => Self::Internal,
        }
    }
}

/// A verdict in words.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct Words {
    /// What a dialplan branches on.
    pub status: Status,
    /// How far the verdict is founded.
    pub stage: Stage,
    /// Why it is NOTSURE, reasons with commas between, or ERROR; empty otherwise.
    pub cause: String,
    /// Natural-log likelihood ratio, positive for synthetic; none before anything was scored.
    pub score: Option<f64>,
    /// Milliseconds of voice that it rests on.
    pub speech_ms: u64,
    /// Where the leg is decided on; none before its model is known.
    pub thresholds: Option<Thresholds>,
}

impl Words {
    /// The status ERROR.
    #[must_use]
    pub fn error(fault: Fault) -> Self {
        Self { status: Status::Error, cause: fault.as_str().to_owned(), ..Self::default() }
    }

    /// As it stands in `VERAVOX_SCORE`: empty before anything was scored.
    #[must_use]
    pub fn score_text(&self) -> String {
        self.score.map_or_else(String::new, |llr| format!("{llr:.2}"))
    }

    fn of(stage: Stage, decision: Decision, llr: Option<f64>, speech_seconds: f64, reasons: &[Reason]) -> Self {
        let (status, cause) = if reasons.contains(&Reason::NotScored) {
            (Status::Error, Fault::Overloaded.as_str().to_owned())
        } else {
            match decision {
                Decision::Synthetic => (Status::Synthetic, String::new()),
                Decision::Bonafide => (Status::Human, String::new()),
                Decision::Inconclusive => {
                    (Status::NotSure, reasons.iter().map(|reason| reason.as_str()).collect::<Vec<_>>().join(","))
                }
            }
        };
        Self { status, stage, cause, score: llr, speech_ms: (speech_seconds * 1_000.0) as u64, thresholds: None }
    }
}

impl From<&RunningVerdict> for Words {
    fn from(verdict: &RunningVerdict) -> Self {
        let RunningVerdict { stage, decision, llr, speech_seconds, reasons, thresholds, .. } = verdict;
        Self { thresholds: *thresholds, ..Self::of(*stage, *decision, *llr, *speech_seconds, reasons) }
    }
}

impl From<&LegVerdict> for Words {
    fn from(verdict: &LegVerdict) -> Self {
        let LegVerdict { stage, decision, llr, speech_seconds, reasons, model, .. } = verdict;
        let thresholds = model.as_ref().map(|model| model.thresholds);
        Self { thresholds, ..Self::of(*stage, *decision, *llr, *speech_seconds, reasons) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_verdict_is_never_human() {
        let verdict = |decision, reasons: &[Reason]| Words::of(Stage::Firm, decision, Some(-4.0), 7.5, reasons);
        assert_eq!(verdict(Decision::Bonafide, &[]).status, Status::Human);
        assert_eq!(verdict(Decision::Synthetic, &[]).status, Status::Synthetic);
        let unsure = verdict(Decision::Inconclusive, &[Reason::Noise, Reason::Undecided]);
        assert_eq!((unsure.status, unsure.cause.as_str()), (Status::NotSure, "noise,undecided"));
        let unscored = verdict(Decision::Inconclusive, &[Reason::NotScored]);
        assert_eq!((unscored.status, unscored.cause.as_str()), (Status::Error, "overloaded"));
        assert_eq!(Words::default().status, Status::NotSure);
        assert_eq!((unsure.score_text().as_str(), unsure.speech_ms), ("-4.00", 7_500));
    }

    #[test]
    fn the_names_are_those_that_are_written() {
        for status in Status::ALL {
            assert_eq!(serde_json::to_value(status).unwrap(), status.as_str());
        }
    }
}
