//! From bytes to samples at the rate of a model.

pub(crate) mod codec;
pub mod decode;
pub(crate) mod doubling;
pub mod g711;
pub mod resample;
#[cfg(feature = "rtp")]
pub mod rtp;
