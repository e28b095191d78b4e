//! What speaks against a verdict: no signal, clipping, noise, tones, damaged samples, a band too narrow.
//!
//! A detector that was made for a voice on a phone line has nothing to say of hold music; these measures let it say so.
//! The speech gate cannot: through a phone line, music and noise pass it as voices. What comes and goes, as music on hold
//! and clipping do, is measured window by window; what holds for the line, over the leg. All measures of the leg are running
//! sums, so that they cost little, need no second pass and take no memory however long the call.

mod level;
mod misread;
mod texture;

use crate::audio::resample::holds_band;
use crate::verdict::decide::Reason;
use crate::verdict::report::SignalSummary;
use crate::voice::band::BandMeter;
use crate::voice::gate::{AUDIBLE_POWER, Frame, FrameClass, power_around_mean};
use crate::voice::window::Place;
use level::Levels;
use misread::Readability;
pub(crate) use texture::Texture;

/// A leg whose samples all lie within this range carries no signal: the idle codes of G.711, or a constant.
const NO_SIGNAL_RANGE: f32 = 6e-4;
/// Damaged samples (NaN, infinite) up to this share of the time of speech are taken as zeros; more is a reason.
const MAX_INVALID_SHARE: f64 = 0.01;
/// A sample at this level in a run of three or more is clipped. The loudest code of mu-law decodes to 0.9804.
const CLIP_LEVEL: f32 = 0.98;
const CLIP_RUN: u32 = 3;
/// Clipped time, as a share of that of speech, from which on the spectrum is that of the clipping.
const MAX_CLIPPED_SHARE: f64 = 0.01;
/// Speech less than this many decibels above the background is drowned.
const MIN_SNR_DB: f64 = 6.0;
/// Background as loud as this that lasts for less says nothing of the line: in seconds, and as a share of the time of voice.
const MIN_LOUD_SECONDS: f64 = 0.5;
const MIN_LOUD_SHARE: f64 = 0.05;
/// One frame of so many is listened to for the band of the whole leg.
const BAND_EVERY: usize = 4;

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
    least_rate_hz: u32,
    n_samples: u64,
    readability: Readability,
    lowest: f32,
    highest: f32,
    sum: f64,
    n_clipped: u64,
    /// What is left of the band, the frame of it at hand, and how many samples pass before the next.
    band: BandMeter,
    recent: Vec<f32>,
    passed: usize,
    clip_run: u32,
    /// Seconds of voice since the last window.
    voice_seconds: f64,
    clipping: Spoilt,
    invalid: Spoilt,
    voice: Sound,
    background: Levels,
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

/// Samples that are spoilt, and how much of the windows they spoil.
#[derive(Default)]
struct Spoilt {
    /// Seconds since the last window, and of the whole leg.
    seconds: f64,
    seconds_in_all: f64,
    /// Windows' worth of speech that still holds what was spoilt.
    left: f64,
}

impl Spoilt {
    fn add(&mut self, seconds: f64) {
        self.seconds += seconds;
        self.seconds_in_all += seconds;
    }

    /// Whether the window holds too much of it: of what is fresh in it, or of what it shares with the one before.
    fn spoils(&mut self, most: f64, place: &Place, share: f64) -> bool {
        if self.seconds > most {
            self.left = 1.0;
        }
        let spoils = self.left > 0.0;
        if !place.first_look {
            self.left -= share.min(self.left);
            self.seconds = 0.0;
        }
        spoils
    }
}

/// Mean power, without the constant part.
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
    pub fn new(source_rate_hz: u32, model_rate_hz: u32, least_rate_hz: u32) -> Self {
        let band = BandMeter::new(source_rate_hz);
        Self {
            source_rate_hz,
            model_rate_hz,
            least_rate_hz,
            n_samples: 0,
            readability: Readability::new(source_rate_hz),
            lowest: f32::INFINITY,
            highest: f32::NEG_INFINITY,
            sum: 0.0,
            n_clipped: 0,
            recent: Vec::with_capacity(band.frame()),
            band,
            passed: 0,
            clip_run: 0,
            voice_seconds: 0.0,
            clipping: Spoilt::default(),
            invalid: Spoilt::default(),
            voice: Sound::default(),
            background: Levels::default(),
            beginning: None,
            any_window: false,
            doubt: Doubt::default(),
            last_reason: None,
        }
    }

    /// Counts samples as the caller pushed them, before resampling blurs the edges of clipping.
    pub fn count(&mut self, samples: &[f32], n_invalid: usize) {
        self.n_samples += samples.len() as u64;
        self.invalid.add(n_invalid as f64 / f64::from(self.source_rate_hz));
        self.readability.push(samples);
        self.measure_band(samples);
        let mut n_clipped = 0;
        for &sample in samples {
            self.lowest = self.lowest.min(sample);
            self.highest = self.highest.max(sample);
            self.sum += f64::from(sample);
            self.clip_run = if sample.abs() >= CLIP_LEVEL { self.clip_run.saturating_add(1) } else { 0 };
            // The run counts whole once it is long enough.
            n_clipped += match self.clip_run.cmp(&CLIP_RUN) {
                std::cmp::Ordering::Less => 0,
                std::cmp::Ordering::Equal => u64::from(CLIP_RUN),
                std::cmp::Ordering::Greater => 1,
            };
        }
        self.n_clipped += n_clipped;
        self.clipping.add(n_clipped as f64 / f64::from(self.source_rate_hz));
    }

    /// One frame of several is measured: the mean of a leg needs no more.
    fn measure_band(&mut self, samples: &[f32]) {
        let n = self.band.frame();
        for &sample in samples {
            if self.passed > 0 {
                self.passed -= 1;
                continue;
            }
            self.recent.push(sample);
            if self.recent.len() >= n {
                if power_around_mean(&self.recent) > AUDIBLE_POWER {
                    self.band.push(&self.recent);
                }
                self.recent.clear();
                self.passed = (BAND_EVERY - 1) * n;
            }
        }
    }

    /// The source has another rate from here on; what is measured of the band is that of the new one.
    pub fn change_rate(&mut self, source_rate_hz: u32) {
        self.source_rate_hz = source_rate_hz;
        self.band = BandMeter::new(source_rate_hz);
        self.recent = Vec::with_capacity(self.band.frame());
        self.passed = 0;
    }

    /// What is measured of the leg.
    pub fn signal(&self) -> SignalSummary {
        let n = self.n_samples.max(1) as f64;
        let power = self.voice.power();
        SignalSummary {
            bandwidth_hz: self.band.edge_hz(),
            upsampled_from_hz: self.band.upsampled_from_hz(),
            level_dbfs: (power > 0.0).then(|| 10.0 * power.log10()),
            clipped_share: self.n_clipped as f64 / n,
            dc_offset: self.sum / n,
        }
    }

    /// Takes the next frame of the gate.
    pub fn observe(&mut self, frame: &Frame<'_>) {
        let power = frame.power;
        match frame.class {
            FrameClass::Voice => {
                self.voice.add(power, frame.samples.len());
                self.voice_seconds += frame.samples.len() as f64 / f64::from(self.model_rate_hz);
            }
            FrameClass::Background => self.background.add(power),
            FrameClass::Pause | FrameClass::Tone => {}
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
        let voice_seconds = self.voice_seconds;
        let spoils = |spoilt: &mut Spoilt, most: f64| spoilt.spoils(most * voice_seconds, place, share);
        let invalid = spoils(&mut self.invalid, MAX_INVALID_SHARE).then_some(Reason::InvalidSamples);
        let clipped = spoils(&mut self.clipping, MAX_CLIPPED_SHARE).then_some(Reason::Clipping);
        if !place.first_look {
            self.voice_seconds = 0.0;
        }
        let narrow = self.is_narrow().then_some(Reason::NarrowBand);
        Heard { share, reason: invalid.or(clipped).or(narrow) }
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

    fn is_narrow(&self) -> bool {
        !holds_band(self.source_rate_hz, self.least_rate_hz)
    }

    /// The reasons against a verdict, given how many windows' worth of speech count for one.
    pub fn reasons(&self, n_windows: f64) -> Vec<Reason> {
        let mut reasons = Vec::new();
        let mut add = |holds: bool, reason| {
            if holds {
                reasons.push(reason);
            }
        };
        // Of a leg without a window that counts, the last that did not says why.
        let only = |reason| n_windows <= 0.0 && self.last_reason == Some(reason);
        let all = self.n_samples as f64 / f64::from(self.source_rate_hz);
        let spoilt = |spoilt: &Spoilt, most: f64| !self.any_window && spoilt.seconds_in_all > most * all;
        add(only(Reason::InvalidSamples) || spoilt(&self.invalid, MAX_INVALID_SHARE), Reason::InvalidSamples);
        add(self.readability.misread().is_some(), Reason::Misread);
        add(self.highest - self.lowest < NO_SIGNAL_RANGE || self.n_samples == 0, Reason::NoSignal);
        add(!self.any_window, Reason::TooLittleSpeech);
        // A window or two that count are not enough where as many since did not.
        let doubtful = self.doubt.reason.filter(|_| self.any_window && n_windows <= self.doubt.n);
        let sounds = |is: fn(&Texture) -> bool| self.beginning.as_deref().is_some_and(is);
        let sustained = doubtful == Some(Reason::MusicOrTones) || sounds(Texture::is_sustained);
        let drowned = self.any_window && self.is_drowned();
        add(sustained, Reason::MusicOrTones);
        let noise = drowned || doubtful == Some(Reason::Noise) || sounds(Texture::is_noise);
        add(!sustained && noise, Reason::Noise);
        add(only(Reason::Clipping) || spoilt(&self.clipping, MAX_CLIPPED_SHARE), Reason::Clipping);
        add(only(Reason::NarrowBand) || (!self.any_window && self.is_narrow()), Reason::NarrowBand);
        reasons
    }

    /// What is odd about the leg, in words.
    pub fn notes(&self) -> Vec<String> {
        self.readability.misread().map(|misread| misread.words().to_owned()).into_iter().collect()
    }

    /// Whether the voice stands out of the background by too little. What is loud for a moment says nothing of the line.
    fn is_drowned(&self) -> bool {
        let loud = self.voice.power() / 10_f64.powf(MIN_SNR_DB / 10.0);
        let voice_seconds = self.voice.n_samples as f64 / f64::from(self.model_rate_hz);
        let least = MIN_LOUD_SECONDS.max(MIN_LOUD_SHARE * voice_seconds);
        self.background.median() > loud && self.background.seconds_above(loud) >= least
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
