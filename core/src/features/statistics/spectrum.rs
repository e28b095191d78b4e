//! Of log spectra with frames of some 32 ms: how cepstra spread, swing and go together, how much neighbouring bins and frames
//! differ, how regular the harmonics are, how bands are modulated.

use std::f64::consts::{PI, TAU};

use super::groups::Groups;
use super::sink::{Family, Sink};
use super::tracks::{Tracks, dot, unit};
use crate::simd::vectorised;

const CEPSTRA: usize = 30;
const BANDS: usize = 23;
/// Frames from a cepstrum to a later one.
const LAGS: [usize; 7] = [1, 2, 3, 5, 8, 13, 21];
/// Columns from one bin to another that the harmonics may repeat in.
const HARMONIC_BINS: [usize; 8] = [2, 3, 4, 5, 6, 8, 10, 12];
/// Frames over which the regularity of harmonics is followed.
const HARMONIC_LAG: usize = 3;
const MODULATION_HZ: [f64; 12] = [1.0, 2.0, 3.0, 4.0, 6.0, 8.0, 11.0, 15.0, 20.0, 26.0, 33.0, 40.0];
/// Kinds of differences of neighbouring bins and frames.
const DIFFERENCES: usize = 6;

/// Frames a second under which the fastest modulation could not be told from a slower one.
pub(super) const LEAST_FRAME_RATE_HZ: f64 = 2.0 * MODULATION_HZ[MODULATION_HZ.len() - 1];
pub(super) const LEAST_FRAMES: usize = LAGS[LAGS.len() - 1] + 1;
pub(super) const LEAST_COLUMNS: usize = CEPSTRA + 1;
pub(super) const N_VALUES: usize = CEPSTRA * (9 + LAGS.len())
    + CEPSTRA * (CEPSTRA - 1)
    + DIFFERENCES * 2 * BANDS
    + 3 * HARMONIC_BINS.len()
    + BANDS * MODULATION_HZ.len();

/// Waves that are taken away at a time; there are so many times some.
const SEVERAL: usize = 3;
const _: () = assert!(CEPSTRA.is_multiple_of(SEVERAL));
/// Cepstra that are summed side by side: as many as there are, and room up to whole vector registers.
const SIDE_BY_SIDE: usize = CEPSTRA.next_multiple_of(16);

pub(super) struct Spectrum {
    n_columns: usize,
    /// The waves of the cosine transform, one behind the other; and of each column its share in all of them.
    waves: Vec<f32>,
    shares: Vec<[f32; SIDE_BY_SIDE]>,
    bands: Groups,
    /// Cosines and sines of each modulation frequency under a Hann window, for each frame.
    turns: Vec<[[f32; MODULATION_HZ.len()]; 2]>,
    /// Frame after frame, and each as a track.
    frames: Vec<[f32; SIDE_BY_SIDE]>,
    cepstra: Tracks,
    over_two: Tracks,
    other: Tracks,
    differences: [Difference; DIFFERENCES],
    regular: Tracks,
    row: Vec<f32>,
    modulation: Vec<[[f32; MODULATION_HZ.len()]; 2]>,
}

/// Energy and fourth power of one kind of difference: how much neighbours differ, and how unevenly.
struct Difference {
    energy: Vec<f32>,
    fourth: Vec<f32>,
    n_frames: usize,
}

impl Difference {
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "to be compiled for the registers of its caller")]
    fn add(&mut self, differences: impl Iterator<Item = f32>) {
        for ((energy, fourth), difference) in self.energy.iter_mut().zip(&mut self.fourth).zip(differences) {
            let squared = difference * difference;
            *energy += squared;
            *fourth += squared * squared;
        }
        self.n_frames += 1;
    }
}

impl Family for Spectrum {
    fn compute(&mut self, matrix: &[f32], out: &mut Sink) {
        self.cepstra(matrix, out);
        self.neighbours(matrix, out);
        self.harmonics(matrix, out);
        self.modulation(matrix, out);
    }
}

impl Spectrum {
    pub(super) fn new(n_frames: usize, n_columns: usize, frame_rate_hz: f64) -> Self {
        let scale = (2.0 / n_columns as f64).sqrt();
        let share = |k: usize, column: usize| {
            ((PI * (k + 1) as f64 / n_columns as f64 * (column as f64 + 0.5)).cos() * scale) as f32
        };
        let shares = |column: usize| std::array::from_fn(|k| if k < CEPSTRA { share(k, column) } else { 0.0 });
        let turn = |frame: usize| {
            let hann = 0.5 - 0.5 * (TAU * frame as f64 / n_frames as f64).cos();
            let angles = MODULATION_HZ.map(|hz| TAU * hz / frame_rate_hz * frame as f64);
            [angles.map(|angle| (hann * angle.cos()) as f32), angles.map(|angle| (hann * angle.sin()) as f32)]
        };
        // Differences along the bins leave one column or two fewer.
        let differences = [0, 1, 0, 2, 0, 1].map(|fewer| Difference {
            energy: vec![0.0; n_columns - fewer],
            fourth: vec![0.0; n_columns - fewer],
            n_frames: 0,
        });
        Self {
            n_columns,
            waves: (0..CEPSTRA).flat_map(|k| (0..n_columns).map(move |column| share(k, column))).collect(),
            shares: (0..n_columns).map(shares).collect(),
            bands: Groups::new(n_columns, BANDS),
            turns: (0..n_frames).map(turn).collect(),
            frames: vec![[0.0; SIDE_BY_SIDE]; n_frames],
            cepstra: Tracks::new(CEPSTRA, n_frames),
            over_two: Tracks::new(CEPSTRA, n_frames),
            other: Tracks::new(CEPSTRA, n_frames),
            differences,
            regular: Tracks::new(HARMONIC_BINS.len(), n_frames),
            row: vec![0.0; n_columns],
            modulation: vec![[[0.0; MODULATION_HZ.len()]; 2]; BANDS],
        }
    }

    fn cepstra(&mut self, matrix: &[f32], out: &mut Sink) {
        vectorised(
            #[inline(always)]
            || {
                for (cepstra, frame) in self.frames.iter_mut().zip(matrix.chunks_exact(self.n_columns)) {
                    let mut sums = [0.0_f32; SIDE_BY_SIDE];
                    for (value, shares) in frame.iter().zip(&self.shares) {
                        for (sum, share) in sums.iter_mut().zip(shares) {
                            *sum += value * share;
                        }
                    }
                    *cepstra = sums;
                }
            },
        );
        self.cepstra.take(self.frames.as_flattened(), SIDE_BY_SIDE);
        self.cepstra.moments(out);
        self.over_two.take_changes(&self.cepstra, 2);
        self.over_two.moments(out);
        self.other.take_curvature(&self.cepstra);
        self.other.moments(out);
        self.other.copy_from(&self.cepstra);
        self.other.unit();
        self.other.together(out);
        self.over_two.unit();
        self.over_two.together(out);
        for lag in LAGS {
            out.extend(self.other.lagged(lag));
        }
    }

    /// How much neighbouring bins and frames differ, band by band, and how unevenly: the values themselves, differences along
    /// the bins and over the frames, those differences of the differences, and both ways at once.
    fn neighbours(&mut self, matrix: &[f32], out: &mut Sink) {
        for difference in &mut self.differences {
            difference.energy.fill(0.0);
            difference.fourth.fill(0.0);
            difference.n_frames = 0;
        }
        let [level, along, over, along_twice, over_twice, both] = &mut self.differences;
        let frame = |t: usize| matrix.get(t * self.n_columns..(t + 1) * self.n_columns);
        vectorised(
            #[inline(always)]
            || {
                for (t, now) in matrix.chunks_exact(self.n_columns).enumerate() {
                    let (right, far) = (now.get(1..).unwrap_or_default(), now.get(2..).unwrap_or_default());
                    level.add(now.iter().copied());
                    along.add(now.iter().zip(right).map(|(a, b)| b - a));
                    along_twice.add(now.iter().zip(right).zip(far).map(|((a, b), c)| (c - b) - (b - a)));
                    let Some(before) = t.checked_sub(1).and_then(frame) else { continue };
                    over.add(before.iter().zip(now).map(|(a, b)| b - a));
                    for ((change, a), b) in self.row.iter_mut().zip(before).zip(now) {
                        *change = b - a;
                    }
                    let right = self.row.get(1..).unwrap_or_default();
                    both.add(self.row.iter().zip(right).map(|(a, b)| b - a));
                    let Some(first) = t.checked_sub(2).and_then(frame) else { continue };
                    over_twice.add(first.iter().zip(before).zip(now).map(|((a, b), c)| (c - b) - (b - a)));
                }
            },
        );
        for difference in &mut self.differences {
            let n = difference.n_frames as f32;
            for (energy, fourth) in difference.energy.iter_mut().zip(&mut difference.fourth) {
                *energy /= n;
                *fourth = *fourth / n / (*energy * *energy + 1e-6);
            }
            out.extend(self.bands.means(&difference.energy).map(|mean| (mean + 1e-6).ln()));
            out.extend(self.bands.means(&difference.fourth).map(|mean| (mean + 0.1).ln()));
        }
    }

    /// Each frame's spectrum without its envelope against itself some bins further: how regular it is, how that varies, and
    /// how long it lasts.
    fn harmonics(&mut self, matrix: &[f32], out: &mut Sink) {
        for (frame, (values, cepstra)) in matrix.chunks_exact(self.n_columns).zip(&self.frames).enumerate() {
            let row = &mut self.row;
            row.copy_from_slice(values);
            vectorised(
                #[inline(always)]
                || {
                    // Several waves at a time: the row is read and written as much more seldom.
                    let waves = self.waves.chunks_exact(SEVERAL * self.n_columns);
                    for (cepstra, waves) in cepstra.chunks_exact(SEVERAL).zip(waves) {
                        let (first, rest) = waves.split_at(self.n_columns);
                        let (second, third) = rest.split_at(self.n_columns);
                        for ((fine, first), (second, third)) in row.iter_mut().zip(first).zip(second.iter().zip(third))
                        {
                            *fine -= (cepstra[0] * first + cepstra[1] * second) + cepstra[2] * third;
                        }
                    }
                },
            );
            unit(&mut self.row);
            for (track, bins) in self.regular.iter_mut().zip(HARMONIC_BINS) {
                let further = self.row.get(bins..).unwrap_or_default();
                track[frame] = dot(further, &self.row) / further.len() as f32;
            }
        }
        self.regular.means(out);
        out.extend(self.regular.variances().map(|variance| (variance + 1e-6).ln()));
        out.extend(self.regular.lagged(HARMONIC_LAG));
    }

    /// The power of each band's modulation at some frequencies, under a Hann window as long as the matrix.
    fn modulation(&mut self, matrix: &[f32], out: &mut Sink) {
        self.modulation.fill([[0.0; MODULATION_HZ.len()]; 2]);
        for (frame, turns) in matrix.chunks_exact(self.n_columns).zip(&self.turns) {
            let means = self.bands.means(frame);
            vectorised(
                #[inline(always)]
                || {
                    for (sums, mean) in self.modulation.iter_mut().zip(means) {
                        for (sum, turn) in sums.as_flattened_mut().iter_mut().zip(turns.as_flattened()) {
                            *sum += mean * turn;
                        }
                    }
                },
            );
        }
        let n = self.turns.len() as f32;
        out.extend(self.modulation.iter().flat_map(|[cosines, sines]| {
            cosines.iter().zip(sines).map(move |(cosine, sine)| ((cosine * cosine + sine * sine) / n + 1e-4).ln())
        }));
    }
}
