//! The classifier: a manifest, its ONNX graph, and scorers that run it on windows.

mod builtin;
pub mod calibrate;
mod cascade;
mod check;
mod fusion;
mod graph;
mod hearing;
mod kind;
mod load;
mod loaded;
pub mod manifest;
mod members;
mod provider;
mod reading;
pub mod runtime;
mod threads;

pub(crate) use builtin::Builtin;
pub use cascade::{Ask, Budget, CascadeManifest, SecondCounts};
pub(crate) use cascade::{Fate, Second};
pub use check::{Rule, check};
pub use fusion::{FusionManifest, FusionMember};
pub(crate) use kind::read_manifest;
pub use kind::{Kind, kind_of};
pub(crate) use loaded::Scorer;
pub use loaded::{Model, RawScore};
pub(crate) use members::{Member, of_member};
pub(crate) use threads::Threads;
