//! Of a few bands with frames of some 8 ms every 2 ms, which see single pulses of the glottis and the frames of a vocoder:
//! how the bands jump and go together, and how they are modulated, up to half the frame rate.

use super::columns::{Pairs, Sums, changes};
use super::sink::{Family, Sink};
use crate::features::stft::Stft;

/// Frames of a stretch whose modulation spectrum is taken, and of which half belongs to the next one too.
pub(super) const SEGMENT: usize = 256;
/// Edges of the modulation bands, in steps of the frame rate over `SEGMENT`.
const EDGES: [usize; 16] = [1, 2, 3, 4, 6, 8, 11, 15, 20, 27, 36, 48, 64, 84, 108, 128];
const BANDS: usize = EDGES.len() - 1;
/// Band from which a line among its neighbours counts.
const FIRST_PEAK: usize = 6;

pub(super) fn n_values(n_columns: usize) -> usize {
    n_columns * (6 + BANDS + BANDS - FIRST_PEAK) + n_columns * n_columns.saturating_sub(1)
}

pub(super) struct Pulses {
    n_columns: usize,
    sums: Sums,
    pairs: Pairs,
    jumps: Vec<f32>,
    changes_of_jumps: Vec<f32>,
    unit: Vec<f32>,
    stft: Stft,
    track: Vec<f32>,
    power: Vec<f32>,
    /// Of each column the mean power of every modulation band, and the highest.
    means: Vec<[f32; BANDS]>,
    peaks: Vec<[f32; BANDS]>,
}

impl Family for Pulses {
    fn compute(&mut self, matrix: &[f32], out: &mut Sink) {
        let jumps = changes(matrix, self.n_columns, 1, &mut self.jumps);
        self.sums.moments(jumps, out);
        self.sums.moments(changes(jumps, self.n_columns, 1, &mut self.changes_of_jumps), out);
        self.unit.copy_from_slice(matrix);
        self.sums.unit(&mut self.unit);
        self.pairs.together(&self.unit, out);
        self.sums.unit(jumps);
        self.pairs.together(jumps, out);
        for column in 0..self.n_columns {
            self.modulate(column);
        }
        out.extend(self.means.iter().flatten().map(|mean| (mean + 1e-4).ln()));
        let (means, peaks) = (self.means.iter(), self.peaks.iter());
        out.extend(means.zip(peaks).flat_map(|(means, peaks)| {
            let lines = means.iter().zip(peaks).skip(FIRST_PEAK);
            lines.map(|(mean, peak)| (peak / (mean + 1e-6) + 1e-3).ln())
        }));
    }
}

impl Pulses {
    pub(super) fn new(n_frames: usize, n_columns: usize) -> Self {
        let matrix = vec![0.0; n_frames * n_columns];
        Self {
            n_columns,
            sums: Sums::new(n_columns),
            pairs: Pairs::new(n_columns),
            jumps: matrix.clone(),
            changes_of_jumps: matrix.clone(),
            unit: matrix,
            stft: Stft::new(SEGMENT, SEGMENT, SEGMENT / 2),
            track: vec![0.0; n_frames],
            power: vec![0.0; SEGMENT / 2 + 1],
            means: vec![[0.0; BANDS]; n_columns],
            peaks: vec![[0.0; BANDS]; n_columns],
        }
    }

    /// The modulation spectrum of one column, by Welch's method.
    fn modulate(&mut self, column: usize) {
        let values = self.unit.iter().skip(column).step_by(self.n_columns);
        self.track.iter_mut().zip(values).for_each(|(track, value)| *track = *value);
        self.power.fill(0.0);
        let n_segments = 1 + (self.track.len() - SEGMENT) / (SEGMENT / 2);
        for index in (0..n_segments).step_by(2) {
            for (_, power) in (index..n_segments).zip(self.stft.power_of_pair(&self.track, index)) {
                self.power.iter_mut().zip(power).for_each(|(sum, power)| *sum += power);
            }
        }
        let bands = EDGES.iter().zip(&EDGES[1..]);
        let places = self.means[column].iter_mut().zip(&mut self.peaks[column]);
        for ((mean, peak), (&low, &high)) in places.zip(bands) {
            let band = &self.power[low..high];
            *mean = band.iter().sum::<f32>() / (n_segments * band.len()) as f32;
            *peak = band.iter().fold(0.0_f32, |peak, power| peak.max(*power)) / n_segments as f32;
        }
    }
}
