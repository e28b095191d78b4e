//! What speaks against a verdict: no signal, clipping, noise, tones, damaged samples, a band too narrow.
//!
//! A detector that was made for a voice on a phone line has nothing to say of hold music; these measures let it say so.
//! The speech gate cannot: through a phone line, music and noise pass it as voices. What comes and goes, as music on hold
//! and clipping do, is measured window by window; what holds for the line, over the leg. All measures of the leg are running
//! sums, so that they cost little, need no second pass and take no memory however long the call.

mod texture;

use crate::audio::resample::holds_band;
use crate::verdict::decide::Reason;
use crate::voice::gate::{Frame, FrameClass};
use crate::voice::window::Place;
pub(crate) use texture::Texture;

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

/// A window that was scored, or is going to be.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Judged {
    pub place: Place,
    /// Why its score does not count.
    pub reason: Option<Reason>,
}

/// What was known of a window when it was completed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Heard {
    /// Windows' worth of speech that no window before it held.
    share: f64,
    reason: Option<Reason>,
}

/// Running measures of one leg.
pub(crate) struct Conditions {
    source_rate_hz: u32,
    model_rate_hz: u32,
    n_samples: u64,
    n_invalid: u64,
    lowest: f32,
    highest: f32,
    clip_run: u32,
    /// Seconds of clipping and of voice since the last window, and windows' worth of speech that still holds what was clipped.
    clipped_seconds: f64,
    voice_seconds: f64,
    clipped_left: f64,
    voice: Sound,
    background: Sound,
    /// Of all that sounded before the first window: where none comes, it says what there was instead of speech.
    beginning: Option<Box<Texture>>,
    any_window: bool,
    doubt: Doubt,
    /// Why the last window that does not count does not.
    last_reason: Option<Reason>,
}

/// Windows of music and noise, and the windows between them that do not sound like it. Music slips through now and then; so
/// after windows of it as many clean ones must pass before they count again.
#[derive(Default)]
struct Doubt {
    /// Windows' worth of speech still to pass, and what the last bad window was.
    n: f64,
    reason: Option<Reason>,
}

/// Two windows' worth of speech are enough to be sure that the music is over.
const MAX_DOUBT: f64 = 2.0;

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
            source_rate_hz,
            model_rate_hz,
            n_samples: 0,
            n_invalid: 0,
            lowest: f32::INFINITY,
            highest: f32::NEG_INFINITY,
            clip_run: 0,
            clipped_seconds: 0.0,
            voice_seconds: 0.0,
            clipped_left: 0.0,
            voice: Sound::default(),
            background: Sound::default(),
            beginning: None,
            any_window: false,
            doubt: Doubt::default(),
            last_reason: None,
        }
    }

    /// Counts samples as the caller pushed them, before resampling blurs the edges of clipping.
    pub fn count(&mut self, samples: &[f32], n_invalid: usize) {
        self.n_samples += samples.len() as u64;
        self.n_invalid += n_invalid as u64;
        let mut n_clipped = 0;
        for &sample in samples {
            self.lowest = self.lowest.min(sample);
            self.highest = self.highest.max(sample);
            self.clip_run = if sample.abs() >= CLIP_LEVEL { self.clip_run.saturating_add(1) } else { 0 };
            // The run counts whole once it is long enough.
            n_clipped += match self.clip_run.cmp(&CLIP_RUN) {
                std::cmp::Ordering::Less => 0,
                std::cmp::Ordering::Equal => u64::from(CLIP_RUN),
                std::cmp::Ordering::Greater => 1,
            };
        }
        self.clipped_seconds += n_clipped as f64 / f64::from(self.source_rate_hz);
    }

    /// The source has another rate from here on.
    pub fn change_rate(&mut self, source_rate_hz: u32) {
        self.source_rate_hz = source_rate_hz;
    }

    /// Takes the next frame of the gate.
    pub fn observe(&mut self, frame: &Frame<'_>) {
        let power = power_around_mean(frame.samples);
        match frame.class {
            FrameClass::Voice => {
                self.voice.add(power, frame.samples.len());
                self.voice_seconds += frame.samples.len() as f64 / f64::from(self.model_rate_hz);
            }
            FrameClass::Background => self.background.add(power, frame.samples.len()),
            FrameClass::Pause => {}
        }
        if power > AUDIBLE_POWER && !self.any_window {
            let rate = self.model_rate_hz;
            self.beginning.get_or_insert_with(|| Box::new(Texture::new(rate))).push(frame.samples);
        }
    }

    /// A window of speech was completed, whether it is scored or not. What it takes to judge it once somebody looks at it.
    pub fn heard(&mut self, place: &Place) -> Heard {
        self.any_window = true;
        self.beginning = None;
        // What a first look hears the first window hears again.
        let share = if place.first_look { 0.0 } else { f64::from(place.fresh_share) };
        let clipped = self.is_clipped(place.first_look, share);
        Heard { share, reason: clipped.or(self.is_narrow().then_some(Reason::NarrowBand)) }
    }

    /// Judges the sound of a window. The reason, if any, for which its score does not count.
    pub fn judge(&mut self, texture: &Texture, heard: Heard) -> Option<Reason> {
        let reason = self.sounds_like(texture, heard.share).or(heard.reason);
        self.last_reason = reason.or(self.last_reason);
        reason
    }

    fn sounds_like(&mut self, texture: &Texture, share: f64) -> Option<Reason> {
        let bad = if texture.is_sustained() {
            Some(Reason::MusicOrTones)
        } else if texture.is_noise() {
            Some(Reason::Noise)
        } else {
            None
        };
        if bad.is_some() {
            self.doubt = Doubt { n: (self.doubt.n + share).min(MAX_DOUBT), reason: bad };
            return bad;
        }
        let reason = self.doubt.reason.filter(|_| self.doubt.n > 0.0);
        self.doubt.n -= share.min(self.doubt.n);
        reason
    }

    /// Whether the window holds clipping: of what is fresh in it, or of what it shares with the one before.
    fn is_clipped(&mut self, first_look: bool, share: f64) -> Option<Reason> {
        if self.clipped_seconds > MAX_CLIPPED_SHARE * self.voice_seconds {
            self.clipped_left = 1.0;
        }
        let reason = (self.clipped_left > 0.0).then_some(Reason::Clipping);
        if !first_look {
            self.clipped_left -= share.min(self.clipped_left);
            (self.clipped_seconds, self.voice_seconds) = (0.0, 0.0);
        }
        reason
    }

    fn is_narrow(&self) -> bool {
        !holds_band(self.source_rate_hz, self.model_rate_hz)
    }

    /// The reasons against a verdict, given how many windows' worth of speech count for one.
    pub fn reasons(&self, n_windows: f64) -> Vec<Reason> {
        let mut reasons = Vec::new();
        let mut add = |holds: bool, reason| {
            if holds {
                reasons.push(reason);
            }
        };
        add(self.n_invalid as f64 > MAX_INVALID_SHARE * self.n_samples as f64, Reason::InvalidSamples);
        add(self.highest - self.lowest < NO_SIGNAL_RANGE || self.n_samples == 0, Reason::NoSignal);
        add(!self.any_window, Reason::TooLittleSpeech);
        // A window or two that count are not enough where as many since did not.
        let doubtful = self.doubt.reason.filter(|_| self.any_window && n_windows <= self.doubt.n);
        let sounds = |is: fn(&Texture) -> bool| self.beginning.as_deref().is_some_and(is);
        let sustained = doubtful == Some(Reason::MusicOrTones) || sounds(Texture::is_sustained);
        let drowned = self.any_window && self.snr_db().is_some_and(|snr| snr < MIN_SNR_DB);
        add(sustained, Reason::MusicOrTones);
        let noise = drowned || doubtful == Some(Reason::Noise) || sounds(Texture::is_noise);
        add(!sustained && noise, Reason::Noise);
        // Of a leg without a window that counts, the last that did not says why.
        let only = |reason| n_windows <= 0.0 && self.last_reason == Some(reason);
        let all = self.n_samples as f64 / f64::from(self.source_rate_hz);
        let clipped_speech = !self.any_window && self.clipped_seconds > MAX_CLIPPED_SHARE * all;
        add(only(Reason::Clipping) || clipped_speech, Reason::Clipping);
        add(only(Reason::NarrowBand) || (!self.any_window && self.is_narrow()), Reason::NarrowBand);
        reasons
    }

    /// Speech over background in decibels; none where there is too little background to tell.
    fn snr_db(&self) -> Option<f64> {
        let enough = self.background.n_samples as f64 >= MIN_BACKGROUND_SECONDS * f64::from(self.model_rate_hz);
        let (voice, background) = (self.voice.power(), self.background.power());
        (enough && background > 0.0 && voice > 0.0).then(|| 10.0 * (voice / background).log10())
    }
}

/// The texture of what sounds in a window.
pub(crate) fn texture_of(window: &[f32], texture: &mut Texture) {
    texture.reset();
    for frame in window.chunks(texture.gate_frame()) {
        if power_around_mean(frame) > AUDIBLE_POWER {
            texture.push(frame);
        }
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
