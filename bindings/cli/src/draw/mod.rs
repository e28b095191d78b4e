//! Pictures and pages that stand for themselves: SVG, PNG and HTML without scripts, fonts or files from elsewhere. A chart
//! becomes a drawing, and a drawing is written as SVG or painted for PNG.

mod chart;
mod colours;
mod drawing;
mod page;
mod paint;
mod png;
mod svg;

pub use chart::{Axis, Chart};
pub use colours::{BONAFIDE, Colour, INK, NEUTRAL, SPOOF};
pub use drawing::{Drawing, Fill, Pixels};
pub use page::{Page, escape};
pub use png::png;
pub use svg::{stacked, svg};
