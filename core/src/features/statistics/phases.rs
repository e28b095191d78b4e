//! Of the phase coherence of bands: how much of it there is, which way it points, how both spread, and how long a coherence
//! lasts. A vocoder that invents its phases leaves other ones than a glottis and a room do.

use super::sink::{Family, Sink};
use super::tracks::Tracks;
use crate::simd::vectorised;

/// Frames from a coherence to a later one.
const LAGS: [usize; 6] = [1, 2, 3, 5, 8, 13];
pub(super) const LEAST_FRAMES: usize = LAGS[LAGS.len() - 1] + 1;

pub(super) fn n_values(n_columns: usize) -> usize {
    // Of both parts the mean and three moments, of the size too, and its lags.
    4 * n_columns + (4 + LAGS.len()) * (n_columns / 2)
}

pub(super) struct Phases {
    n_bands: usize,
    parts: Tracks,
    sizes: Tracks,
}

impl Family for Phases {
    fn compute(&mut self, matrix: &[f32], out: &mut Sink) {
        self.parts.take(matrix, 2 * self.n_bands);
        let parts = self.parts.iter().zip(self.parts.iter().skip(self.n_bands));
        vectorised(
            #[inline(always)]
            || {
                for (sizes, (real, imaginary)) in self.sizes.iter_mut().zip(parts) {
                    for ((size, re), im) in sizes.iter_mut().zip(real).zip(imaginary) {
                        *size = (re * re + im * im + 1e-9).sqrt();
                    }
                }
            },
        );
        self.parts.means(out);
        self.sizes.means(out);
        self.sizes.moments(out);
        self.parts.moments(out);
        self.sizes.unit();
        for lag in LAGS {
            out.extend(self.sizes.lagged(lag));
        }
    }
}

impl Phases {
    pub(super) fn new(n_frames: usize, n_columns: usize) -> Self {
        let n_bands = n_columns / 2;
        Self { n_bands, parts: Tracks::new(n_columns, n_frames), sizes: Tracks::new(n_bands, n_frames) }
    }
}
