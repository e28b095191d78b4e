//! The classifier: a manifest, its ONNX graph, and scorers that run it on windows.

mod builtin;
pub mod calibrate;
mod check;
mod graph;
mod loaded;
pub mod manifest;
pub mod runtime;
mod threads;

pub(crate) use builtin::Builtin;
pub use check::{Rule, check};
pub(crate) use loaded::Scorer;
pub use loaded::{Model, RawScore};
pub(crate) use threads::Threads;
