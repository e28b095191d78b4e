//! News of a leg.

use crate::verdict::{LegVerdict, RunningVerdict, WindowReport};

/// What there is to tell of a leg while it goes on.
#[derive(Debug, Clone, PartialEq, uniffi::Enum)]
#[allow(clippy::large_enum_variant, reason = "it is on its way to another language, one at a time")]
pub enum Event {
    /// A window was scored.
    Window {
        /// Its score, and where it lies.
        window: WindowReport,
    },
    /// The verdict is another than before, or better founded.
    Verdict {
        /// The verdict so far.
        verdict: RunningVerdict,
    },
    /// The leg ended. Only what watches a leg to its end tells this, as its last event.
    Ended {
        /// The verdict on the leg.
        leg: LegVerdict,
    },
}

impl Event {
    /// A failure is an error here, and no event.
    pub(crate) fn of(event: veravox::Event) -> Option<Self> {
        match event {
            veravox::Event::Window(window) => Some(Self::Window { window: window.into() }),
            veravox::Event::Verdict(verdict) => Some(Self::Verdict { verdict: verdict.into() }),
            veravox::Event::Ended(leg) => Some(Self::Ended { leg: (*leg).into() }),
            _ => None,
        }
    }
}
