//! Of log spectra with frames of some 128 ms: lines that stand still, as upsampling leaves them, and how sharp and how regular
//! the harmonics are.

use super::groups::Groups;
use super::moving::MovingMean;
use super::sink::{Family, Sink};
use super::tracks::unit;
use crate::features::log::log_floored;
use crate::features::stft::Stft;
use crate::simd::vectorised;

/// Columns over which the spectrum is smoothed; what differs from that is its fine structure.
pub(super) const SMOOTHED: usize = 31;
const BANDS: usize = 10;

/// Quefrencies looked at, in columns: as far as the harmonics of the deepest voice lie close.
fn quefrencies(n_columns: usize) -> usize {
    (n_columns / 4).min(120)
}

pub(super) fn n_values(n_columns: usize) -> usize {
    5 * BANDS + 2 * (quefrencies(n_columns) / 4) + 2
}

pub(super) struct Lines {
    n_columns: usize,
    bands: Groups,
    coarse: Groups,
    smooth: MovingMean,
    /// Fine structure of each frame, and behind the last of their mean.
    fine: Vec<f32>,
    still: Vec<f32>,
    second: Vec<f32>,
    third: Vec<f32>,
    fourth: Vec<f32>,
    highest: Vec<f32>,
    columns: Vec<f32>,
    stft: Stft,
    cepstrum: Vec<f32>,
    of_one: Vec<f32>,
    peaks: Vec<f32>,
    /// Of the frames' mean cepstrum and of that of their mean, in groups of quefrencies.
    means: Vec<f32>,
}

impl Family for Lines {
    fn compute(&mut self, matrix: &[f32], out: &mut Sink) {
        let n_columns = self.n_columns;
        let n_frames = self.peaks.len();
        for (fine, frame) in self.fine.chunks_exact_mut(n_columns).zip(matrix.chunks_exact(n_columns)) {
            // The frame less its running mean.
            let smooth = self.smooth.of(frame.iter().copied());
            vectorised(
                #[inline(always)]
                || {
                    for ((fine, value), smooth) in fine.iter_mut().zip(frame).zip(smooth) {
                        *fine = value - smooth;
                    }
                },
            );
        }
        self.sum();
        let n = n_frames as f32;
        let columns = &mut self.columns;
        let mut put = |values: &mut dyn Iterator<Item = f32>, finish: fn(f32) -> f32| {
            columns.iter_mut().zip(values).for_each(|(column, value)| *column = value);
            out.extend(self.bands.means(columns).map(finish));
        };
        put(&mut self.still.iter().map(|still| still * still), |mean| (mean + 1e-4).ln());
        put(&mut self.second.iter().map(|second| second / n), |mean| (mean + 1e-4).ln());
        put(&mut self.third.iter().map(|third| third / n), |mean| mean);
        put(&mut self.fourth.iter().map(|fourth| fourth / n), |mean| (mean + 1e-2).ln());
        put(&mut self.highest.iter().map(|highest| highest.max(0.0)), |mean| (mean + 1.0).ln());
        self.regularity(out);
    }
}

impl Lines {
    pub(super) fn new(n_frames: usize, n_columns: usize) -> Self {
        let (columns, n_quefrencies) = (vec![0.0; n_columns], quefrencies(n_columns));
        let coarse = Groups::new(n_quefrencies, n_quefrencies / 4);
        Self {
            n_columns,
            smooth: MovingMean::new(SMOOTHED / 2, n_columns),
            fine: vec![0.0; (n_frames + 1) * n_columns],
            still: columns.clone(),
            second: columns.clone(),
            third: columns.clone(),
            fourth: columns.clone(),
            highest: columns.clone(),
            columns,
            stft: Stft::rectangular(n_columns),
            cepstrum: vec![0.0; n_quefrencies],
            of_one: vec![0.0; n_quefrencies],
            peaks: vec![0.0; n_frames],
            means: vec![0.0; 2 * coarse.len()],
            bands: Groups::new(n_columns, BANDS),
            coarse,
        }
    }

    /// Mean, moments and maximum over the frames, for each column.
    fn sum(&mut self) {
        for sums in [&mut self.still, &mut self.second, &mut self.third, &mut self.fourth] {
            sums.fill(0.0);
        }
        self.highest.fill(f32::MIN);
        vectorised(
            #[inline(always)]
            || {
                for frame in self.fine.chunks_exact(self.n_columns).take(self.peaks.len()) {
                    let first = self.still.iter_mut().zip(&mut self.second);
                    let sums = first.zip(&mut self.third).zip(&mut self.fourth).zip(&mut self.highest);
                    for (((((still, second), third), fourth), highest), value) in sums.zip(frame) {
                        let squared = value * value;
                        *still += value;
                        *second += squared;
                        *third += squared * value;
                        *fourth += squared * squared;
                        *highest = highest.max(*value);
                    }
                }
            },
        );
        self.still.iter_mut().for_each(|still| *still /= self.peaks.len() as f32);
    }

    /// The cepstra of the fine structure: their mean, that of the mean structure, and the highest peak of each frame.
    fn regularity(&mut self, out: &mut Sink) {
        let n_frames = self.peaks.len();
        let last = self.fine.chunks_exact_mut(self.n_columns).skip(n_frames);
        last.for_each(|last| last.copy_from_slice(&self.still));
        self.fine.chunks_exact_mut(self.n_columns).for_each(unit);
        self.cepstrum.fill(0.0);
        let scale = 1.0 / self.n_columns as f32;
        let (of_frames, of_still) = self.means.split_at_mut(self.coarse.len());
        let put = |logs: &[f32], means: &mut [f32]| {
            means.iter_mut().zip(self.coarse.means(logs)).for_each(|(place, mean)| *place = mean);
        };
        for index in (0..=n_frames).step_by(2) {
            for (frame, power) in (index..=n_frames).zip(self.stft.power_of_pair(&self.fine, index)) {
                let cepstrum = self.of_one.iter_mut().zip(power.iter().skip(1));
                cepstrum.for_each(|(value, power)| *value = power * scale);
                let Some(peak) = self.peaks.get_mut(frame) else {
                    self.of_one.iter_mut().for_each(|value| *value += 1e-3);
                    log_floored(&mut self.of_one, f32::MIN_POSITIVE);
                    put(&self.of_one, of_still);
                    continue;
                };
                let mut highest = 0.0_f32;
                for (sum, value) in self.cepstrum.iter_mut().zip(&self.of_one) {
                    *sum += value;
                    highest = highest.max(*value);
                }
                *peak = (highest + 1e-3).ln();
            }
        }
        let n = n_frames as f32;
        self.cepstrum.iter_mut().for_each(|sum| *sum = *sum / n + 1e-3);
        log_floored(&mut self.cepstrum, f32::MIN_POSITIVE);
        put(&self.cepstrum, of_frames);
        out.extend(self.means.iter().copied());
        let mean = self.peaks.iter().sum::<f32>() / n;
        let variance = self.peaks.iter().map(|peak| (peak - mean) * (peak - mean)).sum::<f32>() / n;
        out.extend([mean, (variance + 1e-6).sqrt()]);
    }
}
