//! What audio comes from, and what comes of it.

use std::io::{Read, Seek};

use symphonia::core::audio::GenericAudioBufferRef;

use crate::error::Result;

/// What a file says of its audio.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AudioInfo {
    /// Container, as in `"wave"`, or `"raw"`.
    pub container: String,
    /// Codec, as in `"pcm_mulaw"`.
    pub codec: String,
    /// Samples a second of one channel.
    pub sample_rate_hz: u32,
    /// Channels, each a leg of the call.
    pub channels: usize,
    /// Samples of one channel, where the header says so. It may lie.
    pub declared_samples: Option<u64>,
}

/// A run of samples: one `Vec` for each channel, all of the same length, values nominally in [-1, 1].
#[derive(Debug, Clone, Default, PartialEq)]
pub struct PcmChunk {
    /// The samples, `channels[leg][time]`.
    pub channels: Vec<Vec<f32>>,
}

impl PcmChunk {
    /// Samples of one channel.
    #[must_use]
    pub fn n_samples(&self) -> usize {
        self.channels.first().map_or(0, Vec::len)
    }

    pub(super) fn clear(&mut self) {
        self.channels.iter_mut().for_each(Vec::clear);
    }

    pub(super) fn fill(&mut self, buffer: &GenericAudioBufferRef<'_>) {
        buffer.copy_to_vecs_planar(&mut self.channels);
    }

    pub(super) fn fill_interleaved(&mut self, samples: &[f32], channels: usize) {
        self.channels.resize_with(channels, Vec::new);
        for (n, channel) in self.channels.iter_mut().enumerate() {
            channel.clear();
            channel.extend(samples.iter().skip(n).step_by(channels));
        }
    }
}

/// One step of a source of audio. `Ok(true)` when `chunk` was filled, `Ok(false)` at the end.
pub(super) trait ChunkSource: Send {
    fn next(&mut self, chunk: &mut PcmChunk, warnings: &mut Vec<String>) -> Result<bool>;
}

/// A seekable source of bytes: a file, or a `Cursor` over bytes in memory.
pub trait AudioSource: Read + Seek + Send + Sync {}
impl<T: Read + Seek + Send + Sync> AudioSource for T {}
