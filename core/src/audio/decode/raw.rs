//! Headerless audio: the caller says what the bytes are, symphonia's PCM decoder reads them.

use std::io::Read;

use symphonia::core::audio::Channels;
use symphonia::core::codecs::audio::well_known::{
    CODEC_ID_PCM_ALAW, CODEC_ID_PCM_F32LE, CODEC_ID_PCM_MULAW, CODEC_ID_PCM_S16LE,
};
use symphonia::core::codecs::audio::{AudioCodecParameters, AudioDecoder, AudioDecoderOptions};
use symphonia::core::packet::Packet;
use symphonia::core::units::{Duration, Timestamp};

use super::source::{AudioInfo, AudioSource, ChunkSource, PcmChunk};
use crate::error::{Error, ErrorKind, Result};

/// Samples of one channel read at a time: from a file, and from a pipe, whose audio is not to wait.
const CHUNK_SAMPLES: usize = 4_096;
const PIPE_CHUNKS_PER_SECOND: u32 = 50;

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

    fn codec(self) -> (symphonia::core::codecs::audio::AudioCodecId, &'static str) {
        match self {
            Self::PcmS16Le => (CODEC_ID_PCM_S16LE, "pcm_s16le"),
            Self::PcmF32Le => (CODEC_ID_PCM_F32LE, "pcm_f32le"),
            Self::Alaw => (CODEC_ID_PCM_ALAW, "pcm_alaw"),
            Self::Mulaw => (CODEC_ID_PCM_MULAW, "pcm_mulaw"),
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
    source: Box<dyn AudioSource>,
    decoder: Box<dyn AudioDecoder>,
    bytes_per_frame: usize,
    chunk_samples: usize,
    bytes: Vec<u8>,
}

impl RawSource {
    pub(super) fn new(
        source: Box<dyn AudioSource>,
        n_bytes: Option<u64>,
        format: &RawFormat,
    ) -> Result<(Self, AudioInfo)> {
        let (codec, codec_name) = format.encoding.codec();
        let channels = u16::try_from(format.channels)
            .map_err(|e| Error::new(ErrorKind::InvalidArgument, "more channels than can be").with_source(e))?;
        let mut parameters = AudioCodecParameters::new();
        parameters
            .for_codec(codec)
            .with_sample_rate(format.sample_rate_hz)
            .with_channels(Channels::Discrete(channels))
            .with_max_frames_per_packet(CHUNK_SAMPLES as u64);
        let decoder = symphonia::default::get_codecs()
            .make_audio_decoder(&parameters, &AudioDecoderOptions::default())
            .map_err(|e| Error::new(ErrorKind::UnsupportedAudio, "the raw format is not supported").with_source(e))?;
        let bytes_per_frame = format.encoding.bytes_per_sample() * format.channels;
        let info = AudioInfo {
            container: "raw".to_owned(),
            codec: codec_name.to_owned(),
            sample_rate_hz: format.sample_rate_hz,
            channels: format.channels,
            declared_samples: n_bytes.map(|n| n / bytes_per_frame as u64),
        };
        let of_pipe = (format.sample_rate_hz / PIPE_CHUNKS_PER_SECOND) as usize;
        let chunk_samples = if n_bytes.is_some() { CHUNK_SAMPLES } else { of_pipe.clamp(1, CHUNK_SAMPLES) };
        Ok((Self { source, decoder, bytes_per_frame, chunk_samples, bytes: Vec::new() }, info))
    }
}

impl ChunkSource for RawSource {
    fn next(&mut self, chunk: &mut PcmChunk, warnings: &mut Vec<String>) -> Result<bool> {
        self.bytes.clear();
        let wanted = (self.chunk_samples * self.bytes_per_frame) as u64;
        let n_read = self
            .source
            .by_ref()
            .take(wanted)
            .read_to_end(&mut self.bytes)
            .map_err(|e| Error::from_io(e, "read the file"))?;
        let odd = n_read % self.bytes_per_frame;
        if odd != 0 {
            warnings.push(format!("the last {odd} bytes are no whole sample of all channels and were left out"));
            self.bytes.truncate(n_read - odd);
        }
        if self.bytes.is_empty() {
            return Ok(false);
        }
        let frames = (self.bytes.len() / self.bytes_per_frame) as u64;
        let packet = Packet::new(0, Timestamp::new(0), Duration::new(frames), self.bytes.as_slice());
        let buffer = self
            .decoder
            .decode(&packet)
            .map_err(|e| Error::new(ErrorKind::CorruptAudio, "the raw audio does not decode").with_source(e))?;
        chunk.fill(&buffer);
        Ok(true)
    }
}
