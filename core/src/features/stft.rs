//! Short-time Fourier transform, two frames at a time.

use std::f64::consts::TAU;
use std::sync::Arc;

use rustfft::num_complex::Complex;
use rustfft::{Fft, FftPlanner};

use crate::simd::vectorised;

/// The periodic Hann window of `n` samples.
pub(crate) fn periodic_hann(n: usize) -> impl Iterator<Item = f64> {
    (0..n).map(move |i| 0.5 - 0.5 * (TAU * i as f64 / n as f64).cos())
}

/// Spectra of the frames of a window of samples.
///
/// Two real frames go through one complex FFT as its real and imaginary part, and come apart by symmetry (Press et al.:
/// Numerical Recipes, "FFT of two real functions simultaneously"). That is measurably faster than a real FFT for each,
/// and it halves the passes over memory.
pub(super) struct Stft {
    fft: Arc<dyn Fft<f32>>,
    weights: Vec<f32>,
    pad_left: usize,
    hop_length: usize,
    pair: Vec<Complex<f32>>,
    mirrored: Vec<Complex<f32>>,
    scratch: Vec<Complex<f32>>,
    power: [Vec<f32>; 2],
    spectra: [Vec<Complex<f32>>; 2],
}

impl Stft {
    pub(super) fn new(n_fft: usize, win_length: usize, hop_length: usize) -> Self {
        let fft = FftPlanner::new().plan_fft_forward(n_fft);
        let n_bins = n_fft / 2 + 1;
        Self {
            weights: periodic_hann(win_length).map(|weight| weight as f32).collect(),
            pad_left: (n_fft - win_length.min(n_fft)) / 2,
            hop_length,
            pair: vec![Complex::default(); n_fft],
            mirrored: vec![Complex::default(); n_bins],
            scratch: vec![Complex::default(); fft.get_inplace_scratch_len()],
            power: [vec![0.0; n_bins], vec![0.0; n_bins]],
            spectra: [vec![Complex::default(); n_bins], vec![Complex::default(); n_bins]],
            fft,
        }
    }

    /// Frames of `n_fft` samples that follow on each other, as they are.
    pub(super) fn rectangular(n_fft: usize) -> Self {
        Self { weights: vec![1.0; n_fft], ..Self::new(n_fft, n_fft, n_fft) }
    }

    /// Transforms frames `index` and `index + 1` of `samples`. Where there is no second frame the first stands in for it.
    pub(super) fn transform_pair(&mut self, samples: &[f32], index: usize) {
        let start = index * self.hop_length + self.pad_left;
        let frame_at = |start: usize| samples.get(start..start + self.weights.len());
        let first = frame_at(start).unwrap_or_default();
        let second = frame_at(start + self.hop_length).unwrap_or(first);
        let n_weights = self.weights.len();
        vectorised(
            #[inline(always)]
            || {
                let (before, inside) = self.pair.split_at_mut(self.pad_left);
                before.fill(Complex::default());
                let (inside, after) = inside.split_at_mut(n_weights);
                after.fill(Complex::default());
                for (((value, first), second), weight) in inside.iter_mut().zip(first).zip(second).zip(&self.weights) {
                    *value = Complex::new(first * weight, second * weight);
                }
            },
        );
        self.fft.process_with_scratch(&mut self.pair, &mut self.scratch);
        // Bin n_fft - k beside bin k, as a pass of its own: the loops over both then run in vector registers.
        if let (Some((zero, mirrored)), Some((bin_zero, bins))) =
            (self.mirrored.split_first_mut(), self.pair.split_first())
        {
            *zero = *bin_zero;
            for (mirrored, bin) in mirrored.iter_mut().zip(bins.iter().rev()) {
                *mirrored = *bin;
            }
        }
    }

    /// |X|² of frames `index` and `index + 1` of `samples`.
    pub(super) fn power_of_pair(&mut self, samples: &[f32], index: usize) -> &[Vec<f32>; 2] {
        self.transform_pair(samples, index);
        self.find_powers();
        &self.power
    }

    /// Finds |X|² of the two frames that were transformed last, bins 0 to `n_fft / 2`.
    pub(super) fn find_powers(&mut self) {
        let [first, second] = &mut self.power;
        let bins = self.pair.iter().zip(&self.mirrored);
        vectorised(
            #[inline(always)]
            || {
                for ((first, second), (bin, mirror)) in first.iter_mut().zip(second).zip(bins) {
                    let (sum_re, sum_im) = (bin.re + mirror.re, bin.im + mirror.im);
                    let (difference_re, difference_im) = (bin.re - mirror.re, bin.im - mirror.im);
                    *first = 0.25 * (sum_re * sum_re + difference_im * difference_im);
                    *second = 0.25 * (sum_im * sum_im + difference_re * difference_re);
                }
            },
        );
    }

    /// |X|² of the first or second of the two frames, once it was found.
    pub(super) fn power(&self, ahead: usize) -> &[f32] {
        self.power.get(ahead).map(Vec::as_slice).unwrap_or_default()
    }

    /// Finds X of the two frames that were transformed last.
    pub(super) fn find_spectra(&mut self) {
        let [first, second] = &mut self.spectra;
        let bins = self.pair.iter().zip(&self.mirrored);
        vectorised(
            #[inline(always)]
            || {
                for ((first, second), (bin, mirror)) in first.iter_mut().zip(second).zip(bins) {
                    *first = Complex::new(0.5 * (bin.re + mirror.re), 0.5 * (bin.im - mirror.im));
                    *second = Complex::new(0.5 * (bin.im + mirror.im), 0.5 * (mirror.re - bin.re));
                }
            },
        );
    }

    /// X of the first or second of the two frames, once it was found.
    pub(super) fn spectrum(&self, ahead: usize) -> &[Complex<f32>] {
        self.spectra.get(ahead).map(Vec::as_slice).unwrap_or_default()
    }
}
