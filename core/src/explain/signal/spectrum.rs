//! The upper edge of the band, and mirror images.

use std::sync::Arc;

use realfft::{RealFftPlanner, RealToComplex};

use crate::features::periodic_hann;

/// Power spectra of frames of one length.
pub(in crate::explain) struct Spectra {
    fft: Arc<dyn RealToComplex<f32>>,
    hann: Vec<f32>,
}

impl Spectra {
    pub fn new(n_fft: usize) -> Self {
        let fft = RealFftPlanner::<f32>::new().plan_fft_forward(n_fft);
        Self { hann: periodic_hann(n_fft).map(|w| w as f32).collect(), fft }
    }

    pub fn power(&mut self, frame: &[f32]) -> Vec<f32> {
        let mut windowed: Vec<f32> = self.hann.iter().zip(frame).map(|(w, v)| w * v).collect();
        windowed.resize(self.hann.len(), 0.0);
        let mut bins = self.fft.make_output_vec();
        let done = self.fft.process(&mut windowed, &mut bins);
        debug_assert!(done.is_ok(), "the buffers were made by this FFT");
        let scale = 4.0 / (self.hann.len() as f32).powi(2);
        bins.iter().map(|bin| bin.norm_sqr() * scale).collect()
    }
}

pub(super) struct Spectrum {
    pub edge_hz: f64,
    pub mirror: f64,
}

/// Below this many dB under the strongest tenth of the band nothing is left.
const EDGE_DB: f64 = 50.0;
/// Reach of a mirror to either side.
const REACH_HZ: f64 = 600.0;
const LEAST_FRAMES: usize = 40;

pub(super) fn measure(samples: &[f32], sample_rate_hz: u32) -> Option<Spectrum> {
    let rate = f64::from(sample_rate_hz);
    let n_fft = (sample_rate_hz as usize / 32).next_power_of_two();
    let mut spectra = Spectra::new(n_fft);
    let mut frames: Vec<Vec<f32>> = samples.chunks_exact(n_fft).map(|frame| spectra.power(frame)).collect();
    let loudness = |frame: &Vec<f32>| frame.iter().sum::<f32>();
    let loudest = frames.iter().map(loudness).fold(0.0, f32::max);
    // Speech, not its pauses.
    frames.retain(|frame| loudness(frame) > 1e-3 * loudest && loudest > 0.0);
    if frames.len() < LEAST_FRAMES {
        return None;
    }
    let n_bins = n_fft / 2 + 1;
    let mean: Vec<f64> = (0..n_bins)
        .map(|bin| {
            frames.iter().filter_map(|frame| frame.get(bin)).map(|v| f64::from(*v)).sum::<f64>() / frames.len() as f64
        })
        .collect();
    let highest = mean.iter().copied().fold(0.0, f64::max);
    let floor = highest * 10.0_f64.powf(-EDGE_DB / 10.0);
    let edge = mean.iter().rposition(|power| *power > floor).unwrap_or_default();
    let hz = |bin: usize| bin as f64 * rate / n_fft as f64;
    // Logarithms, without each bin's own mean: what moves together.
    let mut logs: Vec<Vec<f64>> =
        frames.iter().map(|frame| frame.iter().map(|v| f64::from(v + 1e-10).ln()).collect()).collect();
    for bin in 0..n_bins {
        let mean = logs.iter().filter_map(|frame| frame.get(bin)).sum::<f64>() / logs.len() as f64;
        logs.iter_mut().filter_map(|frame| frame.get_mut(bin)).for_each(|value| *value -= mean);
    }
    // And without what the whole frame does: loudness moves every bin.
    for frame in &mut logs {
        let mean = frame.iter().sum::<f64>() / frame.len() as f64;
        for value in frame.iter_mut() {
            *value -= mean;
        }
    }
    let reach = (REACH_HZ * n_fft as f64 / rate) as usize;
    let about = |middle: usize| {
        let (mut ab, mut aa, mut bb) = (0.0, 1e-9, 1e-9);
        for frame in &logs {
            // Neighbours are alike anyway, through the window.
            for offset in 3..=reach {
                if let (Some(a), Some(b)) =
                    (middle.checked_sub(offset).and_then(|n| frame.get(n)), frame.get(middle + offset))
                {
                    ab += a * b;
                    aa += a * a;
                    bb += b * b;
                }
            }
        }
        ab / f64::sqrt(aa * bb)
    };
    let candidates = reach + 3..n_bins.saturating_sub(reach + 3);
    let mirror =
        candidates.filter(|bin| hz(*bin) > 1_500.0 && *bin + reach <= edge).map(about).fold(f64::NAN, f64::max);
    Some(Spectrum { edge_hz: hz(edge), mirror })
}
