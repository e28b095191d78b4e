//! Samples that are not what they were read as: bytes the wrong way round, one law of G.711 taken for the other, G.711 taken for
//! PCM, two channels taken for one.
//!
//! Sound moves slowly: a sample is much like the one before it. Read as something else it is not. So the bytes behind the samples
//! are read in the other ways too, and where one of them is smoother by far the audio was misread. Measured on 250 clips at 8 and
//! 16 kHz: the correlation of neighbours, 0.68 to 0.98 where the reading is right, falls by 0.42 or more for swapped bytes, by 0.27
//! for PCM read as G.711, by 0.05 for the wrong law, and does so in 44 to 100 of 100 blocks of 32 ms, where the reading is right in at
//! most 35; of interleaved voices it is under 0.11, that of every second sample above 0.5.

/// Audible samples that are looked at, in seconds: what they are does not change.
const LOOKED_AT_SECONDS: f64 = 8.0;
/// Fewer say nothing.
const MIN_SECONDS: f64 = 1.0;
/// Softer samples are the same in every reading.
const AUDIBLE: f32 = 1e-3;
/// How much smoother another reading must be.
const MARGIN_OF_LAWS: f64 = 0.035;
const MARGIN_OF_G711: f64 = 0.1;
const MARGIN_OF_PCM: f64 = 0.25;
const MARGIN_OF_CHANNELS: f64 = 0.4;
/// Another reading is smoother in so many blocks: a loud tone, which is as smooth in any, must not decide alone.
const BLOCK_SECONDS: f64 = 0.032;
const MIN_SHARE_OF_BLOCKS: f64 = 0.42;
/// Mean power of a block that sounds, in units of 16 bits.
const AUDIBLE_BLOCK: f64 = 1_000.0;
/// Sound that was read right is at least so smooth.
const MIN_CORRELATION: f64 = 0.4;
/// Neighbours of interleaved voices have next to nothing in common.
const MAX_CORRELATION_OF_CHANNELS: f64 = 0.15;

/// What samples really are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Misread {
    SwappedBytes,
    Mulaw,
    Alaw,
    Pcm16Le,
    Pcm16Be,
    Interleaved,
}

impl Misread {
    /// For people.
    pub fn words(self) -> &'static str {
        match self {
            Self::SwappedBytes => {
                "the bytes of its samples seem to be swapped: the audio is of the other byte order, and no verdict on it would mean anything"
            }
            Self::Mulaw => {
                "its samples seem to be G.711 mu-law that was read as something else: no verdict on it would mean anything"
            }
            Self::Alaw => {
                "its samples seem to be G.711 A-law that was read as something else: no verdict on it would mean anything"
            }
            Self::Pcm16Le => {
                "its samples seem to be 16-bit PCM that was read as G.711: no verdict on it would mean anything"
            }
            Self::Pcm16Be => {
                "its samples seem to be 16-bit PCM, high byte first, that was read as G.711: no verdict on it would mean anything"
            }
            Self::Interleaved => {
                "two channels seem to lie interleaved in it: the audio has one channel more than was said, and no verdict on it would mean anything"
            }
        }
    }
}

/// Correlation of neighbours, over all and block by block.
#[derive(Default)]
struct Smoothness {
    here: Sums,
    all: Sums,
    last: f64,
    /// Blocks in which this reading is smoother than the one at hand.
    n_smoother: u32,
}

#[derive(Default, Clone, Copy)]
struct Sums {
    n: f64,
    sum: f64,
    energy: f64,
    neighbours: f64,
}

impl Sums {
    fn correlation(&self) -> f64 {
        let constant = self.sum * self.sum / self.n.max(1.0);
        let energy = self.energy - constant;
        if energy > 0.0 { (self.neighbours - constant) / energy } else { 0.0 }
    }
}

impl Smoothness {
    fn push(&mut self, value: f64) {
        self.here.n += 1.0;
        self.here.sum += value;
        self.here.energy += value * value;
        self.here.neighbours += value * self.last;
        self.last = value;
    }

    /// Ends a block; its correlation.
    fn end_block(&mut self) -> f64 {
        let here = std::mem::take(&mut self.here);
        self.all.n += here.n;
        self.all.sum += here.sum;
        self.all.energy += here.energy;
        self.all.neighbours += here.neighbours;
        here.correlation()
    }

    fn end_block_beside(&mut self, as_read: f64) {
        let smoother = self.end_block() > as_read;
        self.n_smoother += u32::from(smoother);
    }

    fn correlation(&self) -> f64 {
        self.all.correlation()
    }
}

/// Samples of 16 bits read in each of the ways that their bytes may be meant.
#[derive(Default)]
struct Readings {
    little: Smoothness,
    big: Smoothness,
    mulaw: Smoothness,
    alaw: Smoothness,
    /// The first byte of a pair.
    half: Option<u8>,
}

impl Readings {
    fn push(&mut self, byte: u8) {
        self.mulaw.push(f64::from(mulaw(byte)));
        self.alaw.push(f64::from(alaw(byte)));
        if let Some(first) = self.half.take() {
            self.little.push(f64::from(i16::from_le_bytes([first, byte])));
            self.big.push(f64::from(i16::from_be_bytes([first, byte])));
        } else {
            self.half = Some(byte);
        }
    }
}

impl Readings {
    fn all(&mut self) -> [&mut Smoothness; 4] {
        [&mut self.little, &mut self.big, &mut self.mulaw, &mut self.alaw]
    }

    /// What codes of one law may be instead, and by how much smoother they must be.
    fn others(&self, other_law: Misread) -> [(&Smoothness, f64, Misread); 3] {
        let law = if other_law == Misread::Alaw { &self.alaw } else { &self.mulaw };
        [
            (law, MARGIN_OF_LAWS, other_law),
            (&self.little, MARGIN_OF_PCM, Misread::Pcm16Le),
            (&self.big, MARGIN_OF_PCM, Misread::Pcm16Be),
        ]
    }
}

/// Looks at the first samples of a leg, as they came.
pub(super) struct Readability {
    n_to_look_at: u64,
    n_least: u64,
    n_audible: u64,
    as_read: Smoothness,
    /// Samples of a block, those at hand, and blocks that sounded.
    block: u32,
    n_in_block: u32,
    n_blocks: u32,
    /// Products of every second sample.
    second: f64,
    last_but_one: f64,
    /// Whether all samples so far are whole numbers of 16 bits, and whether all are levels of a law.
    is_pcm16: bool,
    is_mulaw: bool,
    is_alaw: bool,
    /// The samples as bytes of PCM, and as codes of either law.
    bytes: Readings,
    mulaw_codes: Readings,
    alaw_codes: Readings,
}

impl Readability {
    pub fn new(sample_rate_hz: u32) -> Self {
        let samples = |seconds: f64| (seconds * f64::from(sample_rate_hz)) as u64;
        Self {
            n_to_look_at: samples(LOOKED_AT_SECONDS),
            n_least: samples(MIN_SECONDS),
            n_audible: 0,
            as_read: Smoothness::default(),
            block: samples(BLOCK_SECONDS).max(1) as u32,
            n_in_block: 0,
            n_blocks: 0,
            second: 0.0,
            last_but_one: 0.0,
            is_pcm16: true,
            is_mulaw: true,
            is_alaw: true,
            bytes: Readings::default(),
            mulaw_codes: Readings::default(),
            alaw_codes: Readings::default(),
        }
    }

    pub fn push(&mut self, samples: &[f32]) {
        if self.n_audible >= self.n_to_look_at {
            return;
        }
        for &sample in samples {
            self.n_audible += u64::from(sample.abs() > AUDIBLE);
            let value = f64::from(sample) * 32_768.0;
            self.second += value * self.last_but_one;
            self.last_but_one = self.as_read.last;
            self.as_read.push(value);
            if self.is_pcm16 {
                self.read_bytes(value);
            }
            self.n_in_block += 1;
            if self.n_in_block == self.block {
                self.end_block();
            }
        }
    }

    fn end_block(&mut self) {
        self.n_in_block = 0;
        let sounds = self.as_read.here.energy > AUDIBLE_BLOCK * f64::from(self.block);
        self.n_blocks += u32::from(sounds);
        // What does not sound is the same in every reading, and smoother in none.
        let as_read = if sounds { self.as_read.end_block() } else { self.as_read.end_block().max(1.0) };
        for readings in [&mut self.bytes, &mut self.mulaw_codes, &mut self.alaw_codes] {
            readings.all().into_iter().for_each(|reading| reading.end_block_beside(as_read));
        }
    }

    fn read_bytes(&mut self, value: f64) {
        let whole = value.round() as i16;
        if (value - f64::from(whole)).abs() > 1e-3 {
            self.is_pcm16 = false;
            return;
        }
        whole.to_le_bytes().into_iter().for_each(|byte| self.bytes.push(byte));
        if self.is_mulaw {
            match mulaw_code(whole) {
                Some(code) => self.mulaw_codes.push(code),
                None => self.is_mulaw = false,
            }
        }
        if self.is_alaw {
            match alaw_code(whole) {
                Some(code) => self.alaw_codes.push(code),
                None => self.is_alaw = false,
            }
        }
    }

    /// What the samples really are, where they are something else than they were read as.
    pub fn misread(&self) -> Option<Misread> {
        if self.n_audible < self.n_least {
            return None;
        }
        let correlation = self.as_read.correlation();
        let energy = self.as_read.all.energy;
        let of_second = if energy > 0.0 { self.second / energy } else { 0.0 };
        let interleaved =
            correlation.abs() < MAX_CORRELATION_OF_CHANNELS && of_second - correlation > MARGIN_OF_CHANNELS;
        self.smoother().or(interleaved.then_some(Misread::Interleaved))
    }

    /// The reading that is smoother than the one at hand by more than its margin, if any.
    fn smoother(&self) -> Option<Misread> {
        let correlation = self.as_read.correlation();
        let others = match (self.is_pcm16, self.is_mulaw, self.is_alaw) {
            (false, ..) => return None,
            (_, true, _) => self.mulaw_codes.others(Misread::Alaw),
            (_, _, true) => self.alaw_codes.others(Misread::Mulaw),
            _ => [
                (&self.bytes.big, MARGIN_OF_PCM, Misread::SwappedBytes),
                (&self.bytes.mulaw, MARGIN_OF_G711, Misread::Mulaw),
                (&self.bytes.alaw, MARGIN_OF_G711, Misread::Alaw),
            ],
        };
        let smoother = others.into_iter().filter_map(|(reading, margin, what)| {
            let found = reading.correlation();
            let often = f64::from(reading.n_smoother) >= MIN_SHARE_OF_BLOCKS * f64::from(self.n_blocks);
            (often && found > MIN_CORRELATION && found > correlation + margin).then_some((found, what))
        });
        smoother.max_by(|a, b| a.0.total_cmp(&b.0)).map(|best| best.1)
    }
}

/// A code of mu-law as a sample (ITU-T G.711).
fn mulaw(code: u8) -> i16 {
    let code = !code;
    let magnitude = (((i16::from(code & 0x0f) << 3) + 132) << ((code >> 4) & 7)) - 132;
    if code & 0x80 == 0 { magnitude } else { -magnitude }
}

/// A code of A-law as a sample (ITU-T G.711).
fn alaw(code: u8) -> i16 {
    let code = code ^ 0x55;
    let (segment, step) = ((code >> 4) & 7, i16::from(code & 0x0f) << 4);
    let magnitude = if segment == 0 { step + 8 } else { (step + 0x108) << (segment - 1) };
    if code & 0x80 == 0 { -magnitude } else { magnitude }
}

fn mulaw_code(sample: i16) -> Option<u8> {
    // Both zeros are silence; the positive one is what coders send.
    let magnitude = sample.unsigned_abs().min(32_635) + 132;
    let segment = magnitude.ilog2().saturating_sub(7) as u8;
    let code = !((u8::from(sample < 0) << 7) | (segment << 4) | ((magnitude >> (segment + 3)) & 0x0f) as u8);
    (mulaw(code) == sample).then_some(code)
}

fn alaw_code(sample: i16) -> Option<u8> {
    let magnitude = sample.unsigned_abs().min(32_767);
    let segment = if magnitude < 256 { 0 } else { magnitude.ilog2().saturating_sub(7) as u8 };
    let step = if segment == 0 { magnitude >> 4 } else { magnitude >> (segment + 3) };
    let code = ((u8::from(sample >= 0) << 7) | (segment << 4) | (step & 0x0f) as u8) ^ 0x55;
    (alaw(code) == sample).then_some(code)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two formants that come and go, as 16-bit samples.
    fn voice(n: usize) -> Vec<i16> {
        voice_of(n, 2_900.0, 7_000.0)
    }

    fn voice_of(n: usize, low: f64, high: f64) -> Vec<i16> {
        let mut state = 1_u64;
        (0..n)
            .map(|n| {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                let noise = (state >> 40) as f64 / 16_777_216.0 - 0.5;
                let t = n as f64 / 8_000.0;
                let level = (3.0 * t).sin().abs();
                (level * (6_000.0 * (low * t).sin() + 3_000.0 * (high * t).sin() + 300.0 * noise)) as i16
            })
            .collect()
    }

    fn told(samples: impl IntoIterator<Item = i16>) -> Option<Misread> {
        let mut readability = Readability::new(8_000);
        let samples: Vec<f32> = samples.into_iter().map(|v| f32::from(v) / 32_768.0).collect();
        samples.chunks(160).for_each(|chunk| readability.push(chunk));
        readability.misread()
    }

    fn nearest(sample: i16, decode: fn(u8) -> i16) -> u8 {
        (0..=255).min_by_key(|code| (i32::from(decode(*code)) - i32::from(sample)).abs()).unwrap()
    }

    #[test]
    fn codes_and_samples_belong_together() {
        for code in 0..=255 {
            assert_eq!(alaw_code(alaw(code)), Some(code));
            // Both zeros are one sample.
            assert_eq!(mulaw_code(mulaw(code)).map(mulaw), Some(mulaw(code)));
        }
        assert_eq!((mulaw(0x80), mulaw(0), alaw(0xaa), alaw(0x2a)), (32_124, -32_124, 32_256, -32_256));
        assert_eq!((mulaw_code(3), alaw_code(1)), (None, None));
    }

    #[test]
    fn what_was_read_right_is_left_alone() {
        let voice = voice(40_000);
        assert_eq!(told(voice.iter().copied()), None);
        assert_eq!(told(voice.iter().map(|v| mulaw(nearest(*v, mulaw)))), None);
        assert_eq!(told(voice.iter().map(|v| alaw(nearest(*v, alaw)))), None);
        assert_eq!(told(vec![0; 40_000]), None);
    }

    #[test]
    fn what_was_misread_is_told() {
        let voice = voice(40_000);
        let other = voice_of(40_000, 3_700.0, 9_100.0);
        let mulaws: Vec<u8> = voice.iter().map(|v| nearest(*v, mulaw)).collect();
        let alaws: Vec<u8> = voice.iter().map(|v| nearest(*v, alaw)).collect();
        let bytes: Vec<u8> = voice.iter().flat_map(|v| v.to_le_bytes()).collect();
        assert_eq!(told(voice.iter().map(|v| v.swap_bytes())), Some(Misread::SwappedBytes));
        assert_eq!(told(mulaws.iter().map(|code| alaw(*code))), Some(Misread::Mulaw));
        assert_eq!(told(alaws.iter().map(|code| mulaw(*code))), Some(Misread::Alaw));
        assert_eq!(told(bytes.iter().map(|code| mulaw(*code))), Some(Misread::Pcm16Le));
        assert_eq!(told(bytes.iter().map(|code| alaw(*code))), Some(Misread::Pcm16Le));
        let pairs = mulaws.chunks_exact(2).map(|pair| i16::from_le_bytes([pair[0], pair[1]]));
        assert_eq!(told(pairs), Some(Misread::Mulaw));
        assert_eq!(told(voice.iter().copied().zip(other).flat_map(|(a, b)| [a, b])), Some(Misread::Interleaved));
    }
}
