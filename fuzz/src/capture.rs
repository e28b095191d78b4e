//! Captures of packets: bytes as a file, and bytes as what a network brought, in a file that is right.

use crate::network::pcap;
use crate::read::read;
use crate::seed::{Seed, files, led};

const PCAP: [u8; 4] = [0xd4, 0xc3, 0xb2, 0xa1];
const PCAPNG: [u8; 4] = [0x0a, 0x0d, 0x0d, 0x0a];

/// The first byte says which.
pub fn capture(bytes: &[u8]) {
    let Some((kind, rest)) = bytes.split_first() else { return };
    match kind {
        0..=79 => read(&[&PCAP, rest].concat(), None, None),
        80..=127 => read(&[&PCAPNG, rest].concat(), None, None),
        // Ethernet, bare IP, and Linux cooked capture of both versions.
        n => read(&pcap(rest, [1, 101, 113, 276][usize::from(n % 4)]), None, None),
    }
}

pub fn seeds() -> Vec<Seed> {
    let folder = ["testdata/captures"];
    let described = b"\x81\x20\x41m=audio 9002 RTP/AVP 96 97 98\r\na=rtpmap:96 opus/48000/2\r\na=rtpmap".to_vec();
    let packets = (64..76).flat_map(|kind| [&[kind, 0x21], b"AAAABBBBCCCCDDDDEEEEFFFFGGGGHHHHI".as_slice()].concat());
    let call = ("call".to_owned(), described.into_iter().chain(packets).collect());
    [led(0, PCAP.len(), files(&folder, ".pcap")), led(80, PCAPNG.len(), files(&folder, ".pcapng")), vec![call]].concat()
}
