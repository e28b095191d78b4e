//! From a window of samples to the features of a model.

use super::frames::{Frames, FrontEnd};
use super::part::{Part, WindowLevel};
use super::spec::{FeatureSpec, SpectrogramSpec};
use super::stft::Stft;
use crate::error::{Error, ErrorKind, Result};
use crate::simd::vectorised;

/// Root mean square below which a window counts as silent and its level is left alone.
const SILENT_RMS: f64 = 1e-5;

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
    fronts: Vec<FrontEnd>,
    parts: Vec<Part>,
    level: Option<f64>,
    n_samples: usize,
    shape: (usize, usize),
    /// Frames of windows that share none with others.
    alone: Frames,
}

impl Extractor {
    /// An extractor for windows of `n_samples` at `sample_rate_hz`. With `level_dbfs` each window is first scaled to that
    /// root mean square (dB relative to 1.0).
    ///
    /// # Errors
    /// [`InvalidManifest`](ErrorKind::InvalidManifest) when a parameter is out of its range; the message names it.
    pub fn new(spec: &FeatureSpec, sample_rate_hz: u32, n_samples: usize, level_dbfs: Option<f64>) -> Result<Self> {
        spec.check(sample_rate_hz, n_samples)?;
        let mut bench =
            Bench { sample_rate_hz, n_samples, geometries: Vec::new(), fronts: Vec::new(), taken: Vec::new() };
        let parts = spec
            .parts()
            .chunk_by(of_the_same)
            .filter_map(<[FeatureSpec]>::split_first)
            .map(|(first, more)| {
                let place = match first {
                    FeatureSpec::Statistics(statistics) => bench.place(&statistics.of, true),
                    of => bench.place(of, false),
                };
                Part::new(first, more, place, sample_rate_hz, n_samples)
            })
            .collect();
        Ok(Self {
            parts,
            level: level_dbfs.map(|db| 10.0_f64.powf(db / 20.0)),
            n_samples,
            shape: spec.shape(sample_rate_hz, n_samples),
            alone: Frames::new(&bench.fronts).with_memory(),
            fronts: bench.fronts,
        })
    }

    /// Rows and columns of what [`compute`](Self::compute) makes: `(n_frames, n_features)`; for a waveform `(1,
    /// n_samples)`, for statistics and for several kinds `(1, n_values)`.
    #[must_use]
    pub fn shape(&self) -> (usize, usize) {
        self.shape
    }

    /// Room for the frames of a stream, none where they are too many to be kept.
    pub(crate) fn frames(&self) -> Option<Frames> {
        Frames::can_be_kept(&self.fronts).then(|| Frames::new(&self.fronts))
    }

    /// Computes the features of one window into `out`, row after row, and kind after kind.
    ///
    /// # Errors
    /// [`InvalidArgument`](ErrorKind::InvalidArgument) when `window` or `out` has the wrong length.
    pub fn compute(&mut self, window: &[f32], out: &mut [f32]) -> Result<()> {
        self.compute_of_stream(window, 0, None, out)
    }

    /// The same of a window that begins with sample `start` of a stream, whose frames are at hand as far as windows before
    /// this one held them. What it gives is what the window alone gives.
    pub(crate) fn compute_of_stream(
        &mut self,
        window: &[f32],
        start: u64,
        mut frames: Option<&mut Frames>,
        out: &mut [f32],
    ) -> Result<()> {
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
        self.alone.clear();
        for (number, front) in self.fronts.iter_mut().enumerate() {
            match &mut frames {
                Some(frames) if Frames::are_shared(front, start) => frames.fill(number, front, window, start),
                _ => self.alone.fill(number, front, window, 0),
            }
        }
        let level = WindowLevel(self.level.map_or(1.0, |level| gain_to(level, window)));
        let mut rest = out;
        for part in &mut self.parts {
            let Some((values, behind)) = rest.split_at_mut_checked(part.n_values()) else { break };
            let rows = part.front().and_then(|number| {
                let shared = self.fronts.get(number).is_some_and(|front| Frames::are_shared(front, start));
                frames.as_deref().filter(|_| shared).unwrap_or(&self.alone).rows(number)
            });
            match rows {
                Some(rows) => part.compute(rows, level, values),
                None => level.apply(window, values),
            }
            rest = behind;
        }
        Ok(())
    }
}

/// The front ends while they are put up: one for each length and spacing of frames, and one place for each thing taken.
struct Bench {
    sample_rate_hz: u32,
    n_samples: usize,
    geometries: Vec<(usize, usize, usize)>,
    fronts: Vec<FrontEnd>,
    taken: Vec<(FeatureSpec, (usize, usize))>,
}

impl Bench {
    /// Front end, and place in its rows, of what features rest on; none for a waveform.
    fn place(&mut self, of: &FeatureSpec, for_statistics: bool) -> Option<(usize, usize)> {
        let SpectrogramSpec { n_fft, win_length, hop_length, .. } = of.spectrogram()?;
        if let Some((_, place)) = self.taken.iter().find(|(known, _)| known == of) {
            if !for_statistics {
                self.fronts.get_mut(place.0)?.also_as_it_is();
            }
            return Some(*place);
        }
        let take = Part::take(of, self.sample_rate_hz)?;
        let geometry = (n_fft, win_length, hop_length);
        let known = self.geometries.iter().position(|known| *known == geometry);
        let number = known.unwrap_or_else(|| {
            let n_frames = self.n_samples.checked_sub(n_fft).map_or(0, |rest| 1 + rest / hop_length);
            self.geometries.push(geometry);
            self.fronts.push(FrontEnd::new(Stft::new(n_fft, win_length, hop_length), hop_length, n_frames));
            self.fronts.len() - 1
        });
        let place = (number, self.fronts.get_mut(number)?.add(take, for_statistics));
        self.taken.push((of.clone(), place));
        Some(place)
    }
}

/// Whether both are statistics of the same matrix, which then is put together once.
fn of_the_same(one: &FeatureSpec, next: &FeatureSpec) -> bool {
    matches!((one, next), (FeatureSpec::Statistics(one), FeatureSpec::Statistics(next)) if one.of == next.of)
}

/// The factor that brings a window to a root mean square of `level`.
fn gain_to(level: f64, window: &[f32]) -> f32 {
    let energy: f64 = vectorised(
        #[inline(always)]
        || {
            let squares =
                window.chunks(256).map(|block| block.iter().map(|v| f64::from(*v) * f64::from(*v)).sum::<f64>());
            squares.sum()
        },
    );
    let rms = (energy / window.len().max(1) as f64).sqrt();
    if rms < SILENT_RMS { 1.0 } else { (level / rms) as f32 }
}
