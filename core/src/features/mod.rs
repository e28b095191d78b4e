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
//! - **statistics** of one of these matrices over the frames of a window, whose powers and sums are kept in 16 bits a number
//!   (ten of mantissa): moments, correlations, modulation; see
//!   [`StatisticsFamily`], and `testdata/vectors/reference.py` for every formula.
//! - **normalisation** of each column over the frames of one window.
//! - **level**: where the manifest states one, a window is brought to it first. It is the powers of its frames that are
//!   multiplied, so that frames which several windows share are computed once.
//! - **several** of these of the same window, one matrix behind the other.

mod cepstrum;
mod extractor;
mod filterbank;
mod frames;
mod log;
mod normalise;
mod part;
mod phase;
mod short;
mod spec;
mod statistics;
mod stft;

pub use extractor::Extractor;
pub(crate) use frames::Frames;
pub(crate) use log::log_floored;
pub use spec::{
    CepstrumSpec, FeatureSpec, FilterbankSpec, Normalisation, PhaseSpec, SeveralSpec, SpectrogramSpec,
    StatisticsFamily, StatisticsSpec, WaveformSpec,
};
pub(crate) use stft::periodic_hann;

#[cfg(test)]
mod tests;
