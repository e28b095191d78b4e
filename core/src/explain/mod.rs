//! Why a leg got its verdict: where in time, in which bands, by which kind of evidence, and what else is measurable.
//!
//! **Evidence** is what the model's llr loses when something is taken away (occlusion). A stretch of time is taken out of each
//! window that holds it, and the rest of the speech is repeated, as the library does with short speech. A band or a family of
//! statistics is set to what it is on the mean person of the reference; the evidence is the mean of two ways to ask: what the
//! llr loses where this part alone becomes a person's, and what it gains where this part alone is the leg's and all else a
//! person's. All evidence is in llr of a window, positive for synthetic; the parts need not sum up, since the model weighs
//! them together. How people and machines of the reference score by the same measure stands beside each.
//!
//! It says what the *model* listened to. It does not say how the audio was made.

mod figures;
mod leg;
mod measure;
mod occlude;
mod reference;
mod signal;
mod window;

pub use figures::CardFigure;
pub use leg::{Explanation, ExplanationOptions, LegExplanation, PathPoint, Picture, explain};
pub use measure::{Evidence, Faithfulness};
pub use reference::{Range, Reference, reference_of};
pub use signal::{Measure, Signal};
