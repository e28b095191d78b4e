//! How the spectrum of a sound moves: what tells speech from tones and music, which stand still, and from noise, which
//! only flickers.

use std::ops::Range;
use std::sync::Arc;

use realfft::num_complex::Complex;
use realfft::{RealFftPlanner, RealToComplex};

use crate::features::{log_floored, periodic_hann};

/// The band of a telephone line, in hertz; all else says nothing: hum, offset, or a band that the line cut off.
const BAND_HZ: (f64, f64) = (300.0, 3_700.0);
/// Frames of 64 ms every 32 ms: long enough to part the notes of a chord, short enough to hear a keypad's.
const FRAME_MS: usize = 64;
/// Less than this says nothing yet.
const MIN_SECONDS: f64 = 0.5;
/// A frame is sustained when its spectrum, as shares of its power, overlaps this much with that of the frame before.
const SUSTAINED_OVERLAP: f32 = 0.8;
/// Share of sustained frames from which on a sound is tones or music. Measured: 1.0 for tones, 0.4 to 0.5 for keypads, 0.7
/// to 1.0 for plain music; speech through a phone line at most 0.17 in 98 of 100 clips, real or synthetic.
const MIN_SUSTAINED_SHARE: f64 = 0.3;
/// Variance over time of the log power in a bin, averaged over bins, below which a sound is noise. For stationary noise of
/// any colour theory says π²/6 = 1.64; measured 1.6 to 1.7, for speech in white noise 1.9 at 0 dB and 2.6 at 10 dB, for
/// clean speech more than 3 in 99 of 100 clips.
const MAX_NOISE_VARIANCE: f64 = 1.9;

/// Running measures of a sound, whatever its level.
pub(crate) struct Texture {
    fft: Arc<dyn RealToComplex<f32>>,
    hann: Vec<f32>,
    band: Range<usize>,
    sample_rate_hz: f64,
    recent: Vec<f32>,
    frame: Vec<f32>,
    bins: Vec<Complex<f32>>,
    scratch: Vec<Complex<f32>>,
    shares: Vec<f32>,
    shares_before: Vec<f32>,
    logs: Vec<f32>,
    log_sums: Vec<f64>,
    log_square_sums: Vec<f64>,
    n_frames: u64,
    n_sustained: u64,
}

impl Texture {
    pub(crate) fn new(sample_rate_hz: u32) -> Self {
        let rate = f64::from(sample_rate_hz);
        let n = (sample_rate_hz as usize * FRAME_MS / 1_000).next_multiple_of(2).max(16);
        let fft = RealFftPlanner::<f32>::new().plan_fft_forward(n);
        let bins = fft.make_output_vec();
        let bin = |hz: f64| (hz * n as f64 / rate).ceil() as usize;
        let band = bin(BAND_HZ.0)..bin(BAND_HZ.1).min(bins.len());
        let n_band = band.len();
        // So that the bins of a frame sum up to its power, whatever the rate.
        let scale = (16.0 / 3.0_f64).sqrt() / n as f64;
        Self {
            hann: periodic_hann(n).map(|weight| (scale * weight) as f32).collect(),
            band,
            sample_rate_hz: rate,
            recent: Vec::with_capacity(2 * n),
            frame: vec![0.0; n],
            scratch: fft.make_scratch_vec(),
            bins,
            fft,
            shares: vec![0.0; n_band],
            shares_before: vec![0.0; n_band],
            logs: vec![0.0; n_band],
            log_sums: vec![0.0; n_band],
            log_square_sums: vec![0.0; n_band],
            n_frames: 0,
            n_sustained: 0,
        }
    }

    /// Forgets what it heard.
    pub(crate) fn reset(&mut self) {
        self.recent.clear();
        self.shares_before.fill(0.0);
        self.log_sums.fill(0.0);
        self.log_square_sums.fill(0.0);
        (self.n_frames, self.n_sustained) = (0, 0);
    }

    /// Samples of one frame of the speech gate, 16 ms.
    pub(crate) fn gate_frame(&self) -> usize {
        self.frame.len() / 4
    }

    /// Takes the next samples of the sound; what was left out between two calls does not matter.
    pub(crate) fn push(&mut self, samples: &[f32]) {
        self.recent.extend_from_slice(samples);
        let n = self.frame.len();
        while self.recent.len() >= n {
            self.analyse();
            self.recent.drain(..n / 2);
        }
    }

    /// Seconds analysed.
    fn seconds(&self) -> f64 {
        self.n_frames as f64 * (self.frame.len() / 2) as f64 / self.sample_rate_hz
    }

    pub(crate) fn is_sustained(&self) -> bool {
        // The first frame has none before it.
        let n_pairs = self.n_frames.saturating_sub(1) as f64;
        self.seconds() >= MIN_SECONDS && self.n_sustained as f64 >= MIN_SUSTAINED_SHARE * n_pairs
    }

    pub(crate) fn is_noise(&self) -> bool {
        let n = self.n_frames.max(1) as f64;
        let variances =
            self.log_sums.iter().zip(&self.log_square_sums).map(|(sum, squares)| squares / n - (sum / n).powi(2));
        let mean = variances.sum::<f64>() / self.log_sums.len().max(1) as f64;
        self.seconds() >= MIN_SECONDS && mean < MAX_NOISE_VARIANCE
    }

    fn analyse(&mut self) {
        for ((value, sample), weight) in self.frame.iter_mut().zip(&self.recent).zip(&self.hann) {
            *value = sample * weight;
        }
        let done = self.fft.process_with_scratch(&mut self.frame, &mut self.bins, &mut self.scratch);
        debug_assert!(done.is_ok(), "the buffers were made by this FFT");
        let band = self.bins.get(self.band.clone()).unwrap_or_default();
        for ((share, log), bin) in self.shares.iter_mut().zip(&mut self.logs).zip(band) {
            // 16 bits hold nothing below; digital silence has a logarithm all the same.
            *share = bin.norm_sqr() + 1e-12;
            *log = *share;
        }
        let total: f32 = self.shares.iter().sum();
        log_floored(&mut self.logs, f32::MIN_POSITIVE);
        let sums = self.log_sums.iter_mut().zip(&mut self.log_square_sums);
        for (log, (sum, squares)) in self.logs.iter().zip(sums) {
            let log = f64::from(*log);
            *sum += log;
            *squares += log * log;
        }
        let mut overlap = 0.0;
        for (share, before) in self.shares.iter_mut().zip(&self.shares_before) {
            *share /= total;
            overlap += share.min(*before);
        }
        self.n_sustained += u64::from(overlap > SUSTAINED_OVERLAP);
        self.n_frames += 1;
        std::mem::swap(&mut self.shares, &mut self.shares_before);
    }
}
