//! Normalisation of feature columns over one window.

use super::spec::Normalisation;
use crate::simd::vectorised;

/// Smallest standard deviation that is divided by.
const MIN_STD: f32 = 1e-5;
const FRAMES_A_BLOCK: usize = 32;

/// Normalises the columns of a matrix in place. Walks row by row, the way the matrix lies in memory.
pub(super) struct ColumnNormaliser {
    normalisation: Normalisation,
    mean: Vec<f32>,
    scale: Vec<f32>,
    sums: Vec<f64>,
    part: Vec<f32>,
}

impl ColumnNormaliser {
    pub(super) fn new(normalisation: Normalisation, n_columns: usize) -> Self {
        let zeros = vec![0.0; n_columns];
        Self {
            normalisation,
            mean: zeros.clone(),
            scale: vec![1.0; n_columns],
            sums: vec![0.0; n_columns],
            part: zeros,
        }
    }

    pub(super) fn apply(&mut self, matrix: &mut [f32]) {
        let n_columns = self.mean.len().max(1);
        let n_frames = (matrix.len() / n_columns) as f64;
        if n_frames == 0.0 || self.normalisation == Normalisation::None {
            return;
        }
        self.sum_up(matrix, |value, _| value);
        for (mean, sum) in self.mean.iter_mut().zip(&self.sums) {
            *mean = (sum / n_frames) as f32;
        }
        if self.normalisation == Normalisation::MeanVariance {
            self.sum_up(matrix, |value, mean| (value - mean) * (value - mean));
            for (scale, sum) in self.scale.iter_mut().zip(&self.sums) {
                *scale = 1.0 / ((sum / n_frames).sqrt() as f32).max(MIN_STD);
            }
        }
        vectorised(
            #[inline(always)]
            || {
                for row in matrix.chunks_exact_mut(n_columns) {
                    for ((value, mean), scale) in row.iter_mut().zip(&self.mean).zip(&self.scale) {
                        *value = (*value - mean) * scale;
                    }
                }
            },
        );
    }

    /// The sum over the frames of `term` of each value and its column's mean; in single precision over a few frames, and
    /// double over those sums.
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "to be compiled for the registers of its caller")]
    fn sum_up(&mut self, matrix: &[f32], term: impl Fn(f32, f32) -> f32) {
        let Self { sums, part, mean, .. } = self;
        sums.fill(0.0);
        vectorised(
            #[inline(always)]
            || {
                for block in matrix.chunks(FRAMES_A_BLOCK * mean.len()) {
                    part.fill(0.0);
                    for row in block.chunks_exact(mean.len()) {
                        for ((part, value), mean) in part.iter_mut().zip(row).zip(mean.iter()) {
                            *part += term(*value, *mean);
                        }
                    }
                    for (sum, part) in sums.iter_mut().zip(part.iter()) {
                        *sum += f64::from(*part);
                    }
                }
            },
        );
    }
}
