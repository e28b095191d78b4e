//! Headerless audio: the caller says what the bytes are, or the name of the file does.

use symphonia::core::codecs::audio::well_known::{CODEC_ID_PCM_F32LE, CODEC_ID_PCM_S16LE};

use super::blocks::{BlockCodec, BlockDecoder, Blocks};
use super::front::Front;
use super::source::{AudioInfo, ChunkSource, PcmChunk};
use crate::audio::codec::{Bits, Codec, Packing};
use crate::error::{Error, ErrorKind, Result};

/// How samples are stored in headerless audio.
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
    /// GSM 06.10 full rate, 33 bytes for 20 ms (ETSI EN 300 961).
    Gsm,
    /// G.722 at 64 kbit/s, a byte for two samples of 16,000 Hz (ITU-T G.722).
    G722,
    /// G.729 or G.729A, 10 bytes for 10 ms (ITU-T G.729).
    G729,
    /// G.726 at 16 kbit/s (of 8,000 Hz), the first sample in the low bits (ITU-T G.726, RFC 3551).
    G726At16,
    /// G.726 at 24 kbit/s, likewise.
    G726At24,
    /// G.726 at 32 kbit/s, likewise.
    G726At32,
    /// G.726 at 40 kbit/s, likewise.
    G726At40,
    /// G.726 at 16 kbit/s, the first sample in the high bits (ITU-T I.366.2).
    Aal2G726At16,
    /// G.726 at 24 kbit/s, likewise.
    Aal2G726At24,
    /// G.726 at 32 kbit/s, likewise.
    Aal2G726At32,
    /// G.726 at 40 kbit/s, likewise.
    Aal2G726At40,
    /// OKI ADPCM of 4 bits as Dialogic stores it in VOX files, of 6,000 or 8,000 Hz.
    Vox,
}

impl RawEncoding {
    /// All of them.
    pub const ALL: [Self; 16] = [
        Self::PcmS16Le,
        Self::PcmF32Le,
        Self::Alaw,
        Self::Mulaw,
        Self::Gsm,
        Self::G722,
        Self::G729,
        Self::G726At16,
        Self::G726At24,
        Self::G726At32,
        Self::G726At40,
        Self::Aal2G726At16,
        Self::Aal2G726At24,
        Self::Aal2G726At32,
        Self::Aal2G726At40,
        Self::Vox,
    ];

    /// Its name in the command and in Python, as in `"mulaw"` and `"g726-32"`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::PcmS16Le => "s16le",
            Self::PcmF32Le => "f32le",
            Self::Alaw => "alaw",
            Self::Mulaw => "mulaw",
            Self::Gsm => "gsm",
            Self::G722 => "g722",
            Self::G729 => "g729",
            Self::G726At16 => "g726-16",
            Self::G726At24 => "g726-24",
            Self::G726At32 => "g726-32",
            Self::G726At40 => "g726-40",
            Self::Aal2G726At16 => "aal2-g726-16",
            Self::Aal2G726At24 => "aal2-g726-24",
            Self::Aal2G726At32 => "aal2-g726-32",
            Self::Aal2G726At40 => "aal2-g726-40",
            Self::Vox => "vox",
        }
    }

    /// What it is, in words.
    #[must_use]
    pub fn description(self) -> &'static str {
        match self {
            Self::PcmS16Le => "signed 16-bit, little endian",
            Self::PcmF32Le => "32-bit float, little endian",
            Self::Alaw => "G.711 A-law",
            Self::Mulaw => "G.711 mu-law",
            Self::Gsm => "GSM 06.10 full rate, 33 bytes a frame",
            Self::G722 => "G.722 at 64 kbit/s, of 16,000 Hz",
            Self::G729 => "G.729 or G.729A, 10 bytes a frame",
            Self::G726At16 => "G.726 at 16 kbit/s, low bits first",
            Self::G726At24 => "G.726 at 24 kbit/s, low bits first",
            Self::G726At32 => "G.726 at 32 kbit/s, low bits first, as in RTP",
            Self::G726At40 => "G.726 at 40 kbit/s, low bits first",
            Self::Aal2G726At16 => "G.726 at 16 kbit/s, high bits first",
            Self::Aal2G726At24 => "G.726 at 24 kbit/s, high bits first",
            Self::Aal2G726At32 => "G.726 at 32 kbit/s, high bits first",
            Self::Aal2G726At40 => "G.726 at 40 kbit/s, high bits first",
            Self::Vox => "Dialogic (OKI) ADPCM of 4 bits, of 8,000 or 6,000 Hz",
        }
    }

    /// The encoding of this name.
    ///
    /// ```
    /// use veravox::decode::RawEncoding;
    ///
    /// assert_eq!(RawEncoding::from_name("gsm"), Some(RawEncoding::Gsm));
    /// assert_eq!(RawEncoding::from_name("mp3"), None);
    /// ```
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|encoding| encoding.name() == name)
    }

    /// The rate that it has where nobody says another: 16,000 Hz of G.722, 8,000 Hz of all others.
    #[must_use]
    pub fn usual_rate_hz(self) -> u32 {
        match self.codec() {
            BlockCodec::Pcm(_) => 8_000,
            BlockCodec::Speech(codec) => codec.sample_rate_hz(),
        }
    }

    fn codec(self) -> BlockCodec {
        BlockCodec::Speech(match self {
            Self::PcmS16Le => return BlockCodec::Pcm(CODEC_ID_PCM_S16LE),
            Self::PcmF32Le => return BlockCodec::Pcm(CODEC_ID_PCM_F32LE),
            Self::Alaw => Codec::Alaw,
            Self::Mulaw => Codec::Mulaw,
            Self::Gsm => Codec::Gsm,
            Self::G722 => Codec::G722,
            Self::G729 => Codec::G729,
            Self::G726At16 => Codec::G726(Bits::Two, Packing::LowFirst),
            Self::G726At24 => Codec::G726(Bits::Three, Packing::LowFirst),
            Self::G726At32 => Codec::G726(Bits::Four, Packing::LowFirst),
            Self::G726At40 => Codec::G726(Bits::Five, Packing::LowFirst),
            Self::Aal2G726At16 => Codec::G726(Bits::Two, Packing::HighFirst),
            Self::Aal2G726At24 => Codec::G726(Bits::Three, Packing::HighFirst),
            Self::Aal2G726At32 => Codec::G726(Bits::Four, Packing::HighFirst),
            Self::Aal2G726At40 => Codec::G726(Bits::Five, Packing::HighFirst),
            Self::Vox => Codec::Oki,
        })
    }

    /// Bytes of a frame of one channel, and samples in it.
    fn frame(self) -> (usize, usize) {
        match (self, self.codec()) {
            (Self::PcmS16Le, _) => (2, 1),
            (Self::PcmF32Le, _) => (4, 1),
            (_, BlockCodec::Speech(codec)) => codec.frame().unwrap_or((1, 1)),
            (_, BlockCodec::Pcm(_)) => (1, 1),
        }
    }
}

/// What headerless audio is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct RawFormat {
    /// How samples are stored.
    pub encoding: RawEncoding,
    /// Samples a second of one channel. GSM, G.722 and G.729 have their own.
    pub sample_rate_hz: u32,
    /// Channels, interleaved. Only PCM and G.711 have several.
    pub channels: usize,
}

impl std::fmt::Display for RawFormat {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (encoding, rate_hz, channels) = (self.encoding.name(), self.sample_rate_hz, self.channels);
        let plural = if channels == 1 { "" } else { "s" };
        write!(f, "{encoding}, {rate_hz} Hz, {channels} channel{plural}")
    }
}

pub(super) struct RawSource {
    front: Front,
    decoder: BlockDecoder,
}

impl RawSource {
    pub(super) fn new(front: Front, format: &RawFormat) -> Result<(Self, AudioInfo)> {
        let codec = format.encoding.codec();
        if let BlockCodec::Speech(codec) = codec
            && codec.has_own_rate()
            && format.sample_rate_hz != codec.sample_rate_hz()
        {
            let (name, own, told) = (format.encoding.name(), codec.sample_rate_hz(), format.sample_rate_hz);
            let message = format!("{name} is always of {own} Hz, the caller says {told} Hz");
            return Err(Error::new(ErrorKind::InvalidArgument, message));
        }
        let (bytes, samples) = format.encoding.frame();
        let (sample_rate_hz, channels) = (format.sample_rate_hz, format.channels);
        let blocks = Blocks { codec, sample_rate_hz, channels, bytes: bytes * channels, samples };
        let decoder = BlockDecoder::new(blocks, front.n_bytes().is_none())?;
        let info = AudioInfo {
            container: "raw".to_owned(),
            codec: decoder.codec_name(),
            sample_rate_hz: format.sample_rate_hz,
            channels: format.channels,
            declared_samples: front.n_bytes().map(|n| n / blocks.bytes as u64 * blocks.samples as u64),
        };
        Ok((Self { front, decoder }, info))
    }
}

impl ChunkSource for RawSource {
    fn next(&mut self, chunk: &mut PcmChunk, warnings: &mut Vec<String>) -> Result<bool> {
        self.decoder.next(&mut self.front, chunk, warnings)
    }
}
