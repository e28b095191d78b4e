//! Headerless audio: the caller says what the bytes are.

use symphonia::core::codecs::audio::well_known::{CODEC_ID_PCM_F32LE, CODEC_ID_PCM_S16LE};

use super::blocks::{BlockCodec, BlockDecoder, Blocks};
use super::front::Front;
use super::source::{AudioInfo, ChunkSource, PcmChunk};
use crate::audio::codec::Codec;
use crate::error::Result;

/// How one sample is stored in headerless audio.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RawEncoding {
    /// Signed 16-bit integers, little endian.
    PcmS16Le,
    /// 32-bit IEEE floats, little endian.
    PcmF32Le,
    /// G.711 A-law, a byte a sample (ITU-T G.711).
    Alaw,
    /// G.711 mu-law, a byte a sample (ITU-T G.711).
    Mulaw,
}

impl RawEncoding {
    fn bytes_per_sample(self) -> usize {
        match self {
            Self::PcmS16Le => 2,
            Self::PcmF32Le => 4,
            Self::Alaw | Self::Mulaw => 1,
        }
    }

    fn codec(self) -> BlockCodec {
        match self {
            Self::PcmS16Le => BlockCodec::Pcm(CODEC_ID_PCM_S16LE),
            Self::PcmF32Le => BlockCodec::Pcm(CODEC_ID_PCM_F32LE),
            Self::Alaw => BlockCodec::Speech(Codec::Alaw),
            Self::Mulaw => BlockCodec::Speech(Codec::Mulaw),
        }
    }
}

/// What headerless audio is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct RawFormat {
    /// How one sample is stored.
    pub encoding: RawEncoding,
    /// Samples a second of one channel.
    pub sample_rate_hz: u32,
    /// Channels, interleaved.
    pub channels: usize,
}

pub(super) struct RawSource {
    bytes: Front,
    decoder: BlockDecoder,
}

impl RawSource {
    pub(super) fn new(bytes: Front, format: &RawFormat) -> Result<(Self, AudioInfo)> {
        let blocks = Blocks {
            codec: format.encoding.codec(),
            sample_rate_hz: format.sample_rate_hz,
            channels: format.channels,
            bytes: format.encoding.bytes_per_sample() * format.channels,
            samples: 1,
        };
        let decoder = BlockDecoder::new(blocks, bytes.n_bytes().is_none())?;
        let info = AudioInfo {
            container: "raw".to_owned(),
            codec: decoder.codec_name(),
            sample_rate_hz: format.sample_rate_hz,
            channels: format.channels,
            declared_samples: bytes.n_bytes().map(|n| n / blocks.bytes as u64),
        };
        Ok((Self { bytes, decoder }, info))
    }
}

impl ChunkSource for RawSource {
    fn next(&mut self, chunk: &mut PcmChunk, warnings: &mut Vec<String>) -> Result<bool> {
        self.decoder.next(&mut self.bytes, chunk, warnings)
    }
}
