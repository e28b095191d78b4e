//! G.726 at 16, 24, 32 and 40 kbit/s (ITU-T G.726, 1990): ADPCM, without packets.
//!
//! The names in capitals are those of the blocks of the standard, section 4.2.

use super::packet::{PacketDecoder, broken};
use crate::error::Result;

/// Bits of a sample: 16 to 40 kbit/s at 8,000 Hz.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Bits {
    Two,
    Three,
    Four,
    Five,
}

/// In which bits of a byte the first sample stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Packing {
    /// The low ones: RFC 3551, section 4.5.4, AU, and what switches write to files.
    LowFirst,
    /// The high ones: ITU-T I.366.2 (AAL2), and WAV.
    HighFirst,
}

impl Bits {
    /// How many.
    pub fn count(self) -> usize {
        match self {
            Self::Two => 2,
            Self::Three => 3,
            Self::Four => 4,
            Self::Five => 5,
        }
    }

    /// The quantizer: for each size of a code the logarithm of the difference, the multiplier of the step (times 32) and the
    /// rate of change (tables 7 to 14, columns of DQLN, WI and FI).
    fn levels(self) -> &'static [(i32, i32, i32)] {
        const TWO: [(i32, i32, i32); 2] = [(116, -704, 0), (365, 14_048, 0xe00)];
        const THREE: [(i32, i32, i32); 4] =
            [(-2_048, -128, 0), (135, 960, 0x200), (273, 4_384, 0x400), (373, 18_624, 0xe00)];
        const FOUR: [(i32, i32, i32); 8] = [
            (-2_048, -384, 0),
            (4, 576, 0),
            (135, 1_312, 0),
            (213, 2_048, 0x200),
            (273, 3_584, 0x200),
            (323, 6_336, 0x200),
            (373, 11_360, 0x600),
            (425, 35_904, 0xe00),
        ];
        const FIVE: [(i32, i32, i32); 16] = [
            (-2_048, 448, 0),
            (-66, 448, 0),
            (28, 768, 0),
            (104, 1_248, 0),
            (169, 1_280, 0),
            (224, 1_312, 0x200),
            (274, 1_856, 0x200),
            (318, 3_200, 0x200),
            (358, 4_512, 0x200),
            (395, 5_728, 0x200),
            (429, 7_008, 0x400),
            (459, 8_960, 0x600),
            (488, 11_456, 0x800),
            (514, 14_080, 0xa00),
            (539, 16_928, 0xc00),
            (566, 22_272, 0xc00),
        ];
        match self {
            Self::Two => &TWO,
            Self::Three => &THREE,
            Self::Four => &FOUR,
            Self::Five => &FIVE,
        }
    }
}

/// A number as the multiplier of the standard takes it: a sign, an exponent of four bits and a mantissa of six.
#[derive(Clone, Copy)]
struct Float {
    negative: bool,
    exponent: i32,
    mantissa: i32,
}

impl Float {
    const ZERO: Self = Self { negative: false, exponent: 0, mantissa: 32 };

    /// FLOATA and FLOATB.
    fn new(negative: bool, magnitude: i32) -> Self {
        if magnitude == 0 {
            return Self { negative, ..Self::ZERO };
        }
        let exponent = bits_of(magnitude);
        Self { negative, exponent, mantissa: (magnitude << 6) >> exponent }
    }

    /// FMULT: with a coefficient of the predictor.
    fn times(self, coefficient: i32) -> i32 {
        let coefficient = coefficient >> 2;
        let magnitude = if coefficient > 0 { coefficient } else { -coefficient & 0x1fff };
        let exponent = bits_of(magnitude);
        let mantissa = if magnitude == 0 { 32 } else { (magnitude << 6) >> exponent };
        let product = (mantissa * self.mantissa + 48) >> 4;
        let shift = exponent + self.exponent - 19;
        let size = if shift >= 0 { (product << shift.min(15)) & 0x7fff } else { product >> (-shift).min(31) };
        if (coefficient < 0) == self.negative { size } else { -size }
    }
}

/// How many bits a number takes.
fn bits_of(magnitude: i32) -> i32 {
    i32::BITS.saturating_sub(magnitude.leading_zeros()).cast_signed()
}

pub(super) struct Decoder {
    bits: Bits,
    packing: Packing,
    /// The scale factor, slow (in 15 bits of a fraction) and fast.
    slow_scale: i32,
    fast_scale: i32,
    /// How much the codes change, over a short and a long time, and what follows for the speed.
    short_change: i32,
    long_change: i32,
    speed: i32,
    /// The predictor: of the signal (poles) and of the differences (zeros).
    poles: [i32; 2],
    zeros: [i32; 6],
    signals: [Float; 2],
    differences: [Float; 6],
    /// The signs of the last two partial sums.
    signs: [bool; 2],
    tone: bool,
}

impl Decoder {
    pub fn new(bits: Bits, packing: Packing) -> Self {
        Self {
            bits,
            packing,
            slow_scale: 34_816,
            fast_scale: 544,
            short_change: 0,
            long_change: 0,
            speed: 0,
            poles: [0; 2],
            zeros: [0; 6],
            signals: [Float::ZERO; 2],
            differences: [Float::ZERO; 6],
            signs: [false; 2],
            tone: false,
        }
    }

    fn sample(&mut self, code: u32) -> f32 {
        let negative = code >> (self.bits.count() - 1) & 1 == 1;
        let levels = self.bits.levels();
        // A negative code counts from the other end.
        let size = if negative { 2 * levels.len() as u32 - 1 - code } else { code };
        let (level, multiplier, change) = levels.get(size as usize).copied().unwrap_or_default();

        let of_zeros: i32 = self.differences.iter().zip(self.zeros).map(|(d, b)| d.times(b)).sum();
        let of_poles: i32 = self.signals.iter().zip(self.poles).map(|(s, a)| s.times(a)).sum();
        let (zeros_estimate, estimate) = (wrap_16(of_zeros) >> 1, wrap_16(of_zeros + of_poles) >> 1);
        let scale = self.scale();
        let difference = difference(level + (scale >> 2));
        let signed = if negative { -difference } else { difference };
        let signal = wrap_16(estimate + signed);
        self.adapt(scale, multiplier, change, (negative, difference), signal, signed + zeros_estimate);
        // Fourteen bits.
        (signal as f32 / 8_192.0).clamp(-1.0, 32_767.0 / 32_768.0)
    }

    /// MIX: the scale factor.
    fn scale(&self) -> i32 {
        if self.speed >= 256 {
            return self.fast_scale;
        }
        let slow = self.slow_scale >> 6;
        let (apart, share) = (self.fast_scale - slow, self.speed >> 2);
        let moved = apart * share;
        slow + if apart < 0 { (moved + 0x3f) >> 6 } else { moved >> 6 }
    }

    fn adapt(
        &mut self,
        scale: i32,
        multiplier: i32,
        change: i32,
        (negative, difference): (bool, i32),
        signal: i32,
        partial: i32,
    ) {
        // TRANS: a jump after a tone.
        let (whole, fraction) = (self.slow_scale >> 15, (self.slow_scale >> 10) & 0x1f);
        let threshold = if whole > 9 { 31 << 10 } else { (32 + fraction) << whole };
        let jump = self.tone && difference > (threshold + (threshold >> 1)) >> 1;

        // FUNCTW, FILTD, LIMB, FILTE.
        self.fast_scale = (scale + ((multiplier - scale) >> 5)).clamp(544, 5_120);
        self.slow_scale += self.fast_scale + (-self.slow_scale >> 6);

        let sign = partial < 0;
        if jump {
            (self.poles, self.zeros) = ([0; 2], [0; 6]);
        } else {
            self.adapt_poles(sign, partial != 0);
            let leak = if self.bits == Bits::Five { 9 } else { 8 };
            for (zero, past) in self.zeros.iter_mut().zip(&self.differences) {
                *zero -= *zero >> leak;
                if difference != 0 {
                    *zero += if negative == past.negative { 128 } else { -128 };
                }
            }
        }
        self.signs = [sign, self.signs[0]];
        self.differences.rotate_right(1);
        self.differences[0] = Float::new(negative, difference);
        self.signals = [Float::new(signal < 0, signal.abs()), self.signals[0]];

        // TONE, FILTA, FILTB, SUBTC, FILTC, TRIGA.
        self.tone = !jump && self.poles[1] < -11_776;
        self.short_change += (change - self.short_change) >> 5;
        self.long_change += ((change << 2) - self.long_change) >> 7;
        let steady =
            scale >= 1_536 && !self.tone && ((self.short_change << 2) - self.long_change).abs() < self.long_change >> 3;
        self.speed = if jump { 256 } else { self.speed + (((if steady { 0 } else { 0x200 }) - self.speed) >> 4) };
    }

    /// UPA2, LIMC, UPA1, LIMD.
    fn adapt_poles(&mut self, sign: bool, any: bool) {
        let [first, second] = self.poles;
        let turned = sign != self.signs[0];
        let mut second = second - (second >> 7);
        if any {
            let pull = (if turned { first } else { -first }).clamp(-8_192, 8_191);
            second += pull >> 5;
            second += if sign == self.signs[1] { 128 } else { -128 };
            second = second.clamp(-12_288, 12_288);
        }
        let mut first = first - (first >> 8);
        if any {
            first += if turned { -192 } else { 192 };
        }
        let most = 15_360 - second;
        self.poles = [first.clamp(-most, most), second];
    }
}

/// ANTILOG.
fn difference(log: i32) -> i32 {
    if log < 0 {
        return 0;
    }
    let exponent = (log >> 7) & 15;
    ((128 + (log & 127)) << 7) >> (14 - exponent)
}

/// Sums have sixteen bits.
fn wrap_16(sum: i32) -> i32 {
    i32::from(sum as i16)
}

impl PacketDecoder for Decoder {
    fn decode(&mut self, packet: &[u8], out: &mut Vec<f32>) -> Result<()> {
        let bits = self.bits.count();
        if !packet.len().is_multiple_of(bits) {
            let n = packet.len();
            return Err(broken(format!("expected G.726 in groups of {bits} bytes, found {n} bytes")));
        }
        // Eight samples in as many bytes as one has bits.
        for group in packet.chunks_exact(bits) {
            let of = |word: u64, byte: &u8| (word << 8) | u64::from(*byte);
            let word = match self.packing {
                Packing::HighFirst => group.iter().fold(0, of),
                Packing::LowFirst => group.iter().rev().fold(0, of),
            };
            for n in 0..8 {
                let place = if self.packing == Packing::HighFirst { 7 - n } else { n };
                out.push(self.sample((word >> (place * bits)) as u32 & ((1 << bits) - 1)));
            }
        }
        Ok(())
    }
}
