//! Phase coherence: how alike the phases of neighbouring frames and bins move, band by band.

use rustfft::num_complex::Complex;

use super::spec::PhaseSpec;
use super::stft::Stft;

/// Product of two magnitudes that is not divided by; far under what rounding leaves of silence.
const SMALLEST: f32 = 1e-30;

/// The coherence of each band for each pair of neighbouring frames.
pub(super) struct PhaseCoherence {
    first_bin: usize,
    /// Bins of each band, one band behind the other.
    widths: Vec<usize>,
    floor: f32,
    before: Frame,
    now: Frame,
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

    /// (magnitude, real and imaginary part of the turn) of each bin.
    fn bins(&self) -> impl Iterator<Item = (f32, f32, f32)> {
        self.magnitude.iter().zip(&self.re).zip(&self.im).map(|((magnitude, re), im)| (*magnitude, *re, *im))
    }

    fn take(&mut self, bins: &[Complex<f32>]) {
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
    }
}

impl PhaseCoherence {
    pub(super) fn new(spec: &PhaseSpec, sample_rate_hz: u32) -> Self {
        let bins = spec.bins(sample_rate_hz);
        let (n_bins, n_bands) = (bins.len(), spec.n_bands.max(1));
        let edge = |band: usize| n_bins * band / n_bands;
        Self {
            first_bin: bins.start,
            widths: (0..n_bands).map(|band| edge(band + 1) - edge(band)).collect(),
            floor: spec.power_floor.sqrt(),
            before: Frame::new(n_bins),
            now: Frame::new(n_bins),
        }
    }

    /// The coherence of `samples` into `out`: a row for each frame that has one before it.
    pub(super) fn compute(&mut self, stft: &mut Stft, samples: &[f32], out: &mut [f32]) {
        let mut rows = out.chunks_exact_mut(2 * self.widths.len());
        let n_frames = rows.len() + 1;
        for index in (0..n_frames).step_by(2) {
            for (ahead, spectrum) in stft.spectra_of_pair(samples, index).iter().enumerate() {
                std::mem::swap(&mut self.before, &mut self.now);
                self.now.take(spectrum.get(self.first_bin..).unwrap_or_default());
                // The first frame has none before it; the last pair may have one frame too many.
                if index + ahead > 0
                    && let Some(row) = rows.next()
                {
                    self.row(row);
                }
            }
        }
    }

    /// Each band's coherence between the frame before and this one: the real parts of all, then the imaginary ones.
    fn row(&self, row: &mut [f32]) {
        let mut bins = self.before.bins().zip(self.now.bins());
        let (reals, imaginaries) = row.split_at_mut(self.widths.len());
        for ((real, imaginary), &width) in reals.iter_mut().zip(imaginaries).zip(&self.widths) {
            let (mut re, mut im, mut weight) = (0.0_f32, 0.0_f32, self.floor * width as f32);
            for ((m_before, re_before, im_before), (m_now, re_now, im_now)) in bins.by_ref().take(width) {
                // The smaller one: a frame of silence has no phase that its neighbour's could be compared with.
                let magnitude = m_before.min(m_now);
                re += magnitude * (re_now * re_before + im_now * im_before);
                im += magnitude * (im_now * re_before - re_now * im_before);
                weight += magnitude;
            }
            (*real, *imaginary) = (re / weight, im / weight);
        }
    }
}
