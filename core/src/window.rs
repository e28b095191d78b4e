//! Windows over speech: fixed-length runs of a leg's speech with their place in the call.

use std::collections::VecDeque;

use crate::error::Result;
use crate::manifest::Input;
use crate::speech::{Frame, FrameClass};

/// A window ready to be scored.
pub(crate) struct Window<'a> {
    pub samples: &'a [f32],
    /// Where in the leg its first sample stands, and the end of its last.
    pub start: u64,
    pub end: u64,
    /// Samples of voice in it that no window before it held: each second of speech counts once.
    pub fresh_speech: u64,
}

/// A run of speech: where it starts in the speech and in the leg.
struct Run {
    speech_index: u64,
    position: u64,
}

/// Cuts the frames of speech into windows. Pauses that the gate dropped are left out between two runs of speech.
pub(crate) struct Windower {
    window: usize,
    hop: usize,
    min_speech: u64,
    /// The newest samples of speech: a window's worth and what has come since.
    samples: Vec<f32>,
    runs: VecDeque<Run>,
    n_samples: u64,
    n_windowed: u64,
    next_end: u64,
    fresh_speech: u64,
    speech: u64,
    position_after: u64,
}

impl Windower {
    pub fn new(input: &Input) -> Self {
        Self {
            window: input.window_samples,
            hop: input.hop_samples,
            min_speech: input.min_speech_samples as u64,
            samples: Vec::with_capacity(input.window_samples + input.hop_samples),
            runs: VecDeque::new(),
            n_samples: 0,
            n_windowed: 0,
            next_end: input.window_samples as u64,
            fresh_speech: 0,
            speech: 0,
            position_after: 0,
        }
    }

    /// Samples of voice so far.
    pub fn speech(&self) -> u64 {
        self.speech
    }

    /// Takes a frame; calls `sink` for each window that it completes.
    pub fn push(&mut self, frame: &Frame<'_>, sink: &mut dyn FnMut(Window<'_>) -> Result<()>) -> Result<()> {
        if frame.class == FrameClass::Background {
            return Ok(());
        }
        if self.runs.is_empty() || frame.position != self.position_after {
            self.runs.push_back(Run { speech_index: self.n_samples, position: frame.position });
        }
        self.position_after = frame.position;
        let mut rest = frame.samples;
        while !rest.is_empty() {
            let room = (self.next_end - self.n_samples) as usize;
            let (now, later) = rest.split_at(room.min(rest.len()));
            self.samples.extend_from_slice(now);
            self.n_samples += now.len() as u64;
            self.position_after += now.len() as u64;
            if frame.class == FrameClass::Voice {
                self.speech += now.len() as u64;
                self.fresh_speech += now.len() as u64;
            }
            rest = later;
            if self.n_samples == self.next_end {
                self.emit(sink)?;
                self.next_end += self.hop as u64;
            }
        }
        Ok(())
    }

    /// Ends the leg: scores what no window held yet. Less than a window of speech is repeated until it fills one, as
    /// published detectors do with short clips; a longer leg gets a last window that ends with its last sample.
    pub fn finish(&mut self, sink: &mut dyn FnMut(Window<'_>) -> Result<()>) -> Result<()> {
        let rest = self.n_samples - self.n_windowed;
        if self.n_windowed > 0 {
            // A sliver adds nothing that the window before has not seen.
            if rest >= (self.hop as u64).div_ceil(4) {
                self.emit(sink)?;
            }
        } else if self.speech >= self.min_speech && rest > 0 {
            let n = self.samples.len();
            for index in n..self.window {
                let sample = self.samples.get(index % n).copied().unwrap_or(0.0);
                self.samples.push(sample);
            }
            self.emit(sink)?;
        }
        Ok(())
    }

    fn emit(&mut self, sink: &mut dyn FnMut(Window<'_>) -> Result<()>) -> Result<()> {
        let surplus = self.samples.len().saturating_sub(self.window);
        self.samples.drain(..surplus);
        let first = self.n_samples.saturating_sub(self.window as u64);
        let start = self.position_of(first);
        let fresh_speech = std::mem::take(&mut self.fresh_speech);
        self.n_windowed = self.n_samples;
        sink(Window { samples: &self.samples, start, end: self.position_after, fresh_speech })
    }

    /// The place in the leg of a sample of speech; forgets the runs before it.
    fn position_of(&mut self, speech_index: u64) -> u64 {
        while self.runs.get(1).is_some_and(|next| next.speech_index <= speech_index) {
            self.runs.pop_front();
        }
        self.runs.front().map_or(0, |run| run.position + (speech_index - run.speech_index))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::features::{FeatureSpec, WaveformSpec};

    fn input() -> Input {
        Input {
            tensor: "x".to_owned(),
            sample_rate_hz: 8_000,
            window_samples: 1_000,
            hop_samples: 500,
            min_speech_samples: 200,
            level_dbfs: None,
            features: FeatureSpec::Waveform(WaveformSpec {}),
        }
    }

    /// Frames at `(position, length, class)`, each sample holding its own position.
    fn windows(frames: &[(u64, u64, FrameClass)]) -> Vec<(Vec<f32>, u64, u64, u64)> {
        let mut windower = Windower::new(&input());
        let mut out = Vec::new();
        let mut sink = |w: Window<'_>| {
            out.push((w.samples.to_vec(), w.start, w.end, w.fresh_speech));
            Ok(())
        };
        for &(position, n, class) in frames {
            let samples: Vec<f32> = (position..position + n).map(|p| p as f32).collect();
            windower.push(&Frame { position, samples: &samples, class }, &mut sink).unwrap();
        }
        windower.finish(&mut sink).unwrap();
        out
    }

    #[test]
    fn windows_follow_each_other_by_the_hop_and_the_last_one_ends_at_the_end() {
        let got = windows(&[(0, 1_800, FrameClass::Voice)]);
        let places: Vec<_> = got.iter().map(|(_, start, end, fresh)| (*start, *end, *fresh)).collect();
        assert_eq!(places, [(0, 1_000, 1_000), (500, 1_500, 500), (800, 1_800, 300)]);
        assert!(got.iter().all(|(samples, start, ..)| samples.len() == 1_000 && samples[0].to_bits() == (*start as f32).to_bits()));
    }

    #[test]
    fn a_sliver_at_the_end_makes_no_window() {
        assert_eq!(windows(&[(0, 1_100, FrameClass::Voice)]).len(), 1);
    }

    #[test]
    fn background_is_left_out_and_places_stay_true() {
        let got = windows(&[
            (100, 600, FrameClass::Voice),
            (700, 5_000, FrameClass::Background),
            (5_700, 100, FrameClass::Pause),
            (5_800, 400, FrameClass::Voice),
        ]);
        assert_eq!(got.len(), 1);
        let (samples, start, end, fresh) = &got[0];
        assert_eq!((*start, *end, *fresh), (100, 6_100, 900));
        assert_eq!((samples[599], samples[600]), (699.0, 5_700.0));
    }

    #[test]
    fn little_speech_is_repeated_and_too_little_is_not_scored() {
        let got = windows(&[(0, 300, FrameClass::Voice)]);
        assert_eq!(got.len(), 1);
        assert_eq!((got[0].0[299], got[0].0[300]), (299.0, 0.0));
        assert!(windows(&[(0, 150, FrameClass::Voice), (150, 600, FrameClass::Pause)]).is_empty());
    }
}
