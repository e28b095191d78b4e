//! What there is to tell of a leg while it goes on.

use crate::verdict::report::{ErrorReport, LegVerdict, RunningVerdict, WindowReport};

/// What a push brought.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Event {
    /// A window was scored. Times are seconds of the leg.
    Window(WindowReport),
    /// The verdict is another than before, or better founded.
    Verdict(RunningVerdict),
    /// The leg of an [`Engine`](crate::engine::Engine) ended; nothing comes after this.
    Ended(Box<LegVerdict>),
    /// The leg of an engine failed; nothing comes after this.
    Failed(ErrorReport),
}
