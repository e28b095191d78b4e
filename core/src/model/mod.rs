//! The classifier: a manifest, its ONNX graph, and scorers that run it on windows.

mod builtin;
pub mod calibrate;
mod cascade;
mod check;
mod fusion;
mod graph;
mod hearing;
mod loaded;
pub mod manifest;
mod members;
mod provider;
pub mod runtime;
mod threads;

pub(crate) use builtin::Builtin;
pub use cascade::{Ask, Budget, CascadeManifest, SecondCounts};
pub(crate) use cascade::{Fate, Second, of_member};
pub use check::{Rule, check};
pub use fusion::{FusionManifest, FusionMember};
pub(crate) use loaded::Scorer;
pub use loaded::{Model, RawScore};
pub use members::{Kind, kind_of};
pub(crate) use members::{Member, read_manifest};
pub(crate) use threads::Threads;
