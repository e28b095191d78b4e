//! Windows over speech: fixed-length runs of a leg's speech with their place in the call.

mod memory;

use std::collections::VecDeque;

use crate::voice::gate::{Frame, FrameClass};
use memory::SpeechMemory;

/// Where a window stands in its leg. Positions are samples of the leg at the model's rate.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Place {
    /// First sample.
    pub start: u64,
    /// One past the last sample.
    pub end: u64,
    /// Share of its voice that no window before it held, above 0: each second of speech counts once. Of less speech than a
    /// window, its share of one.
    pub fresh_share: f32,
    /// A first look at less than a window, which the first whole window replaces.
    pub first_look: bool,
}

/// A window that was completed: which samples of the speech since the last break it holds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Cut {
    pub place: Place,
    /// Which speech, as breaks part it.
    pub speech: u64,
    /// Its first sample and how many there are, fewer than a window's where there was less speech.
    pub start: u64,
    pub n_samples: usize,
}

impl Cut {
    /// Whether a newer window says what this one does, and more: the next of the same speech, which is as long, or the first
    /// whole one after a first look.
    pub fn is_overtaken_by(&self, newer: &Self) -> bool {
        let is_next = newer.start > self.start || self.place.first_look;
        self.speech == newer.speech && newer.n_samples >= self.n_samples && is_next
    }
}

/// A window ready to be scored.
pub(crate) struct Window<'a> {
    pub cut: Cut,
    memory: &'a SpeechMemory,
    /// Samples in the memory that are older.
    skip: usize,
}

impl Window<'_> {
    /// Its samples. Speech that is shorter than `out` is repeated until it fills it, as published detectors do with short
    /// clips.
    pub fn read(&self, out: &mut [f32]) {
        let n = self.cut.n_samples.min(out.len());
        self.memory.read(self.skip, out.get_mut(..n).unwrap_or_default());
        for index in n..out.len() {
            let sample = out.get(index - n).copied().unwrap_or(0.0);
            if let Some(out) = out.get_mut(index) {
                *out = sample;
            }
        }
    }
}

/// What is told of windows as they are completed.
pub(crate) type CutSink<'a> = dyn FnMut(Cut) + 'a;

/// A run of speech: where it starts in the speech and in the leg.
struct Run {
    speech_index: u64,
    position: u64,
}

/// Cuts the frames of speech into windows. Pauses that the gate dropped are left out between two runs of speech; across a
/// [break](Self::break_off) no window reaches.
pub(crate) struct Windower {
    window: u64,
    hop: u64,
    min_speech: u64,
    /// Speech after which a first look is taken, if one is wanted and was not yet taken.
    first_look: Option<u64>,
    /// The newest speech: a window's worth, and what may come before somebody looks at the window.
    memory: SpeechMemory,
    /// Number of breaks so far, and whether the memory is still that of the speech before the last.
    n_breaks: u64,
    broken: bool,
    runs: VecDeque<Run>,
    /// Samples of speech since the last break, how many of them windows have seen, and how many make the next window.
    n_samples: u64,
    n_windowed: u64,
    next_end: u64,
    fresh_speech: u64,
    /// Samples of voice since the last break, and in all.
    speech_here: u64,
    speech: u64,
    position_after: u64,
    /// Samples of speech before the last break.
    n_before: u64,
}

impl Windower {
    /// All in samples at the model's rate: windows of `window` every `hop`, of at least `min_speech`; they can be read until
    /// more than `slack` samples came after them.
    pub fn new(window: usize, hop: u64, min_speech: usize, first_look: Option<u64>, slack: usize) -> Self {
        let (capacity, window, min_speech) = (window + slack, window as u64, min_speech as u64);
        Self {
            window,
            hop: hop.clamp(1, window),
            min_speech,
            first_look: first_look.filter(|n| *n < window).map(|n| n.max(min_speech)),
            memory: SpeechMemory::new(capacity),
            n_breaks: 0,
            broken: false,
            runs: VecDeque::new(),
            n_samples: 0,
            n_windowed: 0,
            next_end: window,
            fresh_speech: 0,
            speech_here: 0,
            speech: 0,
            position_after: 0,
            n_before: 0,
        }
    }

    /// From here on more than `slack` samples may come before somebody looks at a window.
    pub fn widen(&mut self, slack: usize) {
        self.memory.widen(self.window as usize + slack);
    }

    /// Samples of voice so far.
    pub fn speech(&self) -> u64 {
        self.speech
    }

    /// The window that was cut, where its samples are still at hand.
    pub fn window(&self, cut: Cut) -> Option<Window<'_>> {
        let now = self.n_breaks - u64::from(self.broken);
        let oldest = (self.n_samples_kept()).checked_sub(self.memory.len() as u64)?;
        let skip = usize::try_from(cut.start.checked_sub(oldest)?).ok()?;
        (cut.speech == now).then_some(Window { cut, memory: &self.memory, skip })
    }

    /// Samples of the speech that the memory is of.
    fn n_samples_kept(&self) -> u64 {
        if self.broken { self.n_before } else { self.n_samples }
    }

    /// Takes a frame; tells `sink` of each window that it completes.
    pub fn push(&mut self, frame: &Frame<'_>, sink: &mut CutSink<'_>) {
        if matches!(frame.class, FrameClass::Background | FrameClass::Tone) {
            return;
        }
        if std::mem::take(&mut self.broken) {
            self.memory.clear();
        }
        if self.runs.is_empty() || frame.position != self.position_after {
            self.runs.push_back(Run { speech_index: self.n_samples, position: frame.position });
        }
        self.position_after = frame.position;
        let mut rest = frame.samples;
        while !rest.is_empty() {
            let room = usize::try_from(self.next_end - self.n_samples).unwrap_or(usize::MAX);
            let (now, later) = rest.split_at(room.min(rest.len()));
            let voice = frame.class == FrameClass::Voice;
            self.memory.push(now, voice);
            let n = now.len() as u64;
            self.n_samples += n;
            self.position_after += n;
            if voice {
                self.speech += n;
                self.speech_here += n;
                self.fresh_speech += n;
            }
            rest = later;
            if self.n_samples == self.next_end {
                self.first_look = None;
                sink(self.cut_last());
                self.next_end += self.hop;
            }
        }
        if self.first_look.is_some_and(|n| self.speech_here >= n) {
            self.first_look = None;
            let cut = self.cut();
            sink(Cut { place: Place { first_look: true, ..cut.place }, ..cut });
        }
    }

    /// Ends the leg, or its speech before a gap: scores what no window held yet. A run of speech shorter than a window is
    /// repeated until it fills one; a longer one gets a last window that ends with its last sample. What follows starts
    /// afresh, so that no window holds speech from both sides. The memory is cleared by the next speech: until then the last
    /// window can be read.
    pub fn break_off(&mut self, sink: &mut CutSink<'_>) {
        let rest = self.n_samples - self.n_windowed;
        let short = self.n_windowed == 0;
        // A sliver adds nothing that the window before has not seen.
        let wanted = if short { self.speech_here >= self.min_speech && rest > 0 } else { rest >= self.hop.div_ceil(4) };
        if wanted {
            sink(self.cut_last());
        }
        if self.n_samples > 0 {
            self.broken = true;
            self.n_before = self.n_samples;
            self.n_breaks += 1;
        }
        self.runs.clear();
        (self.n_samples, self.n_windowed, self.next_end) = (0, 0, self.window);
        (self.fresh_speech, self.speech_here) = (0, 0);
    }

    fn cut_last(&mut self) -> Cut {
        let cut = self.cut();
        self.fresh_speech = 0;
        self.n_windowed = self.n_samples;
        cut
    }

    /// The newest window of speech, or as much as there is.
    fn cut(&mut self) -> Cut {
        let n_samples = self.n_samples.min(self.window);
        let start = self.n_samples - n_samples;
        // Less speech than a window, which is repeated to fill it, is no more than it is. A window of pauses alone is next to
        // nothing, but a window.
        let skip = self.memory.len().saturating_sub(n_samples as usize);
        let all = if n_samples == self.window { self.memory.n_voice(skip).max(1) as f32 } else { self.window as f32 };
        let fresh_share = (self.fresh_speech as f32 / all).clamp(1e-3, 1.0);
        let place = Place { start: self.position_of(start), end: self.position_after, fresh_share, first_look: false };
        Cut { place, speech: self.n_breaks, start, n_samples: n_samples as usize }
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
    /// The windows of some test: the samples as positions, and the place.
    #[derive(Default)]
    struct Seen(Vec<(Vec<u64>, Place)>);

    impl Seen {
        fn push(&mut self, windower: &mut Windower, frames: &[(u64, u64, FrameClass)]) {
            for &(position, n, class) in frames {
                let samples: Vec<f32> = (position..position + n).map(|p| p as f32 / 32_768.0).collect();
                let mut cuts = Vec::new();
                windower.push(&Frame { position, samples: &samples, power: 0.0, class }, &mut |cut| cuts.push(cut));
                for cut in cuts {
                    self.take(windower, cut);
                }
            }
        }

        fn break_off(&mut self, windower: &mut Windower) {
            let mut cuts = Vec::new();
            windower.break_off(&mut |cut| cuts.push(cut));
            for cut in cuts {
                self.take(windower, cut);
            }
        }

        fn take(&mut self, windower: &Windower, cut: Cut) {
            let mut samples = vec![0.0; 1_000];
            windower.window(cut).unwrap().read(&mut samples);
            self.0.push((samples.iter().map(|v| (v * 32_768.0) as u64).collect(), cut.place));
        }
    }

    fn windows(frames: &[(u64, u64, FrameClass)]) -> Vec<(Vec<u64>, Place)> {
        let (mut windower, mut seen) = (Windower::new(1_000, 500, 200, None, 5_000), Seen::default());
        seen.push(&mut windower, frames);
        seen.break_off(&mut windower);
        seen.0
    }

    #[test]
    fn windows_follow_each_other_by_the_hop_and_the_last_one_ends_at_the_end() {
        let got = windows(&[(0, 1_800, FrameClass::Voice)]);
        let places: Vec<_> = got.iter().map(|(_, p)| (p.start, p.end, p.fresh_share)).collect();
        assert_eq!(places, [(0, 1_000, 1.0), (500, 1_500, 0.5), (800, 1_800, 0.3)]);
        assert!(got.iter().all(|(samples, place)| samples[0] == place.start && samples[999] == place.end - 1));
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
        let (samples, place) = &got[0];
        assert_eq!(*place, Place { start: 100, end: 6_100, fresh_share: 1.0, first_look: false });
        assert_eq!((samples[599], samples[600]), (699, 5_700));
    }

    #[test]
    fn little_speech_is_repeated_and_too_little_is_not_scored() {
        let got = windows(&[(0, 300, FrameClass::Voice)]);
        assert_eq!(got.len(), 1);
        assert_eq!((got[0].0[299], got[0].0[300], got[0].0[999]), (299, 0, 99));
        assert!(windows(&[(0, 150, FrameClass::Voice), (150, 600, FrameClass::Pause)]).is_empty());
    }

    #[test]
    fn no_window_reaches_across_a_break() {
        let (mut windower, mut seen) = (Windower::new(1_000, 500, 200, None, 5_000), Seen::default());
        seen.push(&mut windower, &[(0, 1_300, FrameClass::Voice)]);
        seen.break_off(&mut windower);
        seen.push(&mut windower, &[(9_000, 250, FrameClass::Voice)]);
        seen.break_off(&mut windower);
        seen.push(&mut windower, &[(20_000, 100, FrameClass::Voice)]);
        seen.break_off(&mut windower);
        let places: Vec<_> = seen.0.iter().map(|(_, p)| (p.start, p.end, p.fresh_share)).collect();
        assert_eq!(places, [(0, 1_000, 1.0), (300, 1_300, 0.3), (9_000, 9_250, 0.25)]);
        assert_eq!(windower.speech(), 1_650, "what is too short to be scored is speech all the same");
    }

    #[test]
    fn a_window_can_be_read_until_too_much_came_after_it() {
        let mut windower = Windower::new(1_000, 500, 200, None, 300);
        let mut cuts = Vec::new();
        let mut push = |windower: &mut Windower, position: u64, n: usize| {
            let samples = vec![0.1; n];
            let frame = Frame { position, samples: &samples, power: 0.0, class: FrameClass::Voice };
            windower.push(&frame, &mut |cut| cuts.push(cut));
            cuts.first().copied()
        };
        let first = push(&mut windower, 0, 1_300).unwrap();
        assert!(windower.window(first).is_some());
        windower.break_off(&mut |_| ());
        assert!(windower.window(first).is_some(), "a break does not touch what is at hand");
        push(&mut windower, 5_000, 10);
        assert!(windower.window(first).is_none(), "another speech is at hand");
        let mut windower = Windower::new(1_000, 500, 200, None, 300);
        push(&mut windower, 0, 1_000);
        push(&mut windower, 1_000, 301);
        assert!(windower.window(first).is_none(), "its first sample is gone");
    }

    #[test]
    fn a_first_look_changes_none_of_the_windows_after_it() {
        let frames: Vec<_> = (0..18).map(|n| (n * 100, 100, FrameClass::Voice)).collect();
        let (mut windower, mut seen) = (Windower::new(1_000, 500, 200, Some(750), 5_000), Seen::default());
        seen.push(&mut windower, &frames);
        seen.break_off(&mut windower);
        let (samples, look) = seen.0.remove(0);
        assert_eq!(look, Place { start: 0, end: 800, fresh_share: 0.8, first_look: true });
        assert_eq!((samples[799], samples[800]), (799, 0));
        assert_eq!(seen.0, windows(&frames));
    }
}
