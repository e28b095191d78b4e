//! G.711, any number of channels interleaved.

use super::packet::PacketDecoder;
use crate::audio::g711::Law;
use crate::error::Result;

/// The value of each byte.
type Table = [f32; 256];

static MULAW: Table = table(Law::Mu);
static ALAW: Table = table(Law::A);

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

const fn table(law: Law) -> Table {
    let mut table = [0.0; 256];
    let mut byte = 0_usize;
    while byte < table.len() {
        table[byte] = law.sample(byte as u8) as f32 / 32_768.0;
        byte += 1;
    }
    table
}
