//! Opus packets, put into Ogg with right checksums: a byte of length before each.

use crate::ogg::ogg_opus;
use crate::read::read;
use crate::seed::Seed;

/// The first byte says how many channels.
pub fn packets(bytes: &[u8]) {
    let Some((channels, mut rest)) = bytes.split_first() else { return };
    let mut packets = Vec::new();
    while let Some((n, behind)) = rest.split_first() {
        let (packet, behind) = behind.split_at(usize::from(*n).min(behind.len()));
        packets.push(packet);
        rest = behind;
    }
    read(&ogg_opus(&packets, 1 + channels % 2), None, None);
}

/// Packets of the three modes, with one frame, two and several.
pub fn seeds() -> Vec<Seed> {
    let modes = b"\x00\x08\x78\x01\x02\x03\x04\x05\x06\x07\x03\xfc\xff\xfe\x05\x4b\x03\x10\x20\x30";
    vec![("modes".to_owned(), modes.to_vec())]
}
