//! One kind of features of a window, from the rows of its frames.

use super::cepstrum::{Dct, append_deltas};
use super::filterbank::{Filterbank, Scale};
use super::frames::{Rows, Take};
use super::log::log_floored;
use super::normalise::ColumnNormaliser;
use super::phase::{PhaseSums, SUMS, coherence};
use super::spec::{FeatureSpec, FilterbankSpec, Normalisation};
use super::statistics::{Sink, Statistics};
use crate::simd::vectorised;

/// The factor by which the samples of a window are brought to its level.
#[derive(Clone, Copy)]
pub(super) struct WindowLevel(pub f32);

impl WindowLevel {
    pub(super) fn apply(self, window: &[f32], out: &mut [f32]) {
        for (out, sample) in out.iter_mut().zip(window) {
            *out = sample * self.0;
        }
    }
}

/// How the rows of frames become features.
enum Kind {
    Waveform,
    /// Logarithms of powers or energies.
    Log,
    /// Cepstra of the logarithms of energies.
    Cepstrum {
        dct: Dct,
        energies: Vec<f32>,
        deltas: usize,
    },
    /// Coherence of phases, with what is added to the magnitudes of each band.
    Phase {
        floors: Vec<f32>,
        at_level: Vec<f32>,
        sums: Vec<f32>,
    },
}

/// A kind of features, or statistics of one that follow on each other.
pub(super) struct Part {
    kind: Kind,
    /// Front end, and first column in its rows.
    source: Option<(usize, usize)>,
    normaliser: ColumnNormaliser,
    log_floor: f32,
    n_features: usize,
    n_values: usize,
    /// Statistics, and the matrix that they are of.
    families: Vec<Statistics>,
    matrix: Vec<f32>,
}

impl Part {
    /// What the features need of each frame.
    pub(super) fn take(of: &FeatureSpec, sample_rate_hz: u32) -> Option<Take> {
        let bank = |f: &FilterbankSpec, scale| Take::Filters(Filterbank::new(f, scale, sample_rate_hz));
        match of {
            FeatureSpec::LogSpectrogram(s) => {
                let bins = s.bins(sample_rate_hz);
                Some(Take::Bins { first: bins.start, n: bins.len() })
            }
            FeatureSpec::LinearFilterbank(f) => Some(bank(f, Scale::Linear)),
            FeatureSpec::LogMel(f) => Some(bank(f, Scale::HtkMel)),
            FeatureSpec::Lfcc(c) => Some(bank(&c.filterbank(), Scale::Linear)),
            FeatureSpec::PhaseCoherence(p) => Some(Take::Phase(Box::new(PhaseSums::new(p, sample_rate_hz)))),
            FeatureSpec::Waveform(_) | FeatureSpec::Statistics(_) | FeatureSpec::Several(_) => None,
        }
    }

    /// For `spec`, whose frames have their `place`; where it is statistics, those of the same matrix that follow on it are
    /// taken along.
    pub(super) fn new(
        spec: &FeatureSpec,
        more: &[FeatureSpec],
        place: Option<(usize, usize)>,
        sample_rate_hz: u32,
        n_samples: usize,
    ) -> Self {
        let size = |spec: &FeatureSpec| {
            let (n_frames, n_features) = spec.shape(sample_rate_hz, n_samples);
            n_frames * n_features
        };
        let of = if let FeatureSpec::Statistics(statistics) = spec { &statistics.of } else { spec };
        let families: Vec<_> = std::iter::once(spec).chain(more).filter_map(family).collect();
        let (n_frames, n_features) = of.shape(sample_rate_hz, n_samples);
        let spectrogram = of.spectrogram();
        let frame_rate_hz = f64::from(sample_rate_hz) / spectrogram.as_ref().map_or(1, |s| s.hop_length.max(1)) as f64;
        let kind = match of {
            // The parts of several are never several again, and statistics never of statistics: `FeatureSpec::check`.
            FeatureSpec::Waveform(_) | FeatureSpec::Several(_) | FeatureSpec::Statistics(_) => Kind::Waveform,
            FeatureSpec::LogSpectrogram(_) | FeatureSpec::LinearFilterbank(_) | FeatureSpec::LogMel(_) => Kind::Log,
            FeatureSpec::Lfcc(c) => {
                let (dct, energies) = (Dct::new(c.n_filters, c.n_coeffs), vec![0.0; c.n_filters]);
                Kind::Cepstrum { dct, energies, deltas: c.deltas }
            }
            FeatureSpec::PhaseCoherence(p) => {
                let widths = PhaseSums::new(p, sample_rate_hz);
                let floors: Vec<f32> = widths.widths().map(|width| p.power_floor.sqrt() * width as f32).collect();
                Kind::Phase { at_level: floors.clone(), floors, sums: vec![0.0; SUMS * p.n_bands] }
            }
        };
        Self {
            kind,
            source: place,
            normaliser: ColumnNormaliser::new(
                spectrogram.as_ref().map_or(Normalisation::None, |s| s.normalisation),
                n_features,
            ),
            log_floor: spectrogram.map_or(0.0, |s| s.log_floor),
            n_features,
            n_values: size(spec) + more.iter().map(size).sum::<usize>(),
            matrix: if families.is_empty() { Vec::new() } else { vec![0.0; n_frames * n_features] },
            families: families
                .into_iter()
                .map(|family| Statistics::new(family, n_frames, n_features, frame_rate_hz))
                .collect(),
        }
    }

    pub(super) fn n_values(&self) -> usize {
        self.n_values
    }

    /// The front end whose rows it is made of.
    pub(super) fn front(&self) -> Option<usize> {
        self.source.map(|(front, _)| front)
    }

    /// The features of a window into `out`, row after row.
    pub(super) fn compute(&mut self, rows: &Rows, level: WindowLevel, out: &mut [f32]) {
        if self.families.is_empty() {
            self.assemble(rows, level, out);
            return;
        }
        let mut matrix = std::mem::take(&mut self.matrix);
        self.assemble(rows, level, &mut matrix);
        self.matrix = matrix;
        let mut sink = Sink::new(out);
        for family in &mut self.families {
            family.compute(&self.matrix, &mut sink);
        }
        sink.finish();
    }

    /// The matrix of features: the rows of the frames at the window's level.
    fn assemble(&mut self, rows: &Rows, WindowLevel(level): WindowLevel, matrix: &mut [f32]) {
        let Some((_, first)) = self.source else { return };
        let (of_power, floor) = (level * level, self.log_floor);
        let features = matrix.chunks_exact_mut(self.n_features).enumerate();
        match &mut self.kind {
            Kind::Waveform => {}
            Kind::Log => {
                for (frame, features) in features {
                    rows.read(frame, first, features);
                }
                scale(matrix, of_power);
                log_floored(matrix, floor);
            }
            Kind::Cepstrum { dct, energies, deltas } => {
                for (frame, features) in features {
                    rows.read(frame, first, energies);
                    scale(energies, of_power);
                    log_floored(energies, floor);
                    dct.apply(energies, features);
                }
                append_deltas(matrix, self.n_features, dct.n_coeffs(), *deltas);
            }
            Kind::Phase { floors, at_level, sums } => {
                for (at_level, floor) in at_level.iter_mut().zip(floors) {
                    *at_level = *floor / level;
                }
                for (frame, features) in features {
                    // The first frame has none before it that its phases could be compared with.
                    rows.read(frame + 1, first, sums);
                    coherence(sums, at_level, features);
                }
            }
        }
        self.normaliser.apply(matrix);
    }
}

fn scale(values: &mut [f32], factor: f32) {
    vectorised(
        #[inline(always)]
        || values.iter_mut().for_each(|value| *value *= factor),
    );
}

fn family(spec: &FeatureSpec) -> Option<super::spec::StatisticsFamily> {
    if let FeatureSpec::Statistics(statistics) = spec { Some(statistics.family) } else { None }
}
