//! What decodes the packets of a track: a decoder of symphonia's, or one of the codecs of telephony.

use symphonia::core::audio::Channels;
use symphonia::core::codecs::audio::well_known::{
    CODEC_ID_ADPCM_G722, CODEC_ID_OPUS, CODEC_ID_PCM_ALAW, CODEC_ID_PCM_MULAW,
};
use symphonia::core::codecs::audio::{AudioCodecId, AudioCodecParameters, AudioDecoder, AudioDecoderOptions};
use symphonia::core::errors::Error as SymphoniaError;
use symphonia::core::packet::Packet;

use super::super::known;
use super::super::source::PcmChunk;
use crate::audio::codec::{Codec, PacketDecoder};
use crate::error::{Error, ErrorKind, Result};

pub(super) enum TrackDecoder {
    Symphonia(Box<dyn AudioDecoder>),
    Speech(Speech),
}

pub(super) struct Speech {
    codec: Codec,
    channels: usize,
    decoder: Box<dyn PacketDecoder>,
    samples: Vec<f32>,
    /// A factor by which the header wants the samples to be louder.
    gain: Option<f32>,
    /// Samples of each channel that an encoder put in front, where packets do not say so.
    skip: usize,
}

/// What a packet came to.
pub(super) enum Decoded {
    /// Samples, of so many hertz and channels.
    Samples(u32, usize),
    /// Nothing that can be used; the next packet may be good.
    Broken(Box<dyn std::error::Error + Send + Sync>),
}

impl TrackDecoder {
    pub fn new(parameters: &AudioCodecParameters, container: &str) -> Result<Self> {
        let codec = match parameters.codec {
            CODEC_ID_OPUS => Codec::Opus,
            CODEC_ID_ADPCM_G722 => Codec::G722,
            CODEC_ID_PCM_ALAW => Codec::Alaw,
            CODEC_ID_PCM_MULAW => Codec::Mulaw,
            other => {
                let options = AudioDecoderOptions::default();
                let decoder = symphonia::default::get_codecs().make_audio_decoder(parameters, &options);
                let unread = || Error::new(ErrorKind::UnsupportedAudio, known::unread_codec(other, container));
                return decoder.map(Self::Symphonia).map_err(|e| unread().with_source(e));
            }
        };
        let channels = parameters.channels.as_ref().map_or(1, Channels::count);
        let mut this = Self::speech(codec, channels)?;
        if let (Self::Speech(speech), Codec::Opus, Some(head)) = (&mut this, codec, &parameters.extra_data) {
            let gain = opus_head_number(head, 16).cast_signed();
            speech.gain = (gain != 0).then(|| 10.0_f32.powf(f32::from(gain) / (20.0 * 256.0)));
            speech.skip = usize::from(opus_head_number(head, 10));
        }
        Ok(this)
    }

    pub fn speech(codec: Codec, channels: usize) -> Result<Self> {
        let decoder = codec.decoder(channels)?;
        Ok(Self::Speech(Speech { codec, channels, decoder, samples: Vec::new(), gain: None, skip: 0 }))
    }

    /// The codec's name, as in `"mp3"`.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Symphonia(decoder) => decoder.codec_info().short_name,
            Self::Speech(speech) => speech.codec.name(),
        }
    }

    pub fn reset(&mut self) {
        if let Self::Symphonia(decoder) = self {
            decoder.reset();
        }
    }

    /// Decodes a packet into `chunk`.
    pub fn decode(&mut self, packet: &Packet, rate_hz: u32, chunk: &mut PcmChunk) -> Result<Decoded> {
        match self {
            Self::Symphonia(decoder) => match decoder.decode(packet) {
                Ok(buffer) => {
                    let (rate_hz, channels) = (buffer.spec().rate(), buffer.spec().channels().count());
                    chunk.fill(&buffer);
                    Ok(Decoded::Samples(rate_hz, channels))
                }
                Err(error @ (SymphoniaError::DecodeError(_) | SymphoniaError::IoError(_))) => {
                    Ok(Decoded::Broken(error.into()))
                }
                Err(error) => {
                    let message = "the audio cannot be decoded any further";
                    Err(Error::new(ErrorKind::CorruptAudio, message).with_source(error))
                }
            },
            Self::Speech(speech) => match speech.decode(packet) {
                Ok(()) => {
                    chunk.fill_interleaved(&speech.samples, speech.channels);
                    Ok(Decoded::Samples(rate_hz, speech.channels))
                }
                Err(error) => Ok(Decoded::Broken(error.into())),
            },
        }
    }
}

impl Speech {
    fn decode(&mut self, packet: &Packet) -> Result<()> {
        self.samples.clear();
        self.decoder.decode(&packet.data, &mut self.samples)?;
        // What an encoder put before the audio and behind it.
        let trimmed = usize::try_from(packet.trim_end.get()).unwrap_or(usize::MAX).saturating_mul(self.channels);
        let end = self.samples.len().saturating_sub(trimmed);
        self.samples.truncate(end);
        let n_samples = end / self.channels.max(1);
        let stated = usize::try_from(packet.trim_start.get()).unwrap_or(usize::MAX);
        let skipped = stated.max(self.skip).min(n_samples);
        self.skip = self.skip.saturating_sub(skipped);
        self.samples.drain(..skipped * self.channels);
        if let Some(gain) = self.gain {
            self.samples.iter_mut().for_each(|sample| *sample *= gain);
        }
        Ok(())
    }
}

/// The rate that a codec is decoded at, whatever a header says of what was encoded.
pub(super) fn decoded_rate(codec: AudioCodecId) -> Option<u32> {
    match codec {
        CODEC_ID_OPUS => Some(Codec::Opus.sample_rate_hz()),
        CODEC_ID_ADPCM_G722 => Some(Codec::G722.sample_rate_hz()),
        _ => None,
    }
}

/// A number of an `OpusHead` (RFC 7845, section 5.1): at byte 10 the samples to be skipped, at 16 the gain, decibels times 256.
/// MP4 has the same fields from the other end, with version 0.
fn opus_head_number(head: &[u8], at: usize) -> u16 {
    let bytes = head.get(at..at + 2).and_then(|bytes| bytes.try_into().ok()).unwrap_or_default();
    if head.get(8) == Some(&0) { u16::from_be_bytes(bytes) } else { u16::from_le_bytes(bytes) }
}
