//! From bytes to samples at the rate of a model.

pub mod decode;
pub mod resample;
