//! Normalisation of feature columns over one window.

use super::spec::Normalisation;

/// Smallest standard deviation that is divided by.
const MIN_STD: f64 = 1e-5;

/// Normalises the columns of a matrix in place. Walks row by row, the way the matrix lies in memory.
pub(super) struct ColumnNormaliser {
    normalisation: Normalisation,
    mean: Vec<f64>,
    scale: Vec<f64>,
}

impl ColumnNormaliser {
    pub(super) fn new(normalisation: Normalisation, n_columns: usize) -> Self {
        Self { normalisation, mean: vec![0.0; n_columns], scale: vec![1.0; n_columns] }
    }

    pub(super) fn apply(&mut self, matrix: &mut [f32]) {
        let n_columns = self.mean.len().max(1);
        let n_frames = (matrix.len() / n_columns) as f64;
        if n_frames == 0.0 || self.normalisation == Normalisation::None {
            return;
        }
        self.mean.fill(0.0);
        for row in matrix.chunks_exact(n_columns) {
            for (mean, &value) in self.mean.iter_mut().zip(row) {
                *mean += f64::from(value);
            }
        }
        self.mean.iter_mut().for_each(|mean| *mean /= n_frames);
        if self.normalisation == Normalisation::MeanVariance {
            self.scale.fill(0.0);
            for row in matrix.chunks_exact(n_columns) {
                for ((scale, mean), &value) in self.scale.iter_mut().zip(&self.mean).zip(row) {
                    *scale += (f64::from(value) - mean).powi(2);
                }
            }
            self.scale.iter_mut().for_each(|scale| *scale = 1.0 / (*scale / n_frames).sqrt().max(MIN_STD));
        }
        for row in matrix.chunks_exact_mut(n_columns) {
            for ((value, mean), scale) in row.iter_mut().zip(&self.mean).zip(&self.scale) {
                *value = ((f64::from(*value) - mean) * scale) as f32;
            }
        }
    }
}
