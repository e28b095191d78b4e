//! AMR, AU and Wave64 files and headerless audio of every encoding.

use veravox::decode::{RawEncoding, RawFormat};

use crate::read::read;
use crate::seed::{Seed, at, files, led};

const AMR: &[u8] = b"#!AMR\n";
const AMR_WB: &[u8] = b"#!AMR-WB\n";
const AU: &[u8] = b".snd";
/// The first 16 bytes of a Wave64 file.
const WAVE64: &[u8] = b"riff\x2e\x91\xcf\x11\xa5\xd6\x28\xdb\x04\xc1\0\0";

/// The first byte says which; marks are put in front of the others.
pub fn telephony(bytes: &[u8]) {
    let Some((kind, rest)) = bytes.split_first() else { return };
    match kind {
        0..=63 => read(&[AMR, rest].concat(), None, None),
        64..=127 => read(&[AMR_WB, rest].concat(), None, None),
        128..=143 => read(&[AU, rest].concat(), None, None),
        144..=159 => read(&[WAVE64, rest].concat(), None, None),
        n => read(rest, None, Some(headerless(*n))),
    }
}

/// One in one of all encodings.
fn headerless(n: u8) -> RawFormat {
    let encoding = RawEncoding::ALL[usize::from(n) % RawEncoding::ALL.len()];
    RawFormat { encoding, sample_rate_hz: encoding.usual_rate_hz(), channels: 1 }
}

pub fn seeds() -> Vec<Seed> {
    let folders = ["testdata/formats", "testdata/bad"];
    let marked = [(0, AMR, ".amr"), (64, AMR_WB, ".awb"), (128, AU, ".au"), (144, WAVE64, ".w64")];
    let mut seeds: Vec<_> =
        marked.into_iter().flat_map(|(kind, mark, ending)| led(kind, mark.len(), files(&folders, ending))).collect();
    for kind in 160..=255 {
        let encoding = headerless(kind).encoding;
        let file = format!("testdata/formats/clip.{}", written_as(encoding));
        let is_new = seeds.iter().all(|(name, _)| name != encoding.name());
        if is_new && let Ok(bytes) = std::fs::read(at(&file)) {
            seeds.extend(led(kind, 0, vec![(encoding.name().to_owned(), bytes)]));
        }
    }
    seeds
}

/// How the clip of `testdata/formats` ends that is in this encoding.
fn written_as(encoding: RawEncoding) -> &'static str {
    match encoding {
        RawEncoding::PcmS16Le => "8000hz.s16le.raw",
        RawEncoding::Alaw => "al",
        RawEncoding::Mulaw => "ulaw",
        RawEncoding::G726At16 => "g726_16.g726",
        RawEncoding::G726At24 => "g726_24.g726",
        RawEncoding::G726At32 => "g726_32.g726",
        RawEncoding::G726At40 => "g726_40.g726",
        RawEncoding::Aal2G726At32 => "aal2_32.g726",
        other => other.name(),
    }
}
