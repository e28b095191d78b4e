//! Of a few bands with frames of some 8 ms every 2 ms: beats that keep time over the whole window.
//!
//! A synthesiser makes its waveform hop by hop, and each hop leaves a trace, however faint: the levels of the bands beat at
//! its frame rate and at the multiples of it (a signal with such a beat is cyclostationary, Gardner: "Exploitation of spectral
//! redundancy in cyclostationary signals", IEEE Signal Processing Magazine 8, 1991; for how upsampling layers leave theirs,
//! Pons et al.: "Upsampling artifacts in neural audio synthesis", ICASSP 2021). A person's pitch glides;
//! over seconds it draws no sharp line. So the spectrum of each band's level over the whole window is set against its own
//! neighbourhood, and looked at where frame rates are, and anywhere between.

use super::moving::{MovingMean, Surroundings};
use super::sink::{Family, Sink};
use super::tracks::Tracks;
use crate::features::log::log_floored;
use crate::features::stft::Stft;
use crate::simd::vectorised;

/// Frame rates of synthesisers and codecs, and multiples of them, up to `HIGHEST_HZ`. 16,000 samples a second in hops of 640,
/// 512, 320, 256, 200, 160, 128 and 80; 22,050 and 44,100 in hops of 512 and 256; 24,000 in hops of 600, 512, 480, 360, 320,
/// 300, 256, 240 and 160, and 48,000 in hops of twice as many.
const RATES_HZ: [f64; 30] = [
    25.0, 31.25, 40.0, 43.066, 46.875, 50.0, 62.5, 66.667, 75.0, 80.0, 86.133, 93.75, 100.0, 120.0, 125.0, 129.199,
    133.333, 140.625, 150.0, 156.25, 160.0, 172.266, 175.0, 187.5, 200.0, 215.332, 218.75, 225.0, 234.375, 240.0,
];
/// Where lines of any rate are looked for.
const LOWEST_HZ: f64 = 20.0;
const HIGHEST_HZ: f64 = 240.0;
/// So that the highest rate is sampled.
pub(super) const LEAST_FRAME_RATE_HZ: f64 = 500.0;
/// So that the lowest rates are told apart.
pub(super) const LEAST_SECONDS: f64 = 0.5;
pub(super) const LEAST_FRAMES: usize = 256;
/// Frames go through one transform.
pub(super) const MOST_FRAMES: usize = 65_536;
/// What a level is set against: so far before and after it, which takes away what is slower than some 20 Hz.
const NEAR_SECONDS: f64 = 0.012;
/// A column whose deviation from its neighbourhood is much smaller than this, in nepers of power, counts as still.
const STILL: f32 = 0.05;
/// Power for each frame that is added to that of the neighbourhood: beside the lines of a strictly regular beat there is only
/// what rounding leaves.
const FLOOR: f32 = 1e-4;
/// A line is as wide as the window is short; its neighbourhood begins and ends at so many times one over the window's length.
const LINE_ENDS: usize = 3;
const NEIGHBOURHOOD_ENDS: usize = 12;
/// Of all columns, of the lower half of them and of the upper half: a value for each rate and five for the rates anywhere.
pub(super) const N_VALUES: usize = 3 * (RATES_HZ.len() + 5);

pub(super) struct Cycles {
    n_columns: usize,
    bands: Tracks,
    near: MovingMean,
    surroundings: Surroundings,
    stft: Stft,
    /// Where a track begins among the zeros around it.
    start: usize,
    /// Two columns at a time, each with zeros around it, as long as the transform.
    tracks: Vec<f32>,
    floor: f32,
    first_bin: usize,
    /// Bins of the rates, counted from the first one.
    rate_bins: Vec<usize>,
    /// From `LOWEST_HZ` to `HIGHEST_HZ`, the sum over all columns, over the lower and over the upper half of them.
    sums: [Vec<f32>; 3],
}

impl Family for Cycles {
    fn compute(&mut self, matrix: &[f32], out: &mut Sink) {
        self.bands.take(matrix, self.n_columns);
        self.flatten();
        self.sums.iter_mut().for_each(|sums| sums.fill(0.0));
        for column in (0..self.n_columns).step_by(2) {
            self.add_prominences(column);
        }
        let lower = self.n_columns / 2;
        for (prominences, n_columns) in self.sums.iter_mut().zip([self.n_columns, lower, self.n_columns - lower]) {
            for prominence in prominences.iter_mut() {
                *prominence = *prominence / n_columns as f32 + 0.1;
            }
            log_floored(prominences, f32::MIN_POSITIVE);
            out.extend(self.rate_bins.iter().map(|bin| prominences[*bin]));
            describe(prominences, out);
        }
    }
}

impl Cycles {
    pub(super) fn new(n_frames: usize, n_columns: usize, frame_rate_hz: f64) -> Self {
        let n_fft = n_frames.next_power_of_two();
        let bin_of = |hz: f64| (hz * n_fft as f64 / frame_rate_hz).round() as usize;
        let half_width = |ends: usize| (ends as f64 * n_fft as f64 / n_frames as f64).round() as usize;
        let (first_bin, last_bin) = (bin_of(LOWEST_HZ), bin_of(HIGHEST_HZ));
        let bins = vec![0.0; last_bin + 1 - first_bin];
        Self {
            n_columns,
            bands: Tracks::new(n_columns, n_frames),
            near: MovingMean::new((NEAR_SECONDS * frame_rate_hz).round() as usize, n_frames),
            surroundings: Surroundings::new(half_width(LINE_ENDS), half_width(NEIGHBOURHOOD_ENDS), n_fft / 2 + 1),
            stft: Stft::new(n_fft, n_frames, n_fft),
            start: (n_fft - n_frames) / 2,
            tracks: vec![0.0; 2 * n_fft],
            floor: FLOOR * n_frames as f32,
            first_bin,
            rate_bins: RATES_HZ.iter().map(|hz| bin_of(*hz) - first_bin).collect(),
            sums: [bins.clone(), bins.clone(), bins],
        }
    }

    /// Each band's level less the mean level near it, divided by the mean size of that near it: slow movements go, and loud
    /// moments weigh no more than others.
    fn flatten(&mut self) {
        let Self { bands, near, .. } = self;
        for band in bands.iter_mut() {
            let deviations = near.of(band.iter().copied());
            vectorised(
                #[inline(always)]
                || {
                    for (level, mean) in band.iter_mut().zip(deviations) {
                        *level -= mean;
                    }
                },
            );
            let sizes = near.of(band.iter().map(|deviation| deviation.abs()));
            vectorised(
                #[inline(always)]
                || {
                    for (deviation, size) in band.iter_mut().zip(sizes) {
                        *deviation /= size + STILL;
                    }
                },
            );
        }
    }

    /// Adds the spectra of columns `column` and `column + 1`, each bin divided by the mean of its neighbourhood.
    fn add_prominences(&mut self, column: usize) {
        let lower = self.n_columns / 2;
        let n_fft = self.tracks.len() / 2;
        // Where the number of columns is odd the last one has no other beside it.
        self.tracks.fill(0.0);
        for (track, band) in self.tracks.chunks_exact_mut(n_fft).zip(self.bands.iter().skip(column)) {
            if let Some(place) = track.get_mut(self.start..self.start + band.len()) {
                place.copy_from_slice(band);
            }
        }
        let powers = self.stft.power_of_pair(&self.tracks, 0);
        for (one, power) in (column..self.n_columns).zip(powers) {
            let [all, of_lower, of_upper] = &mut self.sums;
            let half = if one < lower { of_lower } else { of_upper };
            let means = self.surroundings.of(power, self.first_bin);
            let bins = all.iter_mut().zip(half).zip(power.iter().skip(self.first_bin));
            let floor = self.floor;
            vectorised(
                #[inline(always)]
                || {
                    for (((all, half), power), mean) in bins.zip(means) {
                        let prominence = power / (mean + floor);
                        *all += prominence;
                        *half += prominence;
                    }
                },
            );
        }
    }
}

/// Of the bins, whose order it changes, the highest, the one that 0.5 % are above and the one that 2.5 % are above; mean and
/// deviation.
fn describe(bins: &mut [f32], out: &mut Sink) {
    let n = bins.len();
    let mean = bins.iter().map(|bin| f64::from(*bin)).sum::<f64>() / n as f64;
    let variance = bins.iter().map(|bin| (f64::from(*bin) - mean).powi(2)).sum::<f64>() / n as f64;
    let places = [1, 1 + n / 200, 1 + n / 40];
    // Only the highest are put in order.
    let (_, _, above) = bins.select_nth_unstable_by(n - places[2], f32::total_cmp);
    above.sort_unstable_by(f32::total_cmp);
    out.extend(places.map(|place| bins[n - place]));
    out.extend([mean as f32, variance.sqrt() as f32]);
}
