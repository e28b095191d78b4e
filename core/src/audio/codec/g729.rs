//! G.729 with Annexes A and B (ITU-T G.729), decoded by `g729-sys`, which is bcg729 in Rust.

use super::{PacketDecoder, broken, push_i16};
use crate::error::Result;

#[derive(Default)]
pub(super) struct Decoder(g729_sys::Decoder);

impl PacketDecoder for Decoder {
    fn decode(&mut self, packet: &[u8], out: &mut Vec<f32>) -> Result<()> {
        // Speech, and behind it a frame of comfort noise.
        if !matches!(packet.len() % 10, 0 | 2) {
            let n = packet.len();
            return Err(broken(format!("expected G.729 frames of 10 bytes and one of 2 at most, found {n} bytes")));
        }
        for frame in packet.chunks(10) {
            push_i16(out, &self.0.decode(frame, false, frame.len() == 2, false));
        }
        Ok(())
    }
}
