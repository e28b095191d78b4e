//! Cepstral coefficients and their deltas.

use std::f64::consts::PI;

/// Orthonormal DCT-II as a matrix of its first coefficients: with tens of filters a product beats a fast transform.
pub(super) struct Dct {
    /// Row after row one filter's share in every coefficient, so that the product runs along memory.
    columns: Vec<f32>,
    n_coeffs: usize,
}

impl Dct {
    pub(super) fn new(n_filters: usize, n_coeffs: usize) -> Self {
        let n = n_filters as f64;
        let share = |filter: usize, k: usize| {
            let scale = if k == 0 { (1.0 / n).sqrt() } else { (2.0 / n).sqrt() };
            (scale * (PI * k as f64 * (filter as f64 + 0.5) / n).cos()) as f32
        };
        let columns = (0..n_filters).flat_map(|filter| (0..n_coeffs).map(move |k| share(filter, k))).collect();
        Self { columns, n_coeffs }
    }

    pub(super) fn n_coeffs(&self) -> usize {
        self.n_coeffs
    }

    pub(super) fn apply(&self, input: &[f32], out: &mut [f32]) {
        let out = out.get_mut(..self.n_coeffs).unwrap_or_default();
        out.fill(0.0);
        // Four filters at a time: the sums are read and written a quarter as often.
        let (fours, rest) = (input.chunks_exact(4), input.chunks_exact(4).remainder());
        let mut columns = self.columns.chunks_exact(self.n_coeffs);
        for four in fours {
            let [first, second, third, fourth] = std::array::from_fn(|_| columns.next().unwrap_or_default());
            let pairs = first.iter().zip(second).zip(third.iter().zip(fourth));
            if let &[one, two, three, four] = four {
                for (sum, ((first, second), (third, fourth))) in out.iter_mut().zip(pairs) {
                    *sum += (one * first + two * second) + (three * third + four * fourth);
                }
            }
        }
        for (value, column) in rest.iter().zip(columns) {
            for (sum, share) in out.iter_mut().zip(column) {
                *sum += value * share;
            }
        }
    }
}

/// Fills the delta columns of a matrix whose first `n_coeffs` columns are the statics: regression over two frames to
/// either side, edge frames repeated. Each order is the delta of the order before it.
pub(super) fn append_deltas(matrix: &mut [f32], n_columns: usize, n_coeffs: usize, orders: usize) {
    let n_frames = matrix.len() / n_columns.max(1);
    if n_frames == 0 {
        return;
    }
    for order in 0..orders {
        let (from, to) = (order * n_coeffs, (order + 1) * n_coeffs);
        for frame in 0..n_frames {
            let row = |at: usize| at * n_columns + from;
            let (before, after) = (row(frame.saturating_sub(1)), row((frame + 1).min(n_frames - 1)));
            let (far_before, far_after) = (row(frame.saturating_sub(2)), row((frame + 2).min(n_frames - 1)));
            for n in 0..n_coeffs {
                let at = |start: usize| matrix.get(start + n).copied().unwrap_or(0.0);
                // 2 (1² + 2²) = 10
                let delta = (at(after) - at(before) + 2.0 * (at(far_after) - at(far_before))) / 10.0;
                if let Some(value) = matrix.get_mut(frame * n_columns + to + n) {
                    *value = delta;
                }
            }
        }
    }
}
