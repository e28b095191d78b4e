//! From bytes to samples at the rate of a model.

pub mod decode;
pub(crate) mod doubling;
pub mod resample;
