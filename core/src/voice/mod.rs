//! From samples to windows of speech, and what speaks against a verdict on them.

pub(crate) mod band;
pub(crate) mod conditions;
pub(crate) mod gate;
pub mod likeness;
mod spectrum;
mod tones;
pub mod vad;
pub(crate) mod window;
