//! Of log spectra with frames of some 32 ms: how cepstra spread, swing and go together, how much neighbouring bins and frames
//! differ, how regular the harmonics are, how bands are modulated.

use std::f64::consts::{PI, TAU};

use super::columns::{Groups, Pairs, Sums, changes, unit};
use super::sink::{Family, Sink};

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

pub(super) struct Spectrum {
    n_columns: usize,
    /// The waves of the cosine transform, one behind the other.
    waves: Vec<f32>,
    bands: Groups,
    /// Cosines and sines of each modulation frequency under a Hann window, for each frame.
    turns: Vec<[[f32; MODULATION_HZ.len()]; 2]>,
    cepstra: Vec<f32>,
    unit: Vec<f32>,
    changes: Vec<f32>,
    curvature: Vec<f32>,
    sums: Sums,
    pairs: Pairs,
    differences: [Difference; DIFFERENCES],
    regular: Vec<f32>,
    of_regular: Sums,
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
        let wave = |k: usize| {
            let angle = PI * (k + 1) as f64 / n_columns as f64;
            let scale = (2.0 / n_columns as f64).sqrt();
            (0..n_columns).map(move |column| ((angle * (column as f64 + 0.5)).cos() * scale) as f32)
        };
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
        let cepstra = vec![0.0; n_frames * CEPSTRA];
        Self {
            n_columns,
            waves: (0..CEPSTRA).flat_map(wave).collect(),
            bands: Groups::new(n_columns, BANDS),
            turns: (0..n_frames).map(turn).collect(),
            unit: cepstra.clone(),
            changes: cepstra.clone(),
            curvature: cepstra.clone(),
            cepstra,
            sums: Sums::new(CEPSTRA),
            pairs: Pairs::new(CEPSTRA),
            differences,
            regular: vec![0.0; n_frames * HARMONIC_BINS.len()],
            of_regular: Sums::new(HARMONIC_BINS.len()),
            row: vec![0.0; n_columns],
            modulation: vec![[[0.0; MODULATION_HZ.len()]; 2]; BANDS],
        }
    }

    fn cepstra(&mut self, matrix: &[f32], out: &mut Sink) {
        for (cepstrum, frame) in self.cepstra.chunks_exact_mut(CEPSTRA).zip(matrix.chunks_exact(self.n_columns)) {
            for (coefficient, wave) in cepstrum.iter_mut().zip(self.waves.chunks_exact(self.n_columns)) {
                *coefficient = dot(frame, wave);
            }
        }
        self.sums.moments(&self.cepstra, out);
        let over_two = changes(&self.cepstra, CEPSTRA, 2, &mut self.changes);
        self.sums.moments(over_two, out);
        let n_inner = over_two.len();
        let middles = self.cepstra.get(CEPSTRA..).unwrap_or_default();
        let ends = self.cepstra.get(2 * CEPSTRA..).unwrap_or_default();
        let inner = self.cepstra.iter().zip(middles).zip(ends);
        for (curvature, ((first, middle), last)) in self.curvature.iter_mut().zip(inner) {
            *curvature = last - 2.0 * middle + first;
        }
        self.sums.moments(&self.curvature[..n_inner], out);
        self.unit.copy_from_slice(&self.cepstra);
        self.sums.unit(&mut self.unit);
        self.pairs.together(&self.unit, out);
        self.sums.unit(over_two);
        self.pairs.together(over_two, out);
        for lag in LAGS {
            self.sums.lagged(&self.unit, lag, out);
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
        for difference in &self.differences {
            let n = difference.n_frames as f32;
            let mut means = [0.0; BANDS];
            self.bands.means(difference.energy.iter().map(|energy| energy / n), &mut means);
            out.extend(means.iter().map(|mean| (mean + 1e-6).ln()));
            let uneven = difference.energy.iter().zip(&difference.fourth).map(|(energy, fourth)| {
                let energy = energy / n;
                fourth / n / (energy * energy + 1e-6)
            });
            self.bands.means(uneven, &mut means);
            out.extend(means.iter().map(|mean| (mean + 0.1).ln()));
        }
    }

    /// Each frame's spectrum without its envelope against itself some bins further: how regular it is, how that varies, and
    /// how long it lasts.
    fn harmonics(&mut self, matrix: &[f32], out: &mut Sink) {
        let frames = matrix.chunks_exact(self.n_columns).zip(self.cepstra.chunks_exact(CEPSTRA));
        for (regular, (frame, cepstrum)) in self.regular.chunks_exact_mut(HARMONIC_BINS.len()).zip(frames) {
            self.row.copy_from_slice(frame);
            for (coefficient, wave) in cepstrum.iter().zip(self.waves.chunks_exact(self.n_columns)) {
                for (fine, wave) in self.row.iter_mut().zip(wave) {
                    *fine -= coefficient * wave;
                }
            }
            unit(&mut self.row);
            for (regular, bins) in regular.iter_mut().zip(HARMONIC_BINS) {
                let further = self.row.get(bins..).unwrap_or_default();
                *regular = dot(further, &self.row) / further.len() as f32;
            }
        }
        self.of_regular.mean(&self.regular, out);
        let mut lasting = [0.0; HARMONIC_BINS.len()];
        self.of_regular.lagged(&self.regular, HARMONIC_LAG, &mut Sink::new(&mut lasting));
        self.of_regular.centre(&mut self.regular);
        let mut variance = [0.0; HARMONIC_BINS.len()];
        self.of_regular.lagged(&self.regular, 0, &mut Sink::new(&mut variance));
        out.extend(variance.iter().map(|variance| (variance + 1e-6).ln()));
        out.extend(lasting);
    }

    /// The power of each band's modulation at some frequencies, under a Hann window as long as the matrix.
    fn modulation(&mut self, matrix: &[f32], out: &mut Sink) {
        self.modulation.fill([[0.0; MODULATION_HZ.len()]; 2]);
        let mut means = [0.0; BANDS];
        for (frame, turns) in matrix.chunks_exact(self.n_columns).zip(&self.turns) {
            self.bands.means(frame.iter().copied(), &mut means);
            for (sums, mean) in self.modulation.iter_mut().zip(means) {
                for (sum, turn) in sums.as_flattened_mut().iter_mut().zip(turns.as_flattened()) {
                    *sum += mean * turn;
                }
            }
        }
        let n = self.turns.len() as f32;
        out.extend(self.modulation.iter().flat_map(|[cosines, sines]| {
            cosines.iter().zip(sines).map(move |(cosine, sine)| ((cosine * cosine + sine * sine) / n + 1e-4).ln())
        }));
    }
}

/// The product of two runs, up to the end of the shorter one; in eight sums side by side, which need not wait for each other.
fn dot(a: &[f32], b: &[f32]) -> f32 {
    let n = a.len().min(b.len());
    let (a, a_left) = a.get(..n).unwrap_or_default().as_chunks::<8>();
    let (b, b_left) = b.get(..n).unwrap_or_default().as_chunks::<8>();
    let mut sums = [0.0_f32; 8];
    for (a, b) in a.iter().zip(b) {
        for ((sum, a), b) in sums.iter_mut().zip(a).zip(b) {
            *sum += a * b;
        }
    }
    sums.iter().sum::<f32>() + a_left.iter().zip(b_left).map(|(a, b)| a * b).sum::<f32>()
}
