//! G.729 with Annexes A and B (ITU-T G.729), decoded by `rvoip-codec-core`.

use codec_core::codecs::g729::G729Codec;
use codec_core::{AudioCodec as _, CodecConfig};

use super::packet::{PacketDecoder, broken, push_i16};
use crate::error::Result;

pub(super) struct Decoder(G729Codec);

impl Decoder {
    pub fn new() -> Result<Self> {
        let codec = G729Codec::new(CodecConfig::g729ba());
        Ok(Self(codec.map_err(|e| broken("the decoder of G.729 does not start").with_source(e))?))
    }
}

impl PacketDecoder for Decoder {
    fn decode(&mut self, packet: &[u8], out: &mut Vec<f32>) -> Result<()> {
        // Speech, and behind it a frame of comfort noise.
        if !matches!(packet.len() % 10, 0 | 2) {
            let n = packet.len();
            return Err(broken(format!("expected G.729 frames of 10 bytes and one of 2 at most, found {n} bytes")));
        }
        let whole = out.len();
        for frame in packet.chunks(10) {
            let samples = self.0.decode(frame).map_err(|e| {
                out.truncate(whole);
                broken("a G.729 frame does not decode").with_source(e)
            })?;
            push_i16(out, &samples);
        }
        Ok(())
    }
}
