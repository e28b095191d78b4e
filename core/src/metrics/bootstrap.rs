//! How far a figure can be trusted: the bootstrap over whole groups.

use rand_xoshiro::Xoshiro256PlusPlus;
use rand_xoshiro::rand_core::{Rng as _, SeedableRng as _};
use serde::Serialize;

use super::checks::{check, invalid};
use super::groups::Groups;
use crate::error::Result;

/// A figure with its interval, in the unit of the figure.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Estimate {
    /// The figure of the clips at hand.
    pub value: f64,
    /// The lower end of the interval. With few groups the value itself can lie outside.
    pub low: f64,
    /// The upper end of the interval.
    pub high: f64,
}

/// Percentile intervals by drawing whole groups again: systems, sources or pages, as many as there are, with replacement.
///
/// The clips of one group stand or fall together; an interval that draws clips one by one is too narrow by far. This one
/// tells what other groups of the same kind might have given. With one group it has no width, which says that nothing is
/// known, not that all is. Efron and Tibshirani, An Introduction to the Bootstrap (1993), chapter 13; for groups Davison
/// and Hinkley, Bootstrap Methods and their Application (1997), section 3.8.
///
/// The same settings give the same interval on every platform: the numbers come from xoshiro256++.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bootstrap {
    /// How often the groups are drawn, 1 or more; default 1000.
    pub rounds: usize,
    /// The share of the rounds inside the interval, inside (0, 1); default 0.95.
    pub confidence: f64,
    /// Another seed, another set of draws; default 0.
    pub seed: u64,
}

impl Default for Bootstrap {
    fn default() -> Self {
        Self { rounds: 1_000, confidence: 0.95, seed: 0 }
    }
}

impl Bootstrap {
    /// The interval `(low, high)` of any figure.
    ///
    /// `sides` are numbers of groups that are drawn apart from each other, such as sources of human speech and systems of
    /// synthetic. In every round `figure` is given, for each side, how often each of its groups was drawn, and answers with
    /// its value under these weights; NaN leaves the round out.
    ///
    /// ```
    /// use veravox::metrics::Bootstrap;
    ///
    /// let of_groups = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0];
    /// let (low, high) = Bootstrap::default().interval(&[6], |times| {
    ///     let drawn = times.iter().flatten().map(|n| f64::from(*n));
    ///     drawn.zip(of_groups).map(|(n, value)| n * value).sum::<f64>() / 6.0
    /// })?;
    /// assert!(low > 1.5 && low < 3.5 && high > 3.5 && high < 5.5);
    /// # Ok::<(), veravox::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// `InvalidArgument` for a side without groups, no side, settings outside their ranges, or where no round has a value.
    pub fn interval(&self, sides: &[usize], mut figure: impl FnMut(&[Vec<u32>]) -> f64) -> Result<(f64, f64)> {
        self.check(sides)?;
        let mut random = Xoshiro256PlusPlus::seed_from_u64(self.seed);
        let mut times: Vec<Vec<u32>> = sides.iter().map(|n_groups| vec![0; *n_groups]).collect();
        let mut values = Vec::new();
        for _ in 0..self.rounds {
            for side in &mut times {
                draw(side, &mut random);
            }
            values.push(figure(&times));
        }
        self.percentiles(values)
    }

    /// The intervals of several figures under the same draws, with all cores at work: `figures` puts their values of a round
    /// into its second argument. What it needs besides is made once a thread. The draws are those of
    /// [`interval`](Self::interval).
    pub(super) fn intervals<Room>(
        &self,
        sides: &[usize],
        n_figures: usize,
        room: impl Fn() -> Room + Sync,
        figures: impl Fn(&[Vec<u32>], &mut Room, &mut [f64]) + Sync,
    ) -> Result<Vec<(f64, f64)>> {
        self.check(sides)?;
        let n_threads = std::thread::available_parallelism().map_or(1, usize::from).min(self.rounds);
        let work = |thread: usize| {
            let mut random = Xoshiro256PlusPlus::seed_from_u64(self.seed);
            let mut times: Vec<Vec<u32>> = sides.iter().map(|n_groups| vec![0; *n_groups]).collect();
            let (mut room, mut values) = (room(), Vec::new());
            for round in 0..self.rounds {
                if round % n_threads == thread {
                    for side in &mut times {
                        draw(side, &mut random);
                    }
                    let mut of_round = vec![f64::NAN; n_figures];
                    figures(&times, &mut room, &mut of_round);
                    values.push(of_round);
                } else {
                    // Another thread's round: its numbers are drawn all the same.
                    (0..sides.iter().sum::<usize>()).for_each(|_| {
                        random.next_u64();
                    });
                }
            }
            values
        };
        let rounds: Vec<Vec<f64>> = std::thread::scope(|scope| {
            let others: Vec<_> = (1..n_threads).map(|thread| scope.spawn(move || work(thread))).collect();
            let mut rounds = work(0);
            for other in others {
                rounds.extend(other.join().map_err(|_| invalid("a thread of the bootstrap ended by a panic"))?);
            }
            Ok(rounds)
        })?;
        let of = |figure: usize| rounds.iter().filter_map(|round| round.get(figure).copied()).collect();
        (0..n_figures).map(|figure| self.percentiles(of(figure))).collect()
    }

    fn check(&self, sides: &[usize]) -> Result<()> {
        if self.rounds == 0 {
            return Err(invalid("expected at least one round, got 0"));
        }
        if !(self.confidence > 0.0 && self.confidence < 1.0) {
            return Err(invalid(format!("expected a confidence inside (0, 1), got {}", self.confidence)));
        }
        if sides.is_empty() || sides.contains(&0) {
            return Err(invalid("expected at least one group to draw, got none"));
        }
        Ok(())
    }

    fn percentiles(&self, mut values: Vec<f64>) -> Result<(f64, f64)> {
        values.retain(|value| !value.is_nan());
        if values.is_empty() {
            return Err(invalid("the figure has no value in any round"));
        }
        values.sort_unstable_by(f64::total_cmp);
        let tail = 0.5 * (1.0 - self.confidence);
        Ok((quantile(&values, tail), quantile(&values, 1.0 - tail)))
    }

    /// The mean of values, one for each clip, with an interval that draws their groups again. Where the values are 0 and 1 it
    /// is a share: of wrong answers, of clips without an answer.
    ///
    /// ```
    /// use veravox::metrics::Bootstrap;
    ///
    /// let wrong = [1.0, 1.0, 0.0, 0.0, 0.0, 0.0];
    /// let share = Bootstrap::default().mean(&wrong, &["a", "a", "b", "b", "c", "d"])?;
    /// assert_eq!(share.value, 2.0 / 6.0);
    /// assert!(share.low == 0.0 && share.high > 0.5);
    /// # Ok::<(), veravox::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// `InvalidArgument` for no values, one that is not a number, another number of groups, or settings outside their ranges.
    pub fn mean(&self, values: &[f64], groups: &[impl AsRef<str>]) -> Result<Estimate> {
        check(values, "value")?;
        let groups = Groups::new(groups, values.len(), "value")?;
        Means::new(values.iter().copied().zip(groups.members()), groups.len()).estimate(self)
    }
}

/// Draws as many groups as there are.
fn draw(times: &mut [u32], random: &mut Xoshiro256PlusPlus) {
    times.fill(0);
    for _ in 0..times.len() {
        // The upper half of a product of 128 bits: a number below the length, biased by less than the length / 2^64.
        let chosen = (u128::from(random.next_u64()) * times.len() as u128) >> 64;
        if let Some(n) = times.get_mut(chosen as usize) {
            *n += 1;
        }
    }
}

/// Between the sorted values around `share * (n - 1)`, on a straight line.
fn quantile(sorted: &[f64], share: f64) -> f64 {
    let at = share * sorted.len().saturating_sub(1) as f64;
    let value = |n: usize| sorted.get(n).or(sorted.last()).copied().unwrap_or(f64::NAN);
    let (below, above, part) = (value(at as usize), value(at as usize + 1), at.fract());
    // Infinite values have no straight line between them.
    if part > 0.0 && above > below { below + part * (above - below) } else { below }
}

/// What a mean over clips needs of each group: the sum of its values and their number.
pub(super) struct Means {
    sums: Vec<f64>,
    sizes: Vec<u32>,
    all_finite: bool,
}

/// Sums kept apart, so that none waits for the one before it.
const LANES: usize = 8;

impl Means {
    pub(super) fn new(values: impl IntoIterator<Item = (f64, usize)>, n_groups: usize) -> Self {
        let (mut sums, mut sizes) = (vec![0.0; n_groups], vec![0; n_groups]);
        for (value, group) in values {
            if let (Some(sum), Some(n)) = (sums.get_mut(group), sizes.get_mut(group)) {
                *sum += value;
                *n += 1;
            }
        }
        let all_finite = sums.iter().all(|sum| sum.is_finite());
        Self { sums, sizes, all_finite }
    }

    pub(super) fn weighted(&self, times: &[u32]) -> f64 {
        let n: u64 = self.sizes.iter().zip(times).map(|(n, times)| u64::from(*n) * u64::from(*times)).sum();
        self.sum(times) / n as f64
    }

    pub(super) fn sum(&self, times: &[u32]) -> f64 {
        if !self.all_finite {
            // A group that was not drawn counts nothing, even where its sum is infinite.
            let drawn = self.sums.iter().zip(times).filter(|(_, times)| **times > 0);
            return drawn.map(|(sum, times)| f64::from(*times) * sum).sum();
        }
        let (sums, rest) = self.sums.as_chunks::<LANES>();
        let (times, rest_of_times) = times.as_chunks::<LANES>();
        let mut lanes = [0.0; LANES];
        for (sums, times) in sums.iter().zip(times) {
            for ((lane, sum), times) in lanes.iter_mut().zip(sums).zip(times) {
                *lane += f64::from(*times) * sum;
            }
        }
        let rest = rest.iter().zip(rest_of_times).map(|(sum, times)| f64::from(*times) * sum);
        lanes.into_iter().chain(rest).sum()
    }

    fn estimate(&self, bootstrap: &Bootstrap) -> Result<Estimate> {
        let n_groups = self.sums.len();
        let (low, high) =
            bootstrap.interval(&[n_groups], |times| times.first().map_or(f64::NAN, |times| self.weighted(times)))?;
        Ok(Estimate { value: self.weighted(&vec![1; n_groups]), low, high })
    }
}
