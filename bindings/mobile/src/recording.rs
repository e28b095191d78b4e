//! Recordings, piece by piece.

use std::sync::{Arc, Mutex, PoisonError};

use veravox::decode::{AudioInfo, AudioReader};

use crate::error::Result;
use crate::scan::{RawFormat, options};

/// Reads a recording piece by piece, to push it through streams: at the pace of a call, say. A scan needs no such thing.
#[derive(uniffi::Object)]
pub struct Recording {
    info: AudioInfo,
    reader: Mutex<AudioReader>,
}

#[uniffi::export]
impl Recording {
    /// Opens a file and reads as much of it as tells what it is. Formats are those of `Detector.scanFile`.
    #[uniffi::constructor(default(raw = None))]
    pub fn open(path: String, raw: Option<RawFormat>) -> Result<Arc<Self>> {
        let reader = AudioReader::open(path.as_ref(), &options(raw)?)?;
        Ok(Arc::new(Self { info: reader.info().clone(), reader: Mutex::new(reader) }))
    }

    /// Samples a second of one channel.
    #[must_use]
    pub fn sample_rate_hz(&self) -> i32 {
        i32::try_from(self.info.sample_rate_hz).unwrap_or(i32::MAX)
    }

    /// Channels, each a leg of the call.
    #[must_use]
    pub fn channels(&self) -> i32 {
        i32::try_from(self.info.channels).unwrap_or(i32::MAX)
    }

    /// The next piece, of as many samples as come: for each leg its samples, 32-bit floats in [-1, 1], little-endian, as
    /// `Stream.pushFloat32` takes them. Nothing at the end.
    pub fn next(&self) -> Result<Option<Vec<Vec<u8>>>> {
        let mut reader = self.reader.lock().unwrap_or_else(PoisonError::into_inner);
        let legs = reader.next_chunk()?.map(|chunk| {
            let bytes = |leg: &Vec<f32>| leg.iter().flat_map(|sample| sample.to_le_bytes()).collect();
            chunk.channels.iter().map(bytes).collect()
        });
        Ok(legs)
    }
}
