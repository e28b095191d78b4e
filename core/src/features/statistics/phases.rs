//! Of the phase coherence of bands: how much of it there is, which way it points, how both spread, and how long a coherence
//! lasts. A vocoder that invents its phases leaves other ones than a glottis and a room do.

use super::columns::Sums;
use super::sink::{Family, Sink};

/// Frames from a coherence to a later one.
const LAGS: [usize; 6] = [1, 2, 3, 5, 8, 13];
pub(super) const LEAST_FRAMES: usize = LAGS[LAGS.len() - 1] + 1;

pub(super) fn n_values(n_columns: usize) -> usize {
    // Of both parts the mean and three moments, of the size too, and its lags.
    4 * n_columns + (4 + LAGS.len()) * (n_columns / 2)
}

pub(super) struct Phases {
    n_columns: usize,
    of_parts: Sums,
    of_size: Sums,
    size: Vec<f32>,
}

impl Family for Phases {
    fn compute(&mut self, matrix: &[f32], out: &mut Sink) {
        let n_bands = self.n_columns / 2;
        for (sizes, frame) in self.size.chunks_exact_mut(n_bands).zip(matrix.chunks_exact(self.n_columns)) {
            let (real, imaginary) = frame.split_at(n_bands);
            for ((size, re), im) in sizes.iter_mut().zip(real).zip(imaginary) {
                *size = (re * re + im * im + 1e-9).sqrt();
            }
        }
        self.of_parts.mean(matrix, out);
        self.of_size.mean(&self.size, out);
        self.of_size.moments(&self.size, out);
        self.of_parts.moments(matrix, out);
        self.of_size.unit(&mut self.size);
        for lag in LAGS {
            self.of_size.lagged(&self.size, lag, out);
        }
    }
}

impl Phases {
    pub(super) fn new(n_frames: usize, n_columns: usize) -> Self {
        let n_bands = n_columns / 2;
        Self {
            n_columns,
            of_parts: Sums::new(n_columns),
            of_size: Sums::new(n_bands),
            size: vec![0.0; n_frames * n_bands],
        }
    }
}
