//! Audio files with a header, read by symphonia.

use std::io::{self, Read, Seek, SeekFrom};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use symphonia::core::audio::Channels;
use symphonia::core::codecs::audio::{AudioCodecParameters, AudioDecoder, AudioDecoderOptions};
use symphonia::core::errors::Error as SymphoniaError;
use symphonia::core::formats::probe::Hint;
use symphonia::core::formats::{FormatOptions, FormatReader, TrackType};
use symphonia::core::io::{MediaSource, MediaSourceStream, MediaSourceStreamOptions};
use symphonia::core::meta::MetadataOptions;
use symphonia::core::packet::Packet;

use super::limits::Limits;
use super::source::{AudioInfo, AudioSource, ChunkSource, PcmChunk};
use crate::error::{Error, ErrorKind, Result};

/// Broken packets in a row after which a file is given up: hostile files could otherwise be read for ever.
const MAX_BROKEN_PACKETS_IN_A_ROW: u32 = 256;

/// Most samples of one channel in one packet, eight times the largest FLAC block. Decoders allocate what the header asks.
const MAX_PACKET_FRAMES: u64 = 1 << 19;

/// The bytes of a file as symphonia takes them. Shared, so that a file can be opened a second time.
struct SharedSource {
    inner: Arc<Mutex<Box<dyn AudioSource>>>,
    /// None to be read from front to end only, as from a pipe.
    n_bytes: Option<u64>,
}

impl SharedSource {
    fn lock(&self) -> MutexGuard<'_, Box<dyn AudioSource>> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Read for SharedSource {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.lock().read(buffer)
    }
}

impl Seek for SharedSource {
    fn seek(&mut self, position: SeekFrom) -> io::Result<u64> {
        self.lock().seek(position)
    }
}

impl MediaSource for SharedSource {
    fn is_seekable(&self) -> bool {
        self.n_bytes.is_some()
    }

    fn byte_len(&self) -> Option<u64> {
        self.n_bytes
    }
}

pub(super) struct ContainerSource {
    format: Box<dyn FormatReader>,
    decoder: Box<dyn AudioDecoder>,
    track_id: u32,
    /// Read when the file was opened, decoded first.
    first_packet: Option<Packet>,
    sample_rate_hz: u32,
    channels: usize,
    decoded_any: bool,
    broken_packets: u32,
    broken_in_a_row: u32,
}

impl ContainerSource {
    pub(super) fn new(
        source: Box<dyn AudioSource>,
        n_bytes: Option<u64>,
        extension: Option<&str>,
        limits: &Limits,
    ) -> Result<(Self, AudioInfo)> {
        let inner = Arc::new(Mutex::new(source));
        let whole = SharedSource { inner, n_bytes };
        if n_bytes.is_none() {
            return Self::open(whole, extension, limits);
        }
        let mut pipe = SharedSource { inner: Arc::clone(&whole.inner), n_bytes: None };
        match Self::open(whole, extension, limits) {
            // A file that was cut off contradicts its own table of contents. Read as from a pipe, it may still play.
            Err(error) if matches!(error.kind(), ErrorKind::CorruptAudio | ErrorKind::UnsupportedAudio) => {
                pipe.rewind().map_err(|e| Error::from_io(e, "read the file"))?;
                Self::open(pipe, extension, limits).map_err(|_| error)
            }
            opened => opened,
        }
    }

    fn open(source: SharedSource, extension: Option<&str>, limits: &Limits) -> Result<(Self, AudioInfo)> {
        let stream = MediaSourceStream::new(Box::new(source), MediaSourceStreamOptions::default());
        let mut hint = Hint::new();
        if let Some(extension) = extension {
            hint.with_extension(extension);
        }
        let mut format = symphonia::default::get_probe()
            .probe(&hint, stream, FormatOptions::default(), MetadataOptions::default())
            .map_err(open_error)?;
        let unsupported = |message: &str| Error::new(ErrorKind::UnsupportedAudio, message);
        let track = format
            .default_track(TrackType::Audio)
            .ok_or_else(|| unsupported("the file holds no audio track that veravox can read"))?;
        let parameters = track
            .codec_params
            .as_ref()
            .and_then(|p| p.audio())
            .ok_or_else(|| unsupported("the file's audio track does not say what codec it is in"))?;
        let rate_hz = parameters
            .sample_rate
            .ok_or_else(|| Error::new(ErrorKind::CorruptAudio, "the header says no sample rate"))?;
        check_claims(parameters, rate_hz, limits)?;
        let mut decoder = symphonia::default::get_codecs()
            .make_audio_decoder(parameters, &AudioDecoderOptions::default())
            .map_err(|e| unsupported("the file's codec is not supported").with_source(e))?;
        let mut info = AudioInfo {
            container: format.format_info().short_name.to_owned(),
            codec: decoder.codec_info().short_name.to_owned(),
            sample_rate_hz: rate_hz,
            channels: parameters.channels.as_ref().map_or(0, Channels::count),
            declared_samples: track.num_frames,
        };
        let track_id = track.id;
        let first_packet = first_packet(format.as_mut(), track_id)?;
        if info.channels == 0 {
            // Some containers (AAC in ADTS or MP4) leave it to the packets.
            info.channels = channels_of(first_packet.as_ref(), decoder.as_mut())?;
            limits.check_channels(info.channels)?;
        }
        let source = Self {
            format,
            decoder,
            track_id,
            first_packet,
            sample_rate_hz: rate_hz,
            channels: info.channels,
            decoded_any: false,
            broken_packets: 0,
            broken_in_a_row: 0,
        };
        Ok((source, info))
    }

    fn next_packet(&mut self) -> symphonia::core::errors::Result<Option<Packet>> {
        match self.first_packet.take() {
            Some(first) => Ok(Some(first)),
            None => self.format.next_packet(),
        }
    }

    fn count_broken_packet(&mut self, error: SymphoniaError) -> Result<()> {
        self.broken_packets += 1;
        self.broken_in_a_row += 1;
        if self.broken_in_a_row > MAX_BROKEN_PACKETS_IN_A_ROW {
            let message = format!("gave up after {MAX_BROKEN_PACKETS_IN_A_ROW} broken packets in a row");
            return Err(Error::new(ErrorKind::CorruptAudio, message).with_source(error));
        }
        Ok(())
    }

    fn end(&mut self, cut_short: Option<SymphoniaError>, warnings: &mut Vec<String>) -> Result<bool> {
        if !self.decoded_any && self.broken_packets > 0 {
            let message = format!("none of its {} packets decodes", self.broken_packets);
            return Err(Error::new(ErrorKind::CorruptAudio, message));
        }
        if let Some(error) = cut_short {
            warnings.push(format!("the file ends early: {error}"));
        }
        if self.broken_packets > 0 {
            warnings.push(format!("{} broken packets were left out", self.broken_packets));
        }
        Ok(false)
    }
}

impl ChunkSource for ContainerSource {
    fn next(&mut self, chunk: &mut PcmChunk, warnings: &mut Vec<String>) -> Result<bool> {
        loop {
            let packet = match self.next_packet() {
                Ok(Some(packet)) => packet,
                Ok(None) => return self.end(None, warnings),
                Err(SymphoniaError::IoError(e)) if e.kind() == io::ErrorKind::UnexpectedEof => {
                    return self.end(Some(SymphoniaError::IoError(e)), warnings);
                }
                Err(SymphoniaError::IoError(e)) => return Err(Error::from_io(e, "read the file")),
                Err(error) => return self.end(Some(error), warnings),
            };
            if packet.track_id != self.track_id {
                continue;
            }
            let buffer = match self.decoder.decode(&packet) {
                Ok(buffer) => buffer,
                Err(error @ (SymphoniaError::DecodeError(_) | SymphoniaError::IoError(_))) => {
                    self.count_broken_packet(error)?;
                    continue;
                }
                Err(error) => {
                    let message = "the audio cannot be decoded any further";
                    return Err(Error::new(ErrorKind::CorruptAudio, message).with_source(error));
                }
            };
            let (rate_hz, channels) = (buffer.spec().rate(), buffer.spec().channels().count());
            if rate_hz != self.sample_rate_hz || channels != self.channels {
                let message = format!(
                    "expected {} Hz and {} channels throughout, found a packet of {rate_hz} Hz and {channels} channels",
                    self.sample_rate_hz, self.channels
                );
                return Err(Error::new(ErrorKind::CorruptAudio, message));
            }
            chunk.fill(&buffer);
            self.broken_in_a_row = 0;
            self.decoded_any = true;
            return Ok(true);
        }
    }
}

/// Holds what the header claims against the limits before a decoder makes room for it.
fn check_claims(parameters: &AudioCodecParameters, rate_hz: u32, limits: &Limits) -> Result<()> {
    limits.check_sample_rate(rate_hz)?;
    if let Some(channels) = &parameters.channels {
        limits.check_channels(channels.count())?;
    }
    let packet_frames = parameters.max_frames_per_packet.max(parameters.frames_per_block).unwrap_or(0);
    if packet_frames > MAX_PACKET_FRAMES {
        let message =
            format!("expected packets of at most {MAX_PACKET_FRAMES} samples, the header says {packet_frames}");
        return Err(Error::new(ErrorKind::LimitExceeded, message));
    }
    Ok(())
}

/// The first packet of the track: a file that has audio to its name must have one. None where it promises none.
fn first_packet(format: &mut dyn FormatReader, track_id: u32) -> Result<Option<Packet>> {
    loop {
        match format.next_packet() {
            Ok(Some(packet)) if packet.track_id == track_id => return Ok(Some(packet)),
            Ok(Some(_)) => {}
            Ok(None) => return Ok(None),
            Err(error) => {
                let message = format!("the file ends before its first sample ({error})");
                return Err(Error::new(ErrorKind::CorruptAudio, message).with_source(error));
            }
        }
    }
}

fn channels_of(packet: Option<&Packet>, decoder: &mut dyn AudioDecoder) -> Result<usize> {
    let unknown =
        || Error::new(ErrorKind::CorruptAudio, "neither the header nor the audio says how many channels there are");
    let buffer = decoder.decode(packet.ok_or_else(unknown)?).map_err(|e| unknown().with_source(e))?;
    let channels = buffer.spec().channels().count();
    // The packet is decoded again in its turn.
    decoder.reset();
    Ok(channels)
}

fn open_error(error: SymphoniaError) -> Error {
    let (kind, message) = match &error {
        // A chunk that claims to end before its start or past the file makes the parser seek there.
        SymphoniaError::IoError(e) if e.kind() == io::ErrorKind::InvalidInput => {
            (ErrorKind::CorruptAudio, "the header is broken (it points outside the file)".to_owned())
        }
        // Probing runs to the end of a file that is no audio.
        SymphoniaError::IoError(e) if e.kind() == io::ErrorKind::UnexpectedEof => (
            ErrorKind::UnsupportedAudio,
            "the file is no audio that veravox knows, or its header is cut off".to_owned(),
        ),
        SymphoniaError::IoError(_) => (ErrorKind::Io, "cannot read the file".to_owned()),
        SymphoniaError::Unsupported(what) => {
            (ErrorKind::UnsupportedAudio, format!("the file is no audio that veravox knows ({what})"))
        }
        SymphoniaError::LimitError(what) => {
            (ErrorKind::LimitExceeded, format!("the header asks for too much ({what})"))
        }
        other => (ErrorKind::CorruptAudio, format!("the header is broken ({other})")),
    };
    Error::new(kind, message).with_source(error)
}
