//! Numbers of 16 bits, for frames that thousands of streams keep: six bits of exponent and ten of mantissa.
//!
//! Of powers they hold 192 dB in steps of 0.1 %. Statistics over hundreds of frames do not see such steps, and a window has
//! the same ones whether it shares its frames or not.

/// Exponent of the smallest number, 2^-40, as `f32` has it; what is smaller, or below 0, counts as 0.
const LEAST_EXPONENT: u32 = 127 - 40;
const MANTISSA_BITS: u32 = 10;
const DROPPED_BITS: u32 = 23 - MANTISSA_BITS;

/// Rounds to the nearest; what is too large becomes the largest.
#[inline(always)]
#[expect(clippy::inline_always, reason = "to be compiled for the registers of its caller")]
pub(super) fn shorten(value: f32) -> u16 {
    let rounded = (value.max(0.0).to_bits() + (1 << (DROPPED_BITS - 1))) >> DROPPED_BITS;
    rounded.saturating_sub(LEAST_EXPONENT << MANTISSA_BITS).min(u32::from(u16::MAX)) as u16
}

#[inline(always)]
#[expect(clippy::inline_always, reason = "to be compiled for the registers of its caller")]
pub(super) fn lengthen(short: u16) -> f32 {
    let bits = (u32::from(short) + (LEAST_EXPONENT << MANTISSA_BITS)) << DROPPED_BITS;
    f32::from_bits(if short == 0 { 0 } else { bits })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn numbers_come_back_within_half_a_thousandth(exponent in -39.0_f32..23.9) {
            let value = exponent.exp2();
            prop_assert!((lengthen(shorten(value)) / value - 1.0).abs() < 5e-4);
        }
    }

    #[test]
    fn the_smallest_are_zero_and_the_largest_stay_finite() {
        for value in [0.0, -0.0, 1e-20, -1.0, f32::MIN_POSITIVE, f32::NAN] {
            assert!(lengthen(shorten(value)).abs() <= 0.0, "{value}");
        }
        for value in [1e20, f32::MAX, f32::INFINITY] {
            assert!((1.6e7..1.7e7).contains(&lengthen(shorten(value))), "{value}");
        }
    }
}
