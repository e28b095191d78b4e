//! veravox for Kotlin and Swift: what `uniffi` makes both of. It converts, calls the core, and converts back.
//!
//! The sources in `kotlin/` and `swift/` that say they are generated are made of this crate, comments included. A panic ends in
//! what `uniffi` puts around every function, and comes out as an exception.

#![allow(clippy::needless_pass_by_value, reason = "what comes over the border is owned")]
#![allow(
    clippy::missing_errors_doc,
    reason = "these comments are read in Kotlin and in Swift, where errors are listed otherwise"
)]

mod arguments;
mod cancel;
mod detector;
mod error;
mod event;
mod recording;
mod report;
mod samples;
mod scan;
mod stream;
mod verdict;
mod words;

pub use cancel::Cancellation;
pub use detector::{Detector, use_onnxruntime};
pub use error::VeravoxError;
pub use event::Event;
pub use recording::Recording;
pub use report::{AudioSummary, CalibrationSummary, CallReport, ModelSummary, Thresholds};
pub use scan::{RawEncoding, RawFormat};
pub use stream::Stream;
pub use verdict::{Change, Interruptions, LegVerdict, RunningVerdict, Segment, WindowReport};
pub use words::{Decision, Reason, Stage};

uniffi::setup_scaffolding!("veravox");

/// The version of the library, as in "0.1.0".
#[uniffi::export]
#[must_use]
pub fn version() -> String {
    env!("CARGO_PKG_VERSION").to_owned()
}
