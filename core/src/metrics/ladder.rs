//! What the order of the scores says: the staircase that EER, AUC, minDCF and minCllr are all read off.
//!
//! A threshold that sinks from above the highest score to below the lowest rejects ever more clips as synthetic. Only where
//! it passes a spoof score is there something to count, so a ladder has one rung for each run of spoof scores with no bona
//! fide score between them, whatever their number: none of these can part the figures. A rung
//! stores positions among the sorted scores, not counts: under the bootstrap the same ladder serves every round, with other
//! [`Counts`], and a system of five clips costs five rungs however many bona fide clips there are.

/// How many clips stand among the first so many sorted scores of a class, where a clip may count several times or never.
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

    /// Counts anew, in the memory at hand: rounds of the bootstrap ask for millions.
    pub(super) fn refill(&mut self, times: impl Iterator<Item = u32>) {
        let mut sum = 0;
        self.0.clear();
        self.0.push(0);
        self.0.extend(times.map(|times| {
            sum += u64::from(times);
            sum
        }));
    }

    /// Each of `n` clips counts once.
    pub(super) fn once(n: usize) -> Self {
        Self((0..=n as u64).collect())
    }

    pub(super) fn total(&self) -> u64 {
        self.0.last().copied().unwrap_or_default()
    }

    fn of_first(&self, n: usize) -> u64 {
        self.0.get(n).copied().unwrap_or_default()
    }
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
pub(super) struct Ladder(Vec<Rung<usize>>);

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
        Self(rungs)
    }

    pub(super) fn climbed<'a>(
        &'a self,
        bonafide: &'a Counts,
        spoof: &'a Counts,
    ) -> impl Iterator<Item = Rung<u64>> + 'a {
        self.0.iter().map(|rung| Rung {
            bonafide_above: bonafide.of_first(rung.bonafide_above),
            bonafide_down_to: bonafide.of_first(rung.bonafide_down_to),
            spoof_above: spoof.of_first(rung.spoof_above),
            spoof_down_to: spoof.of_first(rung.spoof_down_to),
        })
    }
}

/// A figure of the order alone, of scores that each count once. Both classes are checked before.
pub(super) fn read_off(bonafide: &[f64], spoof: &[f64], figure: impl FnOnce(&Ladder, &Counts, &Counts) -> f64) -> f64 {
    let (bonafide, spoof) = (sort(bonafide), sort(spoof));
    let ladder = Ladder::new(&bonafide, &spoof);
    figure(&ladder, &Counts::once(bonafide.len()), &Counts::once(spoof.len()))
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
