//! Sums over the frames of a matrix, one for each column.
//!
//! A matrix lies frame after frame, so that every sum runs over whole frames: the columns of one stand side by side in
//! vector registers.

use super::sink::Sink;

/// Room for the sums over one matrix: as many as it has columns, four times.
pub(super) struct Sums {
    mean: Vec<f32>,
    second: Vec<f32>,
    third: Vec<f32>,
    fourth: Vec<f32>,
}

impl Sums {
    pub(super) fn new(n_columns: usize) -> Self {
        let zeros = vec![0.0; n_columns];
        Self { mean: zeros.clone(), second: zeros.clone(), third: zeros.clone(), fourth: zeros }
    }

    /// Subtracts each column's mean.
    pub(super) fn centre(&mut self, matrix: &mut [f32]) {
        self.means(matrix);
        for frame in matrix.chunks_exact_mut(self.mean.len()) {
            for (value, mean) in frame.iter_mut().zip(&self.mean) {
                *value -= mean;
            }
        }
    }

    /// Brings each column to mean 0 and deviation 1.
    pub(super) fn unit(&mut self, matrix: &mut [f32]) {
        self.centre(matrix);
        let n_frames = (matrix.len() / self.mean.len()) as f32;
        self.second.fill(0.0);
        for frame in matrix.chunks_exact(self.mean.len()) {
            for (second, value) in self.second.iter_mut().zip(frame) {
                *second += value * value;
            }
        }
        for second in &mut self.second {
            *second = 1.0 / (*second / n_frames + 1e-6).sqrt();
        }
        for frame in matrix.chunks_exact_mut(self.mean.len()) {
            for (value, scale) in frame.iter_mut().zip(&self.second) {
                *value *= scale;
            }
        }
    }

    /// Log variance, skewness and log kurtosis of each column: first that of all, then the next.
    pub(super) fn moments(&mut self, matrix: &[f32], out: &mut Sink) {
        let n_frames = self.means(matrix);
        for sums in [&mut self.second, &mut self.third, &mut self.fourth] {
            sums.fill(0.0);
        }
        for frame in matrix.chunks_exact(self.mean.len()) {
            let sums = self.second.iter_mut().zip(&mut self.third).zip(&mut self.fourth);
            for ((value, mean), ((second, third), fourth)) in frame.iter().zip(&self.mean).zip(sums) {
                let offset = value - mean;
                let squared = offset * offset;
                *second += squared;
                *third += squared * offset;
                *fourth += squared * squared;
            }
        }
        let variance = |second: &f32| second / n_frames + 1e-6;
        out.extend(self.second.iter().map(|second| variance(second).ln()));
        out.extend(self.second.iter().zip(&self.third).map(|(second, third)| {
            let variance = variance(second);
            third / n_frames / (variance * variance.sqrt())
        }));
        out.extend(self.second.iter().zip(&self.fourth).map(|(second, fourth)| {
            let variance = variance(second);
            (fourth / n_frames / (variance * variance) + 0.1).ln()
        }));
    }

    /// The mean of each column.
    pub(super) fn mean(&mut self, matrix: &[f32], out: &mut Sink) {
        self.means(matrix);
        out.extend(self.mean.iter().copied());
    }

    /// The mean product of each column with itself `lag` frames later.
    pub(super) fn lagged(&mut self, matrix: &[f32], lag: usize, out: &mut Sink) {
        let n_columns = self.mean.len();
        let later = matrix.chunks_exact(n_columns).skip(lag);
        let n_frames = later.len() as f32;
        self.mean.fill(0.0);
        for (earlier, later) in matrix.chunks_exact(n_columns).zip(later) {
            for ((sum, earlier), later) in self.mean.iter_mut().zip(earlier).zip(later) {
                *sum += earlier * later;
            }
        }
        out.extend(self.mean.iter().map(|sum| sum / n_frames));
    }

    /// The means into `self.mean`; the number of frames. Of what differs from the first frame, so that a column which stands
    /// still, as one at the floor of a logarithm does, has exactly its value for a mean.
    fn means(&mut self, matrix: &[f32]) -> f32 {
        let n_columns = self.mean.len();
        let n_frames = (matrix.len() / n_columns) as f32;
        let first = matrix.get(..n_columns).unwrap_or_default();
        self.mean.fill(0.0);
        for frame in matrix.chunks_exact(n_columns) {
            for ((mean, value), first) in self.mean.iter_mut().zip(frame).zip(first) {
                *mean += value - first;
            }
        }
        for (mean, first) in self.mean.iter_mut().zip(first) {
            *mean = first + *mean / n_frames;
        }
        n_frames
    }
}

/// How the columns of a matrix, each of mean 0 and deviation 1, go together: the mean product of each pair, that of the first
/// column with the second, with the third, and so on.
pub(super) struct Pairs {
    n_columns: usize,
    sums: Vec<f32>,
}

impl Pairs {
    pub(super) fn new(n_columns: usize) -> Self {
        Self { n_columns, sums: vec![0.0; n_columns * n_columns] }
    }

    pub(super) fn together(&mut self, matrix: &[f32], out: &mut Sink) {
        let n_frames = (matrix.len() / self.n_columns) as f32;
        self.sums.fill(0.0);
        for frame in matrix.chunks_exact(self.n_columns) {
            for (sums, one) in self.sums.chunks_exact_mut(self.n_columns).zip(frame) {
                for (sum, other) in sums.iter_mut().zip(frame) {
                    *sum += one * other;
                }
            }
        }
        for (first, sums) in self.sums.chunks_exact(self.n_columns).enumerate() {
            out.extend(sums.iter().skip(first + 1).map(|sum| sum / n_frames));
        }
    }
}

/// The changes of a matrix from one frame to the one `step` later, into `out`; gives that part of it which they fill.
pub(super) fn changes<'a>(matrix: &[f32], n_columns: usize, step: usize, out: &'a mut [f32]) -> &'a mut [f32] {
    let later = matrix.get(step * n_columns..).unwrap_or_default();
    let out = out.get_mut(..later.len()).unwrap_or_default();
    for ((out, earlier), later) in out.iter_mut().zip(matrix).zip(later) {
        *out = later - earlier;
    }
    out
}

/// Brings a run of values to mean 0 and deviation 1.
pub(super) fn unit(values: &mut [f32]) {
    let n = values.len() as f32;
    let mean = values.iter().sum::<f32>() / n;
    for value in values.iter_mut() {
        *value -= mean;
    }
    let variance = values.iter().map(|value| value * value).sum::<f32>() / n + 1e-6;
    let scale = 1.0 / variance.sqrt();
    for value in values.iter_mut() {
        *value *= scale;
    }
}

/// Columns in groups side by side, as equally wide as can be.
pub(super) struct Groups {
    group_of: Vec<usize>,
    share: Vec<f32>,
}

impl Groups {
    pub(super) fn new(n_columns: usize, n_groups: usize) -> Self {
        let group_of: Vec<usize> = (0..n_columns).map(|column| (2 * column + 1) * n_groups / (2 * n_columns)).collect();
        let mut count = vec![0_usize; n_groups];
        for &group in &group_of {
            count[group] += 1;
        }
        Self { group_of, share: count.iter().map(|&count| 1.0 / count.max(1) as f32).collect() }
    }

    pub(super) fn len(&self) -> usize {
        self.share.len()
    }

    /// The mean of each group. Where a column is missing at the end the others weigh no more.
    pub(super) fn means(&self, columns: impl IntoIterator<Item = f32>, means: &mut [f32]) {
        means.fill(0.0);
        for (value, &group) in columns.into_iter().zip(&self.group_of) {
            means[group] += value * self.share[group];
        }
    }
}

/// Sums over stretches of one run of values.
pub(super) struct Running {
    /// Of all values before each one, and behind the last.
    before: Vec<f64>,
    n: usize,
}

impl Running {
    /// For runs of at most so many values.
    pub(super) fn new(longest: usize) -> Self {
        Self { before: vec![0.0; longest + 1], n: 0 }
    }

    /// Takes a run of values.
    pub(super) fn over(&mut self, values: impl Iterator<Item = f32>) {
        self.n = 0;
        let mut sum = 0.0;
        for (place, value) in self.before.iter_mut().skip(1).zip(values) {
            sum += f64::from(value);
            *place = sum;
            self.n += 1;
        }
    }

    /// The sum and the number of the values that lie at most `half` from value `index`, fewer at the ends.
    pub(super) fn around(&self, index: usize, half: usize) -> (f64, f64) {
        let (from, to) = (index.saturating_sub(half), (index + half + 1).min(self.n));
        (self.before[to] - self.before[from], (to - from) as f64)
    }
}
