//! The audio of a WAV file: the `data` chunks, wherever they stand and whatever their sizes say.

use std::io::{self, Read};
use std::sync::{Arc, Mutex, PoisonError};

use super::super::front::Front;
use super::super::limits::Limits;
use super::format::{ByteOrder, Format};
use crate::error::{Error, ErrorKind, Result};

/// Most bytes of a `fmt ` chunk: those of MS ADPCM have 50, of MP3 30.
const MAX_FMT_BYTES: u32 = 65_536;
/// Chunks that stand before the audio or behind it. Where a size cannot be held against the length of a file, a name tells.
const NAMES: [&[u8; 4]; 16] = [
    b"LIST", b"fact", b"cue ", b"smpl", b"inst", b"bext", b"iXML", b"id3 ", b"ID3 ", b"JUNK", b"junk", b"PAD ",
    b"PEAK", b"data", b"fmt ", b"plst",
];
/// Behind the audio that a header counts, so much that is no chunk is taken for more of it: who records goes on writing, and
/// brings the header up to date when he is done.
const MIN_UNCOUNTED_SECONDS: f64 = 0.5;
/// Sizes next to these are written where none is known: by ffmpeg, sox, arecord and what streams to a pipe.
const UNKNOWN_SIZES: [u32; 3] = [u32::MAX, 0x7fff_ffff, 0x8000_0000];
const NEXT_TO: u32 = 0x1_0000;

/// Notes that are made while bytes are read, told by whoever hands out the samples.
pub type Notes = Arc<Mutex<Vec<String>>>;

/// One kind of WAV file: the name of the first chunk, and its byte order.
pub fn byte_order(head: &[u8]) -> Option<ByteOrder> {
    let order = match head.get(..4)? {
        b"RIFF" | b"RF64" | b"BW64" => ByteOrder::Little,
        b"RIFX" => ByteOrder::Big,
        _ => return None,
    };
    (head.get(8..12)? == b"WAVE").then_some(order)
}

/// What bounds the chunk at hand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Left {
    /// Bytes that its size still promises.
    Stated(u64),
    /// The end of the file, as nobody stated anything else.
    All,
    /// The end of the file: bytes behind those that the header counts, and how many there were so far.
    Uncounted(u64),
}

/// The bytes of the audio, as one stream.
pub struct Body {
    front: Front,
    order: ByteOrder,
    format: Format,
    limits: Limits,
    /// The size of the audio by the `ds64` chunk of RF64, where 32 bits do not hold it.
    long_size: Option<u64>,
    left: Left,
    /// Bytes of the chunk at hand, for the byte that fills up an odd one.
    chunk_bytes: u64,
    n_recordings: u64,
    ended: bool,
    notes: Notes,
}

impl Body {
    /// Reads up to the first sample. `front` stands at the start of the file.
    pub fn open(mut front: Front, limits: &Limits, notes: Notes) -> Result<Self> {
        let head = Head::read(&mut front, limits)?;
        let mut body = Self {
            front,
            order: head.order,
            format: head.format,
            limits: limits.clone(),
            long_size: head.long_size,
            left: Left::All,
            chunk_bytes: 0,
            n_recordings: 1,
            ended: false,
            notes,
        };
        body.enter(head.data_size).map_err(failed)?;
        let promised = matches!(body.left, Left::Stated(n) if n > 0) || body.left == Left::All;
        if promised && body.front.left() == Some(0) && head.data_size != 0 {
            let message =
                format!("the file ends before its first sample: its header says {} bytes of audio", head.data_size);
            return Err(Error::new(ErrorKind::CorruptAudio, message));
        }
        Ok(body)
    }

    pub fn format(&self) -> &Format {
        &self.format
    }

    /// Samples of one channel in the first chunk, as its size or that of the file says.
    pub fn declared_samples(&self) -> Option<u64> {
        let bytes = match self.left {
            Left::Stated(n) => n,
            Left::All | Left::Uncounted(_) => self.front.left()?,
        };
        self.format.samples(bytes)
    }

    /// The size of the file, as of pipes unknown.
    pub fn of_pipe(&self) -> bool {
        self.front.n_bytes().is_none()
    }

    fn note(&self, text: String) {
        self.notes.lock().unwrap_or_else(PoisonError::into_inner).push(text);
    }

    /// At the first byte of a `data` chunk of `size` bytes, as the header says.
    fn enter(&mut self, size: u32) -> io::Result<()> {
        self.chunk_bytes = 0;
        let left = self.front.left();
        let (stated, unknown) = match self.long_size {
            Some(long) if size == u32::MAX => (long, long == u64::MAX),
            _ => (u64::from(size), UNKNOWN_SIZES.iter().any(|u| u.abs_diff(size) < NEXT_TO)),
        };
        let too_long = left.is_none_or(|left| stated > left);
        self.left = if unknown && too_long {
            Left::All
        } else if stated == 0 && left != Some(0) && !self.at_a_chunk()? {
            if left.is_some() {
                self.note(
                    "the recorder did not finish the header, which says 0 bytes of audio: read to the end of the file"
                        .to_owned(),
                );
            }
            Left::All
        } else {
            Left::Stated(stated)
        };
        Ok(())
    }

    /// Whether the next bytes are the head of a chunk, or of another recording, rather than samples.
    fn at_a_chunk(&mut self) -> io::Result<bool> {
        let (left, order) = (self.front.left(), self.order);
        let head = self.front.peek(12)?;
        Ok(byte_order(head).is_some() || is_chunk(head, order, left))
    }

    /// Goes on to the next audio behind the chunk that was read. `false` where there is none.
    fn go_on(&mut self) -> Result<bool> {
        loop {
            let order = self.order;
            pass_fill_byte(&mut self.front, order, std::mem::take(&mut self.chunk_bytes)).map_err(failed)?;
            let head = self.front.peek(12).map_err(failed)?.to_vec();
            if head.len() < 8 {
                return Ok(false);
            }
            if byte_order(&head).is_some() {
                return self.next_recording();
            }
            if !self.at_a_chunk().map_err(failed)? {
                return Ok(self.uncounted());
            }
            let Some((name, size)) = chunk_head(&head, order) else { return Ok(false) };
            self.front.skip(8).map_err(failed)?;
            match &name {
                b"data" => {
                    self.long_size = None;
                    self.enter(size).map_err(failed)?;
                    return Ok(true);
                }
                b"fmt " => {
                    let chunk = read_fmt(&mut self.front, size);
                    let format = chunk.and_then(|chunk| Format::parse(&chunk, order, &self.limits));
                    if !format.is_ok_and(|format| format == self.format) {
                        self.note_unread("another fmt chunk follows in the middle of the file");
                        return Ok(false);
                    }
                }
                _ => {
                    self.front.skip(u64::from(size)).map_err(failed)?;
                }
            }
            self.chunk_bytes = u64::from(size);
        }
    }

    /// Another recording stands behind the first, as programs make that put files together or append to one.
    fn next_recording(&mut self) -> Result<bool> {
        let start = self.front.position();
        let unread = |body: &Self| {
            let bytes =
                body.front.n_bytes().map_or_else(String::new, |n| format!(" of {} bytes", n.saturating_sub(start)));
            body.note(format!("another recording{bytes} stands behind the first, in another format, and was not read"));
        };
        let Ok(head) = Head::read(&mut self.front, &self.limits) else {
            unread(self);
            return Ok(false);
        };
        if head.format != self.format {
            unread(self);
            return Ok(false);
        }
        self.n_recordings += 1;
        (self.order, self.long_size) = (head.order, head.long_size);
        self.enter(head.data_size).map_err(failed)?;
        Ok(true)
    }

    /// What follows is no chunk. More audio, if there is enough of it.
    fn uncounted(&mut self) -> bool {
        let enough = self.front.left().is_none_or(|left| self.format.seconds(left) >= MIN_UNCOUNTED_SECONDS);
        if enough {
            self.left = Left::Uncounted(0);
        } else {
            self.note_unread("they are no chunk");
        }
        enough
    }

    fn note_unread(&self, why: &str) {
        if let Some(left) = self.front.left().filter(|left| *left > 0) {
            let seconds = self.format.seconds(left);
            self.note(format!("the last {left} bytes ({seconds:.1} s if they are audio) were not read: {why}"));
        }
    }

    fn end(&mut self) {
        self.ended = true;
        match self.left {
            Left::Stated(missing) if missing > 0 => {
                let seconds = self.format.seconds(missing);
                self.note(format!(
                    "the file ends early: {missing} bytes ({seconds:.1} s) that its header says are missing"
                ));
            }
            Left::Uncounted(n) if n > 0 => {
                let seconds = self.format.seconds(n);
                self.note(format!(
                    "{n} bytes ({seconds:.1} s) stand behind the audio that the header counts; they were read as audio too"
                ));
            }
            _ => {}
        }
        if self.n_recordings > 1 {
            let n = self.n_recordings;
            self.note(format!("{n} recordings stand in this file, one behind the other; all were read as one"));
        }
    }
}

impl Read for Body {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while !self.ended && !buffer.is_empty() {
            let most = match self.left {
                Left::Stated(n) => usize::try_from(n).unwrap_or(usize::MAX).min(buffer.len()),
                Left::All | Left::Uncounted(_) => buffer.len(),
            };
            let n = if most == 0 { 0 } else { self.front.read(buffer.get_mut(..most).unwrap_or_default())? };
            if n > 0 {
                self.chunk_bytes += n as u64;
                self.left = match self.left {
                    Left::Stated(left) => Left::Stated(left - n as u64),
                    Left::Uncounted(so_far) => Left::Uncounted(so_far + n as u64),
                    Left::All => Left::All,
                };
                return Ok(n);
            }
            let at_its_end = self.left == Left::Stated(0);
            if !at_its_end || !self.go_on().map_err(io::Error::other)? {
                self.end();
            }
        }
        Ok(0)
    }
}

/// What stands before the audio.
struct Head {
    order: ByteOrder,
    format: Format,
    long_size: Option<u64>,
    data_size: u32,
}

impl Head {
    fn read(front: &mut Front, limits: &Limits) -> Result<Self> {
        let corrupt = |message: &str| Error::new(ErrorKind::CorruptAudio, message);
        let head = front.read_exactly(12).map_err(failed)?;
        let order = head.as_deref().and_then(byte_order).ok_or_else(|| corrupt("the file has no RIFF header"))?;
        let (mut format, mut long_size) = (None, None);
        loop {
            let at = front.position();
            let head = front.read_exactly(8).map_err(failed)?;
            let Some((name, size)) = head.as_deref().and_then(|head| chunk_head(head, order)) else {
                let missing = if format.is_none() { "a fmt chunk" } else { "a data chunk" };
                return Err(corrupt(&format!("expected {missing}, the file ends at byte {at}")));
            };
            match &name {
                b"fmt " => {
                    let chunk = read_fmt(front, size)?;
                    let parsed = Format::parse(&chunk, order, limits)?;
                    if format.as_ref().is_some_and(|first| *first != parsed) {
                        return Err(corrupt("two fmt chunks that differ stand before the audio"));
                    }
                    format = Some(parsed);
                }
                b"ds64" => {
                    let chunk = read_fmt(front, size)?;
                    let long = chunk.get(8..16).and_then(|bytes| bytes.try_into().ok());
                    long_size = long.map(u64::from_le_bytes);
                }
                b"data" => {
                    let format = format.ok_or_else(|| corrupt("expected a fmt chunk before the data chunk"))?;
                    return Ok(Self { order, format, long_size, data_size: size });
                }
                _ => {
                    let name: String = name.iter().map(|byte| char::from(*byte).escape_default().to_string()).collect();
                    let skipped = front.skip(u64::from(size)).map_err(failed)?;
                    if skipped < u64::from(size) {
                        return Err(corrupt(&format!(
                            "the chunk {name} at byte {at} says {size} bytes, {skipped} are left in the file"
                        )));
                    }
                }
            }
            pass_fill_byte(front, order, u64::from(size)).map_err(failed)?;
        }
    }
}

/// A chunk of an odd size is followed by a byte that fills it up; not every writer knows.
fn pass_fill_byte(front: &mut Front, order: ByteOrder, chunk_bytes: u64) -> io::Result<()> {
    if chunk_bytes % 2 == 1 {
        let left = front.left();
        let next = front.peek(9)?;
        let filled = next.first() == Some(&0)
            || next.get(1..).is_some_and(|behind| is_known_chunk(behind, order))
            || !is_chunk(next, order, left);
        if filled {
            front.skip(1)?;
        }
    }
    Ok(())
}

/// Whether these bytes are the head of a chunk: of one that is known, or, where the length of the file is, of any that it holds.
fn is_chunk(head: &[u8], order: ByteOrder, left: Option<u64>) -> bool {
    let printable = |name: [u8; 4]| name.iter().all(|byte| (b' '..=b'~').contains(byte));
    let held = |size: u32| left.is_some_and(|left| 8 + u64::from(size) <= left);
    is_known_chunk(head, order) || chunk_head(head, order).is_some_and(|(name, size)| printable(name) && held(size))
}

fn is_known_chunk(head: &[u8], order: ByteOrder) -> bool {
    chunk_head(head, order).is_some_and(|(name, _)| NAMES.iter().any(|known| **known == name))
}

fn read_fmt(front: &mut Front, size: u32) -> Result<Vec<u8>> {
    let broken = |message| Error::new(ErrorKind::CorruptAudio, message);
    if size > MAX_FMT_BYTES {
        return Err(broken(format!("expected a chunk of at most {MAX_FMT_BYTES} bytes, the header says {size}")));
    }
    let bytes = front.read_exactly(size as usize).map_err(failed)?;
    bytes.ok_or_else(|| broken(format!("the file ends inside its header, in a chunk of {size} bytes")))
}

fn chunk_head(bytes: &[u8], order: ByteOrder) -> Option<([u8; 4], u32)> {
    let name = bytes.get(..4)?.try_into().ok()?;
    let size = bytes.get(4..8)?.try_into().ok()?;
    Some((name, order.u32(size)))
}

fn failed(error: io::Error) -> Error {
    Error::from_io(error, "read the file")
}
