//! The field's figures of merit, from the scores of clips whose truth is known.
//!
//! A score says how much a clip speaks for a synthetic voice: **positive = synthetic**, as everywhere in this library.
//! `bonafide` are the scores of human speech, `spoof` those of synthetic speech. Rates are fractions from 0 to 1, not
//! percent. The tools of `ASVspoof` count the other way, higher = bona fide; negate the scores and the figures are theirs.
//!
//! | figure | best | an answer of 0 everywhere | asks of the scores | source |
//! |---|---|---|---|---|
//! | [`eer`] | 0 | 1 (see there) | their order | `ASVspoof` 5 evaluation package |
//! | [`auc`] | 1 | 0.5 | their order | Hanley and `McNeil`, Radiology 143 (1982) |
//! | [`min_dcf`] | 0 | 1 | their order | `ASVspoof` 5 evaluation plan, eqs. 3 and 4 |
//! | [`min_t_dcf`] | 0 or more | 1 | their order | Kinnunen et al., IEEE/ACM TASLP 28 (2020) |
//! | [`act_dcf`] | 0 | 1 or more | to be natural-log likelihood ratios | the same |
//! | [`cllr`] | 0 | 1 | to be natural-log likelihood ratios | Brümmer and du Preez, Computer Speech and Language 20 (2006) |
//! | [`min_cllr`] | 0 | 1 | their order | the same |
//!
//! Clips are seldom independent: those of one speech engine, one speaker or one page stand or fall together. [`Trials`]
//! holds scores by such groups, for means over groups and for intervals that [draw whole groups again](Bootstrap).
//!
//! ```
//! use veravox::metrics;
//!
//! let bonafide = [-4.0, -2.5, -1.0, 0.5];
//! let spoof = [-0.5, 1.0, 3.0, 6.0];
//! assert_eq!(metrics::eer(&bonafide, &spoof)?, 0.25);
//! assert_eq!(metrics::auc(&bonafide, &spoof)?, 15.0 / 16.0);
//! # Ok::<(), veravox::Error>(())
//! ```
//!
//! Every function wants at least one score of each class. An empty class, and a score that is not a number, are errors of
//! the kind [`InvalidArgument`](crate::ErrorKind::InvalidArgument). Infinite scores are scores like others.

mod bootstrap;
mod checks;
mod dcf;
mod det;
mod groups;
mod ladder;
mod likelihood;
mod operating;
mod tandem;
mod trials;

pub use bootstrap::{Bootstrap, Estimate};
pub use dcf::{Costs, act_dcf, min_dcf};
pub use det::{DetPoint, auc, det_curve, eer};
pub use likelihood::{cllr, min_cllr};
pub use operating::{false_alarm_at_miss, found_at_false_alarm};
pub use tandem::{Tandem, min_t_dcf};
pub(crate) use trials::Reading;
pub use trials::{Figure, Trials};
