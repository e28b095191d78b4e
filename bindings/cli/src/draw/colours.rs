//! The colours of pictures.

/// Colours that people who see them differently can tell apart (Okabe and Ito): people blue, machines vermilion.
pub const BONAFIDE: &str = "#0072b2";
pub const SPOOF: &str = "#d55e00";
pub const NEUTRAL: &str = "#767676";
