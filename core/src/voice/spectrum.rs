//! Power spectra: of 64 ms in the band of a telephone line, by which textures and tones are told, and of whole frames.

use std::cell::RefCell;
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

use realfft::num_complex::Complex;
use realfft::{RealFftPlanner, RealToComplex};

use crate::features::periodic_hann;

/// In hertz; all else says nothing: hum, offset, or a band that the line cut off.
const BAND_HZ: (f64, f64) = (300.0, 3_700.0);
/// Long enough to part the notes of a chord, short enough to hear a keypad's.
const FRAME_MS: usize = 64;
/// 16 bits hold nothing below; digital silence has a logarithm all the same.
const LEAST: f32 = 1e-12;

/// What all legs of a rate share: a phone system holds thousands.
#[derive(Clone)]
struct Plan {
    fft: Arc<dyn RealToComplex<f32>>,
    hann: Arc<[f32]>,
}

/// The plans so far, by the length of a frame: a process has two or three.
static PLANS: Mutex<Vec<(usize, Plan)>> = Mutex::new(Vec::new());

impl Plan {
    fn of(n: usize) -> Self {
        let mut plans = PLANS.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, plan)) = plans.iter().find(|(length, _)| *length == n) {
            return plan.clone();
        }
        // So that the bins of a frame sum up to its power, whatever the rate.
        let scale = (16.0 / 3.0_f64).sqrt() / n as f64;
        let plan = Self {
            fft: RealFftPlanner::<f32>::new().plan_fft_forward(n),
            hann: periodic_hann(n).map(|weight| (scale * weight) as f32).collect(),
        };
        plans.push((n, plan.clone()));
        plan
    }
}

/// Room for one transform. Each thread has its own rather than each leg.
struct Room {
    frame: Vec<f32>,
    bins: Vec<Complex<f32>>,
    scratch: Vec<Complex<f32>>,
}

thread_local! {
    static ROOMS: RefCell<Vec<Room>> = const { RefCell::new(Vec::new()) };
}

impl Room {
    fn of(fft: &dyn RealToComplex<f32>) -> Self {
        Self { frame: vec![0.0; fft.len()], bins: fft.make_output_vec(), scratch: fft.make_scratch_vec() }
    }
}

pub(super) struct Spectrum {
    plan: Plan,
    band: Range<usize>,
}

impl Spectrum {
    pub fn new(sample_rate_hz: u32) -> Self {
        let rate = f64::from(sample_rate_hz);
        let n = (sample_rate_hz as usize * FRAME_MS / 1_000).next_multiple_of(2).max(16);
        let bin = |hz: f64| (hz * n as f64 / rate).ceil() as usize;
        Self { plan: Plan::of(n), band: bin(BAND_HZ.0)..bin(BAND_HZ.1).min(n / 2 + 1) }
    }

    /// Of frames of so many samples, up to half of the rate.
    pub fn whole(n_samples: usize) -> Self {
        let n = n_samples.next_multiple_of(2).max(16);
        Self { plan: Plan::of(n), band: 0..n / 2 + 1 }
    }

    /// Samples of a frame.
    pub fn n_samples(&self) -> usize {
        self.plan.fft.len()
    }

    /// Bins of the band.
    pub fn n_bins(&self) -> usize {
        self.band.len()
    }

    /// Writes the powers of the bins, for the first frame in `samples`.
    pub fn powers(&self, samples: &[f32], powers: &mut [f32]) {
        ROOMS.with_borrow_mut(|rooms| {
            let here = rooms.iter().position(|room| room.frame.len() == self.n_samples());
            let here = here.unwrap_or_else(|| {
                rooms.push(Room::of(self.plan.fft.as_ref()));
                rooms.len() - 1
            });
            let Some(Room { frame, bins, scratch }) = rooms.get_mut(here) else { return };
            let samples = samples.iter().copied().chain(std::iter::repeat(0.0));
            for ((value, sample), weight) in frame.iter_mut().zip(samples).zip(self.plan.hann.iter()) {
                *value = sample * weight;
            }
            let done = self.plan.fft.process_with_scratch(frame, bins, scratch);
            debug_assert!(done.is_ok(), "the buffers were made by this FFT");
            for (power, bin) in powers.iter_mut().zip(bins.get(self.band.clone()).unwrap_or_default()) {
                *power = bin.norm_sqr() + LEAST;
            }
        });
    }
}

/// Makes shares of powers; how much they overlap with the shares of the frame before, 0 to 1.
pub(super) fn overlap(powers: &mut [f32], shares_before: &[f32]) -> f32 {
    let total: f32 = powers.iter().sum();
    let mut overlap = 0.0;
    for (share, before) in powers.iter_mut().zip(shares_before) {
        *share /= total;
        overlap += share.min(*before);
    }
    overlap
}
