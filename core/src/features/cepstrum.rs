//! Cepstral coefficients and their deltas.

use std::f64::consts::PI;

/// Orthonormal DCT-II, as a matrix of its first rows: with tens of filters a product beats a fast transform.
pub(super) struct Dct {
    rows: Vec<f32>,
    n_filters: usize,
    n_coeffs: usize,
}

impl Dct {
    pub(super) fn new(n_filters: usize, n_coeffs: usize) -> Self {
        let n = n_filters as f64;
        let rows = (0..n_coeffs).flat_map(|k| {
            let scale = if k == 0 { (1.0 / n).sqrt() } else { (2.0 / n).sqrt() };
            (0..n_filters).map(move |m| (scale * (PI * k as f64 * (m as f64 + 0.5) / n).cos()) as f32)
        });
        Self { rows: rows.collect(), n_filters, n_coeffs }
    }

    pub(super) fn n_coeffs(&self) -> usize {
        self.n_coeffs
    }

    pub(super) fn apply(&self, input: &[f32], out: &mut [f32]) {
        for (value, row) in out.iter_mut().zip(self.rows.chunks_exact(self.n_filters)) {
            *value = dot(row, input);
        }
    }
}

/// A dot product with independent partial sums, which the compiler can keep in vector registers.
fn dot(a: &[f32], b: &[f32]) -> f32 {
    let mut sums = [0.0_f32; 8];
    let (a_chunks, b_chunks) = (a.chunks_exact(8), b.chunks_exact(8));
    let rest: f32 = a_chunks.remainder().iter().zip(b_chunks.remainder()).map(|(x, y)| x * y).sum();
    for (x, y) in a_chunks.zip(b_chunks) {
        for (sum, (x, y)) in sums.iter_mut().zip(x.iter().zip(y)) {
            *sum += x * y;
        }
    }
    sums.iter().sum::<f32>() + rest
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
