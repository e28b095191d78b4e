//! Pictures and pages that stand for themselves: SVG and HTML without scripts, fonts or files from elsewhere.

mod chart;
mod page;

pub use chart::{Axis, Chart};
pub use page::{Page, escape};

/// Colours that people who see them differently can tell apart (Okabe and Ito): people blue, machines vermilion.
pub const BONAFIDE: &str = "#0072b2";
pub const SPOOF: &str = "#d55e00";
pub const NEUTRAL: &str = "#767676";
