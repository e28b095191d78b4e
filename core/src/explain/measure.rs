//! Evidence of the parts of a leg, and how far it can be believed.

use serde::Serialize;

use super::occlude::{Occluder, Part, STRETCH_SECONDS, without_stretch};
use super::reference::Range;
use super::window::HeardWindow;
use crate::error::Result;

/// What a part speaks for, in llr of a window, positive for synthetic.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Evidence {
    /// The family (`spectrum`), the band in hertz (`1200-1800`), or the stretch.
    pub part: String,
    /// For a stretch, where it begins in seconds of the leg; for a band its lower edge in hertz.
    pub from: f64,
    /// Where it ends.
    pub to: f64,
    /// What it speaks for.
    pub llr: f64,
    /// How people and machines of the reference score there; none for stretches, and where the reference was measured on
    /// another version of the model.
    pub range: Option<Range>,
}

/// Whether the parts named are those that the score rests on: what it loses without the strongest, and without as many drawn at
/// random.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Faithfulness {
    /// Mean fall of the windows' llr without the three strongest stretches and without the two strongest bands.
    pub without_top: [f64; 2],
    /// Mean fall without as many at random, over all choices for bands and over twenty draws for stretches.
    pub without_random: [f64; 2],
}

/// Evidence of the parts over the windows of a leg, each weighed by its fresh speech. Families first.
pub(super) fn of_parts(occluder: &Occluder, windows: &[HeardWindow]) -> Result<Vec<f64>> {
    let mut sums: Vec<f64> = Vec::new();
    let mut weight = 0.0;
    for window in windows {
        let evidence = occluder.parts(&window.samples)?;
        sums.resize(evidence.len(), 0.0);
        sums.iter_mut().zip(&evidence).for_each(|(sum, e)| *sum += window.share * e);
        weight += window.share;
    }
    Ok(sums.into_iter().map(|sum| sum / weight).collect())
}

/// Evidence over time: stretches of half a second of the leg, averaged over the windows that hold them.
pub(super) fn of_time(occluder: &Occluder, windows: &[HeardWindow], rate: f64) -> Result<Vec<Evidence>> {
    let mut buckets: std::collections::BTreeMap<u64, (f64, f64)> = std::collections::BTreeMap::new();
    for window in windows {
        let stretches = stretches(window.samples.len(), rate);
        let mut variants = vec![window.samples.clone()];
        variants.extend(stretches.iter().map(|stretch| without_stretch(&window.samples, stretch)));
        let llrs = occluder.llrs(&variants)?;
        let Some((whole, rest)) = llrs.split_first() else { continue };
        for (stretch, without) in stretches.iter().zip(rest) {
            // Where the stretch lies in the leg, by its middle.
            let middle = f64::midpoint(stretch.start as f64, stretch.end as f64) as usize;
            let Some(position) = window.position(middle) else { continue };
            let bucket = (position as f64 / rate / STRETCH_SECONDS) as u64;
            let (sum, n) = buckets.entry(bucket).or_default();
            *sum += whole - without;
            *n += 1.0;
        }
    }
    let evidence = |(bucket, (sum, n)): (u64, (f64, f64))| {
        let from = bucket as f64 * STRETCH_SECONDS;
        Evidence { part: "stretch".to_owned(), from, to: from + STRETCH_SECONDS, llr: sum / n, range: None }
    };
    Ok(buckets.into_iter().map(evidence).collect())
}

fn stretches(n_samples: usize, rate: f64) -> Vec<std::ops::Range<usize>> {
    let step = (STRETCH_SECONDS * rate) as usize;
    (0..n_samples / step.max(1)).map(|n| n * step..(n + 1) * step).collect()
}

/// Removes what scored highest together, and as much at random.
pub(super) fn faithfulness(occluder: &Occluder, windows: &[HeardWindow], rate: f64) -> Result<Faithfulness> {
    let (mut top, mut random, mut n) = ([0.0; 2], [0.0; 2], 0.0);
    for window in windows {
        let stretches = stretches(window.samples.len(), rate);
        let mut variants = vec![window.samples.clone()];
        variants.extend(stretches.iter().map(|stretch| without_stretch(&window.samples, stretch)));
        let llrs = occluder.llrs(&variants)?;
        let whole = llrs.first().copied().unwrap_or_default();
        let mut order: Vec<usize> = (0..stretches.len()).collect();
        let alone = |n: usize| llrs.get(n + 1).copied().unwrap_or_default();
        order.sort_by(|a, b| alone(*a).total_cmp(&alone(*b)));
        let without = |chosen: &[usize]| {
            let kept =
                window.samples.iter().enumerate().filter(|(n, _)| {
                    !chosen.iter().any(|c| stretches.get(*c).is_some_and(|stretch| stretch.contains(n)))
                });
            let kept: Vec<f32> = kept.map(|(_, sample)| *sample).collect();
            kept.iter().cycle().take(window.samples.len()).copied().collect::<Vec<f32>>()
        };
        // Twenty different thirds of the stretches, in a fixed order that knows nothing of the scores.
        let some = |draw: usize| -> Vec<usize> {
            (0..3).map(|n| (draw * 7 + n * (1 + draw % 3) * 2 + n) % stretches.len().max(1)).collect()
        };
        let mut trials = vec![without(order.get(..3).unwrap_or(&order))];
        trials.extend((0..20).map(|draw| without(&some(draw))));
        let falls: Vec<f64> = occluder.llrs(&trials)?.into_iter().map(|llr| whole - llr).collect();
        if let Some((first, others)) = falls.split_first() {
            top[0] += first;
            random[0] += others.iter().sum::<f64>() / others.len().max(1) as f64;
        }
        let evidence = occluder.parts(&window.samples)?;
        let of_bands = evidence.get(occluder.families.len()..).unwrap_or_default();
        let mut order: Vec<usize> = (0..of_bands.len()).collect();
        let strength = |n: usize| of_bands.get(n).copied().unwrap_or_default();
        order.sort_by(|a, b| strength(*b).total_cmp(&strength(*a)));
        let fall = |chosen: &[usize]| -> Result<f64> {
            let parts: Vec<&Part> = chosen.iter().filter_map(|n| occluder.bands.get(*n)).collect();
            let (whole, without) = occluder.without(&window.samples, &parts)?;
            Ok(whole - without)
        };
        top[1] += fall(order.get(..2).unwrap_or(&order))?;
        let (mut sum, mut pairs) = (0.0, 0.0);
        for one in 0..of_bands.len() {
            for other in one + 1..of_bands.len() {
                sum += fall(&[one, other])?;
                pairs += 1.0;
            }
        }
        random[1] += if pairs > 0.0 { sum / pairs } else { 0.0 };
        n += 1.0;
    }
    let mean = |sums: [f64; 2]| sums.map(|sum| if n > 0.0 { sum / n } else { 0.0 });
    Ok(Faithfulness { without_top: mean(top), without_random: mean(random) })
}
