//! The codecs of telephony: packets to samples.
//!
//! A file, a capture and a live leg share them. Whoever takes packets from a container or a network says how many are missing;
//! a decoder is told nothing of it and goes on with the next packet, since what it would invent to fill a gap is no speech of
//! anybody: [`Stream::lost`](crate::stream::Stream::lost) takes the gap.

mod g711;

use crate::error::{Error, ErrorKind, Result};

/// Decodes the packets of one stream, in their order.
pub(crate) trait PacketDecoder: Send {
    /// Decodes one packet, which holds whole frames, and puts its samples behind those in `out`: values in [-1, 1], of several
    /// channels interleaved. Of AMR a packet is a frame as files store it, with its head (RFC 4867, section 5.3).
    ///
    /// # Errors
    /// [`CorruptAudio`](ErrorKind::CorruptAudio) when it is no packet of this codec, or says itself that it is damaged: it counts
    /// as lost. Nothing was put into `out` then, and the next packet can be decoded.
    fn decode(&mut self, packet: &[u8], out: &mut Vec<f32>) -> Result<()>;
}

/// A codec of telephony that is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Codec {
    /// G.711 mu-law, a byte a sample.
    Mulaw,
    /// G.711 A-law, a byte a sample.
    Alaw,
}

impl Codec {
    /// The codec that SDP calls so (IANA's RTP payload format media types), as in `"PCMU"` and `"AMR-WB"`; capitals or not.
    ///
    /// # Errors
    /// [`UnsupportedAudio`](ErrorKind::UnsupportedAudio) where there is none.
    pub fn by_encoding_name(name: &str) -> Result<Self> {
        Ok(match name.to_ascii_uppercase().as_str() {
            "PCMU" => Self::Mulaw,
            "PCMA" => Self::Alaw,
            _ => return Err(Error::new(ErrorKind::UnsupportedAudio, format!("the codec {name} is not read"))),
        })
    }

    /// Its name in reports, as in `"pcm_mulaw"`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Mulaw => "pcm_mulaw",
            Self::Alaw => "pcm_alaw",
        }
    }

    /// The rate at which it is decoded. G.711 has that of its stream.
    pub fn sample_rate_hz(self) -> u32 {
        match self {
            Self::Mulaw | Self::Alaw => 8_000,
        }
    }

    /// Bytes of a frame of one channel and samples in it, where all frames are alike.
    pub fn frame(self) -> Option<(usize, usize)> {
        match self {
            Self::Mulaw | Self::Alaw => Some((1, 1)),
        }
    }

    /// Samples of one channel in a packet of `channels` channels, by what it says of itself: nothing is decoded. None of what
    /// is no packet.
    pub fn samples(self, packet: &[u8], channels: usize) -> Option<usize> {
        let (bytes, samples) = self.frame()?;
        let bytes = bytes.checked_mul(channels).filter(|bytes| *bytes > 0)?;
        packet.len().is_multiple_of(bytes).then_some(packet.len() / bytes * samples)
    }

    /// A decoder for one stream of `channels` channels.
    ///
    /// # Errors
    /// [`UnsupportedAudio`](ErrorKind::UnsupportedAudio) for more channels than the codec has.
    pub fn decoder(self, channels: usize) -> Result<Box<dyn PacketDecoder>> {
        if channels == 0 {
            return Err(Error::new(ErrorKind::InvalidArgument, "expected at least 1 channel, got 0"));
        }
        Ok(match self {
            Self::Mulaw => Box::new(g711::Decoder::mulaw()),
            Self::Alaw => Box::new(g711::Decoder::alaw()),
        })
    }
}
