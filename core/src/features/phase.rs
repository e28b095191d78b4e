//! Phase coherence: how alike the phases of neighbouring frames and bins move, band by band.

use std::ops::Range;

use rustfft::num_complex::Complex;

use super::spec::PhaseSpec;
use crate::simd::vectorised;

/// Product of two magnitudes that is not divided by; far under what rounding leaves of silence.
const SMALLEST: f32 = 1e-30;
/// Values of each band and frame: real and imaginary part of the sum, each more by the sum of magnitudes that they are set
/// against, which keeps them above 0; and that sum.
pub(super) const SUMS: usize = 3;

/// The sums of each band for each pair of neighbouring frames.
pub(super) struct PhaseSums {
    bins: Range<usize>,
    /// Bins of each band, counted from the first.
    bands: Vec<Range<usize>>,
    before: Frame,
    now: Frame,
    /// Of each bin what its band sums.
    terms: [Vec<f32>; SUMS],
}

/// One frame: the magnitudes of its bins, and the turn of the phase from each bin to the next as a unit vector. In runs of
/// their own, so that loops over them stay in vector registers.
struct Frame {
    magnitude: Vec<f32>,
    re: Vec<f32>,
    im: Vec<f32>,
}

impl Frame {
    fn new(n_bins: usize) -> Self {
        Self { magnitude: vec![0.0; n_bins + 1], re: vec![0.0; n_bins], im: vec![0.0; n_bins] }
    }

    fn take(&mut self, bins: &[Complex<f32>]) {
        vectorised(
            #[inline(always)]
            || {
                for (magnitude, bin) in self.magnitude.iter_mut().zip(bins) {
                    *magnitude = (bin.re * bin.re + bin.im * bin.im).sqrt();
                }
                let above = self.magnitude.get(1..).unwrap_or_default();
                let scales = self.magnitude.iter().zip(above).map(|(this, next)| 1.0 / (this * next).max(SMALLEST));
                let pairs = bins.iter().zip(bins.get(1..).unwrap_or_default());
                for (((re, im), (this, next)), scale) in self.re.iter_mut().zip(&mut self.im).zip(pairs).zip(scales) {
                    *re = (next.re * this.re + next.im * this.im) * scale;
                    *im = (next.im * this.re - next.re * this.im) * scale;
                }
            },
        );
    }
}

impl PhaseSums {
    pub(super) fn new(spec: &PhaseSpec, sample_rate_hz: u32) -> Self {
        let bins = spec.bins(sample_rate_hz);
        let (n_bins, n_bands) = (bins.len(), spec.n_bands.max(1));
        let edge = |band: usize| n_bins * band / n_bands;
        let zeros = vec![0.0; n_bins];
        Self {
            bins,
            bands: (0..n_bands).map(|band| edge(band)..edge(band + 1)).collect(),
            before: Frame::new(n_bins),
            now: Frame::new(n_bins),
            terms: [zeros.clone(), zeros.clone(), zeros],
        }
    }

    /// Bins of each band.
    pub(super) fn widths(&self) -> impl Iterator<Item = usize> + '_ {
        self.bands.iter().map(Range::len)
    }

    /// Takes the next frame; the one before it is what it is compared with.
    pub(super) fn take(&mut self, spectrum: &[Complex<f32>]) {
        std::mem::swap(&mut self.before, &mut self.now);
        // One bin more: the turns are from bin to bin.
        self.now.take(spectrum.get(self.bins.start..=self.bins.end).unwrap_or_default());
    }

    /// The sums between the frame before and this one: the real parts of all bands, the imaginary ones, both with the
    /// magnitudes, and the magnitudes.
    pub(super) fn sums(&mut self, row: &mut [f32]) {
        let Self { before, now, terms: [re, im, weight], .. } = self;
        vectorised(
            #[inline(always)]
            || {
                let frames = before.magnitude.iter().zip(&now.magnitude);
                let turns = before.re.iter().zip(&before.im).zip(now.re.iter().zip(&now.im));
                let terms = re.iter_mut().zip(im.iter_mut()).zip(weight.iter_mut());
                for (((re, im), weight), ((m_before, m_now), ((re_before, im_before), (re_now, im_now)))) in
                    terms.zip(frames.zip(turns))
                {
                    // The smaller one: a frame of silence has no phase that its neighbour's could be compared with.
                    let magnitude = m_before.min(*m_now);
                    *re = magnitude * (re_now * re_before + im_now * im_before) + magnitude;
                    *im = magnitude * (im_now * re_before - re_now * im_before) + magnitude;
                    *weight = magnitude;
                }
            },
        );
        for (sums, terms) in row.chunks_exact_mut(self.bands.len()).zip(&self.terms) {
            for (sum, band) in sums.iter_mut().zip(&self.bands) {
                *sum = terms.get(band.clone()).unwrap_or_default().iter().sum();
            }
        }
    }
}

/// The coherence of each band of one frame from its sums: the real parts of all bands, then the imaginary ones. `floors` are
/// added to the magnitudes.
pub(super) fn coherence(sums: &[f32], floors: &[f32], row: &mut [f32]) {
    let n_bands = floors.len();
    let (re, rest) = sums.split_at(n_bands);
    let (im, weight) = rest.split_at(n_bands);
    let (reals, imaginaries) = row.split_at_mut(n_bands);
    let parts = reals.iter_mut().zip(imaginaries).zip(re.iter().zip(im)).zip(weight.iter().zip(floors));
    for (((real, imaginary), (re, im)), (weight, floor)) in parts {
        let share = 1.0 / (weight + floor);
        (*real, *imaginary) = ((re - weight) * share, (im - weight) * share);
    }
}
