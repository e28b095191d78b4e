//! The newest speech of a leg, in 16 bits a sample: half the memory of `f32`, and a phone system holds thousands of legs.
//!
//! Each frame has a scale of its own, a power of two (block floating point). So 16-bit audio at the model's rate comes back
//! exactly as it went in, and any other within 2^-15 of its frame's peak, however soft the voice.

use std::collections::VecDeque;

/// Frames longer than this get several scales.
const MAX_BLOCK: usize = 256;
/// The exponent of 16-bit audio, where a step is 2^-15; also that of silence.
const INTEGER_EXPONENT: i8 = 15;
const MAX_EXPONENT: i8 = 60;

struct Block {
    n_samples: u16,
    exponent: i8,
    voice: bool,
}

/// A first-in first-out memory for at most `capacity` samples.
pub(super) struct SpeechMemory {
    values: VecDeque<i16>,
    blocks: VecDeque<Block>,
    capacity: usize,
}

impl SpeechMemory {
    pub fn new(capacity: usize) -> Self {
        Self { values: VecDeque::new(), blocks: VecDeque::new(), capacity }
    }

    /// Keeps at least so many samples from here on.
    pub fn widen(&mut self, capacity: usize) {
        self.capacity = self.capacity.max(capacity);
    }

    pub fn len(&self) -> usize {
        self.values.len()
    }

    pub fn clear(&mut self) {
        self.values.clear();
        self.blocks.clear();
    }

    /// Appends samples in [-1, 1] and a little over; the oldest leave.
    pub fn push(&mut self, samples: &[f32], voice: bool) {
        if self.values.capacity() < self.capacity {
            // Taken whole when a leg first speaks: a leg that never does costs nothing, and growth by halves would waste.
            self.values.reserve_exact(self.capacity - self.values.len());
        }
        for block in samples.chunks(MAX_BLOCK) {
            self.forget((self.values.len() + block.len()).saturating_sub(self.capacity));
            let exponent = exponent_of(block);
            let scale = exp2(exponent);
            self.values.extend(block.iter().map(|value| (value * scale).round() as i16));
            self.blocks.push_back(Block { n_samples: block.len() as u16, exponent, voice });
        }
    }

    /// The samples from the `skip` oldest on, into the beginning of `out`.
    pub fn read(&self, skip: usize, out: &mut [f32]) {
        let mut samples = out.iter_mut().zip(self.values.iter().skip(skip));
        let mut skip = skip;
        for block in &self.blocks {
            let n_samples = usize::from(block.n_samples);
            let step = exp2(-block.exponent);
            for (sample, value) in samples.by_ref().take(n_samples - skip.min(n_samples)) {
                *sample = f32::from(*value) * step;
            }
            skip -= skip.min(n_samples);
        }
    }

    /// How many of its samples from the `skip` oldest on are of a voice; the others are of short pauses.
    pub fn n_voice(&self, mut skip: usize) -> usize {
        let mut n_voice = 0;
        for block in &self.blocks {
            let n_samples = usize::from(block.n_samples);
            n_voice += if block.voice { n_samples - skip.min(n_samples) } else { 0 };
            skip -= skip.min(n_samples);
        }
        n_voice
    }

    fn forget(&mut self, mut n_samples: usize) {
        self.values.drain(..n_samples);
        while let Some(block) = self.blocks.front_mut().filter(|_| n_samples > 0) {
            let gone = usize::from(block.n_samples).min(n_samples);
            n_samples -= gone;
            block.n_samples -= gone as u16;
            if block.n_samples == 0 {
                self.blocks.pop_front();
            }
        }
    }
}

fn exp2(exponent: i8) -> f32 {
    f32::from(exponent).exp2()
}

/// The finest scale at which every sample fits in 16 bits.
fn exponent_of(block: &[f32]) -> i8 {
    let (low, high) = block.iter().fold((0.0_f32, 0.0_f32), |(low, high), v| (low.min(*v), high.max(*v)));
    let fits = |exponent: i8| {
        let scale = exp2(exponent);
        (low * scale).round() >= f32::from(i16::MIN) && (high * scale).round() <= f32::from(i16::MAX)
    };
    let peak = high.max(-low);
    if peak <= 0.0 {
        return INTEGER_EXPONENT;
    }
    // Right but for rounding at the edge, which `fits` decides.
    let near = (15.0 - peak.log2()).floor().clamp(-60.0, f32::from(MAX_EXPONENT)) as i8;
    if fits(near + 1) {
        near + 1
    } else if fits(near) {
        near
    } else {
        near - 1
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn through(samples: &[f32], chunk: usize, capacity: usize) -> Vec<f32> {
        let mut memory = SpeechMemory::new(capacity);
        for part in samples.chunks(chunk) {
            memory.push(part, true);
        }
        let mut out = vec![0.0; memory.len()];
        memory.read(0, &mut out);
        assert_eq!(memory.n_voice(0), out.len());
        out
    }

    proptest! {
        #[test]
        fn integers_come_back_exactly(values in prop::collection::vec(any::<i16>(), 1..900), chunk in 1_usize..400) {
            let samples: Vec<f32> = values.iter().map(|v| f32::from(*v) / 32_768.0).collect();
            prop_assert_eq!(through(&samples, chunk, 1_000), samples);
        }

        #[test]
        fn other_samples_come_back_within_a_step_of_the_peak(
            samples in prop::collection::vec(-1.2_f32..1.2, 1..256),
            softer in 0_i32..40,
        ) {
            let samples: Vec<f32> = samples.iter().map(|v| v * 2.0_f32.powi(-softer)).collect();
            let peak = samples.iter().fold(0.0_f32, |peak, v| peak.max(v.abs()));
            for (sample, back) in samples.iter().zip(through(&samples, 256, 256)) {
                prop_assert!((sample - back).abs() <= peak * 2.0_f32.powi(-15), "{sample} came back as {back}");
            }
        }
    }

    #[test]
    fn the_oldest_leave_whatever_the_blocks() {
        let samples: Vec<f32> = (0..1_000).map(|n| n as f32 / 32_768.0).collect();
        for chunk in [1, 7, 128, 300, 1_000] {
            assert_eq!(through(&samples, chunk, 300), samples[700..], "in chunks of {chunk}");
        }
    }

    #[test]
    fn the_oldest_are_passed_over() {
        let samples: Vec<f32> = (0..700).map(|n| n as f32 / 32_768.0).collect();
        let mut memory = SpeechMemory::new(700);
        memory.push(&samples[..300], false);
        memory.push(&samples[300..], true);
        for (skip, n_voice) in [(0, 400), (299, 400), (301, 399), (700, 0)] {
            let mut out = vec![0.0; 700 - skip];
            memory.read(skip, &mut out);
            assert_eq!(out, samples[skip..]);
            assert_eq!(memory.n_voice(skip), n_voice);
        }
    }

    #[test]
    fn silence_and_the_softest_numbers_are_no_trouble() {
        for value in [0.0, -0.0, f32::MIN_POSITIVE, 1e-30] {
            assert!(through(&[value; 10], 10, 10).iter().all(|back| (back - value).abs() <= 1e-12));
        }
    }
}
