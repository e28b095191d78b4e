//! AMR, AU and Wave64 files and headerless audio of every encoding: the first byte says which.
#![no_main]

use veravox_fuzz::{raw, read};

veravox_fuzz::target!(|bytes: &[u8]| {
    let Some((kind, rest)) = bytes.split_first() else { return };
    match kind {
        0..=63 => read(&[b"#!AMR\n", rest].concat(), None, None),
        64..=127 => read(&[b"#!AMR-WB\n", rest].concat(), None, None),
        128..=143 => read(&[b".snd", rest].concat(), None, None),
        144..=159 => read(&[&WAVE64, rest].concat(), None, None),
        n => read(rest, None, Some(raw(*n))),
    }
});

/// The first 16 bytes of a Wave64 file.
const WAVE64: [u8; 16] =
    [0x72, 0x69, 0x66, 0x66, 0x2e, 0x91, 0xcf, 0x11, 0xa5, 0xd6, 0x28, 0xdb, 0x04, 0xc1, 0x00, 0x00];
