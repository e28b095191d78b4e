//! Sums over the neighbourhood of each of many values.

use crate::simd::vectorised;

/// Sums over `width` values that follow on each other, from each value on: of twos, fours, eights … put together, so that it
/// takes few steps for all values side by side, and no sum is the difference of two large ones.
struct Stretches {
    width: usize,
    doubled: [Vec<f32>; 2],
    sums: Vec<f32>,
}

impl Stretches {
    fn new(width: usize, n_values: usize) -> Self {
        Self { width, doubled: [vec![0.0; n_values], vec![0.0; n_values]], sums: vec![0.0; n_values] }
    }

    /// `sums()[i]` becomes the sum of `values[i..i + width]`, for each `i` where there are so many.
    fn of(&mut self, values: &[f32]) -> &[f32] {
        let Self { width, doubled: [doubled, next], sums } = self;
        let width = *width;
        vectorised(
            #[inline(always)]
            || {
                doubled.copy_from_slice(values);
                sums.fill(0.0);
                let (mut step, mut done) = (1, 0);
                while step <= width {
                    if width & step != 0 {
                        for (sum, value) in sums.iter_mut().zip(doubled.get(done..).unwrap_or_default()) {
                            *sum += value;
                        }
                        done += step;
                    }
                    let later = doubled.get(step..).unwrap_or_default();
                    for ((next, value), later) in next.iter_mut().zip(doubled.iter()).zip(later) {
                        *next = value + later;
                    }
                    std::mem::swap(doubled, next);
                    step *= 2;
                }
            },
        );
        sums
    }
}

/// Means over the values that lie at most `half` from each of a run, fewer at the ends.
pub(super) struct MovingMean {
    half: usize,
    stretches: Stretches,
    padded: Vec<f32>,
    /// One over the number of values around each.
    shares: Vec<f32>,
    means: Vec<f32>,
}

impl MovingMean {
    pub(super) fn new(half: usize, n_values: usize) -> Self {
        let count = |index: usize| (index + half + 1).min(n_values) - index.saturating_sub(half);
        Self {
            half,
            stretches: Stretches::new(2 * half + 1, n_values + 2 * half),
            padded: vec![0.0; n_values + 2 * half],
            shares: (0..n_values).map(|index| 1.0 / count(index) as f32).collect(),
            means: vec![0.0; n_values],
        }
    }

    /// The mean around each of `values`.
    pub(super) fn of(&mut self, values: impl Iterator<Item = f32>) -> &[f32] {
        let inside = self.padded.get_mut(self.half..).unwrap_or_default();
        for (place, value) in inside.iter_mut().zip(values) {
            *place = value;
        }
        let sums = self.stretches.of(&self.padded);
        vectorised(
            #[inline(always)]
            || {
                for ((mean, sum), share) in self.means.iter_mut().zip(sums).zip(&self.shares) {
                    *mean = sum * share;
                }
            },
        );
        &self.means
    }
}

/// Means over the values that lie more than `inner` and at most `outer` from each of a run, fewer at the ends.
pub(super) struct Surroundings {
    outer: usize,
    inner: usize,
    stretches: Stretches,
    padded: Vec<f32>,
    shares: Vec<f32>,
}

impl Surroundings {
    pub(super) fn new(inner: usize, outer: usize, n_values: usize) -> Self {
        let around = |index: usize, half: usize| (index + half + 1).min(n_values) - index.saturating_sub(half);
        let count = |index: usize| around(index, outer) - around(index, inner);
        Self {
            outer,
            inner,
            stretches: Stretches::new(outer - inner, n_values + 2 * outer),
            padded: vec![0.0; n_values + 2 * outer],
            shares: (0..n_values).map(|index| 1.0 / count(index).max(1) as f32).collect(),
        }
    }

    /// The mean around each of `values`, from the one at `first` on.
    pub(super) fn of(&mut self, values: &[f32], first: usize) -> impl Iterator<Item = f32> {
        if let Some(place) = self.padded.get_mut(self.outer..self.outer + values.len()) {
            place.copy_from_slice(values);
        }
        let sums = self.stretches.of(&self.padded);
        let (before, after) = (sums.get(first..).unwrap_or_default(), sums.get(first + self.outer + self.inner + 1..));
        let both = before.iter().zip(after.unwrap_or_default());
        both.zip(self.shares.iter().skip(first)).map(|((before, after), share)| (before + after) * share)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(n: usize) -> Vec<f32> {
        (0..n).map(|i| ((i * 7_919) % 101) as f32 - 30.0).collect()
    }

    #[test]
    fn means_are_those_of_the_neighbourhood() {
        for (half, n) in [(0, 5), (1, 9), (6, 40), (15, 31), (15, 200)] {
            let values = values(n);
            let got: Vec<f32> = MovingMean::new(half, n).of(values.iter().copied()).to_vec();
            assert_eq!(got.len(), n);
            for (index, got) in got.iter().enumerate() {
                let around = &values[index.saturating_sub(half)..(index + half + 1).min(n)];
                let expected = around.iter().sum::<f32>() / around.len() as f32;
                assert!((got - expected).abs() < 1e-4, "{half} of {n} at {index}: {got}, expected {expected}");
            }
        }
    }

    #[test]
    fn surroundings_leave_out_the_middle() {
        let (inner, outer, n) = (3, 12, 100);
        let values = values(n);
        let got: Vec<f32> = Surroundings::new(inner, outer, n).of(&values, 5).collect();
        assert_eq!(got.len(), n - 5);
        for (index, got) in (5..).zip(got) {
            let far = |other: &usize| (inner + 1..=outer).contains(&other.abs_diff(index));
            let around: Vec<f32> = (0..n).filter(far).map(|other| values[other]).collect();
            let expected = around.iter().sum::<f32>() / around.len() as f32;
            assert!((got - expected).abs() < 1e-4, "at {index}: {got}, expected {expected}");
        }
    }
}
