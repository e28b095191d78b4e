//! One error rate where the other is given: what an operator asks first.

use super::checks::{check_both, invalid};
use super::ladder::{Climb, read_off};
use crate::error::Result;

/// The smallest share of bona fide clips, from 0 to 1, that any threshold rejects under which at most `miss` of the spoofs are
/// accepted: the false-alarm rate at a miss rate, to whom a synthetic voice is what is looked for.
///
/// ```
/// use veravox::metrics::false_alarm_at_miss;
///
/// let (bonafide, spoof) = ([-4.0, -2.5, -1.0, 0.5], [-0.5, 1.0, 3.0, 6.0]);
/// assert_eq!(false_alarm_at_miss(&bonafide, &spoof, 0.25)?, 0.0);
/// assert_eq!(false_alarm_at_miss(&bonafide, &spoof, 0.2)?, 0.25);
/// # Ok::<(), veravox::Error>(())
/// ```
///
/// # Errors
///
/// `InvalidArgument` for a class without scores, a score that is not a number, or a rate outside 0 to 1.
pub fn false_alarm_at_miss(bonafide: &[f64], spoof: &[f64], miss: f64) -> Result<f64> {
    check_both(bonafide, spoof)?;
    check_rate(miss)?;
    Ok(read_off(bonafide, spoof, |climb| false_alarm_of(climb, miss)))
}

/// The largest share of spoofs, from 0 to 1, that any threshold finds which rejects at most `false_alarm` of the bona fide
/// clips.
///
/// ```
/// use veravox::metrics::found_at_false_alarm;
///
/// let (bonafide, spoof) = ([-4.0, -2.5, -1.0, 0.5], [-0.5, 1.0, 3.0, 6.0]);
/// assert_eq!(found_at_false_alarm(&bonafide, &spoof, 0.0)?, 0.75);
/// # Ok::<(), veravox::Error>(())
/// ```
///
/// # Errors
///
/// `InvalidArgument` for a class without scores, a score that is not a number, or a rate outside 0 to 1.
pub fn found_at_false_alarm(bonafide: &[f64], spoof: &[f64], false_alarm: f64) -> Result<f64> {
    check_both(bonafide, spoof)?;
    check_rate(false_alarm)?;
    Ok(read_off(bonafide, spoof, |climb| found_of(climb, false_alarm)))
}

pub(super) fn check_rate(rate: f64) -> Result<()> {
    if (0.0..=1.0).contains(&rate) { Ok(()) } else { Err(invalid(format!("expected a rate from 0 to 1, got {rate}"))) }
}

/// A run of spoofs without bona fide clips between them may be cut anywhere, unless it ties with some.
pub(super) fn false_alarm_of(climb: &Climb, miss: f64) -> f64 {
    let (n_bonafide, n_spoof) = (climb.n_bonafide, climb.n_spoof);
    let wanted = (1.0 - miss) * n_spoof as f64 * (1.0 - 1e-12);
    if wanted <= 0.0 {
        return 0.0;
    }
    let reached = climb.rungs.iter().find(|rung| rung.spoof_down_to as f64 >= wanted);
    reached.map_or(1.0, |rung| rung.bonafide_down_to as f64 / n_bonafide as f64)
}

pub(super) fn found_of(climb: &Climb, false_alarm: f64) -> f64 {
    let (n_bonafide, n_spoof) = (climb.n_bonafide, climb.n_spoof);
    let allowed = false_alarm * n_bonafide as f64 * (1.0 + 1e-12);
    let within = climb.rungs.iter().take_while(|rung| rung.bonafide_down_to as f64 <= allowed);
    within.last().map_or(0.0, |rung| rung.spoof_down_to as f64 / n_spoof as f64)
}
