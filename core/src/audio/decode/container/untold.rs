//! What a container says of itself that symphonia's readers do not tell.

use std::io::{self, Read, Seek, SeekFrom};

use super::super::front::Front;
use super::bytes::SharedSource;

/// Where the next FLAC file starts in a file that holds several: its reader takes what follows for damaged frames. None of
/// another kind of file, or where there is no other.
pub(super) fn end_of_flac(source: &SharedSource) -> io::Result<Option<u64>> {
    const MARKER: &[u8] = b"fLaC";
    // The block of STREAMINFO, which has one length (RFC 9639, section 8.2).
    const FIRST_BLOCK: [[u8; 4]; 2] = [[0, 0, 0, 34], [0x80, 0, 0, 34]];
    let mut front = source.lock();
    front.seek(SeekFrom::Start(source.start))?;
    if !front.peek(MARKER.len())?.starts_with(MARKER) {
        return Ok(None);
    }
    let mut bytes = Vec::new();
    let mut at = source.start;
    let found = loop {
        let kept = bytes.len().min(7);
        bytes.drain(..bytes.len() - kept);
        let n_new = front.by_ref().take(1 << 16).read_to_end(&mut bytes)?;
        let starts = |here: &[u8]| {
            here.starts_with(MARKER)
                && here.get(4..).is_some_and(|rest| FIRST_BLOCK.iter().any(|b| rest.starts_with(b)))
        };
        let skip = usize::from(at == source.start);
        let hit = bytes.windows(8).skip(skip).position(starts);
        if let Some(hit) = hit {
            break Some(at - kept as u64 + (hit + skip) as u64);
        }
        if n_new == 0 {
            break None;
        }
        at += n_new as u64;
    };
    front.seek(SeekFrom::Start(source.start))?;
    Ok(found)
}

/// Whether the first frame of an MP3 says how many follow, as LAME (Xing, Info) and Fraunhofer (VBRI) write it. The reader stays
/// where it is.
pub(super) fn mp3_has_count(source: &SharedSource) -> io::Result<bool> {
    if source.end.is_none() {
        return Ok(false);
    }
    let mut front = source.lock();
    let here = front.position();
    front.seek(SeekFrom::Start(source.start))?;
    let tag = match front.peek(10)? {
        // The size of a tag has seven bits a byte (ID3v2.4, section 3.1).
        [b'I', b'D', b'3', _, _, _, size @ ..] => {
            10 + size.iter().fold(0, |size, byte| (size << 7) | u64::from(byte & 0x7f))
        }
        _ => 0,
    };
    front.skip(tag)?;
    let first = front.peek(4_096)?;
    let found = [b"Xing", b"Info", b"VBRI"].iter().any(|name| first.windows(4).any(|bytes| bytes == name.as_slice()));
    front.seek(SeekFrom::Start(here))?;
    Ok(found)
}

/// Matroska that was muxed live: its segment has the size that says "unknown" (RFC 8794, section 6.2).
pub(super) fn is_matroska_of_unknown_size(head: &[u8]) -> bool {
    const EBML: [u8; 4] = [0x1a, 0x45, 0xdf, 0xa3];
    const SEGMENT: [u8; 4] = [0x18, 0x53, 0x80, 0x67];
    let Some(rest) = head.strip_prefix(&EBML) else { return false };
    let Some(&first) = rest.first() else { return false };
    let length = first.leading_zeros() as usize + 1;
    let size = rest.get(..length.min(8)).map_or(0, |bytes| {
        bytes.iter().enumerate().fold(0_usize, |size, (n, byte)| {
            let digit = if n == 0 { u32::from(*byte) & !(0x80 >> (length - 1)) } else { u32::from(*byte) };
            (size << 8) | digit as usize
        })
    });
    let Some(size) = rest.get(length.min(8) + size..).and_then(|rest| rest.strip_prefix(&SEGMENT)) else {
        return false;
    };
    match size {
        [0x01, bytes @ ..] => bytes.len() >= 7 && bytes.iter().take(7).all(|byte| *byte == 0xff),
        [first, ..] => *first == 0xff,
        [] => false,
    }
}

/// The name of the first sample entry of an MP4 file (ISO/IEC 14496-12, `stsd`): what the audio is in. The reader stays where
/// it is.
pub(super) fn sample_entry(source: &SharedSource) -> Option<[u8; 4]> {
    let n_bytes = source.end?;
    let mut front = source.lock();
    let here = front.position();
    let entry = find_sample_entry(&mut front, n_bytes);
    front.seek(SeekFrom::Start(here)).ok()?;
    entry
}

fn find_sample_entry(front: &mut Front, n_bytes: u64) -> Option<[u8; 4]> {
    const MOST: u64 = 1 << 20;
    let mut at = 0;
    while at + 8 <= n_bytes {
        front.seek(SeekFrom::Start(at)).ok()?;
        let head = front.read_exactly(8).ok()??;
        let size = u64::from(u32::from_be_bytes(head.get(..4)?.try_into().ok()?));
        let size = match size {
            0 => n_bytes - at,
            1 => u64::from_be_bytes(front.read_exactly(8).ok()??.try_into().ok()?),
            size => size,
        };
        if head.get(4..8)? == b"moov" {
            let mut movie = Vec::new();
            front.by_ref().take(size.min(MOST)).read_to_end(&mut movie).ok()?;
            let stsd = movie.windows(4).position(|name| name == b"stsd")?;
            return movie.get(stsd + 16..stsd + 20)?.try_into().ok();
        }
        at = at.checked_add(size.max(8))?;
    }
    None
}
