//! G.722 at 64 kbit/s (ITU-T G.722), decoded by `audio-codec`.

use audio_codec::g722::G722Decoder;

use super::packet::{PacketDecoder, broken, push_i16};
use crate::error::Result;

/// Bytes decoded at a time.
const BLOCK_BYTES: usize = 160;

pub(super) struct Decoder(G722Decoder);

impl Decoder {
    pub fn new() -> Self {
        Self(G722Decoder::new())
    }
}

impl PacketDecoder for Decoder {
    fn decode(&mut self, packet: &[u8], out: &mut Vec<f32>) -> Result<()> {
        let whole = out.len();
        let mut samples = [0; 2 * BLOCK_BYTES];
        for block in packet.chunks(BLOCK_BYTES) {
            let n = self.0.decode_frame_into(block, &mut samples).map_err(|e| {
                out.truncate(whole);
                broken(format!("G.722 does not decode ({e:?})"))
            })?;
            push_i16(out, samples.get(..n).unwrap_or_default());
        }
        Ok(())
    }
}
