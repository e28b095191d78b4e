//! Short-time Fourier transform, one frame at a time.

use std::f64::consts::TAU;
use std::sync::Arc;

use realfft::num_complex::Complex;
use realfft::{RealFftPlanner, RealToComplex};

use crate::error::{Error, ErrorKind, Result};

pub(super) struct Stft {
    fft: Arc<dyn RealToComplex<f32>>,
    hann: Vec<f32>,
    pad_left: usize,
    hop_length: usize,
    frame: Vec<f32>,
    spectrum: Vec<Complex<f32>>,
    scratch: Vec<Complex<f32>>,
    power: Vec<f32>,
}

impl Stft {
    pub(super) fn new(n_fft: usize, win_length: usize, hop_length: usize) -> Result<Self> {
        let fft = RealFftPlanner::<f32>::new().plan_fft_forward(n_fft);
        let spectrum = fft.make_output_vec();
        if spectrum.is_empty() {
            return Err(Error::new(ErrorKind::InvalidManifest, "n_fft must be above 0"));
        }
        Ok(Self {
            hann: (0..win_length).map(|n| (0.5 - 0.5 * (TAU * n as f64 / win_length as f64).cos()) as f32).collect(),
            pad_left: (n_fft - win_length.min(n_fft)) / 2,
            hop_length,
            frame: vec![0.0; n_fft],
            scratch: fft.make_scratch_vec(),
            power: vec![0.0; spectrum.len()],
            spectrum,
            fft,
        })
    }

    /// |X|² of frame number `index` of `samples`, bins 0 to `n_fft / 2`. The frame must lie inside `samples`.
    pub(super) fn power(&mut self, samples: &[f32], index: usize) -> &[f32] {
        // The FFT uses its input as scratch, so the padding is zeroed anew each time.
        self.frame.fill(0.0);
        let start = index * self.hop_length + self.pad_left;
        let windowed = samples.get(start..).unwrap_or_default().iter().zip(&self.hann);
        for (value, (sample, weight)) in self.frame.iter_mut().skip(self.pad_left).zip(windowed) {
            *value = sample * weight;
        }
        let done = self.fft.process_with_scratch(&mut self.frame, &mut self.spectrum, &mut self.scratch);
        debug_assert!(done.is_ok(), "the buffers were made by this FFT");
        for (power, bin) in self.power.iter_mut().zip(&self.spectrum) {
            *power = bin.re * bin.re + bin.im * bin.im;
        }
        &self.power
    }
}
