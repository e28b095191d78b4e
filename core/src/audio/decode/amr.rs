//! AMR files (RFC 4867, section 5): a magic word, and frames whose heads tell their lengths.

use super::front::Front;
use super::source::{AudioInfo, ChunkSource, PcmChunk};
use crate::audio::codec::{Codec, PacketDecoder, amr_frame_bytes};
use crate::error::{Error, ErrorKind, Result};

/// Frames decoded at a time: from a file, and from a pipe, whose audio is not to wait.
const CHUNK_FRAMES: usize = 25;
/// Frames that do not decode, in a row, after which a file is given up.
const MAX_BROKEN_IN_A_ROW: u32 = 256;

pub(super) struct AmrSource {
    front: Front,
    wideband: bool,
    decoder: Box<dyn PacketDecoder>,
    samples: Vec<f32>,
    n_frames: u64,
    n_broken: u32,
    broken_in_a_row: u32,
    n_recordings: u32,
    ended: bool,
}

impl AmrSource {
    /// `front` stands at the start of the file.
    pub(super) fn new(mut front: Front) -> Result<(Self, AudioInfo)> {
        let magic = next_magic(&mut front)?.ok_or_else(|| {
            let words = "AMR of several channels, or with a header that is not known, is not read";
            Error::new(ErrorKind::UnsupportedAudio, format!("{words}; {}", super::known::convert("")))
        })?;
        let wideband = magic == WIDE;
        front.skip(magic.len() as u64).map_err(failed)?;
        let codec = if wideband { Codec::AmrWb } else { Codec::AmrNb };
        let info = AudioInfo {
            container: "amr".to_owned(),
            codec: codec.name().to_owned(),
            sample_rate_hz: codec.sample_rate_hz(),
            channels: 1,
            declared_samples: None,
        };
        let source = Self {
            front,
            wideband,
            decoder: codec.decoder(1)?,
            samples: Vec::new(),
            n_frames: 0,
            n_broken: 0,
            broken_in_a_row: 0,
            n_recordings: 1,
            ended: false,
        };
        Ok((source, info))
    }

    /// Decodes a frame. Whether there was one.
    fn frame(&mut self, warnings: &mut Vec<String>) -> Result<bool> {
        // Another recording may stand behind the first.
        if let Some(magic) = next_magic(&mut self.front)?.filter(|magic| (*magic == WIDE) == self.wideband) {
            self.front.skip(magic.len() as u64).map_err(failed)?;
            self.n_recordings += 1;
        }
        let Some(head) = self.front.peek(1).map_err(failed)?.first().copied() else { return Ok(false) };
        let Some(n_bytes) = amr_frame_bytes(self.wideband, head) else {
            let at = self.front.position();
            let left = self.front.left().map_or_else(String::new, |n| format!("the last {n} bytes were not read: "));
            warnings.push(format!("{left}at byte {at} there is no AMR frame (head 0x{head:02x})"));
            return Ok(false);
        };
        let Some(frame) = self.front.read_exactly(n_bytes).map_err(failed)? else {
            warnings.push("the file ends early: inside a frame".to_owned());
            return Ok(false);
        };
        self.n_frames += 1;
        match self.decoder.decode(&frame, &mut self.samples) {
            Ok(()) => self.broken_in_a_row = 0,
            Err(error) => {
                self.n_broken += 1;
                self.broken_in_a_row += 1;
                if self.broken_in_a_row > MAX_BROKEN_IN_A_ROW {
                    let message = format!("gave up after {MAX_BROKEN_IN_A_ROW} broken frames in a row");
                    return Err(Error::new(ErrorKind::CorruptAudio, message).with_source(error));
                }
            }
        }
        Ok(true)
    }

    fn end(&mut self, warnings: &mut Vec<String>) -> Result<()> {
        if self.n_broken > 0 && u64::from(self.n_broken) == self.n_frames {
            let message = format!("none of its {} frames decodes", self.n_broken);
            return Err(Error::new(ErrorKind::CorruptAudio, message));
        }
        if self.n_frames == 0 {
            return Err(Error::new(ErrorKind::CorruptAudio, "the file ends before its first sample"));
        }
        if self.n_broken > 0 {
            let seconds = f64::from(self.n_broken) / 50.0;
            warnings.push(format!("{} broken or empty frames were left out ({seconds:.1} s)", self.n_broken));
        }
        if self.n_recordings > 1 {
            let n = self.n_recordings;
            warnings.push(format!("{n} recordings stand in this file, one behind the other; all were read as one"));
        }
        Ok(())
    }
}

impl ChunkSource for AmrSource {
    fn next(&mut self, chunk: &mut PcmChunk, warnings: &mut Vec<String>) -> Result<bool> {
        if self.ended {
            return Ok(false);
        }
        self.samples.clear();
        let at_a_time = if self.front.n_bytes().is_none() { 1 } else { CHUNK_FRAMES };
        for _ in 0..at_a_time {
            if !self.frame(warnings)? {
                self.ended = true;
                self.end(warnings)?;
                break;
            }
        }
        chunk.fill_interleaved(&self.samples, 1);
        Ok(!self.ended || !self.samples.is_empty())
    }
}

const NARROW: &[u8] = b"#!AMR\n";
const WIDE: &[u8] = b"#!AMR-WB\n";

fn next_magic(front: &mut Front) -> Result<Option<&'static [u8]>> {
    let head = front.peek(WIDE.len()).map_err(failed)?;
    Ok([NARROW, WIDE].into_iter().find(|magic| head.starts_with(magic)))
}

fn failed(error: std::io::Error) -> Error {
    Error::from_io(error, "read the file")
}
