//! Pictures and pages that stand for themselves: SVG and HTML without scripts, fonts or files from elsewhere.

mod chart;
mod colours;
mod page;

pub use chart::{Axis, Chart};
pub use colours::{BONAFIDE, NEUTRAL, SPOOF};
pub use page::{Page, escape};
