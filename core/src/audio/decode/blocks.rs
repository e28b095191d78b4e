//! Bytes that are samples, block by block, without packets around them: headerless audio, and the data of a WAV file.

use std::io::Read;

use symphonia::core::audio::Channels;
use symphonia::core::codecs::audio::{AudioCodecId, AudioCodecParameters, AudioDecoder, AudioDecoderOptions};
use symphonia::core::packet::Packet;
use symphonia::core::units::{Duration, Timestamp};

use super::source::PcmChunk;
use crate::audio::codec::{Codec, PacketDecoder};
use crate::error::{Error, ErrorKind, Result};

/// Samples of one channel read at a time: from a file, and from a pipe, whose audio is not to wait.
const CHUNK_SAMPLES: usize = 4_096;
const PIPE_CHUNKS_PER_SECOND: u32 = 50;
/// Blocks that do not decode, in a row, after which a file is given up.
const MAX_BROKEN_IN_A_ROW: u32 = 256;

/// What a block is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum BlockCodec {
    /// A codec of symphonia's.
    Pcm(AudioCodecId),
    /// A codec of telephony.
    Speech(Codec),
}

/// How bytes are samples.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Blocks {
    pub codec: BlockCodec,
    pub sample_rate_hz: u32,
    pub channels: usize,
    /// Bytes of a block, and samples of one channel in it; one where the codec has no blocks.
    pub bytes: usize,
    pub samples: usize,
}

enum Engine {
    Pcm(Box<dyn AudioDecoder>),
    Speech { name: &'static str, decoder: Box<dyn PacketDecoder>, interleaved: Vec<f32> },
}

/// Decodes them.
pub(super) struct BlockDecoder {
    blocks: Blocks,
    engine: Engine,
    at_a_time: usize,
    health: Health,
    bytes: Vec<u8>,
}

/// How many blocks did not decode.
#[derive(Default)]
struct Health {
    n_broken: u32,
    broken_in_a_row: u32,
    decoded_any: bool,
}

impl Health {
    fn good(&mut self) {
        self.decoded_any = true;
        self.broken_in_a_row = 0;
    }

    fn broken(&mut self, error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Result<()> {
        self.n_broken += 1;
        self.broken_in_a_row += 1;
        if self.broken_in_a_row > MAX_BROKEN_IN_A_ROW {
            let message = format!("gave up after {MAX_BROKEN_IN_A_ROW} broken blocks in a row");
            return Err(Error::new(ErrorKind::CorruptAudio, message).with_source(error));
        }
        Ok(())
    }
}

impl BlockDecoder {
    /// `of_pipe` where the audio comes as it is spoken.
    pub fn new(blocks: Blocks, of_pipe: bool) -> Result<Self> {
        let of_pipe = of_pipe.then_some((blocks.sample_rate_hz / PIPE_CHUNKS_PER_SECOND) as usize);
        let samples = of_pipe.map_or(CHUNK_SAMPLES, |n| n.clamp(1, CHUNK_SAMPLES));
        let at_a_time = match blocks.codec {
            // Where there are blocks, one that is broken takes no other with it.
            BlockCodec::Pcm(_) if blocks.samples > 1 => 1,
            _ => (samples / blocks.samples).max(1),
        };
        let engine = match blocks.codec {
            BlockCodec::Pcm(codec) => Engine::Pcm(pcm_decoder(codec, &blocks, at_a_time)?),
            BlockCodec::Speech(codec) => {
                Engine::Speech { name: codec.name(), decoder: codec.decoder(blocks.channels)?, interleaved: Vec::new() }
            }
        };
        Ok(Self { blocks, engine, at_a_time, health: Health::default(), bytes: Vec::new() })
    }

    /// The codec's name, as in `pcm_mulaw`.
    pub fn codec_name(&self) -> String {
        match &self.engine {
            Engine::Pcm(decoder) => decoder.codec_info().short_name.to_owned(),
            Engine::Speech { name, .. } => (*name).to_owned(),
        }
    }

    /// Fills `chunk` from `source`; `false` at its end, `true` also where what was read held nothing.
    pub fn next(&mut self, source: &mut dyn Read, chunk: &mut PcmChunk, warnings: &mut Vec<String>) -> Result<bool> {
        chunk.clear();
        self.bytes.clear();
        let wanted = (self.at_a_time * self.blocks.bytes) as u64;
        let n_read =
            source.take(wanted).read_to_end(&mut self.bytes).map_err(|e| Error::from_io(e, "read the file"))?;
        let odd = n_read % self.blocks.bytes;
        // Chunks of WAV are even: behind odd blocks in an odd number stands a byte that tells nothing, and sox counts it.
        let has_blocks = self.blocks.samples > 1 && self.blocks.bytes % 2 == 1;
        let is_padding = has_blocks && odd == 1 && self.bytes.last() == Some(&0);
        if odd != 0 && !is_padding {
            let whole = if self.blocks.samples == 1 { "sample of all channels" } else { "block" };
            warnings.push(format!("the last {odd} bytes are no whole {whole} and were left out"));
        }
        self.bytes.truncate(n_read - odd);
        if self.bytes.is_empty() {
            return self.end(warnings).map(|()| false);
        }
        self.decode(chunk)?;
        Ok(true)
    }

    /// The bytes at hand, which are whole blocks.
    fn decode(&mut self, chunk: &mut PcmChunk) -> Result<()> {
        match &mut self.engine {
            Engine::Pcm(decoder) => {
                let samples = (self.bytes.len() / self.blocks.bytes * self.blocks.samples) as u64;
                let packet = Packet::new(0, Timestamp::new(0), Duration::new(samples), self.bytes.as_slice());
                match decoder.decode(&packet) {
                    Ok(buffer) => {
                        chunk.fill(&buffer);
                        self.health.good();
                    }
                    Err(error) => self.health.broken(error)?,
                }
            }
            Engine::Speech { decoder, interleaved, .. } => {
                interleaved.clear();
                // Codecs of a few samples a block take any bytes.
                let frame = if self.blocks.samples > 8 { self.blocks.bytes } else { self.bytes.len() };
                for frame in self.bytes.chunks(frame) {
                    match decoder.decode(frame, interleaved) {
                        Ok(()) => self.health.good(),
                        Err(error) => self.health.broken(error)?,
                    }
                }
                chunk.fill_interleaved(interleaved, self.blocks.channels);
            }
        }
        Ok(())
    }

    fn end(&mut self, warnings: &mut Vec<String>) -> Result<()> {
        let n_broken = std::mem::take(&mut self.health.n_broken);
        if n_broken > 0 && !self.health.decoded_any {
            return Err(Error::new(ErrorKind::CorruptAudio, format!("none of its {n_broken} blocks decodes")));
        }
        if n_broken > 0 {
            let seconds = f64::from(n_broken) * self.blocks.samples as f64 / f64::from(self.blocks.sample_rate_hz);
            warnings.push(format!("{n_broken} broken blocks were left out ({seconds:.1} s)"));
        }
        Ok(())
    }
}

/// A decoder of symphonia's for `at_a_time` blocks at a time.
fn pcm_decoder(codec: AudioCodecId, blocks: &Blocks, at_a_time: usize) -> Result<Box<dyn AudioDecoder>> {
    let channels = u16::try_from(blocks.channels)
        .map_err(|e| Error::new(ErrorKind::InvalidArgument, "more channels than can be").with_source(e))?;
    let mut parameters = AudioCodecParameters::new();
    parameters
        .for_codec(codec)
        .with_sample_rate(blocks.sample_rate_hz)
        .with_channels(Channels::Discrete(channels))
        .with_frames_per_block(blocks.samples as u64)
        .with_max_frames_per_packet((at_a_time * blocks.samples) as u64);
    symphonia::default::get_codecs()
        .make_audio_decoder(&parameters, &AudioDecoderOptions::default())
        .map_err(|e| Error::new(ErrorKind::UnsupportedAudio, format!("the codec is not read ({e})")))
}
