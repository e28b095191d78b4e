//! Sample-rate conversion of one leg, as a stream.

use audioadapter_buffers::direct::InterleavedSlice;
use rubato::{Fft, FixedSync, Indexing, WindowFunction};

use crate::error::{Error, ErrorKind, Result};

/// Least length of one block, which is that of the filter, in samples of the input and of the output. The output's sets
/// how near to the edge of the band a narrower rate keeps: at 128 samples of 8 kHz, half the amplitude is left at 3.6 kHz,
/// whatever the rate before. Small enough for live audio: 16 ms from 16 or 48 kHz, 20 ms from 44.1 kHz, 32 ms from 8 kHz.
const MIN_INPUT_BLOCK: usize = 256;
const MIN_OUTPUT_BLOCK: usize = 128;
/// Rates without a common divisor take blocks as long as a second: a bound for the memory.
const MAX_RATE_HZ: u32 = 1_000_000;

/// Lower rates than this share of another cannot hold its band.
const MIN_RATE_SHARE: f64 = 0.9;

/// Whether audio at one rate can hold the band of another.
pub(crate) fn holds_band(rate_hz: u32, of_rate_hz: u32) -> bool {
    f64::from(rate_hz) >= MIN_RATE_SHARE * f64::from(of_rate_hz)
}

/// Converts mono audio from one fixed rate to another with rubato's FFT resampler.
///
/// The delay of the filter is taken off, so that output sample `n` stands at the time of input sample
/// `n * from / to`, and `n` input samples give `round(n * to / from)` output samples by [`finish`](Self::finish). Blocks
/// have a fixed size inside: how the caller splits the audio changes nothing. At equal rates samples pass untouched.
///
/// ```
/// let mut resampler = veravox::resample::Resampler::new(16_000, 8_000)?;
/// let mut out = Vec::new();
/// resampler.push(&[0.25; 16_000], &mut out)?;
/// resampler.finish(&mut out)?;
/// assert_eq!(out.len(), 8_000);
/// # Ok::<(), veravox::Error>(())
/// ```
pub struct Resampler {
    inner: Option<Inner>,
}

struct Inner {
    rubato: Box<dyn rubato::Resampler<f32>>,
    from_hz: u64,
    to_hz: u64,
    pending: Vec<f32>,
    block: Vec<f32>,
    delay_left: usize,
    n_in: u64,
    n_out: u64,
}

impl Resampler {
    /// A resampler from `from_hz` to `to_hz`.
    ///
    /// # Errors
    /// [`InvalidArgument`](ErrorKind::InvalidArgument) when a rate is 0 or above 1 MHz.
    pub fn new(from_hz: u32, to_hz: u32) -> Result<Self> {
        if [from_hz, to_hz].iter().any(|rate| !(1..=MAX_RATE_HZ).contains(rate)) {
            let message = format!("expected sample rates of 1 to {MAX_RATE_HZ} Hz, got {from_hz} and {to_hz}");
            return Err(Error::new(ErrorKind::InvalidArgument, message));
        }
        if from_hz == to_hz {
            return Ok(Self { inner: None });
        }
        let block = input_block(from_hz as usize, to_hz as usize);
        let window = WindowFunction::BlackmanHarris2;
        let fft = Fft::new_custom(from_hz as usize, to_hz as usize, block, 1, 1, window, FixedSync::Input)
            .map_err(|e| cannot(from_hz, to_hz, e))?;
        Ok(Self { inner: Some(Inner::new(Box::new(fft), from_hz, to_hz)) })
    }

    /// Samples that come out at most at one time, besides those for which as many went in.
    pub(crate) fn most_out(&self) -> usize {
        self.inner.as_ref().map_or(0, |inner| inner.block.len())
    }

    /// Takes samples in, appends those that are ready to `out`.
    ///
    /// # Errors
    /// [`Runtime`](ErrorKind::Runtime) if the resampler fails, which no input is known to cause.
    pub fn push(&mut self, samples: &[f32], out: &mut Vec<f32>) -> Result<()> {
        let Some(inner) = &mut self.inner else {
            out.extend_from_slice(samples);
            return Ok(());
        };
        inner.n_in += samples.len() as u64;
        inner.pending.extend_from_slice(samples);
        let mut taken = 0;
        loop {
            let wanted = inner.rubato.input_frames_next();
            if inner.pending.len() - taken < wanted {
                break;
            }
            inner.step(taken, wanted, u64::MAX, out)?;
            taken += wanted;
        }
        inner.pending.drain(..taken);
        Ok(())
    }

    /// Ends the audio: appends what is still inside the filter.
    ///
    /// # Errors
    /// As [`push`](Self::push).
    pub fn finish(&mut self, out: &mut Vec<f32>) -> Result<()> {
        let Some(inner) = &mut self.inner else { return Ok(()) };
        let n_expected = (inner.n_in * inner.to_hz + inner.from_hz / 2) / inner.from_hz;
        while inner.n_out < n_expected {
            let wanted = inner.rubato.input_frames_next();
            inner.pending.resize(wanted, 0.0);
            inner.step(0, wanted, n_expected, out)?;
            inner.pending.clear();
        }
        Ok(())
    }
}

fn cannot(from_hz: u32, to_hz: u32, error: rubato::ResamplerConstructionError) -> Error {
    Error::new(ErrorKind::InvalidArgument, format!("cannot resample from {from_hz} to {to_hz} Hz")).with_source(error)
}

/// Samples of the input in one block: a whole number of periods of both rates. An even one, since the filter's delay is
/// half a block and could not be taken off to the sample otherwise.
fn input_block(from_hz: usize, to_hz: usize) -> usize {
    let common = greatest_common_divisor(from_hz, to_hz);
    let (from, to) = (from_hz / common, to_hz / common);
    from * MIN_INPUT_BLOCK.div_ceil(from).max(MIN_OUTPUT_BLOCK.div_ceil(to)).next_multiple_of(2)
}

fn greatest_common_divisor(mut a: usize, mut b: usize) -> usize {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}

impl Inner {
    fn new(rubato: Box<dyn rubato::Resampler<f32>>, from_hz: u32, to_hz: u32) -> Self {
        Self {
            delay_left: rubato.output_delay(),
            block: vec![0.0; rubato.output_frames_max()],
            pending: Vec::with_capacity(2 * rubato.input_frames_max()),
            rubato,
            from_hz: u64::from(from_hz),
            to_hz: u64::from(to_hz),
            n_in: 0,
            n_out: 0,
        }
    }

    fn step(&mut self, from: usize, n_samples: usize, n_out_at_most: u64, out: &mut Vec<f32>) -> Result<()> {
        let failed = |e: &dyn std::fmt::Display| Error::new(ErrorKind::Runtime, format!("resampling failed: {e}"));
        let input = self.pending.get(from..from + n_samples).unwrap_or_default();
        let input = InterleavedSlice::new(input, 1, n_samples).map_err(|e| failed(&e))?;
        let n_block = self.block.len();
        let mut output = InterleavedSlice::new_mut(&mut self.block, 1, n_block).map_err(|e| failed(&e))?;
        let (_, n_made) =
            self.rubato.process_into_buffer(&input, &mut output, None::<&Indexing>).map_err(|e| failed(&e))?;
        let skip = self.delay_left.min(n_made);
        self.delay_left -= skip;
        let room = usize::try_from(n_out_at_most - self.n_out.min(n_out_at_most)).unwrap_or(usize::MAX);
        let made = self.block.get(skip..n_made).unwrap_or_default();
        let made = made.get(..room.min(made.len())).unwrap_or_default();
        self.n_out += made.len() as u64;
        out.extend_from_slice(made);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tone(rate_hz: u32, frequency_hz: f64, n_samples: usize) -> Vec<f32> {
        let step = std::f64::consts::TAU * frequency_hz / f64::from(rate_hz);
        (0..n_samples).map(|n| (step * n as f64).sin() as f32 * 0.5).collect()
    }

    fn resample(from_hz: u32, to_hz: u32, input: &[f32], chunk: usize) -> Vec<f32> {
        let mut resampler = Resampler::new(from_hz, to_hz).unwrap();
        let mut out = Vec::new();
        for part in input.chunks(chunk) {
            resampler.push(part, &mut out).unwrap();
        }
        resampler.finish(&mut out).unwrap();
        out
    }

    #[test]
    fn a_tone_keeps_its_frequency_phase_and_length() {
        for (from_hz, to_hz) in
            [(44_100, 8_000), (48_000, 8_000), (8_000, 16_000), (11_025, 8_000), (16_000, 8_000), (8_001, 7_999)]
        {
            let out = resample(from_hz, to_hz, &tone(from_hz, 440.0, from_hz as usize), 1_000);
            let expected = tone(to_hz, 440.0, to_hz as usize);
            assert_eq!(out.len(), expected.len());
            let inside = 400..to_hz as usize - 400;
            let worst = inside.map(|n| (out[n] - expected[n]).abs()).fold(0.0, f32::max);
            assert!(worst < 2e-3, "{from_hz} to {to_hz}: off by {worst}");
        }
    }

    #[test]
    fn the_band_that_is_kept_does_not_hang_on_the_rate_before() {
        for from_hz in [11_025, 16_000, 22_050, 32_000, 44_100, 48_000, 96_000] {
            let out = resample(from_hz, 8_000, &tone(from_hz, 3_000.0, from_hz as usize), 4_096);
            let rms = (out[400..7_600].iter().map(|v| v * v).sum::<f32>() / 7_200.0).sqrt();
            assert!((rms - 0.5 / 2.0_f32.sqrt()).abs() < 0.01, "3 kHz from {from_hz} Hz: {rms}");
        }
    }

    #[test]
    fn what_does_not_fit_below_nyquist_is_removed() {
        let out = resample(16_000, 8_000, &tone(16_000, 6_000.0, 16_000), 4_096);
        let rms = (out[400..7_600].iter().map(|v| v * v).sum::<f32>() / 7_200.0).sqrt();
        assert!(rms < 1e-3, "a 6 kHz tone folded back at {rms}");
    }

    #[test]
    fn chunks_change_nothing() {
        let input = tone(44_100, 1_234.5, 30_000);
        let whole = resample(44_100, 8_000, &input, 30_000);
        for chunk in [1, 7, 441, 4_095] {
            assert_eq!(resample(44_100, 8_000, &input, chunk), whole);
        }
    }

    #[test]
    fn short_and_empty_audio_keep_their_length() {
        for n in [0_usize, 1, 5, 100, 513] {
            assert_eq!(resample(8_000, 16_000, &vec![0.1; n], 64).len(), 2 * n);
        }
    }

    #[test]
    fn impossible_rates_are_refused() {
        for (from_hz, to_hz) in [(0, 8_000), (8_000, 0), (u32::MAX, 8_000)] {
            assert_eq!(Resampler::new(from_hz, to_hz).err().map(|e| e.kind()), Some(ErrorKind::InvalidArgument));
        }
    }
}
