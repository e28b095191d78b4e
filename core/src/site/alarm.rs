//! How near a leg came to an alarm: the score that thresholds on people are set by.

use super::map::Map;
use crate::verdict::decide::{Thresholds, WindowScore};
use crate::verdict::policy::SequentialTest;

/// The windows that count of a leg, as results list them: llr by the manifest, and share of fresh speech.
pub(super) type Windows = [(f64, f64)];

/// The lowest threshold for `synthetic` at which the leg would not have been called so at any time: the highest llr that the
/// sequential test reached on it. It is what a false alarm is made of, where the llr at the end is not: a verdict becomes firm
/// on a stretch, and stays.
pub(super) fn alarm(windows: &Windows, map: &Map, thresholds: &Thresholds, correlation: f64) -> Option<f64> {
    // A threshold that nothing reaches: the test runs to the end, and only its way is watched.
    let out_of_reach = Thresholds { synthetic_llr: f64::MAX, ..*thresholds };
    let mut test = SequentialTest::new(out_of_reach, correlation);
    let mut highest: Option<f64> = None;
    for (start, (llr, share)) in windows.iter().enumerate() {
        let start = start as u64;
        let llr = map.llr(*llr) as f32;
        test.push(&WindowScore { start, end: start + 1, fresh_share: *share as f32, llr, novel: false });
        highest = highest.into_iter().chain(test.toward_synthetic()).max_by(f64::total_cmp);
    }
    highest.into_iter().chain(test.llr()).max_by(f64::total_cmp)
}

/// The llr of a leg if no voice changes on it, as a mean over its windows and the factor by which evidence of so much speech
/// grows.
pub(super) fn mean_and_gain(windows: &Windows, correlation: f64) -> Option<(f64, f64)> {
    let n: f64 = windows.iter().map(|(_, share)| share).sum();
    let sum: f64 = windows.iter().map(|(llr, share)| llr * share).sum();
    let gain = if n > 1.0 { n / (1.0 + (n - 1.0) * correlation) } else { 1.0 };
    (n > 0.0).then_some((sum / n, gain))
}
