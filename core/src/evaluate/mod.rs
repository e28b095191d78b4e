//! How good a detector is on trials whose truth is known: keys, scores, and what they say together.
//!
//! A [`Key`] says what each file is, in the field's own formats; [`Scores`] are a detector's answers, from a score file or from
//! a scan. [`Trials`] joins them and names whatever does not fit, with the line; [`Evaluation`] is what the scores are worth,
//! with intervals, by group, and begins with whether the detector is competent on the material at all.
//!
//! ```
//! use veravox::evaluate::{Evaluation, EvaluationOptions, Key, Scores, Trials};
//!
//! let key = Key::parse("file,label,speaker\na,bonafide,s1\nb,bonafide,s2\nc,spoof,s1\nd,spoof,s2\n", "key.csv")?;
//! let scores = Scores::parse("file,llr\na,-2.0\nb,0.5\nc,0.1\nd,3.0\n", "scores.csv", None)?;
//! let trials = Trials::join(&[key], &scores)?;
//! let evaluation = Evaluation::of(&trials, &EvaluationOptions::default())?;
//! assert_eq!(evaluation.figures.eer.value, 0.5);
//! assert!(!evaluation.competence.competent, "four trials show nothing");
//! # Ok::<(), veravox::Error>(())
//! ```

mod competence;
mod curves;
mod drift;
mod evaluation;
mod key;
mod scores;
mod trials;

pub use competence::Competence;
pub use curves::{Curves, Histogram, Reliability};
pub use drift::{Drift, ShareShift, Shift};
pub use evaluation::{
    Evaluation, EvaluationOptions, Figures, GroupRow, GroupTable, OperatingPoint, Resampling, TandemFigure, Threshold,
};
pub use key::{Column, Key, KeyFormat, KeyTrial};
pub use scores::{Direction, Score, Scores};
pub use trials::{Problem, ProblemKind, Trial, Trials};
