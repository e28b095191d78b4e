//! Audio files with a header, read by symphonia.

mod bytes;
mod track;
mod untold;

use std::collections::VecDeque;
use std::io::{self, Seek, SeekFrom};
use std::sync::{Arc, Mutex};

use symphonia::core::audio::Channels;
use symphonia::core::codecs::audio::AudioCodecParameters;
use symphonia::core::errors::Error as SymphoniaError;
use symphonia::core::formats::probe::Hint;
use symphonia::core::formats::{FormatOptions, FormatReader, Track, TrackType};
use symphonia::core::io::{MediaSourceStream, MediaSourceStreamOptions, ReadBytes as _};
use symphonia::core::meta::MetadataOptions;
use symphonia::core::packet::Packet;
use symphonia::core::units::Duration;

use super::front::Front;
use super::known;
use super::limits::Limits;
use super::source::{AudioInfo, ChunkSource, PcmChunk};
use crate::audio::codec::Codec;
use crate::error::{Error, ErrorKind, Result};
use bytes::SharedSource;
use track::{Decoded, TrackDecoder, decoded_rate};
use untold::{end_of_flac, is_matroska_of_unknown_size, mp3_has_count, sample_entry};

/// Broken packets in a row after which a file is given up: hostile files could otherwise be read for ever.
const MAX_BROKEN_PACKETS_IN_A_ROW: u32 = 256;
/// Most samples of one channel in one packet, eight times the largest FLAC block. Decoders allocate what the header asks.
const MAX_PACKET_FRAMES: u64 = 1 << 19;
/// Bytes behind the audio that are worth a word, in containers whose audio stands last: more than any tag has.
const MIN_UNREAD_BYTES: u64 = 4_096;
/// An encoder of MP3 fills up the end with at most 4,095 samples, as many as its header can state.
const MAX_PADDING_SAMPLES: u64 = 4_095;
/// Streams that a chained file may hold.
const MAX_STREAMS: u32 = 10_000;

/// An audio track that is not read.
struct OtherTrack {
    id: u32,
    /// Where its last packet ends, in units of its own time.
    until: u64,
    seconds_per_unit: f64,
}

pub(super) struct ContainerSource {
    format: Option<Box<dyn FormatReader>>,
    bytes: SharedSource,
    limits: Limits,
    decoder: TrackDecoder,
    track_id: u32,
    other_tracks: Vec<OtherTrack>,
    /// Read and not yet decoded: the first packet, which is read when the file is opened.
    waiting: VecDeque<Packet>,
    /// Packets behind the end that the header states, until there are more than the padding of an encoder takes.
    beyond: Vec<Packet>,
    n_beyond: u64,
    container: &'static str,
    sample_rate_hz: u32,
    channels: usize,
    /// Nobody ever said how long it is: its end is no surprise.
    unstated_length: bool,
    decoded_any: bool,
    broken_packets: u32,
    broken_in_a_row: u32,
    n_streams: u32,
}

impl ContainerSource {
    /// `front` stands at the start of the file.
    pub(super) fn new(front: Front, extension: Option<&str>, limits: &Limits) -> Result<(Self, AudioInfo)> {
        let end = front.n_bytes();
        let mut file = SharedSource { inner: Arc::new(Mutex::new(front)), start: 0, end };
        if end.is_none() {
            return Self::open(file, extension, limits);
        }
        file.end = end_of_flac(&file).map_err(|e| Error::from_io(e, "read the file"))?.or(end);
        let mut pipe = SharedSource { end: None, ..file.clone() };
        match Self::open(file, extension, limits) {
            // A file that was cut off contradicts its own table of contents. Read as from a pipe, it may still play.
            Err(error) if matches!(error.kind(), ErrorKind::CorruptAudio | ErrorKind::UnsupportedAudio) => {
                pipe.rewind().map_err(|e| Error::from_io(e, "read the file"))?;
                Self::open(pipe, extension, limits).map_err(|_| error)
            }
            opened => opened,
        }
    }

    fn open(source: SharedSource, extension: Option<&str>, limits: &Limits) -> Result<(Self, AudioInfo)> {
        let head = source.lock().peek(known::HEAD_BYTES).map_err(|e| Error::from_io(e, "read the file"))?.to_vec();
        let stream = MediaSourceStream::new(Box::new(source.clone()), MediaSourceStreamOptions::default());
        let mut hint = Hint::new();
        if let Some(extension) = extension {
            hint.with_extension(extension);
        }
        let mut format = symphonia::default::get_probe()
            .probe(&hint, stream, FormatOptions::default(), MetadataOptions::default())
            .map_err(open_error)?;
        let container = format.format_info().short_name;
        let Chosen { track_id, mut decoder, mut info } = choose_track(format.as_ref(), &source, limits)?;
        let unstated_length = match container {
            // Of ADTS and of MP3 without a count it is a guess.
            "adts" | "aac" => true,
            "mp3" => !mp3_has_count(&source).map_err(|e| Error::from_io(e, "read the file"))?,
            _ => is_matroska_of_unknown_size(&head),
        };
        let other_tracks = other_tracks(format.tracks(), track_id);
        let first_packet = first_packet(format.as_mut(), track_id)?;
        if info.channels == 0 {
            // Some containers (AAC in ADTS or MP4) leave it to the packets.
            info.channels = channels_of(first_packet.as_ref(), info.sample_rate_hz, &mut decoder)?;
            limits.check_channels(info.channels)?;
        }
        if unstated_length {
            info.declared_samples = None;
        }
        let source = Self {
            format: Some(format),
            bytes: source,
            limits: limits.clone(),
            decoder,
            track_id,
            other_tracks,
            waiting: first_packet.into_iter().collect(),
            beyond: Vec::new(),
            n_beyond: 0,
            container,
            sample_rate_hz: info.sample_rate_hz,
            channels: info.channels,
            unstated_length,
            decoded_any: false,
            broken_packets: 0,
            broken_in_a_row: 0,
            n_streams: 1,
        };
        Ok((source, info))
    }

    fn next_packet(&mut self) -> symphonia::core::errors::Result<Option<Packet>> {
        loop {
            if let Some(first) = self.waiting.pop_front() {
                return Ok(Some(first));
            }
            let Some(format) = &mut self.format else { return Ok(None) };
            let Some(mut packet) = format.next_packet()? else { return Ok(None) };
            // What stands behind the count in the header of an MP3 comes as packets of which all is to be cut away: other files,
            // put together with the first.
            if packet.trim_end < packet.dur || packet.dur == Duration::ZERO || self.container != "mp3" {
                return Ok(Some(packet));
            }
            self.n_beyond += packet.dur.get();
            packet.trim_end = Duration::ZERO;
            self.beyond.push(packet);
            if self.n_beyond > MAX_PADDING_SAMPLES {
                self.waiting.extend(self.beyond.drain(..));
            }
        }
    }

    fn count_broken_packet(&mut self, error: Box<dyn std::error::Error + Send + Sync>) -> Result<()> {
        self.broken_packets += 1;
        self.broken_in_a_row += 1;
        if self.broken_in_a_row > MAX_BROKEN_PACKETS_IN_A_ROW {
            let message = format!("gave up after {MAX_BROKEN_PACKETS_IN_A_ROW} broken packets in a row");
            return Err(Error::new(ErrorKind::CorruptAudio, message).with_source(error));
        }
        Ok(())
    }

    /// Another stream follows in the same file, as in chained Ogg. Whether it goes on like the one before.
    fn next_stream(&mut self, warnings: &mut Vec<String>) -> bool {
        self.n_streams += 1;
        let Some(format) = &self.format else { return false };
        let track = format.default_track(TrackType::Audio);
        let parameters = track.and_then(|track| Some((track.id, audio_parameters(track)?)));
        let alike = parameters.and_then(|(id, parameters)| {
            let same = parameters.sample_rate == Some(self.sample_rate_hz)
                && parameters.channels.as_ref().is_none_or(|channels| channels.count() == self.channels);
            let decoder = TrackDecoder::new(parameters, self.container).ok()?;
            same.then_some((id, decoder))
        });
        match alike {
            Some((id, decoder)) if self.n_streams <= MAX_STREAMS => {
                (self.track_id, self.decoder) = (id, decoder);
                true
            }
            _ => {
                let left = self.position().map_or(0, |at| self.n_bytes().saturating_sub(at));
                warnings.push(format!("another stream follows in another form (some {left} bytes); it was not read"));
                false
            }
        }
    }

    /// Bytes of the whole file; of a pipe none.
    fn n_bytes(&self) -> u64 {
        self.bytes.lock().n_bytes().unwrap_or(0)
    }

    /// Ends reading; where in the file it came to.
    fn position(&mut self) -> Option<u64> {
        self.format.take().map(|format| self.bytes.start + format.into_inner().pos())
    }

    /// Goes on with a recording that stands behind the one that was read. Whether there is one like it; else whatever is
    /// there is told.
    fn next_recording(&mut self, warnings: &mut Vec<String>) -> bool {
        let n_bytes = self.n_bytes();
        let Some(at) = self.position().filter(|_| self.bytes.end.is_some() && self.n_streams < MAX_STREAMS) else {
            return false;
        };
        // The reader of FLAC reads ahead.
        let at = if self.container == "flac" { self.bytes.end.unwrap_or(at) } else { at };
        let head = {
            let mut front = self.bytes.lock();
            let head = front.seek(SeekFrom::Start(at)).and_then(|_| front.peek(known::HEAD_BYTES).map(<[u8]>::to_vec));
            head.unwrap_or_default()
        };
        let unread = n_bytes.saturating_sub(at);
        let is_frame = |head: &[u8]| matches!(head, [0xff, second, ..] if second & 0xe0 == 0xe0);
        let known = known::by_head(&head).filter(|known| known.read);
        if known.is_some() || self.codec_is_mpeg() && is_frame(&head) {
            let mut source = SharedSource { start: at, end: Some(n_bytes), ..self.bytes.clone() };
            source.end = end_of_flac(&source).ok().flatten().or(source.end);
            if let Ok((next, info)) = Self::open(source, None, &self.limits)
                && info.codec == self.decoder.name()
                && (info.sample_rate_hz, info.channels) == (self.sample_rate_hz, self.channels)
            {
                let n_streams = self.n_streams + 1;
                let (broken_packets, decoded_any) = (self.broken_packets, self.decoded_any);
                *self = Self { decoded_any, broken_packets, n_streams, ..next };
                return true;
            }
            let name = known.map_or("MPEG audio", |known| known.name);
            warnings.push(format!("behind the recording stands another ({name}, {unread} bytes), which was not read"));
        } else if matches!(self.container, "aiff" | "caf" | "flac")
            && unread >= MIN_UNREAD_BYTES.max(n_bytes / 20)
            && head.iter().any(|byte| *byte != 0)
        {
            warnings.push(format!("the last {unread} bytes of the file were not read: its header does not count them"));
        }
        false
    }

    fn codec_is_mpeg(&self) -> bool {
        matches!(self.decoder.name(), "mp1" | "mp2" | "mp3" | "aac")
    }

    fn end(&mut self, cut_short: Option<SymphoniaError>, warnings: &mut Vec<String>) -> Result<bool> {
        if !self.decoded_any && self.broken_packets > 0 {
            let message = format!("none of its {} packets decodes", self.broken_packets);
            return Err(Error::new(ErrorKind::CorruptAudio, message));
        }
        if let Some(error) = cut_short {
            let at_the_end = matches!(&error, SymphoniaError::IoError(e) if e.kind() == io::ErrorKind::UnexpectedEof);
            if !(at_the_end && self.unstated_length) {
                warnings.push(format!("the file ends early: {error}"));
            }
        }
        if self.n_beyond > MAX_PADDING_SAMPLES && !self.unstated_length {
            let seconds = self.n_beyond as f64 / f64::from(self.sample_rate_hz);
            warnings.push(format!("{seconds:.1} s stand behind the audio that the header counts; they were read too"));
        }
        if self.broken_packets > 0 {
            warnings.push(format!("{} broken packets were left out", self.broken_packets));
        }
        if self.n_streams > 1 {
            let n = self.n_streams;
            warnings.push(format!("{n} recordings stand in this file, one behind the other"));
        }
        for track in &self.other_tracks {
            let seconds = track.until as f64 * track.seconds_per_unit;
            let (id, this) = (track.id, self.track_id);
            warnings.push(format!(
                "the file holds several audio tracks: track {this} was read, track {id} ({seconds:.1} s) was not"
            ));
        }
        Ok(false)
    }
}

impl ChunkSource for ContainerSource {
    fn next(&mut self, chunk: &mut PcmChunk, warnings: &mut Vec<String>) -> Result<bool> {
        loop {
            let packet = match self.next_packet() {
                Ok(Some(packet)) => packet,
                Ok(None) => {
                    if self.next_recording(warnings) {
                        continue;
                    }
                    return self.end(None, warnings);
                }
                Err(SymphoniaError::ResetRequired) => {
                    if self.next_stream(warnings) {
                        continue;
                    }
                    return self.end(None, warnings);
                }
                Err(SymphoniaError::IoError(e)) if e.kind() == io::ErrorKind::UnexpectedEof => {
                    return self.end(Some(SymphoniaError::IoError(e)), warnings);
                }
                Err(SymphoniaError::IoError(e)) => return Err(Error::from_io(e, "read the file")),
                Err(error) => return self.end(Some(error), warnings),
            };
            if packet.track_id != self.track_id {
                if let Some(other) = self.other_tracks.iter_mut().find(|other| other.id == packet.track_id) {
                    let end = u64::try_from(packet.pts.get()).unwrap_or(0).saturating_add(packet.dur.get());
                    other.until = other.until.max(end);
                }
                continue;
            }
            let (rate_hz, channels) = match self.decoder.decode(&packet, self.sample_rate_hz, chunk)? {
                Decoded::Samples(rate_hz, channels) => (rate_hz, channels),
                Decoded::Broken(error) => {
                    self.count_broken_packet(error)?;
                    continue;
                }
            };
            if rate_hz != self.sample_rate_hz || channels != self.channels {
                let message = format!(
                    "expected {} Hz and {} channels throughout, found a packet of {rate_hz} Hz and {channels} channels",
                    self.sample_rate_hz, self.channels
                );
                return Err(Error::new(ErrorKind::CorruptAudio, message));
            }
            self.broken_in_a_row = 0;
            self.decoded_any = true;
            return Ok(true);
        }
    }
}

fn audio_parameters(track: &Track) -> Option<&AudioCodecParameters> {
    track.codec_params.as_ref().and_then(|p| p.audio())
}

/// The track that is read, and what is known of it.
struct Chosen {
    track_id: u32,
    decoder: TrackDecoder,
    info: AudioInfo,
}

fn choose_track(format: &dyn FormatReader, source: &SharedSource, limits: &Limits) -> Result<Chosen> {
    let container = format.format_info().short_name;
    let unread = |otherwise: &str| {
        let entry = sample_entry(source).map(known::unread_in_mp4);
        Error::new(ErrorKind::UnsupportedAudio, entry.unwrap_or_else(|| otherwise.to_owned()))
    };
    let info = |codec: &str, sample_rate_hz, channels, declared_samples| AudioInfo {
        container: container.to_owned(),
        codec: codec.to_owned(),
        sample_rate_hz,
        channels,
        declared_samples,
    };
    let Some(track) = format.default_track(TrackType::Audio) else {
        // AMR in MP4 and 3GP is a track like any other to symphonia, which does not know its codec.
        let codec = match sample_entry(source).as_ref() {
            Some(b"samr") => Codec::AmrNb,
            Some(b"sawb") => Codec::AmrWb,
            _ => return Err(unread("the file holds no audio track that veravox can read")),
        };
        let track = format.tracks().iter().find(|track| track.codec_params.is_none());
        let track = track.ok_or_else(|| unread("the file holds no audio track that veravox can read"))?;
        let info = info(codec.name(), codec.sample_rate_hz(), 1, None);
        return Ok(Chosen { track_id: track.id, decoder: TrackDecoder::speech(codec, 1)?, info });
    };
    let parameters =
        audio_parameters(track).ok_or_else(|| unread("the file's audio track does not say what codec it is in"))?;
    let stated = parameters.sample_rate;
    let rate_hz = decoded_rate(parameters.codec)
        .or(stated)
        .ok_or_else(|| Error::new(ErrorKind::CorruptAudio, "the header says no sample rate"))?;
    check_claims(parameters, rate_hz, limits)?;
    let decoder = TrackDecoder::new(parameters, container)?;
    let channels = parameters.channels.as_ref().map_or(0, Channels::count);
    let declared_samples = track.num_frames.filter(|_| stated == Some(rate_hz));
    Ok(Chosen { track_id: track.id, info: info(decoder.name(), rate_hz, channels, declared_samples), decoder })
}

fn other_tracks(tracks: &[Track], read: u32) -> Vec<OtherTrack> {
    let others = tracks.iter().filter(|track| track.id != read && audio_parameters(track).is_some());
    others
        .map(|track| OtherTrack {
            id: track.id,
            until: 0,
            seconds_per_unit: track
                .time_base
                .map_or(0.0, |base| f64::from(base.numer.get()) / f64::from(base.denom.get())),
        })
        .collect()
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

fn channels_of(packet: Option<&Packet>, rate_hz: u32, decoder: &mut TrackDecoder) -> Result<usize> {
    let unknown =
        || Error::new(ErrorKind::CorruptAudio, "neither the header nor the audio says how many channels there are");
    let channels = match decoder.decode(packet.ok_or_else(unknown)?, rate_hz, &mut PcmChunk::default())? {
        Decoded::Samples(_, channels) => channels,
        Decoded::Broken(error) => return Err(unknown().with_source(error)),
    };
    // The packet is decoded again in its turn.
    decoder.reset();
    Ok(channels)
}

fn open_error(error: SymphoniaError) -> Error {
    let (kind, message) = match &error {
        error if error.to_string().contains("missing moov") => (
            ErrorKind::CorruptAudio,
            "the recording was not finished: its index (the moov box of MP4) is missing".to_owned(),
        ),
        // A chunk that claims to end before its start or past the file makes the parser seek there.
        SymphoniaError::IoError(e) if e.kind() == io::ErrorKind::InvalidInput => {
            (ErrorKind::CorruptAudio, "the header is broken (it points outside the file)".to_owned())
        }
        // Probing runs to the end of a file that is no audio.
        SymphoniaError::IoError(e) if e.kind() == io::ErrorKind::UnexpectedEof => {
            (ErrorKind::UnsupportedAudio, known::unread_unknown())
        }
        SymphoniaError::IoError(_) => (ErrorKind::Io, "cannot read the file".to_owned()),
        SymphoniaError::Unsupported(what) if !what.contains("no suitable format") => {
            (ErrorKind::UnsupportedAudio, format!("the file is in a form that is not read ({what})"))
        }
        SymphoniaError::Unsupported(_) => (ErrorKind::UnsupportedAudio, known::unread_unknown()),
        SymphoniaError::LimitError(what) => {
            (ErrorKind::LimitExceeded, format!("the header asks for too much ({what})"))
        }
        other => (ErrorKind::CorruptAudio, format!("the header is broken ({other})")),
    };
    Error::new(kind, message).with_source(error)
}
