//! GSM 06.10 full rate (ETSI EN 300 961), decoded by `oxideav-gsm`.

use oxideav_gsm::{DecoderState, UnpackedFrame};

use super::packet::{PacketDecoder, broken, push_i16};
use crate::error::Result;

pub(super) struct Decoder {
    state: DecoderState,
    /// Two frames in 65 bytes, as WAV has them.
    microsoft: bool,
}

impl Decoder {
    pub fn new(microsoft: bool) -> Self {
        Self { state: DecoderState::new(), microsoft }
    }
}

impl PacketDecoder for Decoder {
    fn decode(&mut self, packet: &[u8], out: &mut Vec<f32>) -> Result<()> {
        let mut frames = Vec::new();
        if self.microsoft {
            for block in packet.chunks(65) {
                let (first, second) = UnpackedFrame::pair_from_msgsm_block(block)
                    .map_err(|e| broken("expected GSM blocks of 65 bytes").with_source(e))?;
                frames.extend([first, second]);
            }
        } else {
            for frame in packet.chunks(33) {
                let frame = UnpackedFrame::from_gsm_byte_frame(frame)
                    .map_err(|e| broken("expected GSM frames of 33 bytes that begin with 0xD").with_source(e))?;
                frames.push(frame);
            }
        }
        for frame in &frames {
            push_i16(out, &self.state.decode_frame(frame));
        }
        Ok(())
    }
}
