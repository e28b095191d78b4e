//! Of log spectra with frames of some 128 ms: lines that stand still, as upsampling leaves them, and how sharp and how regular
//! the harmonics are.

use super::columns::{Groups, Running, unit};
use super::sink::{Family, Sink};
use crate::features::stft::Stft;

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
    running: Running,
    /// Fine structure of each frame, and behind the last of their mean.
    fine: Vec<f32>,
    still: Vec<f32>,
    second: Vec<f32>,
    third: Vec<f32>,
    fourth: Vec<f32>,
    highest: Vec<f32>,
    stft: Stft,
    cepstrum: Vec<f32>,
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
            self.running.over(frame.iter().copied());
            for ((column, fine), value) in fine.iter_mut().enumerate().zip(frame) {
                let (sum, count) = self.running.around(column, SMOOTHED / 2);
                *fine = (f64::from(*value) - sum / count) as f32;
            }
        }
        self.sum();
        let n = n_frames as f32;
        let mut put = |values: &mut dyn Iterator<Item = f32>, finish: fn(f32) -> f32| {
            let mut means = [0.0; BANDS];
            self.bands.means(values, &mut means);
            out.extend(means.iter().map(|mean| finish(*mean)));
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
            running: Running::new(n_columns),
            fine: vec![0.0; (n_frames + 1) * n_columns],
            still: columns.clone(),
            second: columns.clone(),
            third: columns.clone(),
            fourth: columns.clone(),
            highest: columns,
            stft: Stft::rectangular(n_columns),
            cepstrum: vec![0.0; n_quefrencies],
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
        for index in (0..=n_frames).step_by(2) {
            for (frame, power) in (index..=n_frames).zip(self.stft.power_of_pair(&self.fine, index)) {
                let cepstrum = power.iter().skip(1).take(self.cepstrum.len()).map(|power| power * scale);
                let Some(peak) = self.peaks.get_mut(frame) else {
                    self.coarse.means(cepstrum.map(|value| (value + 1e-3).ln()), of_still);
                    continue;
                };
                let mut highest = 0.0_f32;
                for (sum, value) in self.cepstrum.iter_mut().zip(cepstrum) {
                    *sum += value;
                    highest = highest.max(value);
                }
                *peak = (highest + 1e-3).ln();
            }
        }
        let n = n_frames as f32;
        self.coarse.means(self.cepstrum.iter().map(|sum| (sum / n + 1e-3).ln()), of_frames);
        out.extend(self.means.iter().copied());
        let mean = self.peaks.iter().sum::<f32>() / n;
        let variance = self.peaks.iter().map(|peak| (peak - mean) * (peak - mean)).sum::<f32>() / n;
        out.extend([mean, (variance + 1e-6).sqrt()]);
    }
}
