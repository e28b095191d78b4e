//! Captures of packets: bytes as a file, and bytes as what a network brought, in a file that is right.
#![no_main]

use veravox_fuzz::{pcap, read};

veravox_fuzz::target!(|bytes: &[u8]| {
    let Some((kind, rest)) = bytes.split_first() else { return };
    match kind {
        0..=79 => read(&[&[0xd4, 0xc3, 0xb2, 0xa1], rest].concat(), None, None),
        80..=127 => read(&[&[0x0a, 0x0d, 0x0d, 0x0a], rest].concat(), None, None),
        // Ethernet, bare IP, and Linux cooked capture of both versions.
        n => read(&pcap(rest, [1, 101, 113, 276][usize::from(n % 4)]), None, None),
    }
});
