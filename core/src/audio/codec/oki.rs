//! OKI ADPCM as Dialogic's boards store it in VOX files: four bits a sample, the first of two in the high ones. After
//! Dialogic's application note 1366, "Dialogic ADPCM Algorithm" (1988).

use super::packet::PacketDecoder;
use crate::error::Result;

/// The sizes of the step, each a tenth more than the one before.
const STEPS: [i32; 49] = [
    16, 17, 19, 21, 23, 25, 28, 31, 34, 37, 41, 45, 50, 55, 60, 66, 73, 80, 88, 97, 107, 118, 130, 143, 157, 173, 190,
    209, 230, 253, 279, 307, 337, 371, 408, 449, 494, 544, 598, 658, 724, 796, 876, 963, 1_060, 1_166, 1_282, 1_411,
    1_552,
];
/// By how much a sample moves the step.
const MOVES: [i32; 8] = [-1, -1, -1, -1, 2, 4, 6, 8];

#[derive(Default)]
pub(super) struct Decoder {
    /// Twelve bits.
    signal: i32,
    step: i32,
}

impl Decoder {
    fn sample(&mut self, code: u8) -> f32 {
        let size = code & 7;
        let step = STEPS.get(self.step as usize).copied().unwrap_or_default();
        // In one piece, as sox and ffmpeg have it; parts that are rounded each for itself drift away from what was coded so.
        let difference = (2 * i32::from(size) + 1) * step / 8;
        let signed = if code & 8 == 0 { difference } else { -difference };
        self.signal = (self.signal + signed).clamp(-2_048, 2_047);
        self.step = (self.step + MOVES.get(usize::from(size)).copied().unwrap_or_default()).clamp(0, 48);
        self.signal as f32 / 2_048.0
    }
}

impl PacketDecoder for Decoder {
    fn decode(&mut self, packet: &[u8], out: &mut Vec<f32>) -> Result<()> {
        for byte in packet {
            let (first, second) = (self.sample(byte >> 4), self.sample(byte & 0x0f));
            out.extend([first, second]);
        }
        Ok(())
    }
}
