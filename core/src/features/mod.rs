//! Windows of samples to feature matrices.
//!
//! Every definition is the one that `manifest.json` names and that training uses, since training calls this code:
//!
//! - **STFT**: frames of `n_fft` samples every `hop_length`, wholly inside the window: `n_frames = 1 + (n - n_fft) /
//!   hop_length`. A periodic Hann window of `win_length`, centred in `n_fft`. Power |X|².
//! - **log spectrogram**: ln(max(power, `log_floor`)) of the bins from `f_min_hz` to `f_max_hz`.
//! - **filterbanks**: triangles of height 1 whose edges are equally spaced in hertz ("linear") or in HTK mel, 2595
//!   log10(1 + f / 700); natural log with the same floor.
//! - **LFCC** (Sahidullah, Kinnunen, Hanilçi: A comparison of features for synthetic speech detection, Interspeech 2015):
//!   orthonormal DCT-II of the log linear filterbank, first `n_coeffs`; deltas by regression over ±2 frames with the edge
//!   frames repeated (The HTK Book, eq. 5.16).
//! - **phase coherence** of a band: Σ m D / Σ (m + `power_floor`^½) over its bins k, a complex number within the unit
//!   circle, with m the smaller of |X(t, k)| and |X(t-1, k)| and D the
//!   unit vector of X(t, k+1) X*(t, k) X*(t-1, k+1) X(t-1, k). The angle of D is the
//!   mixed difference of phase over time and frequency (Fulop, Fitz: Separation of components from impulses in reassigned
//!   spectrograms, JASA 121, 2007): 0 for tones that stand still, 2π `hop_length` / `n_fft` for pulses; in noise it
//!   scatters, and the sum comes near 0. One row less than the STFT has frames, the real parts of all bands before the
//!   imaginary ones.
//! - **statistics** of one of these matrices over the frames of a window: moments, correlations, modulation; see
//!   [`StatisticsFamily`], and `testdata/vectors/reference.py` for every formula.
//! - **normalisation** of each column over the frames of one window.
//! - **several** of these of the same window, one matrix behind the other.

mod cepstrum;
mod filterbank;
mod log;
mod normalise;
mod phase;
mod spec;
mod statistics;
mod stft;

pub use spec::{
    CepstrumSpec, FeatureSpec, FilterbankSpec, Normalisation, PhaseSpec, SeveralSpec, SpectrogramSpec,
    StatisticsFamily, StatisticsSpec, WaveformSpec,
};

use crate::error::{Error, ErrorKind, Result};
use cepstrum::{Dct, append_deltas};
use filterbank::{Filterbank, Scale};
use log::log_floored;
use normalise::ColumnNormaliser;
use phase::PhaseCoherence;
use statistics::{Sink, Statistics};
use stft::Stft;
pub(crate) use stft::periodic_hann;

/// Root mean square below which a window counts as silent and its level is left alone.
const SILENT_RMS: f64 = 1e-5;

enum Kind {
    Waveform,
    Spectrogram {
        first_bin: usize,
        n_bins: usize,
    },
    Filterbank(Filterbank),
    Cepstrum {
        filterbank: Filterbank,
        dct: Dct,
        energies: Vec<f32>,
        deltas: usize,
    },
    Phase(PhaseCoherence),
    /// Of one matrix, one family behind the other.
    Statistics {
        families: Vec<Statistics>,
        of: Box<Part>,
        matrix: Vec<f32>,
    },
}

impl Kind {
    /// The features of one frame, of those kinds that have a row for the power of each; deltas and normalisation need all
    /// frames and come later.
    fn row_of(&mut self, power: &[f32], floor: f32, row: &mut [f32]) {
        match self {
            Self::Waveform | Self::Phase(_) | Self::Statistics { .. } => {}
            Self::Spectrogram { first_bin, n_bins } => {
                row.copy_from_slice(power.get(*first_bin..*first_bin + *n_bins).unwrap_or_default());
                log_floored(row, floor);
            }
            Self::Filterbank(filterbank) => {
                filterbank.energies(power, row);
                log_floored(row, floor);
            }
            Self::Cepstrum { filterbank, dct, energies, .. } => {
                filterbank.energies(power, energies);
                log_floored(energies, floor);
                dct.apply(energies, row);
            }
        }
    }
}

/// Computes the features of a model over windows of a fixed length.
///
/// All memory is taken by [`new`](Self::new): computing a window allocates nothing.
///
/// ```
/// use veravox::features::{Extractor, FeatureSpec, Normalisation, SpectrogramSpec, WaveformSpec};
///
/// let spec = FeatureSpec::LogSpectrogram(SpectrogramSpec {
///     n_fft: 256, win_length: 256, hop_length: 80, f_min_hz: 0.0, f_max_hz: 4_000.0,
///     log_floor: 1e-7, normalisation: Normalisation::Mean,
/// });
/// let mut extractor = Extractor::new(&spec, 8_000, 32_000, Some(-20.0))?;
/// assert_eq!(extractor.shape(), (397, 129));
/// let mut features = vec![0.0; 397 * 129];
/// extractor.compute(&vec![0.1; 32_000], &mut features)?;
/// # Ok::<(), veravox::Error>(())
/// ```
pub struct Extractor {
    parts: Vec<Part>,
    level: Option<f64>,
    n_samples: usize,
    shape: (usize, usize),
    scaled: Vec<f32>,
}

/// One kind of features, or statistics of the same matrix that follow on each other, and how many values there are.
struct Part {
    kind: Kind,
    stft: Option<Stft>,
    normaliser: ColumnNormaliser,
    log_floor: f32,
    n_features: usize,
    n_values: usize,
}

impl Part {
    /// For `spec`; where that is statistics, those of the same matrix that follow on it are taken along.
    fn new(spec: &FeatureSpec, more: &[FeatureSpec], sample_rate_hz: u32, n_samples: usize) -> Self {
        let n_features = spec.shape(sample_rate_hz, n_samples).1;
        let size = |spec: &FeatureSpec| {
            let (n_frames, n_features) = spec.shape(sample_rate_hz, n_samples);
            n_frames * n_features
        };
        let spectrogram = spec.spectrogram();
        let bank = |f: &FilterbankSpec, scale| Filterbank::new(f, scale, sample_rate_hz);
        let kind = match spec {
            // The parts of several are never several again: `FeatureSpec::check`.
            FeatureSpec::Waveform(_) | FeatureSpec::Several(_) => Kind::Waveform,
            FeatureSpec::LogSpectrogram(s) => {
                let bins = s.bins(sample_rate_hz);
                Kind::Spectrogram { first_bin: bins.start, n_bins: bins.len() }
            }
            FeatureSpec::LinearFilterbank(f) => Kind::Filterbank(bank(f, Scale::Linear)),
            FeatureSpec::LogMel(f) => Kind::Filterbank(bank(f, Scale::HtkMel)),
            FeatureSpec::Lfcc(c) => Kind::Cepstrum {
                filterbank: bank(&c.filterbank(), Scale::Linear),
                dct: Dct::new(c.n_filters, c.n_coeffs),
                energies: vec![0.0; c.n_filters],
                deltas: c.deltas,
            },
            FeatureSpec::Statistics(s) => {
                let (n_frames, n_columns) = s.of.shape(sample_rate_hz, n_samples);
                let hop_length = s.of.spectrogram().map_or(1, |of| of.hop_length);
                let frame_rate_hz = f64::from(sample_rate_hz) / hop_length as f64;
                let also = more.iter().filter_map(|spec| match spec {
                    FeatureSpec::Statistics(also) => Some(also.family),
                    _ => None,
                });
                let families = std::iter::once(s.family).chain(also);
                Kind::Statistics {
                    families: families
                        .map(|family| Statistics::new(family, n_frames, n_columns, frame_rate_hz))
                        .collect(),
                    of: Box::new(Self::new(&s.of, &[], sample_rate_hz, n_samples)),
                    matrix: vec![0.0; n_frames * n_columns],
                }
            }
            FeatureSpec::PhaseCoherence(p) => Kind::Phase(PhaseCoherence::new(p, sample_rate_hz)),
        };
        Self {
            kind,
            stft: spectrogram.as_ref().map(|s| Stft::new(s.n_fft, s.win_length, s.hop_length)),
            normaliser: ColumnNormaliser::new(
                spectrogram.as_ref().map_or(Normalisation::None, |s| s.normalisation),
                n_features,
            ),
            log_floor: spectrogram.map_or(0.0, |s| s.log_floor),
            n_features,
            n_values: size(spec) + more.iter().map(size).sum::<usize>(),
        }
    }

    /// The features of `samples` into `out`, row after row.
    fn compute(&mut self, samples: &[f32], out: &mut [f32]) {
        if let Kind::Statistics { families, of, matrix } = &mut self.kind {
            of.compute(samples, matrix);
            let mut sink = Sink::new(out);
            for family in families {
                family.compute(matrix, &mut sink);
            }
            sink.finish();
            return;
        }
        let Some(stft) = &mut self.stft else {
            out.copy_from_slice(samples);
            return;
        };
        if let Kind::Phase(phase) = &mut self.kind {
            phase.compute(stft, samples, out);
            return;
        }
        for (pair, rows) in out.chunks_mut(2 * self.n_features).enumerate() {
            let powers = stft.power_of_pair(samples, 2 * pair);
            for (row, power) in rows.chunks_exact_mut(self.n_features).zip(powers) {
                self.kind.row_of(power, self.log_floor, row);
            }
        }
        if let Kind::Cepstrum { dct, deltas, .. } = &self.kind {
            append_deltas(out, self.n_features, dct.n_coeffs(), *deltas);
        }
        self.normaliser.apply(out);
    }
}

impl Extractor {
    /// An extractor for windows of `n_samples` at `sample_rate_hz`. With `level_dbfs` each window is first scaled to that
    /// root mean square (dB relative to 1.0).
    ///
    /// # Errors
    /// [`InvalidManifest`](ErrorKind::InvalidManifest) when a parameter is out of its range; the message names it.
    pub fn new(spec: &FeatureSpec, sample_rate_hz: u32, n_samples: usize, level_dbfs: Option<f64>) -> Result<Self> {
        spec.check(sample_rate_hz, n_samples)?;
        Ok(Self {
            parts: spec
                .parts()
                .chunk_by(of_the_same)
                .filter_map(<[FeatureSpec]>::split_first)
                .map(|(first, more)| Part::new(first, more, sample_rate_hz, n_samples))
                .collect(),
            level: level_dbfs.map(|db| 10.0_f64.powf(db / 20.0)),
            n_samples,
            shape: spec.shape(sample_rate_hz, n_samples),
            scaled: vec![0.0; n_samples],
        })
    }

    /// Rows and columns of what [`compute`](Self::compute) makes: `(n_frames, n_features)`; for a waveform `(1,
    /// n_samples)`, for statistics and for several kinds `(1, n_values)`.
    #[must_use]
    pub fn shape(&self) -> (usize, usize) {
        self.shape
    }

    /// Computes the features of one window into `out`, row after row, and kind after kind.
    ///
    /// # Errors
    /// [`InvalidArgument`](ErrorKind::InvalidArgument) when `window` or `out` has the wrong length.
    pub fn compute(&mut self, window: &[f32], out: &mut [f32]) -> Result<()> {
        let n_values = self.shape.0 * self.shape.1;
        if window.len() != self.n_samples || out.len() != n_values {
            let message = format!(
                "expected a window of {} samples and room for {n_values} features, got {} and {}",
                self.n_samples,
                window.len(),
                out.len()
            );
            return Err(Error::new(ErrorKind::InvalidArgument, message));
        }
        let gain = self.level.map_or(1.0, |level| gain_to(level, window));
        for (scaled, sample) in self.scaled.iter_mut().zip(window) {
            *scaled = sample * gain;
        }
        let mut rest = out;
        for part in &mut self.parts {
            let Some((values, behind)) = rest.split_at_mut_checked(part.n_values) else { break };
            part.compute(&self.scaled, values);
            rest = behind;
        }
        Ok(())
    }
}

/// Whether both are statistics of the same matrix, which then is computed once.
fn of_the_same(one: &FeatureSpec, next: &FeatureSpec) -> bool {
    matches!((one, next), (FeatureSpec::Statistics(one), FeatureSpec::Statistics(next)) if one.of == next.of)
}

/// The factor that brings a window to a root mean square of `level`.
fn gain_to(level: f64, window: &[f32]) -> f32 {
    let energy: f64 = window.iter().map(|&v| f64::from(v) * f64::from(v)).sum();
    let rms = (energy / window.len().max(1) as f64).sqrt();
    if rms < SILENT_RMS { 1.0 } else { (level / rms) as f32 }
}

#[cfg(test)]
mod tests;
