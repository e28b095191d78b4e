//! Of a few bands with frames of some 8 ms every 2 ms, which see single pulses of the glottis and the frames of a vocoder:
//! how the bands jump and go together, and how they are modulated, up to half the frame rate.

use super::sink::{Family, Sink};
use super::tracks::Tracks;
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
    bands: Tracks,
    jumps: Tracks,
    changes_of_jumps: Tracks,
    stft: Stft,
    power: Vec<f32>,
    /// Of each band the mean power of every modulation band, and the highest.
    means: Vec<[f32; BANDS]>,
    peaks: Vec<[f32; BANDS]>,
}

impl Family for Pulses {
    fn compute(&mut self, matrix: &[f32], out: &mut Sink) {
        self.bands.take(matrix, self.means.len());
        self.jumps.take_changes(&self.bands, 1);
        self.jumps.moments(out);
        self.changes_of_jumps.take_changes(&self.jumps, 1);
        self.changes_of_jumps.moments(out);
        self.bands.unit();
        self.bands.together(out);
        self.jumps.unit();
        self.jumps.together(out);
        self.modulation();
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
        let tracks = || Tracks::new(n_columns, n_frames);
        Self {
            bands: tracks(),
            jumps: tracks(),
            changes_of_jumps: tracks(),
            stft: Stft::new(SEGMENT, SEGMENT, SEGMENT / 2),
            power: vec![0.0; SEGMENT / 2 + 1],
            means: vec![[0.0; BANDS]; n_columns],
            peaks: vec![[0.0; BANDS]; n_columns],
        }
    }

    /// The modulation spectrum of each band, by Welch's method.
    fn modulation(&mut self) {
        let Self { bands, stft, power, means, peaks, .. } = self;
        for (track, (means, peaks)) in bands.iter().zip(means.iter_mut().zip(peaks)) {
            power.fill(0.0);
            let n_segments = 1 + (track.len() - SEGMENT) / (SEGMENT / 2);
            for index in (0..n_segments).step_by(2) {
                for (_, of_segment) in (index..n_segments).zip(stft.power_of_pair(track, index)) {
                    power.iter_mut().zip(of_segment).for_each(|(sum, power)| *sum += power);
                }
            }
            let edges = EDGES.iter().zip(&EDGES[1..]);
            for ((mean, peak), (&low, &high)) in means.iter_mut().zip(peaks).zip(edges) {
                let band = &power[low..high];
                *mean = band.iter().sum::<f32>() / (n_segments * band.len()) as f32;
                *peak = band.iter().fold(0.0_f32, |peak, power| peak.max(*power)) / n_segments as f32;
            }
        }
    }
}
