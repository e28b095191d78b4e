//! veravox tells a synthetic voice from a human one in a phone call.
//!
//! A [`Detector`] is a model with its settings; a [`stream::Stream`] watches one leg of a call; scanning a file is pushing
//! it through streams; an [`engine::Engine`] watches thousands of legs at once. The way of the data, each arrow one module:
//!
//! ```text
//! bytes -> decode -> resample -> vad -> speech -> window -> features -> model -> calibrate -> policy -> report
//! ```
//!
//! ```
//! use veravox::{Decision, Detector, decode::DecodeOptions};
//!
//! let detector = Detector::builtin()?;
//! let call = concat!(env!("CARGO_MANIFEST_DIR"), "/../testdata/formats/clip.flac");
//! let report = detector.scan_file(call.as_ref(), &DecodeOptions::default())?;
//! let leg = &report.legs[0];
//! match leg.decision {
//!     Decision::Synthetic => println!("a machine, llr {:.1}", leg.llr.unwrap_or_default()),
//!     Decision::Bonafide => println!("a person"),
//!     Decision::Inconclusive => println!("cannot tell: {:?}", leg.reasons),
//! }
//! # Ok::<(), veravox::Error>(())
//! ```
//!
//! Scores have one direction everywhere: `llr` is a natural-log likelihood ratio, positive for synthetic. The library
//! opens no network connection, writes no file and prints nothing.

#![forbid(unsafe_code)]

mod audio;
pub mod detector;
pub mod engine;
pub mod error;
pub mod evaluate;
pub mod explain;
pub mod features;
mod hex;
mod leg;
pub mod metrics;
pub mod model;
pub mod probe;
mod setup;
mod simd;
pub mod site;
mod verdict;
mod voice;

#[cfg(feature = "rtp")]
pub use audio::rtp;
pub use audio::{decode, g711, resample};
pub use leg::stream;
pub use model::{calibrate, manifest, runtime};
pub use verdict::{decide, policy, report};
pub use voice::{likeness, vad};

pub use decide::{Decision, Reason, ThresholdChanges, Thresholds};
pub use detector::Detector;
pub use engine::Engine;
pub use error::{Error, ErrorKind, Result};
pub use report::{CallReport, FileReport, LegVerdict};
pub use setup::{CalibrationSource, DetectorOptions};
pub use stream::{Event, Stream};
