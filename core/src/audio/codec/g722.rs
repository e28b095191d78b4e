//! G.722 at 64 kbit/s (ITU-T G.722), decoded by `oxideav-g722`.

use super::PacketDecoder;
use crate::error::Result;

#[derive(Default)]
pub(super) struct Decoder(oxideav_g722::Decoder);

impl PacketDecoder for Decoder {
    fn decode(&mut self, packet: &[u8], out: &mut Vec<f32>) -> Result<()> {
        for byte in packet {
            let (first, second) = self.0.decode_octet(*byte);
            // Fifteen bits by the standard.
            out.extend([first, second].map(|sample| sample as f32 / 16_384.0));
        }
        Ok(())
    }
}
