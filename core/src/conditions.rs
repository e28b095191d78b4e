//! What speaks against a verdict: no signal, clipping, noise, tones, damaged samples, a band too narrow.
//!
//! A detector that was made for a voice on a phone line has nothing to say of hold music; these measures let it say so.
//! All are simple, running sums over 16 ms frames, so that they cost little and need no second pass.

use realfft::num_complex::Complex;
use realfft::{RealFftPlanner, RealToComplex};
use std::sync::Arc;

use crate::decide::Reason;
use crate::speech::{Frame, FrameClass};

/// A leg that never rises above this (-80 dB of full scale) carries no signal.
const NO_SIGNAL_PEAK: f32 = 1e-4;
/// Damaged samples (NaN, infinite) up to this share are taken as zeros; more is a reason.
const MAX_INVALID_SHARE: f64 = 0.01;
/// A sample at this level in a run of three or more is clipped.
const CLIP_LEVEL: f32 = 0.985;
const CLIP_RUN: u32 = 3;
/// Clipped samples among those of speech from which on the spectrum is that of the clipping.
const MAX_CLIPPED_SHARE: f64 = 0.01;
/// Speech less than this many decibels above the background is drowned.
const MIN_SNR_DB: f64 = 6.0;
/// Background shorter than this says nothing of the noise.
const MIN_BACKGROUND_SECONDS: f64 = 0.5;
/// Frames quieter than this (-55 dB of full scale) are not active.
const ACTIVE_POWER: f64 = 3.2e-6;
/// Active audio that holds no voice, in seconds, before it is worth naming.
const MIN_ACTIVE_SECONDS: f64 = 1.0;
/// A frame with this share of its power in its two strongest peaks is a tone or DTMF; steady vowels stay below it.
const TONAL_SHARE: f64 = 0.95;
/// Share of tonal frames among active ones from which on a leg counts as tones.
const MAX_TONAL_FRAMES: f64 = 0.5;
/// Spectral flatness (geometric over arithmetic mean of the power) above which active audio without voice is noise, below
/// it music or tones. White noise in one frame measures 0.56.
const NOISE_FLATNESS: f64 = 0.2;
/// Lower rates than this share of the model's own cannot hold the band that it was made for.
const MIN_RATE_SHARE: f64 = 0.9;

/// Running measures of one leg.
pub(crate) struct Conditions {
    sample_rate_hz: f64,
    narrow_band: bool,
    n_samples: u64,
    n_invalid: u64,
    peak: f32,
    clip_run: u32,
    n_clipped: u64,
    voice: Power,
    background: Power,
    spectrum: Spectrum,
    n_active: u64,
    n_active_voice: u64,
    n_tonal: u64,
    flatness_sum: f64,
    n_flatness: u64,
}

#[derive(Default)]
struct Power {
    energy: f64,
    n_samples: u64,
}

impl Power {
    fn add(&mut self, energy: f64, n_samples: usize) {
        self.energy += energy;
        self.n_samples += n_samples as u64;
    }

    fn mean(&self) -> f64 {
        self.energy / self.n_samples.max(1) as f64
    }
}

impl Conditions {
    pub fn new(source_rate_hz: u32, model_rate_hz: u32) -> Self {
        Self {
            sample_rate_hz: f64::from(model_rate_hz),
            narrow_band: f64::from(source_rate_hz) < MIN_RATE_SHARE * f64::from(model_rate_hz),
            n_samples: 0,
            n_invalid: 0,
            peak: 0.0,
            clip_run: 0,
            n_clipped: 0,
            voice: Power::default(),
            background: Power::default(),
            spectrum: Spectrum::new(model_rate_hz),
            n_active: 0,
            n_active_voice: 0,
            n_tonal: 0,
            flatness_sum: 0.0,
            n_flatness: 0,
        }
    }

    /// Counts samples as the caller pushed them, before resampling blurs the edges of clipping.
    pub fn count(&mut self, samples: &[f32], n_invalid: usize) {
        self.n_samples += samples.len() as u64;
        self.n_invalid += n_invalid as u64;
        for sample in samples {
            let level = sample.abs();
            self.peak = self.peak.max(level);
            self.clip_run = if level >= CLIP_LEVEL { self.clip_run + 1 } else { 0 };
            // The run counts whole once it is long enough.
            self.n_clipped += match self.clip_run.cmp(&CLIP_RUN) {
                std::cmp::Ordering::Less => 0,
                std::cmp::Ordering::Equal => u64::from(CLIP_RUN),
                std::cmp::Ordering::Greater => 1,
            };
        }
    }

    pub fn observe(&mut self, frame: &Frame<'_>) {
        let energy: f64 = frame.samples.iter().map(|&v| f64::from(v) * f64::from(v)).sum();
        match frame.class {
            FrameClass::Voice => self.voice.add(energy, frame.samples.len()),
            FrameClass::Background => self.background.add(energy, frame.samples.len()),
            FrameClass::Pause => {}
        }
        if energy / frame.samples.len().max(1) as f64 <= ACTIVE_POWER {
            return;
        }
        self.n_active += 1;
        let shape = self.spectrum.shape(frame.samples);
        self.n_tonal += u64::from(shape.peak_share >= TONAL_SHARE);
        if frame.class == FrameClass::Voice {
            self.n_active_voice += 1;
        } else {
            self.flatness_sum += shape.flatness;
            self.n_flatness += 1;
        }
    }

    /// The reasons against a verdict, given that there was, or was not, enough speech for one.
    pub fn reasons(&self, enough_speech: bool) -> Vec<Reason> {
        let mut reasons = Vec::new();
        if self.n_invalid as f64 > MAX_INVALID_SHARE * self.n_samples as f64 {
            reasons.push(Reason::InvalidSamples);
        }
        let silent = self.peak < NO_SIGNAL_PEAK;
        if silent {
            reasons.push(Reason::NoSignal);
        }
        if !enough_speech {
            reasons.push(Reason::TooLittleSpeech);
        }
        let seconds = |n_frames: u64| n_frames as f64 * self.spectrum.frame_seconds();
        let tonal = self.n_tonal as f64 > MAX_TONAL_FRAMES * self.n_active as f64;
        let voiceless = seconds(self.n_active - self.n_active_voice) >= MIN_ACTIVE_SECONDS && !enough_speech;
        let flatness = self.flatness_sum / self.n_flatness.max(1) as f64;
        let drowned = self.snr_db().is_some_and(|snr| snr < MIN_SNR_DB) && enough_speech;
        if tonal && seconds(self.n_active) > 0.5 || voiceless && flatness < NOISE_FLATNESS {
            reasons.push(Reason::MusicOrTones);
        } else if drowned || voiceless {
            reasons.push(Reason::Noise);
        }
        let n_voice = self.voice.n_samples.max(1) as f64;
        if self.n_clipped as f64 > MAX_CLIPPED_SHARE * n_voice.min(self.n_samples as f64) && self.n_clipped > 0 {
            reasons.push(Reason::Clipping);
        }
        if self.narrow_band {
            reasons.push(Reason::NarrowBand);
        }
        reasons
    }

    /// Speech over background in decibels; none where there is too little background to tell.
    fn snr_db(&self) -> Option<f64> {
        let enough = self.background.n_samples as f64 >= MIN_BACKGROUND_SECONDS * self.sample_rate_hz;
        let (voice, background) = (self.voice.mean(), self.background.mean());
        (enough && background > 0.0 && voice > 0.0).then(|| 10.0 * (voice / background).log10())
    }
}

struct Shape {
    peak_share: f64,
    flatness: f64,
}

/// The spectrum of one frame, for its shape alone.
struct Spectrum {
    fft: Arc<dyn RealToComplex<f32>>,
    hann: Vec<f32>,
    frame: Vec<f32>,
    bins: Vec<Complex<f32>>,
    scratch: Vec<Complex<f32>>,
    power: Vec<f64>,
    sample_rate_hz: f64,
}

impl Spectrum {
    fn new(sample_rate_hz: u32) -> Self {
        let n = (sample_rate_hz as usize * 16 / 1_000).max(16);
        let fft = RealFftPlanner::<f32>::new().plan_fft_forward(n);
        let bins = fft.make_output_vec();
        Self {
            hann: (0..n).map(|i| (0.5 - 0.5 * (std::f64::consts::TAU * i as f64 / n as f64).cos()) as f32).collect(),
            frame: vec![0.0; n],
            scratch: fft.make_scratch_vec(),
            power: vec![0.0; bins.len()],
            bins,
            fft,
            sample_rate_hz: f64::from(sample_rate_hz),
        }
    }

    fn frame_seconds(&self) -> f64 {
        self.frame.len() as f64 / self.sample_rate_hz
    }

    fn shape(&mut self, samples: &[f32]) -> Shape {
        self.frame.fill(0.0);
        for ((value, sample), weight) in self.frame.iter_mut().zip(samples).zip(&self.hann) {
            *value = sample * weight;
        }
        let done = self.fft.process_with_scratch(&mut self.frame, &mut self.bins, &mut self.scratch);
        debug_assert!(done.is_ok(), "the buffers were made by this FFT");
        for (power, bin) in self.power.iter_mut().zip(&self.bins) {
            *power = f64::from(bin.norm_sqr()) + 1e-12;
        }
        let total: f64 = self.power.iter().sum();
        let n = self.power.len() as f64;
        let flatness = (self.power.iter().map(|p| p.ln()).sum::<f64>() / n).exp() / (total / n);
        // A Hann-windowed tone fills its bin and the neighbours.
        let first = self.take_peak();
        let second = self.take_peak();
        Shape { peak_share: (first + second) / total, flatness }
    }

    /// The power around the strongest bin, which is then cleared.
    fn take_peak(&mut self) -> f64 {
        let strongest = self.power.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1)).map_or(0, |(index, _)| index);
        let around = strongest.saturating_sub(2)..(strongest + 3).min(self.power.len());
        self.power.get_mut(around).map_or(0.0, |bins| bins.iter_mut().map(std::mem::take).sum())
    }
}
