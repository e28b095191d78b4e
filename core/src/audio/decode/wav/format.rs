//! What the `fmt ` chunk of a WAV file says: Microsoft's WAVEFORMATEX and WAVEFORMATEXTENSIBLE (mmreg.h), as loosely as
//! telephony writes them.

use symphonia::core::codecs::audio::AudioCodecId;
use symphonia::core::codecs::audio::well_known::{
    CODEC_ID_ADPCM_IMA_WAV, CODEC_ID_ADPCM_MS, CODEC_ID_PCM_F32BE, CODEC_ID_PCM_F32LE, CODEC_ID_PCM_F64BE,
    CODEC_ID_PCM_F64LE, CODEC_ID_PCM_S16BE, CODEC_ID_PCM_S16LE, CODEC_ID_PCM_S24BE, CODEC_ID_PCM_S24LE,
    CODEC_ID_PCM_S32BE, CODEC_ID_PCM_S32LE, CODEC_ID_PCM_U8,
};

use super::super::blocks::{BlockCodec, Blocks};
use super::super::known;
use super::super::limits::Limits;
use crate::audio::codec::{Bits, Codec, Packing};
use crate::error::{Error, ErrorKind, Result};
use crate::hex::hex;

const PCM: u16 = 0x0001;
const MS_ADPCM: u16 = 0x0002;
const FLOAT: u16 = 0x0003;
const ALAW: u16 = 0x0006;
const MULAW: u16 = 0x0007;
const IMA_ADPCM: u16 = 0x0011;
const MPEG: u16 = 0x0050;
const MP3: u16 = 0x0055;
const ADTS: [u16; 3] = [0x1600, 0x1601, 0xa106];
const EXTENSIBLE: u16 = 0xfffe;
/// The codecs of telephony have several numbers each: of makers, and of ffmpeg.
const OKI: [u16; 2] = [0x0010, 0x0017];
const G726: [u16; 5] = [0x0014, 0x0040, 0x0045, 0x0064, 0x0085];
const GSM: [u16; 2] = [0x0031, 0x0032];
const G722: [u16; 2] = [0x0065, 0x028f];
const G729: [u16; 3] = [0x0083, 0x0133, 0xa123];
/// Behind the format's tag in the sub-format of an extensible header: `KSDATAFORMAT_SUBTYPE`, and that of Ambisonics.
const SUBTYPES: [[u8; 14]; 2] = [
    [0, 0, 0, 0, 0x10, 0, 0x80, 0, 0, 0xaa, 0, 0x38, 0x9b, 0x71],
    [0, 0, 0x21, 0x07, 0xd3, 0x11, 0x86, 0x44, 0xc8, 0xc1, 0xca, 0, 0, 0],
];

/// The order of the bytes in the numbers: RIFF and its kin, or RIFX.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ByteOrder {
    Little,
    Big,
}

impl ByteOrder {
    pub fn u16(self, bytes: [u8; 2]) -> u16 {
        match self {
            Self::Little => u16::from_le_bytes(bytes),
            Self::Big => u16::from_be_bytes(bytes),
        }
    }

    pub fn u32(self, bytes: [u8; 4]) -> u32 {
        match self {
            Self::Little => u32::from_le_bytes(bytes),
            Self::Big => u32::from_be_bytes(bytes),
        }
    }
}

/// How the data are to be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Coding {
    /// As samples.
    Blocks(Blocks),
    /// 24 bits in 4 bytes, at either end of them: which, the samples tell.
    Padded24(Blocks),
    /// As a stream of its own with packets, which goes by this extension.
    Stream(&'static str),
}

/// The `fmt ` chunk.
#[derive(Debug, Clone, PartialEq)]
pub struct Format {
    pub coding: Coding,
    pub sample_rate_hz: u32,
    pub channels: usize,
    /// Bytes a second, to tell how much bytes are.
    pub bytes_per_second: f64,
}

struct Fields {
    tag: u16,
    channels: usize,
    sample_rate_hz: u32,
    bytes_per_second: u32,
    block_align: usize,
    bits: u16,
    order: ByteOrder,
}

impl Format {
    pub fn parse(chunk: &[u8], order: ByteOrder, limits: &Limits) -> Result<Self> {
        let two = |at: usize| chunk.get(at..at + 2)?.try_into().ok().map(|bytes| order.u16(bytes));
        let four = |at: usize| chunk.get(at..at + 4)?.try_into().ok().map(|bytes| order.u32(bytes));
        let fields = || {
            Some(Fields {
                tag: two(0)?,
                channels: usize::from(two(2)?),
                sample_rate_hz: four(4)?,
                bytes_per_second: four(8)?,
                block_align: usize::from(two(12)?),
                bits: two(14)?,
                order,
            })
        };
        // What stands behind these 16 bytes says nothing that PCM and G.711 need: 16, 18, 20 and 40 are all met.
        let mut fields = fields().ok_or_else(|| {
            corrupt(format!("expected a fmt chunk of at least 16 bytes, found one of {}", chunk.len()))
        })?;
        if fields.tag == EXTENSIBLE {
            let sub_format = chunk.get(24..40).ok_or_else(|| {
                let found = chunk.len();
                corrupt(format!("expected an extensible fmt chunk of at least 40 bytes, found one of {found}"))
            })?;
            let (tag, kind) = sub_format.split_at(2);
            if !SUBTYPES.iter().any(|known| known == kind) {
                let named = hex(sub_format);
                return Err(unsupported(format!("the WAV file's codec is not known (sub-format {named})")));
            }
            // A GUID keeps its order in RIFX as well; some writers turn it.
            fields.tag = tag.try_into().map_or(0, |tag| ByteOrder::Little.u16(tag));
        }
        limits.check_channels(fields.channels)?;
        limits.check_sample_rate(fields.sample_rate_hz)?;
        let coding = fields.coding()?;
        let bytes_per_second = match &coding {
            Coding::Blocks(b) | Coding::Padded24(b) => {
                f64::from(b.sample_rate_hz) * b.bytes as f64 / b.samples.max(1) as f64
            }
            Coding::Stream(_) => f64::from(fields.bytes_per_second),
        };
        let sample_rate_hz = match &coding {
            Coding::Blocks(blocks) => blocks.sample_rate_hz,
            Coding::Padded24(_) | Coding::Stream(_) => fields.sample_rate_hz,
        };
        Ok(Self { coding, sample_rate_hz, channels: fields.channels, bytes_per_second })
    }

    /// How much audio so many bytes are, in words.
    pub fn seconds(&self, n_bytes: u64) -> f64 {
        if self.bytes_per_second > 0.0 { n_bytes as f64 / self.bytes_per_second } else { 0.0 }
    }

    /// Samples of one channel in so many bytes, where that can be said.
    pub fn samples(&self, n_bytes: u64) -> Option<u64> {
        match &self.coding {
            Coding::Blocks(b) | Coding::Padded24(b) => Some(n_bytes / b.bytes as u64 * b.samples as u64),
            Coding::Stream(_) => None,
        }
    }
}

impl Fields {
    fn coding(&self) -> Result<Coding> {
        match self.tag {
            PCM => self.pcm(),
            FLOAT => {
                let codec = match (self.bits, self.order) {
                    (32, ByteOrder::Little) => CODEC_ID_PCM_F32LE,
                    (32, ByteOrder::Big) => CODEC_ID_PCM_F32BE,
                    (64, ByteOrder::Little) => CODEC_ID_PCM_F64LE,
                    (64, ByteOrder::Big) => CODEC_ID_PCM_F64BE,
                    (bits, _) => {
                        return Err(corrupt(format!("expected floats of 32 or 64 bits, the header says {bits}")));
                    }
                };
                Ok(Coding::Blocks(self.samples_of(codec, usize::from(self.bits / 8))))
            }
            ALAW => Ok(Coding::Blocks(self.frames_of(Codec::Alaw, (1, 1)))),
            MULAW => Ok(Coding::Blocks(self.frames_of(Codec::Mulaw, (1, 1)))),
            IMA_ADPCM => self.adpcm("IMA ADPCM", CODEC_ID_ADPCM_IMA_WAV, 4, 1),
            MS_ADPCM => self.adpcm("MS ADPCM", CODEC_ID_ADPCM_MS, 7, 2),
            MPEG => Ok(Coding::Stream("mp2")),
            MP3 => Ok(Coding::Stream("mp3")),
            tag if ADTS.contains(&tag) => Ok(Coding::Stream("aac")),
            tag if OKI.contains(&tag) => self.speech(Codec::Oki),
            tag if G726.contains(&tag) => {
                let bits = match self.bits {
                    2 => Bits::Two,
                    3 => Bits::Three,
                    4 => Bits::Four,
                    5 => Bits::Five,
                    bits => {
                        return Err(unsupported(format!("G.726 of {bits} bits a sample is not read, of 2 to 5 it is")));
                    }
                };
                self.speech(Codec::G726(bits, Packing::HighFirst))
            }
            tag if GSM.contains(&tag) => self.speech(Codec::GsmMs),
            tag if G722.contains(&tag) => self.speech(Codec::G722),
            tag if G729.contains(&tag) => self.speech(Codec::G729),
            tag => Err(unsupported(known::unread_in_wav(tag))),
        }
    }

    fn pcm(&self) -> Result<Coding> {
        let little = self.order == ByteOrder::Little;
        let either = |le, be| if little { le } else { be };
        // 24 bits in 4 bytes stand so by the size of a block, as nothing else does.
        if (17..=24).contains(&self.bits) && self.block_align == 4 * self.channels {
            return Ok(Coding::Padded24(self.samples_of(either(CODEC_ID_PCM_S32LE, CODEC_ID_PCM_S32BE), 4)));
        }
        let (codec, bytes) = match self.bits {
            1..=8 => (CODEC_ID_PCM_U8, 1),
            9..=16 => (either(CODEC_ID_PCM_S16LE, CODEC_ID_PCM_S16BE), 2),
            17..=24 => (either(CODEC_ID_PCM_S24LE, CODEC_ID_PCM_S24BE), 3),
            25..=32 => (either(CODEC_ID_PCM_S32LE, CODEC_ID_PCM_S32BE), 4),
            bits => return Err(corrupt(format!("expected PCM of 8, 16, 24 or 32 bits, the header says {bits}"))),
        };
        Ok(Coding::Blocks(self.samples_of(codec, bytes)))
    }

    fn samples_of(&self, codec: AudioCodecId, bytes: usize) -> Blocks {
        let (sample_rate_hz, channels) = (self.sample_rate_hz, self.channels);
        Blocks { codec: BlockCodec::Pcm(codec), sample_rate_hz, channels, bytes: bytes * channels, samples: 1 }
    }

    /// A codec of telephony, at its own rate where it has one: some writers state that of the network.
    fn speech(&self, codec: Codec) -> Result<Coding> {
        let frame = codec.frame().ok_or_else(|| unsupported(known::unread_in_wav(self.tag)))?;
        let blocks = self.frames_of(codec, frame);
        let sample_rate_hz = if codec.has_own_rate() { codec.sample_rate_hz() } else { self.sample_rate_hz };
        Ok(Coding::Blocks(Blocks { sample_rate_hz, ..blocks }))
    }

    /// Frames of so many bytes for each channel, and samples.
    fn frames_of(&self, codec: Codec, (bytes, samples): (usize, usize)) -> Blocks {
        let (sample_rate_hz, channels) = (self.sample_rate_hz, self.channels);
        Blocks { codec: BlockCodec::Speech(codec), sample_rate_hz, channels, bytes: bytes * channels, samples }
    }

    /// A block starts with `head` bytes for each channel, which tell `first` samples of it; four bits tell each other.
    fn adpcm(&self, name: &str, codec: AudioCodecId, head: usize, first: usize) -> Result<Coding> {
        let (channels, bytes) = (self.channels, self.block_align);
        if channels > 2 {
            return Err(unsupported(format!("{name} of {channels} channels is not read, of 1 and 2 it is")));
        }
        if self.bits != 4 {
            return Err(unsupported(format!("{name} of {} bits a sample is not read, of 4 it is", self.bits)));
        }
        let Some(rest) = bytes.checked_sub(head * channels).filter(|_| bytes > 0) else {
            let least = head * channels;
            return Err(corrupt(format!("expected {name} blocks of at least {least} bytes, the header says {bytes}")));
        };
        let samples = rest * 2 / channels + first;
        let sample_rate_hz = self.sample_rate_hz;
        let codec = BlockCodec::Pcm(codec);
        Ok(Coding::Blocks(Blocks { codec, sample_rate_hz, channels, bytes, samples }))
    }
}

fn corrupt(message: String) -> Error {
    Error::new(ErrorKind::CorruptAudio, message)
}

fn unsupported(message: String) -> Error {
    Error::new(ErrorKind::UnsupportedAudio, message)
}
