//! What the legs of a call have in common, and should not: the same sound on both, or one voice leaking into the other leg.

/// Blocks of this length are compared.
const BLOCK_SECONDS: f64 = 0.032;
/// Legs whose every block is the other's, at whatever level, hold the same sound.
const MIN_SHARE_OF_SAME: f64 = 0.95;
const MIN_COHERENCE_OF_SAME: f64 = 0.98;
/// A leg so much louder speaks alone (20 dB); what the other holds of it is no voice of its own.
const ALONE: f64 = 100.0;
const MIN_COHERENCE_OF_LEAK: f64 = 0.7;
const MIN_SHARE_OF_LEAK: f64 = 0.5;
/// Powers under -50 and -75 dB of full scale say nothing: of the leg that speaks, and of what leaks.
const MIN_POWER: f64 = 1e-5;
const MIN_LEAKED_POWER: f64 = 3e-8;
/// Less than this says nothing.
const MIN_SECONDS: f64 = 2.0;

/// What one leg holds of another, over blocks in which that other speaks alone.
#[derive(Debug, Clone, Copy, Default)]
struct Leak {
    n_alone: u32,
    n_leaked: u32,
    from: f64,
    into: f64,
}

#[derive(Debug, Clone, Copy, Default)]
struct Pair {
    n: u32,
    n_same: u32,
    first_into_second: Leak,
    second_into_first: Leak,
    /// Sums of the block at hand: squares of both, products.
    sums: (f64, f64, f64),
}

/// Compares the legs of a call while they are read.
///
/// ```
/// use veravox::likeness::Likeness;
///
/// let voice: Vec<f32> = (0..24_000).map(|n| (n as f32 * 0.37).sin() * 0.3).collect();
/// let mut likeness = Likeness::new(2, 8_000);
/// likeness.push(&[&voice, &voice]);
/// assert!(likeness.notes(1)[0].contains("the same sound"));
/// ```
pub struct Likeness {
    n_legs: usize,
    pairs: Vec<Pair>,
    block: usize,
    /// Samples in the block at hand.
    n_samples: usize,
}

impl Likeness {
    /// For so many legs, all at `sample_rate_hz`.
    #[must_use]
    pub fn new(n_legs: usize, sample_rate_hz: u32) -> Self {
        let n_pairs = n_legs * n_legs.saturating_sub(1) / 2;
        let block = (BLOCK_SECONDS * f64::from(sample_rate_hz)) as usize;
        Self { n_legs, pairs: vec![Pair::default(); n_pairs], block: block.max(1), n_samples: 0 }
    }

    /// Takes the next samples of all legs, a slice of the same length for each.
    pub fn push(&mut self, legs: &[impl AsRef<[f32]>]) {
        let n = legs.iter().map(|leg| leg.as_ref().len()).min().unwrap_or(0);
        let mut from = 0;
        while from < n && !self.pairs.is_empty() {
            let to = n.min(from + self.block - self.n_samples);
            let here = |leg: usize| legs.get(leg).and_then(|leg| leg.as_ref().get(from..to)).unwrap_or_default();
            for ((first, second), pair) in pairs(self.n_legs).zip(&mut self.pairs) {
                for (a, b) in here(first).iter().zip(here(second)) {
                    let (a, b) = (f64::from(*a), f64::from(*b));
                    pair.sums.0 += a * a;
                    pair.sums.1 += b * b;
                    pair.sums.2 += a * b;
                }
            }
            self.n_samples += to - from;
            from = to;
            if self.n_samples == self.block {
                self.n_samples = 0;
                let n = self.block as f64;
                self.pairs.iter_mut().for_each(|pair| pair.end_block(n));
            }
        }
    }

    /// What is to be told of a leg, in words.
    #[must_use]
    pub fn notes(&self, leg: usize) -> Vec<String> {
        let mut notes = Vec::new();
        for ((first, second), pair) in pairs(self.n_legs).zip(&self.pairs) {
            let (other, into) = match leg {
                leg if leg == first => (second, &pair.second_into_first),
                leg if leg == second => (first, &pair.first_into_second),
                _ => continue,
            };
            if pair.is_same() {
                notes.push(format!(
                    "it holds the same sound as leg {other}: a recording in which both voices are mixed, stored twice"
                ));
            } else if let Some(softer_db) = into.level_db() {
                notes.push(format!(
                    "the voice of leg {other} leaks into it, {softer_db:.0} dB softer: what is said of it may be of that voice"
                ));
            }
        }
        notes
    }
}

/// All pairs of legs, in one order.
fn pairs(n_legs: usize) -> impl Iterator<Item = (usize, usize)> {
    (0..n_legs).flat_map(move |first| (first + 1..n_legs).map(move |second| (first, second)))
}

impl Pair {
    fn end_block(&mut self, n: f64) {
        let (first, second, product) = std::mem::take(&mut self.sums);
        let (first, second, product) = (first / n, second / n, product / n);
        if first.max(second) < MIN_POWER {
            return;
        }
        let coherence = if first > 0.0 && second > 0.0 { product * product / (first * second) } else { 0.0 };
        self.n += 1;
        self.n_same += u32::from(coherence > MIN_COHERENCE_OF_SAME);
        self.first_into_second.add(first, second, coherence);
        self.second_into_first.add(second, first, coherence);
    }

    fn is_same(&self) -> bool {
        seconds(self.n) >= MIN_SECONDS && f64::from(self.n_same) >= MIN_SHARE_OF_SAME * f64::from(self.n)
    }
}

impl Leak {
    fn add(&mut self, from: f64, into: f64, coherence: f64) {
        if from < ALONE * into {
            return;
        }
        self.n_alone += 1;
        if coherence > MIN_COHERENCE_OF_LEAK && into > MIN_LEAKED_POWER {
            self.n_leaked += 1;
            self.from += from;
            self.into += into;
        }
    }

    /// How much softer the leak is than the voice, if there is one.
    fn level_db(&self) -> Option<f64> {
        let leaks = seconds(self.n_leaked) >= MIN_SECONDS
            && f64::from(self.n_leaked) >= MIN_SHARE_OF_LEAK * f64::from(self.n_alone);
        leaks.then(|| 10.0 * (self.from / self.into).log10())
    }
}

fn seconds(n_blocks: u32) -> f64 {
    f64::from(n_blocks) * BLOCK_SECONDS
}

#[cfg(test)]
mod tests {
    use super::*;

    fn noise(n: usize, seed: u64) -> Vec<f32> {
        let mut state = seed;
        let mut next = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 40) as f32 / 16_777_216.0 - 0.5
        };
        (0..n).map(|_| next()).collect()
    }

    /// Two voices that take turns of a second, the second of which holds the first at `leak`.
    fn turns(leak: f32) -> [Vec<f32>; 2] {
        let (mut first, mut second) = (noise(160_000, 1), noise(160_000, 2));
        for (n, (a, b)) in first.iter_mut().zip(&mut second).enumerate() {
            if n / 8_000 % 2 == 0 {
                *b = 0.0;
            } else {
                *a = 0.0;
            }
            *b += leak * *a;
        }
        [first, second]
    }

    fn notes(legs: &[Vec<f32>; 2], chunk: usize) -> [Vec<String>; 2] {
        let mut likeness = Likeness::new(2, 8_000);
        for (a, b) in legs[0].chunks(chunk).zip(legs[1].chunks(chunk)) {
            likeness.push(&[a, b]);
        }
        [likeness.notes(0), likeness.notes(1)]
    }

    #[test]
    fn legs_of_their_own_get_no_note() {
        assert_eq!(notes(&turns(0.0), 160), [Vec::<String>::new(), Vec::new()]);
        let with_noise = turns(0.0).map(|leg| leg.iter().zip(noise(160_000, 3)).map(|(v, n)| v + 1e-3 * n).collect());
        assert_eq!(notes(&with_noise, 160)[0], notes(&turns(0.01), 160)[0]);
    }

    #[test]
    fn the_same_sound_at_another_level_is_the_same() {
        let voice = noise(40_000, 5);
        let softer = voice.iter().map(|v| v * 0.3).collect();
        let told = notes(&[voice, softer], 333);
        assert!(told[0][0].contains("the same sound as leg 1") && told[1][0].contains("the same sound as leg 0"));
    }

    #[test]
    fn a_voice_that_leaks_is_told_of_the_leg_that_it_leaks_into() {
        for chunk in [160, 8_000] {
            let told = notes(&turns(0.03), chunk);
            assert!(told[0].is_empty(), "{told:?}");
            assert!(told[1][0].contains("leg 0 leaks into it, 30 dB softer"), "{told:?}");
        }
    }
}
