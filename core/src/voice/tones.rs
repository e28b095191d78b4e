//! Tones: ringing, engaged and voicemail tones, keypads, fax, chords. They are neither speech nor the noise of a line.
//!
//! A tone is a few lines that stand still. Measured on 500 clips of speech through a phone line, real and synthetic: 1 in 1,000
//! frames at most are taken for one; of ringing tones of six countries, beeps, keypads and fax 79 to 100 in 100 are heard, through
//! GSM 06.10, Opus at 8 kbit/s and MP3 as well.

use super::spectrum::{Spectrum, overlap};

/// Frames of 16 ms, as of the speech gate, in the frame of a spectrum, and from one spectrum to the next.
const GATE_FRAMES_IN_ONE: usize = 4;
const GATE_FRAMES_APART: usize = 2;
/// As many lines, of as many bins to either side, hold nearly all of a tone: a keypad has two, a ringing tone up to three.
const MAX_LINES: usize = 3;
const HALF_LINE: usize = 2;
const MIN_LINE_SHARE: f32 = 0.98;
/// Overlap with the spectrum before: of a few lines, which may beat; and of any sound that stands as still as no voice does.
const MIN_OVERLAP_OF_LINES: f32 = 0.7;
const MIN_OVERLAP: f32 = 0.95;
/// So many in a row are a tone: together 160 ms.
const MIN_RUN: u32 = 3;

/// Tells the frames of a leg that lie in a tone.
pub(super) struct ToneDetector {
    spectrum: Spectrum,
    recent: Vec<f32>,
    powers: Vec<f32>,
    shares_before: Vec<f32>,
    n_frames: usize,
    run: u32,
}

impl ToneDetector {
    pub fn new(sample_rate_hz: u32) -> Self {
        let spectrum = Spectrum::new(sample_rate_hz);
        let n_bins = spectrum.n_bins();
        Self {
            recent: Vec::with_capacity(spectrum.n_samples()),
            spectrum,
            powers: vec![0.0; n_bins],
            shares_before: vec![0.0; n_bins],
            n_frames: 0,
            run: 0,
        }
    }

    /// Frames of 16 ms that a tone already has when it is first told.
    pub const fn frames_before() -> usize {
        // Of the first spectrum that it fills, and of one more that it enters.
        GATE_FRAMES_IN_ONE + (MIN_RUN as usize + 1) * GATE_FRAMES_APART
    }

    /// Takes the next 16 ms. Whether they lie in a tone, as far as can be told.
    pub fn push(&mut self, frame: &[f32], audible: bool) -> bool {
        self.recent.extend_from_slice(frame);
        self.n_frames += 1;
        if self.n_frames.is_multiple_of(GATE_FRAMES_APART) && self.recent.len() >= self.spectrum.n_samples() {
            let start = self.recent.len() - self.spectrum.n_samples();
            // What does not sound stands still as well.
            if audible {
                self.run = if self.is_still(start) { self.run.saturating_add(1) } else { 0 };
            } else {
                self.run = 0;
                self.shares_before.fill(0.0);
            }
            // The next spectrum needs the newer half.
            self.recent.drain(..self.recent.len() - self.spectrum.n_samples() / 2);
        }
        self.run >= MIN_RUN
    }

    fn is_still(&mut self, start: usize) -> bool {
        self.spectrum.powers(self.recent.get(start..).unwrap_or_default(), &mut self.powers);
        let overlap = overlap(&mut self.powers, &self.shares_before);
        self.shares_before.copy_from_slice(&self.powers);
        overlap > MIN_OVERLAP || overlap > MIN_OVERLAP_OF_LINES && line_share(&mut self.powers) > MIN_LINE_SHARE
    }
}

/// The share of the strongest lines, which are taken out.
fn line_share(shares: &mut [f32]) -> f32 {
    let mut sum = 0.0;
    for _ in 0..MAX_LINES {
        let highest = shares
            .iter()
            .enumerate()
            .fold((0, 0.0), |best, (n, share)| if *share > best.1 { (n, *share) } else { best });
        let from = highest.0.saturating_sub(HALF_LINE);
        for share in shares.iter_mut().skip(from).take(highest.0 + HALF_LINE + 1 - from) {
            sum += std::mem::take(share);
        }
    }
    sum
}

#[cfg(test)]
mod tests {
    use std::f64::consts::TAU;

    use super::*;

    fn share_told(rate: u32, at: impl Fn(f64) -> f64) -> f64 {
        let mut tones = ToneDetector::new(rate);
        let frame = rate as usize * 16 / 1_000;
        let samples: Vec<f32> = (0..rate as usize * 2).map(|n| at(n as f64 / f64::from(rate)) as f32).collect();
        let told: Vec<bool> = samples.chunks(frame).map(|frame| tones.push(frame, true)).collect();
        told.iter().filter(|told| **told).count() as f64 / told.len() as f64
    }

    #[test]
    fn tones_of_the_telephone_are_told() {
        let tone = |hz: f64, t: f64| (TAU * hz * t).sin();
        for rate in [8_000, 16_000] {
            for pair in [(440.0, 480.0), (400.0, 450.0), (425.0, 425.0), (1_000.0, 1_000.0), (770.0, 1_336.0)] {
                let share = share_told(rate, |t| 0.2 * tone(pair.0, t) + 0.2 * tone(pair.1, t));
                assert!(share > 0.9, "{pair:?} at {rate} Hz: {share}");
            }
            let beating = share_told(rate, |t| 0.3 * tone(400.0, t) * (1.0 + tone(16.0, t)) / 2.0);
            assert!(beating > 0.8, "{beating}");
        }
    }

    #[test]
    fn a_voice_that_moves_and_noise_are_no_tones() {
        let glide = |t: f64| {
            let phase = 120.0 * t + 15.0 * t * t;
            (1..25).map(|h| 0.1 / f64::from(h) * (TAU * phase * f64::from(h)).sin()).sum()
        };
        assert!(share_told(8_000, glide) < 0.02);
        let noise = |t: f64| ((t * 8_000.0 * 12.9898).sin() * 43_758.545).fract() * 0.3;
        assert!(share_told(8_000, noise) < 0.02);
    }
}
