//! Speech detection: which 16 ms frames of a leg hold a voice.
//!
//! The detector is [earshot](https://docs.rs/earshot), a small recurrent network inside the crate that works on 16 kHz
//! audio; narrower audio is brought to 16 kHz for it, so that one detector serves 8 and 16 kHz alike.

use crate::audio::doubling::Doubler;
use crate::audio::resample::Resampler;
use crate::error::Result;

/// The rate and frame that the network was made for.
const NETWORK_RATE_HZ: u32 = 16_000;
const NETWORK_FRAME_SAMPLES: usize = 256;
/// Samples taken at a time, so that little waits between resampler and network: thousands of legs are open at once.
const PIECE_SAMPLES: usize = 64;

/// What brings audio to the network's rate.
enum Upsampler {
    /// From half of it, as telephone audio has.
    Doubler(Doubler),
    Resampler(Resampler),
}

impl Upsampler {
    fn push(&mut self, samples: &[f32], out: &mut Vec<f32>) -> Result<()> {
        match self {
            Self::Doubler(doubler) => doubler.push(samples, out),
            Self::Resampler(resampler) => resampler.push(samples, out)?,
        }
        Ok(())
    }

    fn finish(&mut self, out: &mut Vec<f32>) -> Result<()> {
        match self {
            Self::Doubler(doubler) => doubler.finish(out),
            Self::Resampler(resampler) => resampler.finish(out)?,
        }
        Ok(())
    }
}

/// Says how likely each frame of a leg is to hold a voice.
pub struct VoiceDetector {
    network: Box<earshot::Detector>,
    upsampler: Upsampler,
    pending: Vec<f32>,
}

impl VoiceDetector {
    /// A detector for audio at `sample_rate_hz`.
    ///
    /// # Errors
    /// [`InvalidArgument`](crate::ErrorKind::InvalidArgument) for a rate of 0 Hz.
    pub fn new(sample_rate_hz: u32) -> Result<Self> {
        Ok(Self {
            network: earshot::Detector::default_boxed(),
            upsampler: if sample_rate_hz.checked_mul(2) == Some(NETWORK_RATE_HZ) {
                Upsampler::Doubler(Doubler::new())
            } else {
                Upsampler::Resampler(Resampler::new(sample_rate_hz, NETWORK_RATE_HZ)?)
            },
            pending: Vec::with_capacity(NETWORK_FRAME_SAMPLES + 2 * PIECE_SAMPLES),
        })
    }

    /// Takes samples in [-1, 1], appends the voice probability of each frame that is complete to `out`.
    ///
    /// # Errors
    /// Those of [`Resampler::push`].
    pub fn push(&mut self, samples: &[f32], out: &mut Vec<f32>) -> Result<()> {
        for part in samples.chunks(PIECE_SAMPLES) {
            self.upsampler.push(part, &mut self.pending)?;
            self.predict(out);
        }
        Ok(())
    }

    /// Ends the audio: the last frame is filled up with silence.
    ///
    /// # Errors
    /// Those of [`Resampler::finish`].
    pub fn finish(&mut self, out: &mut Vec<f32>) -> Result<()> {
        self.upsampler.finish(&mut self.pending)?;
        let rest = self.pending.len() % NETWORK_FRAME_SAMPLES;
        if rest > 0 {
            self.pending.resize(self.pending.len() + NETWORK_FRAME_SAMPLES - rest, 0.0);
        }
        self.predict(out);
        Ok(())
    }

    fn predict(&mut self, out: &mut Vec<f32>) {
        let whole = self.pending.len() - self.pending.len() % NETWORK_FRAME_SAMPLES;
        for frame in self.pending.chunks_exact_mut(NETWORK_FRAME_SAMPLES) {
            // The filter of the upsampler overshoots by a little where the audio is at full scale.
            for value in frame.iter_mut() {
                *value = value.clamp(-1.0, 1.0);
            }
            out.push(self.network.predict_f32(frame));
        }
        self.pending.drain(..whole);
    }
}
