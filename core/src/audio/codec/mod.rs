//! The codecs of telephony: packets to samples.
//!
//! A file, a capture and a live leg share them. Whoever takes packets from a container or a network says how many are missing;
//! a decoder is told nothing of it and goes on with the next packet, since what it would invent to fill a gap is no speech of
//! anybody: [`Stream::lost`](crate::stream::Stream::lost) takes the gap.

#[cfg(feature = "codecs")]
mod amr;
mod g711;
#[cfg(feature = "codecs")]
mod g722;
mod g726;
#[cfg(feature = "codecs")]
mod g729;
#[cfg(feature = "codecs")]
mod gsm;
#[cfg(feature = "codecs")]
mod guarded;
mod oki;
#[cfg(feature = "codecs")]
mod opus;
mod packet;
mod toc;

use crate::error::{Error, ErrorKind, Result};
pub(crate) use g726::{Bits, Packing};
#[cfg(feature = "codecs")]
use guarded::Guarded;
pub(crate) use packet::PacketDecoder;
pub(crate) use toc::amr_frame_bytes;
#[cfg(any(feature = "captures", feature = "codecs"))]
pub(crate) use toc::opus_packet_samples;

/// A codec of telephony.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Codec {
    /// G.711 mu-law.
    Mulaw,
    /// G.711 A-law.
    Alaw,
    /// G.722 at 64 kbit/s.
    G722,
    /// G.726, of so many bits a sample.
    G726(Bits, Packing),
    /// G.729 with its Annexes A and B.
    G729,
    /// GSM 06.10 full rate, frames of 33 bytes.
    Gsm,
    /// The same as Microsoft packs it: two frames in 65 bytes.
    GsmMs,
    /// AMR narrowband, frames with their heads.
    AmrNb,
    /// AMR wideband, frames with their heads.
    AmrWb,
    /// Opus, decoded at 48,000 Hz.
    Opus,
    /// OKI ADPCM as Dialogic's boards store it.
    Oki,
}

impl Codec {
    /// The codec that SDP calls so (IANA's RTP payload format media types), as in `"PCMU"` and `"AMR-WB"`; capitals or not.
    ///
    /// # Errors
    /// [`UnsupportedAudio`](ErrorKind::UnsupportedAudio) where there is none.
    #[cfg(feature = "captures")]
    pub fn by_encoding_name(name: &str) -> Result<Self> {
        use {
            Bits::{Five, Four, Three, Two},
            Packing::{HighFirst, LowFirst},
        };
        Ok(match name.to_ascii_uppercase().as_str() {
            "PCMU" => Self::Mulaw,
            "PCMA" => Self::Alaw,
            "G722" => Self::G722,
            "G726-16" => Self::G726(Two, LowFirst),
            "G726-24" => Self::G726(Three, LowFirst),
            "G726-32" => Self::G726(Four, LowFirst),
            "G726-40" => Self::G726(Five, LowFirst),
            "AAL2-G726-16" => Self::G726(Two, HighFirst),
            "AAL2-G726-24" => Self::G726(Three, HighFirst),
            "AAL2-G726-32" => Self::G726(Four, HighFirst),
            "AAL2-G726-40" => Self::G726(Five, HighFirst),
            "G729" => Self::G729,
            "GSM" => Self::Gsm,
            "AMR" => Self::AmrNb,
            "AMR-WB" => Self::AmrWb,
            "OPUS" => Self::Opus,
            _ => return Err(Error::new(ErrorKind::UnsupportedAudio, format!("the codec {name} is not read"))),
        })
    }

    /// Its name in reports, as in `"pcm_mulaw"`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Mulaw => "pcm_mulaw",
            Self::Alaw => "pcm_alaw",
            Self::G722 => "g722",
            Self::G726(..) => "g726",
            Self::G729 => "g729",
            Self::Gsm | Self::GsmMs => "gsm",
            Self::AmrNb => "amr_nb",
            Self::AmrWb => "amr_wb",
            Self::Opus => "opus",
            Self::Oki => "adpcm_oki",
        }
    }

    /// The rate at which it is decoded; of those without packets (G.711, G.726, OKI) the usual one.
    pub fn sample_rate_hz(self) -> u32 {
        match self {
            Self::Mulaw
            | Self::Alaw
            | Self::G726(..)
            | Self::G729
            | Self::Gsm
            | Self::GsmMs
            | Self::AmrNb
            | Self::Oki => 8_000,
            Self::G722 | Self::AmrWb => 16_000,
            Self::Opus => 48_000,
        }
    }

    /// Whether it is always of that rate.
    pub fn has_own_rate(self) -> bool {
        !matches!(self, Self::Mulaw | Self::Alaw | Self::G726(..) | Self::Oki)
    }

    /// Bytes of a frame of one channel and samples in it, where all frames are alike.
    pub fn frame(self) -> Option<(usize, usize)> {
        match self {
            Self::Mulaw | Self::Alaw => Some((1, 1)),
            Self::G722 | Self::Oki => Some((1, 2)),
            Self::G726(bits, _) => Some((bits.count(), 8)),
            Self::G729 => Some((10, 80)),
            Self::Gsm => Some((33, 160)),
            Self::GsmMs => Some((65, 320)),
            Self::AmrNb | Self::AmrWb | Self::Opus => None,
        }
    }

    /// Samples of one channel in a packet of `channels` channels, by what it says of itself: nothing is decoded. None of what
    /// is no packet.
    #[cfg(feature = "captures")]
    pub fn samples(self, packet: &[u8], channels: usize) -> Option<usize> {
        match self {
            Self::Opus => opus_packet_samples(packet),
            Self::AmrNb | Self::AmrWb => {
                let (mut rest, mut n_frames) = (packet, 0);
                while let Some(head) = rest.first() {
                    rest = rest.get(amr_frame_bytes(self == Self::AmrWb, *head)?..)?;
                    n_frames += 1;
                }
                Some(n_frames * self.sample_rate_hz() as usize / 50)
            }
            // A frame of comfort noise may stand last (RFC 3551, section 4.5.6).
            Self::G729 if packet.len() % 10 == 2 => Some(packet.len() / 10 * 80 + 80),
            _ => {
                let (bytes, samples) = self.frame()?;
                let bytes = bytes.checked_mul(channels).filter(|bytes| *bytes > 0)?;
                packet.len().is_multiple_of(bytes).then_some(packet.len() / bytes * samples)
            }
        }
    }

    /// A decoder for one stream of `channels` channels.
    ///
    /// # Errors
    /// [`UnsupportedAudio`](ErrorKind::UnsupportedAudio) for more channels than the codec has, or where the library was built
    /// without it (feature `codecs`).
    pub fn decoder(self, channels: usize) -> Result<Box<dyn PacketDecoder>> {
        let most = match self {
            Self::Mulaw | Self::Alaw => usize::MAX,
            Self::Opus => 2,
            _ => 1,
        };
        if !(1..=most).contains(&channels) {
            let message = format!("{} of {channels} channels is not read, of {most} it is", self.name());
            return Err(Error::new(ErrorKind::UnsupportedAudio, message));
        }
        Ok(match self {
            Self::Mulaw => Box::new(g711::Decoder::mulaw()),
            Self::Alaw => Box::new(g711::Decoder::alaw()),
            Self::G726(bits, packing) => Box::new(g726::Decoder::new(bits, packing)),
            Self::Oki => Box::new(oki::Decoder::default()),
            #[cfg(feature = "codecs")]
            Self::G722 => Box::new(Guarded::new(|| Ok(g722::Decoder::new()))?),
            #[cfg(feature = "codecs")]
            Self::G729 => Box::new(Guarded::new(g729::Decoder::new)?),
            #[cfg(feature = "codecs")]
            Self::Gsm => Box::new(Guarded::new(|| Ok(gsm::Decoder::new(false)))?),
            #[cfg(feature = "codecs")]
            Self::GsmMs => Box::new(Guarded::new(|| Ok(gsm::Decoder::new(true)))?),
            #[cfg(feature = "codecs")]
            Self::AmrNb => Box::new(Guarded::new(|| amr::Decoder::new(false))?),
            #[cfg(feature = "codecs")]
            Self::AmrWb => Box::new(Guarded::new(|| amr::Decoder::new(true))?),
            #[cfg(feature = "codecs")]
            Self::Opus => Box::new(Guarded::new(move || opus::Decoder::new(channels))?),
            #[cfg(not(feature = "codecs"))]
            _ => {
                let message = format!("{} is not read by this build, which lacks the feature `codecs`", self.name());
                return Err(Error::new(ErrorKind::UnsupportedAudio, message));
            }
        })
    }
}
