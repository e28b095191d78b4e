//! Files that are a head and samples: Sun AU and Sony Wave64.

use std::io::{self, Read as _};

use symphonia::core::codecs::audio::well_known::{
    CODEC_ID_PCM_F32BE, CODEC_ID_PCM_F64BE, CODEC_ID_PCM_S8, CODEC_ID_PCM_S16BE, CODEC_ID_PCM_S24BE, CODEC_ID_PCM_S32BE,
};

use super::blocks::{BlockCodec, BlockDecoder, Blocks};
use super::front::Front;
use super::known;
use super::limits::Limits;
use super::source::{AudioInfo, ChunkSource, PcmChunk};
use super::wav::{ByteOrder, Coding, Format};
use crate::audio::codec::{Bits, Codec, Packing};
use crate::error::{Error, ErrorKind, Result};

/// Bytes behind the audio that are worth a word.
const MIN_UNREAD_BYTES: u64 = 4_096;
/// Most bytes of text between the head of an AU file and its audio.
const MAX_TEXT_BYTES: u32 = 1 << 20;
/// Most bytes of the format of a Wave64 file.
const MAX_FMT_BYTES: u64 = 65_536;

/// What stands behind the name of every chunk of Wave64 but its first, which makes a GUID of it.
const TAIL: [u8; 12] = [0xf3, 0xac, 0xd3, 0x11, 0x8c, 0xd1, 0x00, 0xc0, 0x4f, 0x8e, 0xdb, 0x8a];

pub(super) struct PlainSource {
    front: Front,
    /// Bytes of audio still to come; none where nobody said.
    left: Option<u64>,
    decoder: BlockDecoder,
}

impl PlainSource {
    /// A file of Sun's (the AU format; `/usr/include/audio/au.h`). `front` stands at its start.
    pub(super) fn au(mut front: Front, limits: &Limits) -> Result<(Self, AudioInfo)> {
        let head = front.read_exactly(24).map_err(failed)?;
        let head = head.ok_or_else(|| corrupt("the file ends inside its header, which has 24 bytes"))?;
        let number = |n: usize| head.get(4 * n..4 * n + 4)?.try_into().ok().map(u32::from_be_bytes);
        let numbers = || Some((number(1)?, number(2)?, number(3)?, number(4)?, number(5)?));
        let (offset, size, encoding, rate_hz, channels) = numbers().unwrap_or_default();
        let channels = channels as usize;
        limits.check_channels(channels)?;
        limits.check_sample_rate(rate_hz)?;
        let text = offset.checked_sub(24).filter(|n| *n <= MAX_TEXT_BYTES);
        let text = text.ok_or_else(|| corrupt(&format!("the header says that the audio starts at byte {offset}")))?;
        let skipped = front.skip(u64::from(text)).map_err(failed)?;
        if skipped < u64::from(text) {
            return Err(corrupt("the file ends before its first sample"));
        }
        let pcm = |codec, bytes: usize| (BlockCodec::Pcm(codec), bytes, 1);
        let g726 = |bits: Bits| (BlockCodec::Speech(Codec::G726(bits, Packing::LowFirst)), bits.count(), 8);
        let (codec, bytes, samples) = match encoding {
            1 => (BlockCodec::Speech(Codec::Mulaw), 1, 1),
            2 => pcm(CODEC_ID_PCM_S8, 1),
            3 => pcm(CODEC_ID_PCM_S16BE, 2),
            4 => pcm(CODEC_ID_PCM_S24BE, 3),
            5 => pcm(CODEC_ID_PCM_S32BE, 4),
            6 => pcm(CODEC_ID_PCM_F32BE, 4),
            7 => pcm(CODEC_ID_PCM_F64BE, 8),
            23 => g726(Bits::Four),
            24 => (BlockCodec::Speech(Codec::G722), 1, 2),
            25 => g726(Bits::Three),
            26 => g726(Bits::Five),
            27 => (BlockCodec::Speech(Codec::Alaw), 1, 1),
            other => return Err(Error::new(ErrorKind::UnsupportedAudio, known::unread_in_au(other))),
        };
        let blocks = Blocks { codec, sample_rate_hz: rate_hz, channels, bytes: bytes * channels, samples };
        Self::of("au", front, (size != u32::MAX).then_some(u64::from(size)), blocks)
    }

    /// A file of Sony's Wave64 (Sonic Foundry, 2003): WAV with names of 16 bytes and sizes of 8.
    pub(super) fn w64(mut front: Front, limits: &Limits) -> Result<(Self, AudioInfo)> {
        let wave = front.read_exactly(40).map_err(failed)?.and_then(|head| head.get(24..40).map(<[u8]>::to_vec));
        if wave.is_none_or(|wave| wave != [b"wave".as_slice(), &TAIL].concat()) {
            return Err(corrupt("the file has no Wave64 header"));
        }
        let mut format = None;
        loop {
            let at = front.position();
            let head = front.read_exactly(24).map_err(failed)?;
            let Some((name, size)) = head.as_deref().and_then(chunk_head) else {
                let missing = if format.is_none() { "a fmt chunk" } else { "a data chunk" };
                return Err(corrupt(&format!("expected {missing}, the file ends at byte {at}")));
            };
            // A size counts the 24 bytes of its head.
            let body = size.checked_sub(24).filter(|_| size < u64::MAX / 2);
            let body = body.ok_or_else(|| corrupt(&format!("the chunk at byte {at} says a size of {size} bytes")))?;
            match &name {
                b"fmt " if body <= MAX_FMT_BYTES => {
                    let chunk = front.read_exactly(body as usize).map_err(failed)?;
                    let chunk = chunk.ok_or_else(|| corrupt("the file ends inside its header"))?;
                    format = Some(Format::parse(&chunk, ByteOrder::Little, limits)?);
                }
                b"data" => {
                    let format = format.ok_or_else(|| corrupt("expected a fmt chunk before the data chunk"))?;
                    let Coding::Blocks(blocks) = format.coding else {
                        let message = "the codec of this Wave64 file is not read, in WAV it is";
                        return Err(Error::new(ErrorKind::UnsupportedAudio, message));
                    };
                    return Self::of("w64", front, Some(body), blocks);
                }
                _ => {
                    let skipped = front.skip(body).map_err(failed)?;
                    if skipped < body {
                        return Err(corrupt(&format!(
                            "the chunk at byte {at} says {body} bytes, {skipped} are left in the file"
                        )));
                    }
                }
            }
            front.skip(size.wrapping_neg() % 8).map_err(failed)?;
        }
    }

    fn of(container: &str, front: Front, left: Option<u64>, blocks: Blocks) -> Result<(Self, AudioInfo)> {
        let decoder = BlockDecoder::new(blocks, front.n_bytes().is_none())?;
        let n_bytes = left.or(front.left());
        let info = AudioInfo {
            container: container.to_owned(),
            codec: decoder.codec_name(),
            sample_rate_hz: blocks.sample_rate_hz,
            channels: blocks.channels,
            declared_samples: n_bytes.map(|n| n / blocks.bytes as u64 * blocks.samples as u64),
        };
        Ok((Self { front, left, decoder }, info))
    }
}

impl ChunkSource for PlainSource {
    fn next(&mut self, chunk: &mut PcmChunk, warnings: &mut Vec<String>) -> Result<bool> {
        let Some(left) = self.left else { return self.decoder.next(&mut self.front, chunk, warnings) };
        let before = self.front.position();
        let more = self.decoder.next(&mut self.front.by_ref().take(left), chunk, warnings)?;
        let left = left.saturating_sub(self.front.position().saturating_sub(before));
        self.left = Some(left);
        if !more && left == 0 {
            let unread = self.front.left().unwrap_or(0);
            if unread >= MIN_UNREAD_BYTES {
                warnings
                    .push(format!("the last {unread} bytes of the file were not read: its header does not count them"));
            }
        }
        Ok(more)
    }
}

fn chunk_head(bytes: &[u8]) -> Option<([u8; 4], u64)> {
    let name = bytes.get(..4)?.try_into().ok()?;
    let size = bytes.get(16..24)?.try_into().ok()?;
    Some((name, u64::from_le_bytes(size)))
}

fn corrupt(message: &str) -> Error {
    Error::new(ErrorKind::CorruptAudio, message)
}

fn failed(error: io::Error) -> Error {
    Error::from_io(error, "read the file")
}
