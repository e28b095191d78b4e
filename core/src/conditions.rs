//! What speaks against a verdict: no signal, clipping, noise, tones, damaged samples, a band too narrow.
//!
//! A detector that was made for a voice on a phone line has nothing to say of hold music; these measures let it say so.
//! The speech gate cannot: through a phone line, music and noise pass it as voices. All measures are running sums, so that
//! they cost little and need no second pass.

mod texture;

use crate::decide::Reason;
use crate::detector::MIN_RATE_SHARE;
use crate::speech::{Frame, FrameClass};
use texture::Texture;

/// A leg whose samples all lie within this range carries no signal: the idle codes of G.711, or a constant.
const NO_SIGNAL_RANGE: f32 = 6e-4;
/// Damaged samples (NaN, infinite) up to this share are taken as zeros; more is a reason.
const MAX_INVALID_SHARE: f64 = 0.01;
/// A sample at this level in a run of three or more is clipped. The loudest code of mu-law decodes to 0.9804.
const CLIP_LEVEL: f32 = 0.98;
const CLIP_RUN: u32 = 3;
/// Clipped time, as a share of that of speech, from which on the spectrum is that of the clipping.
const MAX_CLIPPED_SHARE: f64 = 0.01;
/// Speech less than this many decibels above the background is drowned.
const MIN_SNR_DB: f64 = 6.0;
/// Background shorter than this says nothing of the noise.
const MIN_BACKGROUND_SECONDS: f64 = 0.5;
/// Frames quieter than this (-55 dB of full scale) do not sound.
const AUDIBLE_POWER: f64 = 3.2e-6;

/// Running measures of one leg.
pub(crate) struct Conditions {
    source_rate_hz: f64,
    model_rate_hz: f64,
    n_samples: u64,
    n_invalid: u64,
    lowest: f32,
    highest: f32,
    clip_run: u32,
    n_clipped: u64,
    voice: Sound,
    background: Sound,
    voice_texture: Texture,
    other_texture: Texture,
}

/// Power without the constant part: an offset is neither speech nor noise.
#[derive(Default)]
struct Sound {
    energy: f64,
    n_samples: u64,
}

impl Sound {
    fn add(&mut self, power: f64, n_samples: usize) {
        self.energy += power * n_samples as f64;
        self.n_samples += n_samples as u64;
    }

    fn power(&self) -> f64 {
        self.energy / self.n_samples.max(1) as f64
    }
}

impl Conditions {
    pub fn new(source_rate_hz: u32, model_rate_hz: u32) -> Self {
        Self {
            source_rate_hz: f64::from(source_rate_hz),
            model_rate_hz: f64::from(model_rate_hz),
            n_samples: 0,
            n_invalid: 0,
            lowest: f32::INFINITY,
            highest: f32::NEG_INFINITY,
            clip_run: 0,
            n_clipped: 0,
            voice: Sound::default(),
            background: Sound::default(),
            voice_texture: Texture::new(model_rate_hz),
            other_texture: Texture::new(model_rate_hz),
        }
    }

    /// Counts samples as the caller pushed them, before resampling blurs the edges of clipping.
    pub fn count(&mut self, samples: &[f32], n_invalid: usize) {
        self.n_samples += samples.len() as u64;
        self.n_invalid += n_invalid as u64;
        for &sample in samples {
            self.lowest = self.lowest.min(sample);
            self.highest = self.highest.max(sample);
            self.clip_run = if sample.abs() >= CLIP_LEVEL { self.clip_run + 1 } else { 0 };
            // The run counts whole once it is long enough.
            self.n_clipped += match self.clip_run.cmp(&CLIP_RUN) {
                std::cmp::Ordering::Less => 0,
                std::cmp::Ordering::Equal => u64::from(CLIP_RUN),
                std::cmp::Ordering::Greater => 1,
            };
        }
    }

    /// Takes the next frame of the gate.
    pub fn observe(&mut self, frame: &Frame<'_>) {
        let power = power_around_mean(frame.samples);
        match frame.class {
            FrameClass::Voice => self.voice.add(power, frame.samples.len()),
            FrameClass::Background => self.background.add(power, frame.samples.len()),
            FrameClass::Pause => {}
        }
        if power > AUDIBLE_POWER {
            let voice = frame.class == FrameClass::Voice;
            let texture = if voice { &mut self.voice_texture } else { &mut self.other_texture };
            texture.push(frame.samples);
        }
    }

    /// The reasons against a verdict, given that there was, or was not, enough speech for one.
    pub fn reasons(&self, enough_speech: bool) -> Vec<Reason> {
        let mut reasons = Vec::new();
        let mut add = |holds: bool, reason| {
            if holds {
                reasons.push(reason);
            }
        };
        add(self.n_invalid as f64 > MAX_INVALID_SHARE * self.n_samples as f64, Reason::InvalidSamples);
        add(self.highest - self.lowest < NO_SIGNAL_RANGE || self.n_samples == 0, Reason::NoSignal);
        add(!enough_speech, Reason::TooLittleSpeech);
        // Where there is enough of a voice, is it one? Where there is not, what sounds instead?
        let voice = enough_speech || self.voice_texture.seconds() > self.other_texture.seconds();
        let texture = if voice { &self.voice_texture } else { &self.other_texture };
        let sustained = texture.is_sustained();
        let drowned = enough_speech && self.snr_db().is_some_and(|snr| snr < MIN_SNR_DB);
        add(sustained, Reason::MusicOrTones);
        add(!sustained && (drowned || texture.is_noise()), Reason::Noise);
        add(self.clipped_share(enough_speech) > MAX_CLIPPED_SHARE, Reason::Clipping);
        add(self.source_rate_hz < MIN_RATE_SHARE * self.model_rate_hz, Reason::NarrowBand);
        reasons
    }

    /// Clipped time over that of speech, or over all where there is too little speech.
    fn clipped_share(&self, enough_speech: bool) -> f64 {
        let all = self.n_samples as f64 / self.source_rate_hz;
        let speech = self.voice.n_samples as f64 / self.model_rate_hz;
        let heard = if enough_speech { speech.min(all) } else { all };
        if heard > 0.0 { self.n_clipped as f64 / self.source_rate_hz / heard } else { 0.0 }
    }

    /// Speech over background in decibels; none where there is too little background to tell.
    fn snr_db(&self) -> Option<f64> {
        let enough = self.background.n_samples as f64 >= MIN_BACKGROUND_SECONDS * self.model_rate_hz;
        let (voice, background) = (self.voice.power(), self.background.power());
        (enough && background > 0.0 && voice > 0.0).then(|| 10.0 * (voice / background).log10())
    }
}

fn power_around_mean(samples: &[f32]) -> f64 {
    let n = samples.len().max(1) as f64;
    let (sum, squares) = samples.iter().fold((0.0, 0.0), |(sum, squares), &sample| {
        let sample = f64::from(sample);
        (sum + sample, squares + sample * sample)
    });
    (squares / n - (sum / n).powi(2)).max(0.0)
}
