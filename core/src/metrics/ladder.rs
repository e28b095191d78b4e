//! What the order of the scores says: the staircase that EER, AUC, minDCF and minCllr are all read off.
//!
//! A threshold that sinks from above the highest score to below the lowest rejects ever more clips as synthetic. Only where
//! it passes a spoof score is there something to count, so a ladder has one rung for each run of spoof scores with no bona
//! fide score between them, whatever their number: none of these can part the figures. A rung
//! stores positions among the sorted scores, not counts: under the bootstrap the same ladder serves every round, [climbed](Climb)
//! once for all figures, and a system of five clips costs five rungs however many bona fide clips there are.

use std::ops::Range;

/// How many clips stand among the first so many sorted scores of a class, where a clip may count several times or never: for
/// ladders that share a class.
pub(super) struct Counts(Vec<u64>);

impl Counts {
    /// Each clip counts `times`, in the order of the sorted scores.
    pub(super) fn new(times: impl IntoIterator<Item = u32>) -> Self {
        let mut sum = 0;
        let sums = times.into_iter().map(|times| {
            sum += u64::from(times);
            sum
        });
        Self(std::iter::once(0).chain(sums).collect())
    }

    pub(super) fn of(&self, clips: Range<usize>) -> u64 {
        let first = |n: usize| self.0.get(n).copied().unwrap_or_default();
        first(clips.end).saturating_sub(first(clips.start))
    }
}

/// Each clip counts once.
pub(super) fn once(clips: Range<usize>) -> u64 {
    clips.len() as u64
}

/// Numbers of clips above a spoof score, and of those at or above it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rung<N> {
    pub(super) bonafide_above: N,
    pub(super) bonafide_down_to: N,
    pub(super) spoof_above: N,
    pub(super) spoof_down_to: N,
}

/// The rungs from the highest spoof score down.
#[derive(Debug, Clone)]
pub(super) struct Ladder {
    rungs: Vec<Rung<usize>>,
    n_bonafide: usize,
}

/// A ladder with the clips counted. A rung of which no spoof counts is left out, and rungs are one where no bona fide clip
/// that counts lies between them.
#[derive(Default)]
pub(super) struct Climb {
    pub(super) rungs: Vec<Rung<u64>>,
    pub(super) n_bonafide: u64,
    pub(super) n_spoof: u64,
}

impl Ladder {
    /// Both classes sorted by [`sort`].
    pub(super) fn new(bonafide: &[f64], spoof: &[f64]) -> Self {
        let mut rungs: Vec<Rung<usize>> = Vec::new();
        let mut spoof_above = 0;
        for (score, n) in tied(spoof) {
            let rung = Rung {
                bonafide_above: bonafide.partition_point(|other| *other > score),
                bonafide_down_to: bonafide.partition_point(|other| *other >= score),
                spoof_above,
                spoof_down_to: spoof_above + n,
            };
            spoof_above += n;
            match rungs.last_mut() {
                Some(last) if last.bonafide_above == rung.bonafide_down_to => last.spoof_down_to = rung.spoof_down_to,
                _ => rungs.push(rung),
            }
        }
        Self { rungs, n_bonafide: bonafide.len() }
    }

    /// Counts the clips, in the memory at hand: rounds of the bootstrap ask for millions. The functions say how much the clips of
    /// a range of the sorted scores count; every clip is asked about once, in order.
    pub(super) fn climb_into(
        &self,
        climb: &mut Climb,
        bonafide: impl Fn(Range<usize>) -> u64,
        spoof: impl Fn(Range<usize>) -> u64,
    ) {
        let (mut seen, mut n_bonafide, mut n_spoof) = (0, 0, 0);
        climb.rungs.clear();
        for rung in &self.rungs {
            let bonafide_above = n_bonafide + bonafide(seen..rung.bonafide_above);
            n_bonafide = bonafide_above + bonafide(rung.bonafide_above..rung.bonafide_down_to);
            seen = rung.bonafide_down_to;
            let spoof_above = n_spoof;
            n_spoof += spoof(rung.spoof_above..rung.spoof_down_to);
            if n_spoof == spoof_above {
                continue;
            }
            match climb.rungs.last_mut() {
                Some(last) if last.bonafide_above == n_bonafide => last.spoof_down_to = n_spoof,
                _ => climb.rungs.push(Rung {
                    bonafide_above,
                    bonafide_down_to: n_bonafide,
                    spoof_above,
                    spoof_down_to: n_spoof,
                }),
            }
        }
        climb.n_bonafide = n_bonafide + bonafide(seen..self.n_bonafide);
        climb.n_spoof = n_spoof;
    }

    pub(super) fn climb(&self, bonafide: impl Fn(Range<usize>) -> u64, spoof: impl Fn(Range<usize>) -> u64) -> Climb {
        let mut climb = Climb::default();
        self.climb_into(&mut climb, bonafide, spoof);
        climb
    }
}

/// A figure of the order alone, of scores that each count once. Both classes are checked before.
pub(super) fn read_off(bonafide: &[f64], spoof: &[f64], figure: impl FnOnce(&Climb) -> f64) -> f64 {
    let (bonafide, spoof) = (sort(bonafide), sort(spoof));
    figure(&Ladder::new(&bonafide, &spoof).climb(once, once))
}

/// From the most synthetic down. The two zeros become one, so that they tie.
pub(super) fn sort(scores: &[f64]) -> Vec<f64> {
    let mut sorted: Vec<f64> = scores.iter().map(|score| score + 0.0).collect();
    sorted.sort_unstable_by(|a, b| b.total_cmp(a));
    sorted
}

/// Each distinct score with how often it stands there.
#[expect(clippy::float_cmp, reason = "scores tie where they are the same number")]
pub(super) fn tied(sorted: &[f64]) -> impl Iterator<Item = (f64, usize)> + '_ {
    sorted.chunk_by(|a, b| a == b).filter_map(|same| same.first().map(|score| (*score, same.len())))
}
