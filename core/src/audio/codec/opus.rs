//! Opus (RFC 6716, RFC 8251) of one or two channels, decoded by `opus-decoder`.

use opus_decoder::OpusDecoder;

use super::packet::{PacketDecoder, broken};
use super::toc::opus_packet_samples;
use crate::error::Result;

pub(super) struct Decoder {
    decoder: OpusDecoder,
    channels: usize,
}

impl Decoder {
    pub fn new(channels: usize) -> Result<Self> {
        let decoder = OpusDecoder::new(48_000, channels);
        Ok(Self {
            decoder: decoder.map_err(|e| broken("the decoder of Opus does not start").with_source(e))?,
            channels,
        })
    }
}

impl PacketDecoder for Decoder {
    fn decode(&mut self, packet: &[u8], out: &mut Vec<f32>) -> Result<()> {
        let samples = opus_packet_samples(packet).ok_or_else(|| broken("expected an Opus packet"))?;
        let whole = out.len();
        out.resize(whole + samples * self.channels, 0.0);
        let room = out.get_mut(whole..).unwrap_or_default();
        match self.decoder.decode_float(packet, room, false) {
            Ok(n) => {
                out.truncate(whole + n * self.channels);
                Ok(())
            }
            Err(error) => {
                out.truncate(whole);
                Err(broken("an Opus packet does not decode").with_source(error))
            }
        }
    }
}
