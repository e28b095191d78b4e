//! What every figure asks of its scores.

use crate::error::{Error, ErrorKind, Result};

pub(super) fn invalid(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::InvalidArgument, message)
}

/// What every figure asks of the scores of a class.
pub(super) fn check(scores: &[f64], class: &str) -> Result<()> {
    if scores.is_empty() {
        return Err(invalid(format!("expected at least one {class} score, got none")));
    }
    match scores.iter().position(|score| score.is_nan()) {
        Some(at) => Err(invalid(format!("{class} score {at} is not a number"))),
        None => Ok(()),
    }
}

pub(super) fn check_both(bonafide: &[f64], spoof: &[f64]) -> Result<()> {
    check(bonafide, "bonafide")?;
    check(spoof, "spoof")
}
