//! WAV files, as recorders, switches and cloud telephony write them.
//!
//! The head is read here rather than by symphonia, whose reader takes it at its word: a size that is wrong, an extension of
//! two bytes more or a header that nobody finished would cost the whole recording. What the file holds is read to its end; what
//! cannot be is told in a note, with its bytes and seconds. Of sizes only those of chunks count, never that of the file. The
//! codecs are symphonia's.

mod body;
mod format;
#[cfg(test)]
mod tests;

use std::io::{self, Read, Seek, SeekFrom};
use std::sync::{Arc, Mutex, PoisonError};

use super::blocks::BlockDecoder;
use super::container::ContainerSource;
use super::front::Front;
use super::limits::Limits;
use super::source::{AudioInfo, ChunkSource, PcmChunk};
use crate::error::Result;
use body::{Body, Notes};
pub(super) use format::{ByteOrder, Coding, Format};

/// Whether these first bytes of a file are those of a WAV file, of any kind.
pub(super) fn is_wav(head: &[u8]) -> bool {
    body::byte_order(head).is_some()
}

pub(super) struct WavSource {
    samples: Samples,
    notes: Notes,
}

enum Samples {
    Blocks { body: Box<Body>, decoder: BlockDecoder },
    Padded24 { body: Box<Aligned>, decoder: BlockDecoder },
    Stream(ContainerSource),
}

impl WavSource {
    /// `front` stands at the start of the file.
    pub(super) fn new(front: Front, limits: &Limits) -> Result<(Self, AudioInfo)> {
        let notes = Arc::new(Mutex::new(Vec::new()));
        let body = Body::open(front, limits, Arc::clone(&notes))?;
        let format = body.format().clone();
        let (of_pipe, declared_samples) = (body.of_pipe(), body.declared_samples());
        let info = |codec: String, declared_samples: Option<u64>| AudioInfo {
            container: "wave".to_owned(),
            codec,
            sample_rate_hz: format.sample_rate_hz,
            channels: format.channels,
            declared_samples,
        };
        let (samples, info) = match format.coding {
            Coding::Blocks(blocks) => {
                let decoder = BlockDecoder::new(blocks, of_pipe)?;
                let codec = decoder.codec_name();
                (Samples::Blocks { body: Box::new(body), decoder }, info(codec, declared_samples))
            }
            Coding::Padded24(blocks) => {
                let decoder = BlockDecoder::new(blocks, of_pipe)?;
                let body = Box::new(Aligned { body, low: None, held: Vec::new() });
                (Samples::Padded24 { body, decoder }, info("pcm_s24le".to_owned(), declared_samples))
            }
            Coding::Stream(extension) => {
                let (stream, inner) =
                    ContainerSource::new(Front::new(Box::new(Forward(body)), None), Some(extension), limits)?;
                (Samples::Stream(stream), AudioInfo { container: "wave".to_owned(), declared_samples: None, ..inner })
            }
        };
        Ok((Self { samples, notes }, info))
    }
}

impl ChunkSource for WavSource {
    fn next(&mut self, chunk: &mut PcmChunk, warnings: &mut Vec<String>) -> Result<bool> {
        let more = match &mut self.samples {
            Samples::Blocks { body, decoder } => decoder.next(body, chunk, warnings),
            Samples::Padded24 { body, decoder } => decoder.next(body, chunk, warnings),
            Samples::Stream(stream) => stream.next(chunk, warnings),
        };
        warnings.append(&mut self.notes.lock().unwrap_or_else(PoisonError::into_inner));
        more
    }
}

/// A body as a source that is read from front to end.
struct Forward(Body);

impl Read for Forward {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read(buffer)
    }
}

impl Seek for Forward {
    fn seek(&mut self, _: SeekFrom) -> io::Result<u64> {
        Err(io::Error::from(io::ErrorKind::Unsupported))
    }
}

/// 24 bits in 4 bytes. By the standard they stand at the high end; some writers put them at the low one. The first sample
/// that can only be one of the two tells: at the high end the lowest byte is 0, at the low one the highest is only a sign.
struct Aligned {
    body: Body,
    low: Option<bool>,
    /// Bytes of a sample that is not whole yet.
    held: Vec<u8>,
}

impl Read for Aligned {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        // Whole samples, so that they can be moved in place.
        let room = buffer.len() - buffer.len() % 4;
        let Some(buffer) = buffer.get_mut(..room).filter(|room| !room.is_empty()) else { return Ok(0) };
        let n_held = self.held.len();
        for (to, from) in buffer.iter_mut().zip(self.held.drain(..)) {
            *to = from;
        }
        let mut n = n_held;
        while n < 4 {
            let more = self.body.read(buffer.get_mut(n..).unwrap_or_default())?;
            if more == 0 {
                break;
            }
            n += more;
        }
        let whole = if n < 4 { n } else { n - n % 4 };
        self.held.extend_from_slice(buffer.get(whole..n).unwrap_or_default());
        let samples = buffer.get_mut(..whole).unwrap_or_default();
        for sample in samples.chunks_exact_mut(4) {
            let [lowest, _, third, highest] = *sample else { continue };
            let only_sign = highest == if third & 0x80 == 0 { 0 } else { 0xff };
            if self.low.is_none() && (lowest != 0) == only_sign {
                self.low = Some(only_sign);
            }
            if self.low == Some(true) {
                sample.rotate_right(1);
                if let Some(lowest) = sample.first_mut() {
                    *lowest = 0;
                }
            }
        }
        Ok(whole)
    }
}
