//! The gate that lets speech through: hysteresis, lead-in and hang-over around the voice probabilities of [`crate::vad`].

use std::collections::VecDeque;

use crate::error::Result;
use crate::voice::tones::ToneDetector;
use crate::voice::vad::VoiceDetector;

/// A voice starts at this probability, and goes on down to the lower one: earshot's own default and a step under it.
const START_PROBABILITY: f32 = 0.5;
const STAY_PROBABILITY: f32 = 0.3;
/// Frames of 16 ms kept before a voice starts: soft onsets (f, s, h) come before the network is sure.
const LEAD_IN_FRAMES: u64 = 6;
/// Frames of 16 ms kept after it: pauses up to 0.3 s are part of speech, and shorter than any clause.
const HANG_OVER_FRAMES: u32 = 19;
/// Frames of 16 ms after a tone in which the network still hears it. A voice that begins here has its start from the lead-in.
const ECHO_FRAMES: u64 = 6;
/// Frames quieter than this (-55 dB of full scale) do not sound.
pub(crate) const AUDIBLE_POWER: f64 = 3.2e-6;

/// What a frame is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FrameClass {
    /// Holds a voice.
    Voice,
    /// Lies close to a voice: lead-in, hang-over or a short pause. Scored with it, not counted as speech.
    Pause,
    /// Lies in a tone: neither scored, nor speech, nor the noise of the line.
    Tone,
    /// Anything else.
    Background,
}

/// Sixteen milliseconds of one leg, in order and without a gap.
pub(crate) struct Frame<'a> {
    /// Index of the first sample in the leg, at the model's rate.
    pub position: u64,
    pub samples: &'a [f32],
    /// Power without the constant part: [`power_around_mean`] of the samples.
    pub power: f64,
    pub class: FrameClass,
}

/// What takes frames as they are classified.
pub(crate) type FrameSink<'a> = dyn FnMut(Frame<'_>) + 'a;

/// A frame on its way through the gate.
struct Waiting {
    power: f64,
    class: FrameClass,
    in_tone: bool,
}

/// Frames that stay after they have a class: a tone is told so much later than it begins.
const DELAY_FRAMES: u64 = ToneDetector::frames_before() as u64;
/// Seconds of speech that wait in the gate.
pub(crate) const HELD_SECONDS: f64 = DELAY_FRAMES as f64 * 0.016;

pub(crate) struct SpeechGate {
    detector: VoiceDetector,
    tones: ToneDetector,
    /// The frames that were heard and have not left.
    waiting: VecDeque<Waiting>,
    sample_rate_hz: u64,
    audio: Vec<f32>,
    audio_start: u64,
    probabilities: Vec<f32>,
    /// Frames heard so far; how many of them have a class, where the rest wait to become a lead-in; and how many have left.
    n_heard: u64,
    n_classified: u64,
    n_passed: u64,
    /// Frames since the last that lay in a tone.
    since_tone: u64,
    /// Quiet frames since the last voice; none outside speech.
    quiet_frames: Option<u32>,
    /// What was skipped before the audio at hand.
    offset: u64,
}

/// `position` and a gap that a broken clock may give as any number: some million years are enough for a call.
fn later(position: u64, n_samples: u64) -> u64 {
    position.max(position.saturating_add(n_samples).min(1 << 62))
}

impl SpeechGate {
    pub fn new(sample_rate_hz: u32) -> Result<Self> {
        Ok(Self {
            detector: VoiceDetector::new(sample_rate_hz)?,
            tones: ToneDetector::new(sample_rate_hz),
            waiting: VecDeque::with_capacity((LEAD_IN_FRAMES + DELAY_FRAMES) as usize + 8),
            sample_rate_hz: u64::from(sample_rate_hz),
            // What waits, what the detector holds back, and a block: to the size that it needs, since growth would double it.
            audio: Vec::with_capacity(sample_rate_hz as usize * 10 / 32),
            audio_start: 0,
            probabilities: Vec::new(),
            n_heard: 0,
            n_classified: 0,
            n_passed: 0,
            since_tone: u64::MAX,
            quiet_frames: None,
            offset: 0,
        })
    }

    /// Ends the audio so far and goes on as if new, `n_samples` later. Nothing of the old is left in the network.
    pub fn restart(&mut self, n_samples: u64, sink: &mut FrameSink<'_>) -> Result<()> {
        self.finish(sink)?;
        let n_heard = self.audio_start + self.audio.len() as u64;
        let position = later(self.offset + n_heard, n_samples);
        *self = Self { offset: position, ..Self::new(self.sample_rate_hz as u32)? };
        Ok(())
    }

    /// Leaves out `n_samples` of silence between what came and what comes, without ending the speech.
    pub fn skip(&mut self, n_samples: u64, sink: &mut FrameSink<'_>) {
        self.pass_all(sink);
        self.offset = later(self.offset, n_samples);
    }

    pub fn push(&mut self, samples: &[f32], sink: &mut FrameSink<'_>) -> Result<()> {
        self.audio.extend_from_slice(samples);
        self.detector.push(samples, &mut self.probabilities)?;
        self.classify(sink);
        Ok(())
    }

    pub fn finish(&mut self, sink: &mut FrameSink<'_>) -> Result<()> {
        self.detector.finish(&mut self.probabilities)?;
        self.classify(sink);
        self.pass_all(sink);
        Ok(())
    }

    fn classify(&mut self, sink: &mut FrameSink<'_>) {
        let probabilities = std::mem::take(&mut self.probabilities);
        for &probability in &probabilities {
            let frame = self.n_heard;
            self.n_heard += 1;
            // The network takes some tones for voices, and goes on to when they are over.
            self.since_tone = if self.hear_tone(frame) { 0 } else { self.since_tone.saturating_add(1) };
            let probability = if self.since_tone <= ECHO_FRAMES { 0.0 } else { probability };
            match self.quiet_frames {
                None if probability >= START_PROBABILITY => {
                    self.classify_until(frame, FrameClass::Pause);
                    self.classify_until(frame + 1, FrameClass::Voice);
                    self.quiet_frames = Some(0);
                }
                None => {
                    let too_old = (frame + 1).saturating_sub(LEAD_IN_FRAMES);
                    self.classify_until(too_old, FrameClass::Background);
                }
                Some(_) if probability >= STAY_PROBABILITY => {
                    self.classify_until(frame + 1, FrameClass::Voice);
                    self.quiet_frames = Some(0);
                }
                Some(quiet) if quiet < HANG_OVER_FRAMES => {
                    self.classify_until(frame + 1, FrameClass::Pause);
                    self.quiet_frames = Some(quiet + 1);
                }
                Some(_) => self.quiet_frames = None,
            }
            self.pass_until(self.n_classified.min(self.n_heard.saturating_sub(DELAY_FRAMES)), sink);
        }
        self.probabilities = probabilities;
        self.probabilities.clear();
        let passed = self.frame_start(self.n_passed).min(self.audio_start + self.audio.len() as u64);
        self.audio.drain(..(passed - self.audio_start) as usize);
        self.audio_start = passed;
    }

    /// Whether a frame lies in a tone. A tone is told late; the frames of it that came before are told with it.
    fn hear_tone(&mut self, frame: u64) -> bool {
        let samples = self.samples_of(frame);
        let samples = self.audio.get(samples).unwrap_or_default();
        // All of the frame is at hand: what the network heard came in before, and less comes at the end alone.
        let power = power_around_mean(samples);
        let told = self.tones.push(samples, power > AUDIBLE_POWER);
        let began = told && self.waiting.back().is_none_or(|before| !before.in_tone);
        self.waiting.push_back(Waiting { power, class: FrameClass::Background, in_tone: told });
        if began {
            let of_it = self.waiting.iter_mut().rev().take(ToneDetector::frames_before());
            of_it.for_each(|waiting| waiting.in_tone = true);
        }
        told
    }

    /// Gives the frames before this one their class, if they have none.
    fn classify_until(&mut self, end: u64, class: FrameClass) {
        let from = self.n_classified.saturating_sub(self.n_passed) as usize;
        let n = end.saturating_sub(self.n_classified) as usize;
        self.waiting.iter_mut().skip(from).take(n).for_each(|waiting| waiting.class = class);
        self.n_classified = self.n_classified.max(end);
    }

    /// Nothing more belongs to what was heard so far.
    fn pass_all(&mut self, sink: &mut FrameSink<'_>) {
        self.classify_until(self.n_heard, FrameClass::Background);
        self.pass_until(self.n_heard, sink);
    }

    /// Where the samples of a frame lie in the audio at hand.
    fn samples_of(&self, frame: u64) -> std::ops::Range<usize> {
        let here = |at: u64| (at.saturating_sub(self.audio_start) as usize).min(self.audio.len());
        here(self.frame_start(frame))..here(self.frame_start(frame + 1))
    }

    fn pass_until(&mut self, end: u64, sink: &mut FrameSink<'_>) {
        while self.n_passed < end {
            let (from, samples) = (self.frame_start(self.n_passed), self.samples_of(self.n_passed));
            self.n_passed += 1;
            let Some(Waiting { power, class, in_tone }) = self.waiting.pop_front() else { return };
            let class = if in_tone { FrameClass::Tone } else { class };
            let samples = self.audio.get(samples).unwrap_or_default();
            if !samples.is_empty() {
                sink(Frame { position: self.offset + from, samples, power, class });
            }
        }
    }

    /// Frames of 16 ms start at whole samples, also at rates that 16 ms do not divide.
    fn frame_start(&self, frame: u64) -> u64 {
        frame * self.sample_rate_hz * 16 / 1_000
    }
}

/// Power without the constant part: an offset is neither speech nor noise.
pub(crate) fn power_around_mean(samples: &[f32]) -> f64 {
    let n = samples.len().max(1) as f64;
    let (sum, squares) = samples.iter().fold((0.0, 0.0), |(sum, squares), &sample| {
        let sample = f64::from(sample);
        (sum + sample, squares + sample * sample)
    });
    (squares / n - (sum / n).powi(2)).max(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn classes(samples: &[f32], chunk: usize) -> Vec<(u64, usize, FrameClass)> {
        let mut gate = SpeechGate::new(8_000).unwrap();
        let mut out = Vec::new();
        let mut sink = |frame: Frame<'_>| {
            assert_eq!(frame.power.to_bits(), power_around_mean(frame.samples).to_bits());
            out.push((frame.position, frame.samples.len(), frame.class));
        };
        for part in samples.chunks(chunk) {
            gate.push(part, &mut sink).unwrap();
        }
        gate.finish(&mut sink).unwrap();
        out
    }

    /// A buzz of 120 Hz with formant-like bands, on and off: enough of a voice for the network.
    fn buzz(seconds: f64) -> Vec<f32> {
        (0..(8_000.0 * seconds) as usize)
            .map(|n| {
                let t = n as f64 / 8_000.0;
                let syllable = (std::f64::consts::TAU * 3.0 * t).sin().max(0.0);
                let harmonics: f64 =
                    (1..28).map(|h| (std::f64::consts::TAU * 120.0 * f64::from(h) * t).sin() / f64::from(h)).sum();
                (0.2 * syllable * harmonics) as f32
            })
            .collect()
    }

    #[test]
    fn every_sample_leaves_once_and_in_order() {
        let mut samples = vec![0.0; 8_000];
        samples.extend(buzz(2.0));
        samples.extend(vec![0.0; 9_001]);
        let mut expected = 0;
        for (position, n, _) in classes(&samples, 333) {
            assert_eq!(position, expected);
            expected += n as u64;
        }
        assert_eq!(expected, samples.len() as u64);
    }

    #[test]
    fn a_tone_is_neither_voice_nor_background() {
        let mut samples = vec![0.0; 8_000];
        samples.extend((0..16_000).map(|n| 0.4 * (std::f32::consts::TAU * 1_000.0 * n as f32 / 8_000.0).sin()));
        samples.extend(vec![0.0; 8_000]);
        let all = classes(&samples, 160);
        let n = |class| all.iter().filter(|(_, _, c)| *c == class).count();
        assert!(n(FrameClass::Tone) >= 120, "{} of 125 frames", n(FrameClass::Tone));
        assert!(n(FrameClass::Voice) == 0, "{} frames of voice", n(FrameClass::Voice));
    }

    #[test]
    fn silence_is_background() {
        assert!(classes(&vec![0.0; 16_000], 160).iter().all(|(_, _, class)| *class == FrameClass::Background));
    }

    #[test]
    fn chunks_change_nothing() {
        let samples = buzz(3.0);
        let whole = classes(&samples, samples.len());
        for chunk in [1, 160, 4_000] {
            assert_eq!(classes(&samples, chunk), whole);
        }
    }
}
