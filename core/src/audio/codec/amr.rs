//! AMR narrowband and wideband (3GPP TS 26.090, TS 26.190), decoded by `rvoip-codec-core`.

use codec_core::CodecConfig;
use codec_core::codecs::amr::AmrCodec;
use codec_core::types::{CodedFrame, VariableRateCodec as _};

use super::packet::{PacketDecoder, broken, push_i16};
use super::toc::amr_frame_bytes;
use crate::error::Result;

pub(super) struct Decoder {
    codec: AmrCodec,
    wideband: bool,
    /// The last frame was one of comfort noise: frames without data go on with it.
    in_noise: bool,
}

impl Decoder {
    pub fn new(wideband: bool) -> Result<Self> {
        let config = if wideband { CodecConfig::amr_wb() } else { CodecConfig::amr_nb() };
        let codec = AmrCodec::new(&config).map_err(|e| broken("the decoder of AMR does not start").with_source(e))?;
        Ok(Self { codec, wideband, in_noise: false })
    }

    /// One frame without its head.
    fn frame(&mut self, head: u8, data: &[u8], out: &mut Vec<f32>) -> Result<()> {
        let (kind, good) = ((head >> 3) & 0x0f, head & 0x04 != 0);
        let noise = if self.wideband { 9 } else { 8 };
        let frame = match kind {
            _ if !good => return Err(broken("an AMR frame says that it is damaged")),
            15 if self.in_noise => CodedFrame::no_data(),
            14 | 15 => return Err(broken("an AMR frame is empty in the middle of speech")),
            kind if kind == noise => CodedFrame::comfort_noise(data.to_vec()),
            mode => CodedFrame::speech(mode, data.to_vec()),
        };
        self.in_noise = kind >= noise;
        let mut samples =
            self.codec.decode_frame(&frame).map_err(|e| broken("an AMR frame does not decode").with_source(e))?;
        if self.wideband {
            // The reference puts out 14 bits (3GPP TS 26.173, decoder.c); narrowband has its 13 from the library.
            for sample in &mut samples {
                *sample &= !3;
            }
        }
        push_i16(out, &samples);
        Ok(())
    }
}

impl PacketDecoder for Decoder {
    fn decode(&mut self, packet: &[u8], out: &mut Vec<f32>) -> Result<()> {
        let whole = out.len();
        let mut rest = packet;
        while let Some(head) = rest.first().copied() {
            let n_bytes = amr_frame_bytes(self.wideband, head);
            let split = n_bytes.and_then(|n| Some((rest.get(1..n)?, rest.get(n..)?)));
            let decoded = match split {
                Some((data, next)) => {
                    rest = next;
                    self.frame(head, data, out)
                }
                None => Err(broken(format!("expected an AMR frame, found one with the head 0x{head:02x}"))),
            };
            if decoded.is_err() {
                out.truncate(whole);
                return decoded;
            }
        }
        Ok(())
    }
}
