//! G.711 (ITU-T G.711): a byte a sample, by two laws.

/// By which law a byte stands for a sample.
///
/// ```
/// use veravox::g711::Law;
///
/// assert_eq!(Law::Mu.sample(0xff), 0);
/// assert_eq!(Law::Mu.sample(0x80), 32_124);
/// assert_eq!(Law::A.sample(0x2a), -32_256);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Law {
    /// mu-law: PCMU.
    Mu,
    /// A-law: PCMA.
    A,
}

impl Law {
    /// The sample that a byte stands for, in the middle of its step: sixteen bits, as everybody writes the fourteen and thirteen of the
    /// standard (tables 2a and 1a).
    #[must_use]
    pub const fn sample(self, byte: u8) -> i16 {
        match self {
            Self::Mu => from_mulaw(byte),
            Self::A => from_alaw(byte),
        }
    }
}

const fn from_mulaw(byte: u8) -> i16 {
    const BIAS: i16 = 0x84;
    let byte = !byte;
    let size = ((((byte & 0x0f) as i16) << 3) + BIAS) << ((byte & 0x70) >> 4);
    if byte & 0x80 == 0 { size - BIAS } else { BIAS - size }
}

const fn from_alaw(byte: u8) -> i16 {
    let byte = byte ^ 0x55;
    let step = ((byte & 0x0f) as i16) << 4;
    let size = match (byte & 0x70) >> 4 {
        0 => step + 0x8,
        segment => (step + 0x108) << (segment - 1),
    };
    if byte & 0x80 == 0 { -size } else { size }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The ends and the middle of tables 1a and 2a.
    #[test]
    fn bytes_are_the_values_of_the_standard() {
        let mu = [0x00, 0x7f, 0x80, 0xff, 0x8f].map(|byte| Law::Mu.sample(byte));
        assert_eq!(mu, [-32_124, 0, 32_124, 0, 16_764]);
        let a = [0x2a, 0xaa, 0x55, 0xd5].map(|byte| Law::A.sample(byte));
        assert_eq!(a, [-32_256, 32_256, -8, 8]);
    }
}
