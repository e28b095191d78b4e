//! What audio comes from, and what comes of it.

use std::io::{Read, Seek};

use serde::{Deserialize, Serialize};
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

/// A run of samples: one `Vec` for each channel, values nominally in [-1, 1]. Of a file all are of the same length; of a capture
/// each is as long as what came of its stream, at the stream's own rate.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct PcmChunk {
    /// The samples, `channels[leg][time]`.
    pub channels: Vec<Vec<f32>>,
    /// What is missing before them, leg by leg; of a file nothing.
    pub gaps: Vec<(usize, Gap)>,
}

/// What is missing of a leg, in samples at its rate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gap {
    /// It was sent and never came.
    Lost(u64),
    /// It was not sent, since the other side was silent.
    Silence(u64),
}

impl Gap {
    /// How long it is.
    #[must_use]
    pub fn n_samples(self) -> u64 {
        let (Self::Lost(n) | Self::Silence(n)) = self;
        n
    }
}

/// A stream of a capture. Counts are complete after the last chunk.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct StreamSummary {
    /// Its SSRC in hexadecimal and the parties by letters, as in `"1a2b3c4d A>B"`.
    pub name: String,
    /// Codec, as in `"pcm_mulaw"`.
    pub codec: String,
    /// Samples a second.
    pub sample_rate_hz: u32,
    /// When it begins, in seconds after the first of the capture's legs.
    pub start_seconds: f64,
    /// Packets that came.
    pub n_packets: u64,
    /// Packets that never came.
    pub n_lost: u64,
    /// Packets that did not decode.
    pub n_damaged: u64,
    /// Packets that came again.
    pub n_duplicates: u64,
    /// Packets that came after a later one, and in time.
    pub n_reordered: u64,
    /// Packets that came too late.
    pub n_late: u64,
    /// Keys that were pressed (RFC 4733).
    pub n_keys: u64,
    /// Packets of comfort noise (RFC 3389).
    pub n_comfort_noise: u64,
}

impl PcmChunk {
    /// Samples of one channel; of a capture of the longest.
    #[must_use]
    pub fn n_samples(&self) -> usize {
        self.channels.iter().map(Vec::len).max().unwrap_or(0)
    }

    pub(super) fn clear(&mut self) {
        self.channels.iter_mut().for_each(Vec::clear);
        self.gaps.clear();
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

    /// The streams of a capture, one for each channel; nothing of a file, whose channels have one rate and no gaps.
    fn streams(&self) -> Vec<StreamSummary> {
        Vec::new()
    }
}

/// A seekable source of bytes: a file, or a `Cursor` over bytes in memory.
pub trait AudioSource: Read + Seek + Send + Sync {}
impl<T: Read + Seek + Send + Sync> AudioSource for T {}
