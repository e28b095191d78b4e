//! Opus packets, put into Ogg with right checksums, which no fuzzer would guess: a byte of length before each.
#![no_main]

use veravox_fuzz::{ogg_opus, read};

veravox_fuzz::target!(|bytes: &[u8]| {
    let Some((channels, mut rest)) = bytes.split_first() else { return };
    let mut packets = Vec::new();
    while let Some((n, behind)) = rest.split_first() {
        let (packet, behind) = behind.split_at(usize::from(*n).min(behind.len()));
        packets.push(packet);
        rest = behind;
    }
    read(&ogg_opus(&packets, 1 + channels % 2), None, None);
});
