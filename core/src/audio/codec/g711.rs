//! G.711 (ITU-T G.711): a byte a sample, any number of channels interleaved.

use super::packet::PacketDecoder;
use crate::error::Result;

/// The value of each byte.
type Table = [f32; 256];

static MULAW: Table = table(false);
static ALAW: Table = table(true);

pub(super) struct Decoder(&'static Table);

impl Decoder {
    pub fn mulaw() -> Self {
        Self(&MULAW)
    }

    pub fn alaw() -> Self {
        Self(&ALAW)
    }
}

impl PacketDecoder for Decoder {
    fn decode(&mut self, packet: &[u8], out: &mut Vec<f32>) -> Result<()> {
        let value = |byte: &u8| self.0.get(usize::from(*byte)).copied().unwrap_or_default();
        out.extend(packet.iter().map(value));
        Ok(())
    }
}

const fn table(alaw: bool) -> Table {
    let mut table = [0.0; 256];
    let mut byte = 0_usize;
    while byte < table.len() {
        let value = if alaw { from_alaw(byte as u8) } else { from_mulaw(byte as u8) };
        // Sixteen bits, as everybody writes the thirteen and fourteen of the standard.
        table[byte] = value as f32 / 32_768.0;
        byte += 1;
    }
    table
}

/// Table 2a of the standard, each value in the middle of its step.
const fn from_mulaw(byte: u8) -> i16 {
    const BIAS: i16 = 0x84;
    let byte = !byte;
    let size = ((((byte & 0x0f) as i16) << 3) + BIAS) << ((byte & 0x70) >> 4);
    if byte & 0x80 == 0 { size - BIAS } else { BIAS - size }
}

/// Table 1a of the standard, likewise.
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

    /// The ends and the middle of tables 1a and 2a, in sixteen bits.
    #[test]
    fn bytes_are_the_values_of_the_standard() {
        let mut decoded = Vec::new();
        Decoder::mulaw().decode(&[0x00, 0x7f, 0x80, 0xff, 0x8f], &mut decoded).unwrap();
        Decoder::alaw().decode(&[0x2a, 0xaa, 0x55, 0xd5], &mut decoded).unwrap();
        let in_16_bits: Vec<f32> = decoded.iter().map(|v| v * 32_768.0).collect();
        assert_eq!(in_16_bits, [-32_124.0, 0.0, 32_124.0, 0.0, 16_764.0, -32_256.0, 32_256.0, -8.0, 8.0]);
    }
}
