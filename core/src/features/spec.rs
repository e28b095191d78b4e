//! What features a model was trained on, as its manifest says it.

use std::ops::Range;

use serde::{Deserialize, Serialize};

use crate::error::{Error, ErrorKind, Result};

/// Largest FFT that a manifest may ask for.
const MAX_N_FFT: usize = 65_536;
/// Most values in one window's feature matrix: 64 MiB of f32.
const MAX_VALUES: usize = 1 << 24;
/// Most values in a matrix of which there are statistics: with what they are computed in, some 64 MiB.
const MAX_MATRIX: usize = 1 << 21;
/// Most kinds of features of one model.
const MAX_PARTS: usize = 8;

/// Most weights of the filters and the cosine transform together: 64 MiB of f32.
const MAX_WEIGHTS: usize = 1 << 24;

/// How each column is normalised over the frames of one window.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Normalisation {
    /// Left as it is.
    None,
    /// The mean is subtracted (cepstral mean normalisation; removes a fixed channel).
    Mean,
    /// The mean is subtracted and the result divided by max(standard deviation, 1e-5).
    MeanVariance,
}

/// Parameters of a log power spectrogram.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SpectrogramSpec {
    /// Length of the FFT in samples.
    pub n_fft: usize,
    /// Length of the Hann window in samples, at most `n_fft`.
    pub win_length: usize,
    /// Samples from one frame to the next.
    pub hop_length: usize,
    /// Lowest frequency in hertz.
    pub f_min_hz: f64,
    /// Highest frequency in hertz, at most half the sample rate.
    pub f_max_hz: f64,
    /// Smallest power whose logarithm is taken.
    pub log_floor: f32,
    /// Normalisation over the window.
    pub normalisation: Normalisation,
}

/// Parameters of a log filterbank: those of the spectrogram, and the count of filters.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "the other fields are those of SpectrogramSpec")]
pub struct FilterbankSpec {
    pub n_fft: usize,
    pub win_length: usize,
    pub hop_length: usize,
    pub f_min_hz: f64,
    pub f_max_hz: f64,
    /// Triangular filters between `f_min_hz` and `f_max_hz`.
    pub n_filters: usize,
    pub log_floor: f32,
    pub normalisation: Normalisation,
}

/// Parameters of cepstral coefficients: those of the filterbank, and the coefficients kept.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "the other fields are those of FilterbankSpec")]
pub struct CepstrumSpec {
    pub n_fft: usize,
    pub win_length: usize,
    pub hop_length: usize,
    pub f_min_hz: f64,
    pub f_max_hz: f64,
    pub n_filters: usize,
    /// Coefficients kept, the zeroth included; at most `n_filters`.
    pub n_coeffs: usize,
    /// Orders of deltas appended: 0, 1 or 2.
    pub deltas: usize,
    pub log_floor: f32,
    pub normalisation: Normalisation,
}

/// Parameters of the phase coherence of bands.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "the other fields are those of SpectrogramSpec")]
pub struct PhaseSpec {
    pub n_fft: usize,
    pub win_length: usize,
    pub hop_length: usize,
    pub f_min_hz: f64,
    pub f_max_hz: f64,
    /// Bands as equally wide as can be between `f_min_hz` and `f_max_hz`.
    pub n_bands: usize,
    /// Power of a bin that has no phase worth counting: where all bins lie far below, the coherence is 0.
    pub power_floor: f32,
}

/// Which statistics of a matrix are taken. The matrices that they are made for are those of the models that ship; others of
/// enough frames and columns do as well.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StatisticsFamily {
    /// Of a log spectrogram with frames of some 32 ms: how its cepstra spread, swing and go together, how much neighbours
    /// differ, how regular harmonics are, how bands are modulated, up to 40 Hz. 1,926 values; needs 22 frames, 80 of them a
    /// second, and 31 columns.
    Spectrum,
    /// Of a log filterbank with frames of some 8 ms every 2 ms: how its bands jump and go together, and how they are
    /// modulated, up to half the frame rate. n² + 29 n values of n columns; needs 256 frames and 2 columns.
    Pulses,
    /// Of a log filterbank with frames of some 8 ms every 2 ms: beats of its bands that keep time over the whole window, at the
    /// frame rates of synthesisers and codecs and anywhere from 20 to 240 Hz. 105 values; needs 256 to 65,536 frames, 500 of
    /// them a second, half a second of them, and 2 columns.
    Cycles,
    /// Of a log spectrogram with frames of some 128 ms: lines that stand still, how sharp and how regular harmonics are. 52
    /// values and 2 for each four quefrencies, of which there are a quarter as many as columns, at most 120; needs 2 frames
    /// and 31 columns.
    Lines,
    /// Of phase coherence: how much of it there is, which way it points, how both spread and how long it lasts. 9 n values of n
    /// columns; needs 14 rows.
    Phases,
}

/// Statistics of the matrix of another kind over the frames of a window.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StatisticsSpec {
    /// Which statistics.
    pub family: StatisticsFamily,
    /// The features that they are taken of; neither a waveform, nor statistics, nor several.
    pub of: Box<FeatureSpec>,
}

/// A waveform has no parameters.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WaveformSpec {}

/// Features of several kinds of the same window.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SeveralSpec {
    /// The kinds, in the order in which their matrices lie in the tensor. None of them is `several` again.
    pub parts: Vec<FeatureSpec>,
}

/// The features of a model, `input.features` of its manifest.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum FeatureSpec {
    /// The samples themselves: the tensor is `[batch, window_samples]`.
    Waveform(WaveformSpec),
    /// ln of the power spectrogram.
    LogSpectrogram(SpectrogramSpec),
    /// ln of triangular filters equally spaced in hertz.
    LinearFilterbank(FilterbankSpec),
    /// ln of triangular filters equally spaced in HTK mel.
    LogMel(FilterbankSpec),
    /// Linear-frequency cepstral coefficients.
    Lfcc(CepstrumSpec),
    /// How alike the phases of neighbouring frames and bins move: a complex number within the unit circle for each band.
    PhaseCoherence(PhaseSpec),
    /// Statistics of a matrix over the frames of a window: one row, `[batch, n_values]`.
    Statistics(StatisticsSpec),
    /// Several of the kinds above, say a spectrogram with short and one with long frames: the matrices, row after row, one
    /// behind the other in a tensor `[batch, n_values]`.
    Several(SeveralSpec),
}

impl FilterbankSpec {
    /// The spectrogram underneath.
    #[must_use]
    pub fn spectrogram(&self) -> SpectrogramSpec {
        let Self { n_fft, win_length, hop_length, f_min_hz, f_max_hz, log_floor, normalisation, .. } = *self;
        SpectrogramSpec { n_fft, win_length, hop_length, f_min_hz, f_max_hz, log_floor, normalisation }
    }
}

impl CepstrumSpec {
    /// The filterbank underneath.
    #[must_use]
    pub fn filterbank(&self) -> FilterbankSpec {
        let Self { n_fft, win_length, hop_length, f_min_hz, f_max_hz, n_filters, log_floor, normalisation, .. } = *self;
        FilterbankSpec { n_fft, win_length, hop_length, f_min_hz, f_max_hz, n_filters, log_floor, normalisation }
    }
}

impl PhaseSpec {
    /// The spectrogram underneath.
    #[must_use]
    pub fn spectrogram(&self) -> SpectrogramSpec {
        let Self { n_fft, win_length, hop_length, f_min_hz, f_max_hz, power_floor: log_floor, .. } = *self;
        SpectrogramSpec {
            n_fft,
            win_length,
            hop_length,
            f_min_hz,
            f_max_hz,
            log_floor,
            normalisation: Normalisation::None,
        }
    }

    /// The bins whose phase is compared with that of the bin above, which lies within `f_min_hz..=f_max_hz` too.
    pub(super) fn bins(&self, sample_rate_hz: u32) -> Range<usize> {
        let bins = self.spectrogram().bins(sample_rate_hz);
        bins.start..bins.end.saturating_sub(1).max(bins.start)
    }
}

impl SpectrogramSpec {
    /// The FFT bins whose centre lies within `f_min_hz..=f_max_hz`.
    pub(super) fn bins(&self, sample_rate_hz: u32) -> Range<usize> {
        let bin_hz = f64::from(sample_rate_hz) / self.n_fft as f64;
        // A centre that equals an edge but for rounding belongs inside.
        let first = (self.f_min_hz / bin_hz - 1e-9).ceil().max(0.0) as usize;
        let last = ((self.f_max_hz / bin_hz + 1e-9).floor() as usize).min(self.n_fft / 2);
        first..(last + 1).max(first)
    }
}

impl StatisticsSpec {
    fn check(&self, sample_rate_hz: u32, n_samples: usize) -> Result<()> {
        ensure(self.of.spectrogram().is_some(), || {
            "statistics must be of a spectrogram, a filterbank, cepstra or phase coherence".to_owned()
        })?;
        self.of.check(sample_rate_hz, n_samples).map_err(|e| within("of", &e))?;
        let of_phases = matches!(*self.of, FeatureSpec::PhaseCoherence(_));
        ensure(self.family != StatisticsFamily::Phases || of_phases, || {
            "the family phases must be of phase_coherence, whose columns come in pairs".to_owned()
        })?;
        let (n_frames, n_columns) = self.of.shape(sample_rate_hz, n_samples);
        let (frames, columns) = self.family.least();
        ensure(n_frames >= frames && n_columns >= columns, || {
            format!(
                "statistics of this family need at least {frames} frames and {columns} columns, of has {n_frames} x {n_columns}"
            )
        })?;
        ensure(n_frames.saturating_mul(n_columns) <= MAX_MATRIX, || {
            format!("statistics must be of at most {MAX_MATRIX} features, of has {n_frames} x {n_columns}")
        })?;
        let hop_length = self.of.spectrogram().map_or(1, |of| of.hop_length);
        let frame_rate_hz = f64::from(sample_rate_hz) / hop_length as f64;
        let least_hz = self.family.least_frame_rate_hz();
        ensure(frame_rate_hz >= least_hz, || {
            format!("statistics of this family need at least {least_hz} frames a second, of has {frame_rate_hz}")
        })?;
        let (seconds, least_seconds) = (n_frames as f64 / frame_rate_hz, self.family.least_seconds());
        ensure(seconds >= least_seconds, || {
            format!("statistics of this family need frames of at least {least_seconds} s, of has {seconds} s")
        })?;
        let most = self.family.most_frames();
        ensure(n_frames <= most, || {
            format!("statistics of this family can be of at most {most} frames, of has {n_frames}")
        })
    }
}

impl FeatureSpec {
    /// The kinds that these features consist of: themselves, but for several.
    #[must_use]
    pub fn parts(&self) -> &[Self] {
        match self {
            Self::Several(several) => &several.parts,
            one => std::slice::from_ref(one),
        }
    }

    /// The spectrogram that these features rest on; none for a waveform, for statistics, nor for several.
    #[must_use]
    pub fn spectrogram(&self) -> Option<SpectrogramSpec> {
        match self {
            Self::Waveform(_) | Self::Statistics(_) | Self::Several(_) => None,
            Self::LogSpectrogram(s) => Some(s.clone()),
            Self::LinearFilterbank(f) | Self::LogMel(f) => Some(f.spectrogram()),
            Self::Lfcc(c) => Some(c.filterbank().spectrogram()),
            Self::PhaseCoherence(p) => Some(p.spectrogram()),
        }
    }

    fn n_filters(&self) -> Option<usize> {
        match self {
            Self::LinearFilterbank(f) | Self::LogMel(f) => Some(f.n_filters),
            Self::Lfcc(c) => Some(c.n_filters),
            Self::Waveform(_)
            | Self::LogSpectrogram(_)
            | Self::PhaseCoherence(_)
            | Self::Statistics(_)
            | Self::Several(_) => None,
        }
    }

    /// `(n_frames, n_features)` for windows of `n_samples`; `(1, n_samples)` for a waveform, `(1, n_values)` for statistics,
    /// and for several kinds with so many values together.
    #[must_use]
    pub fn shape(&self, sample_rate_hz: u32, n_samples: usize) -> (usize, usize) {
        if let Self::Several(several) = self {
            let values = several.parts.iter().map(|part| {
                let (n_frames, n_features) = part.shape(sample_rate_hz, n_samples);
                n_frames.saturating_mul(n_features)
            });
            return (1, values.fold(0, usize::saturating_add));
        }
        if let Self::Statistics(statistics) = self {
            return (1, statistics.family.n_values(statistics.of.shape(sample_rate_hz, n_samples).1));
        }
        let Some(s) = self.spectrogram() else { return (1, n_samples) };
        let n_frames = n_samples.checked_sub(s.n_fft).map_or(0, |rest| 1 + rest / s.hop_length.max(1));
        let n_features = match self {
            Self::Waveform(_) | Self::Statistics(_) | Self::Several(_) => n_samples,
            Self::PhaseCoherence(p) => return (n_frames.saturating_sub(1), p.n_bands.saturating_mul(2)),
            Self::LogSpectrogram(s) => s.bins(sample_rate_hz).len(),
            Self::LinearFilterbank(f) | Self::LogMel(f) => f.n_filters,
            Self::Lfcc(c) => c.n_coeffs * (1 + c.deltas),
        };
        (n_frames, n_features)
    }

    /// The ranges that every parameter must keep.
    pub(crate) fn check(&self, sample_rate_hz: u32, n_samples: usize) -> Result<()> {
        if let Self::Several(several) = self {
            ensure((1..=MAX_PARTS).contains(&several.parts.len()), || {
                format!("several must have 1 to {MAX_PARTS} parts, has {}", several.parts.len())
            })?;
            for (k, part) in several.parts.iter().enumerate() {
                ensure(!matches!(part, Self::Several(_)), || "a part of several must not be several again".to_owned())?;
                part.check(sample_rate_hz, n_samples).map_err(|e| within(&format!("parts[{k}]"), &e))?;
            }
        }
        if let Self::Statistics(statistics) = self {
            statistics.check(sample_rate_hz, n_samples)?;
        }
        if let Some(s) = self.spectrogram() {
            ensure((16..=MAX_N_FFT).contains(&s.n_fft), || format!("n_fft must be 16 to {MAX_N_FFT}, is {}", s.n_fft))?;
            ensure((1..=s.n_fft).contains(&s.win_length), || {
                format!("win_length must be 1 to n_fft ({}), is {}", s.n_fft, s.win_length)
            })?;
            ensure((1..=s.win_length).contains(&s.hop_length), || {
                format!("hop_length must be 1 to win_length ({}), is {}", s.win_length, s.hop_length)
            })?;
            ensure(s.n_fft <= n_samples, || {
                format!("n_fft must be at most window_samples ({n_samples}), is {}", s.n_fft)
            })?;
            let nyquist = f64::from(sample_rate_hz) / 2.0;
            ensure(s.f_min_hz >= 0.0 && s.f_min_hz < s.f_max_hz && s.f_max_hz <= nyquist, || {
                format!(
                    "f_min_hz and f_max_hz must rise within 0 to {nyquist} Hz, half the sample rate, are {} and {}",
                    s.f_min_hz, s.f_max_hz
                )
            })?;
            let floor = if matches!(self, Self::PhaseCoherence(_)) { "power_floor" } else { "log_floor" };
            // The logarithm takes numbers without a leading zero bit alone.
            ensure(s.log_floor >= f32::MIN_POSITIVE && s.log_floor.is_finite(), || {
                format!("{floor} must be at least {:e} and finite, is {:e}", f32::MIN_POSITIVE, s.log_floor)
            })?;
            ensure(!s.bins(sample_rate_hz).is_empty(), || "no FFT bin lies between f_min_hz and f_max_hz".to_owned())?;
            if let Some(n_filters) = self.n_filters() {
                ensure((1..=s.n_fft / 2).contains(&n_filters), || {
                    format!("n_filters must be 1 to n_fft / 2 ({}), is {}", s.n_fft / 2, n_filters)
                })?;
                // Each filter looks at each bin once, when the bank is made.
                ensure(n_filters.saturating_mul(s.n_fft) <= MAX_WEIGHTS, || {
                    format!("n_filters times n_fft must be at most {MAX_WEIGHTS}, is {} x {}", n_filters, s.n_fft)
                })?;
            }
            if let Self::PhaseCoherence(p) = self {
                let n_bins = p.bins(sample_rate_hz).len();
                ensure((1..=n_bins).contains(&p.n_bands), || {
                    format!(
                        "n_bands must be 1 to {n_bins}, the FFT bins between f_min_hz and f_max_hz less one, is {}",
                        p.n_bands
                    )
                })?;
                ensure(s.n_fft + s.hop_length <= n_samples, || {
                    format!("n_fft and hop_length must together be at most window_samples ({n_samples}), two frames")
                })?;
            }
            if let Self::Lfcc(c) = self {
                ensure((1..=c.n_filters).contains(&c.n_coeffs), || {
                    format!("n_coeffs must be 1 to n_filters ({}), is {}", c.n_filters, c.n_coeffs)
                })?;
                ensure(c.n_filters.saturating_mul(c.n_coeffs) <= MAX_WEIGHTS, || {
                    format!(
                        "n_filters times n_coeffs must be at most {MAX_WEIGHTS}, is {} x {}",
                        c.n_filters, c.n_coeffs
                    )
                })?;
                ensure(c.deltas <= 2, || format!("deltas must be 0, 1 or 2, is {}", c.deltas))?;
            }
        }
        let (n_frames, n_features) = self.shape(sample_rate_hz, n_samples);
        ensure(n_frames.saturating_mul(n_features) <= MAX_VALUES, || {
            format!("a window must have at most {MAX_VALUES} features, has {n_frames} x {n_features}")
        })
    }
}

/// The error of features inside others, which says of which.
fn within(place: &str, error: &Error) -> Error {
    let message = error.to_string();
    let message = message.replacen("input.features: ", &format!("input.features: {place}: "), 1);
    Error::new(ErrorKind::InvalidManifest, message)
}

fn ensure(holds: bool, message: impl FnOnce() -> String) -> Result<()> {
    if holds {
        return Ok(());
    }
    Err(Error::new(ErrorKind::InvalidManifest, format!("input.features: {}", message())))
}
