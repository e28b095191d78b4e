//! Recordings, whole.

use std::path::Path;

use veravox::decode::{self, AudioReader, DecodeOptions};

use crate::arguments::rate;
use crate::cancel::Cancellation;
use crate::error::{Result, refused};
use crate::report::CallReport;

/// How headerless audio is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, uniffi::Enum)]
pub enum RawEncoding {
    /// 16-bit integers, little-endian.
    PcmS16Le,
    /// 32-bit floats in [-1, 1], little-endian.
    PcmF32Le,
    /// G.711 A-law.
    Alaw,
    /// G.711 mu-law.
    Mulaw,
}

/// What headerless audio is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, uniffi::Record)]
pub struct RawFormat {
    /// How samples are stored.
    pub encoding: RawEncoding,
    /// Samples a second of one channel.
    pub sample_rate_hz: i32,
    /// Channels, interleaved.
    #[uniffi(default = 1)]
    pub channels: i32,
}

impl RawFormat {
    fn to_core(self) -> Result<decode::RawFormat> {
        let encoding = match self.encoding {
            RawEncoding::PcmS16Le => decode::RawEncoding::PcmS16Le,
            RawEncoding::PcmF32Le => decode::RawEncoding::PcmF32Le,
            RawEncoding::Alaw => decode::RawEncoding::Alaw,
            RawEncoding::Mulaw => decode::RawEncoding::Mulaw,
        };
        let sample_rate_hz = rate(self.sample_rate_hz)?;
        let channels = usize::try_from(self.channels).ok().filter(|n| *n > 0);
        let channels = channels.ok_or_else(|| refused(format!("expected 1 channel or more, got {}", self.channels)))?;
        Ok(decode::RawFormat { encoding, sample_rate_hz, channels })
    }
}

pub(crate) fn options(raw: Option<RawFormat>) -> Result<DecodeOptions> {
    Ok(DecodeOptions { raw: raw.map(RawFormat::to_core).transpose()?, ..DecodeOptions::default() })
}

pub(crate) fn file(
    detector: &veravox::Detector,
    path: &str,
    raw: Option<RawFormat>,
    cancellation: Option<&Cancellation>,
) -> Result<CallReport> {
    scan(detector, AudioReader::open(Path::new(path), &options(raw)?)?, cancellation)
}

pub(crate) fn bytes(
    detector: &veravox::Detector,
    bytes: Vec<u8>,
    raw: Option<RawFormat>,
    cancellation: Option<&Cancellation>,
) -> Result<CallReport> {
    scan(detector, AudioReader::from_bytes(bytes, None, &options(raw)?)?, cancellation)
}

fn scan(
    detector: &veravox::Detector,
    mut reader: AudioReader,
    cancellation: Option<&Cancellation>,
) -> Result<CallReport> {
    let mut goes_on = |_| !cancellation.is_some_and(Cancellation::is_cancelled);
    Ok(detector.scan_reader(&mut reader, &mut goes_on)?.into())
}
