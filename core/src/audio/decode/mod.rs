//! Bytes to samples: audio files, read as a stream of chunks with one channel for each leg of the call.
//!
//! Containers come from [symphonia](https://docs.rs/symphonia): FLAC, MP3, AAC/M4A, Ogg, AIFF, CAF, Matroska and 3GP. WAV and
//! its kin (RF64, RIFX, Wave64), Sun AU and AMR files are read here. The codecs are symphonia's and, of telephony (G.711, G.722,
//! G.726, G.729, GSM, AMR, Opus, OKI ADPCM), those that captures and live legs share. Headerless audio is what the caller says
//! ([`DecodeOptions::raw`]), or else what the name of its file says ([`extension_kind`]). A file is never held in memory whole,
//! and what its headers claim is held against [`Limits`] before anything is allocated for it. All audio that a file holds is
//! read, or [`AudioReader::warnings`] tell what was not.
//!
//! A decoder of other origin (G.722, G.729, GSM, AMR, Opus) that panics on a damaged packet costs that packet alone. The panic is caught here, but the
//! program's [panic hook](std::panic::set_hook) hears of it first, and Rust's own prints a line on standard error, with a place in a
//! source file and nothing of the call. A program that wants silence sets a hook of its own.

mod amr;
mod blocks;
#[cfg(feature = "captures")]
mod capture;
mod container;
mod front;
mod known;
mod limits;
mod plain;
mod raw;
mod source;
mod wav;

use std::fs::File;
use std::io::{self, Cursor, Read, Seek, SeekFrom};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

#[cfg(feature = "captures")]
pub use capture::RtpMap;
pub use known::{NamedKind, extension_kind, header_kind};
pub use limits::Limits;
pub use raw::{RawEncoding, RawFormat};
pub use source::{AudioInfo, AudioSource, Gap, PcmChunk, StreamSummary};

use crate::audio::resample::Resampler;
use crate::error::{Error, ErrorKind, Result};
use front::Front;
use limits::Progress;
use source::ChunkSource;

/// How to read audio.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct DecodeOptions {
    /// Read the bytes as headerless audio of this format. What has a header of its own is read as that all the same, and a
    /// warning says so.
    pub raw: Option<RawFormat>,
    /// What a file may claim at most.
    pub limits: Limits,
    /// What payload types mean in a capture of packets whose signalling does not say it, or says it wrong.
    #[cfg(feature = "captures")]
    pub rtp_map: Vec<RtpMap>,
}

/// A source of bytes that come once, and how many came.
struct Pipe(Box<dyn Read + Send + Sync>, Arc<AtomicU64>);

impl Read for Pipe {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = self.0.read(buffer)?;
        self.1.fetch_add(n as u64, Ordering::Relaxed);
        Ok(n)
    }
}

impl Seek for Pipe {
    fn seek(&mut self, _: SeekFrom) -> io::Result<u64> {
        Err(io::Error::from(io::ErrorKind::Unsupported))
    }
}

/// Reads an audio file chunk by chunk.
///
/// ```
/// use veravox::decode::{AudioReader, DecodeOptions};
///
/// let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../testdata/formats/clip.pcm_s16.wav");
/// let mut reader = AudioReader::open(path.as_ref(), &DecodeOptions::default())?;
/// let mut n_samples = 0;
/// while let Some(chunk) = reader.next_chunk()? {
///     n_samples += chunk.n_samples();
/// }
/// assert_eq!(reader.info().sample_rate_hz, 8_000);
/// assert!(n_samples > 8_000);
/// # Ok::<(), veravox::Error>(())
/// ```
pub struct AudioReader {
    source: Box<dyn ChunkSource>,
    info: AudioInfo,
    limits: Limits,
    /// Bytes of the file; of a pipe those that came.
    n_bytes: Arc<AtomicU64>,
    opened: Instant,
    chunk: PcmChunk,
    samples_read: u64,
    /// Of the legs of a capture the rate, and the samples that were read or are missing.
    heard: Vec<(u32, u64)>,
    ended: bool,
    warnings: Vec<String>,
}

impl AudioReader {
    /// Opens a file and reads as much of it as tells what it is.
    ///
    /// # Errors
    /// [`NotFound`](ErrorKind::NotFound), [`PermissionDenied`](ErrorKind::PermissionDenied) or [`Io`](ErrorKind::Io) when
    /// it cannot be opened, [`InvalidArgument`](ErrorKind::InvalidArgument) for a folder, pipe or device, and those of
    /// [`from_source`](Self::from_source).
    pub fn open(path: &Path, options: &DecodeOptions) -> Result<Self> {
        // A pipe or device would block on open or never end: say so instead of hanging.
        let metadata = std::fs::metadata(path).map_err(|e| Error::from_io(e, "open the file"))?;
        if !metadata.is_file() {
            let what = if metadata.is_dir() {
                "a folder"
            } else {
                "a pipe or device; what comes through a pipe is read from standard input (veravox scan - < PIPE)"
            };
            return Err(Error::new(ErrorKind::InvalidArgument, format!("expected a file, found {what}")));
        }
        let file = File::open(path).map_err(|e| Error::from_io(e, "open the file"))?;
        let extension = path.extension().and_then(|e| e.to_str());
        Self::from_source(Box::new(file), metadata.len(), extension, options)
    }

    /// Reads audio from bytes in memory. `extension` ("wav") is a hint and may be wrong.
    ///
    /// # Errors
    /// Those of [`from_source`](Self::from_source).
    pub fn from_bytes(bytes: Vec<u8>, extension: Option<&str>, options: &DecodeOptions) -> Result<Self> {
        let n_bytes = bytes.len() as u64;
        Self::from_source(Box::new(Cursor::new(bytes)), n_bytes, extension, options)
    }

    /// Reads audio from any seekable source of `n_bytes` bytes.
    ///
    /// # Errors
    /// [`UnsupportedAudio`](ErrorKind::UnsupportedAudio) when no known container or codec is found,
    /// [`CorruptAudio`](ErrorKind::CorruptAudio) when one is found and broken,
    /// [`LimitExceeded`](ErrorKind::LimitExceeded) when its header claims more than the limits allow.
    pub fn from_source(
        source: Box<dyn AudioSource>,
        n_bytes: u64,
        extension: Option<&str>,
        options: &DecodeOptions,
    ) -> Result<Self> {
        if n_bytes == 0 {
            return Err(Error::new(ErrorKind::UnsupportedAudio, "the file is empty (0 bytes)"));
        }
        Self::new(source, Some(n_bytes), Arc::new(AtomicU64::new(n_bytes)), extension, options)
    }

    /// Reads audio as it comes, from standard input or a socket: with a header that can be read from front to end, as that
    /// of WAV, or headerless in chunks of 20 ms. There is no telling how much will come.
    ///
    /// ```
    /// use veravox::decode::{AudioReader, DecodeOptions, RawEncoding, RawFormat};
    ///
    /// let raw = RawFormat { encoding: RawEncoding::Mulaw, sample_rate_hz: 8_000, channels: 1 };
    /// let options = DecodeOptions { raw: Some(raw), ..DecodeOptions::default() };
    /// let mut reader = AudioReader::from_pipe(Box::new([0xff_u8; 400].as_slice()), &options)?;
    /// assert_eq!(reader.next_chunk()?.map(|chunk| chunk.n_samples()), Some(160));
    /// # Ok::<(), veravox::Error>(())
    /// ```
    ///
    /// # Errors
    /// Those of [`from_source`](Self::from_source).
    pub fn from_pipe(source: Box<dyn Read + Send + Sync>, options: &DecodeOptions) -> Result<Self> {
        let n_read = Arc::new(AtomicU64::new(0));
        Self::new(Box::new(Pipe(source, Arc::clone(&n_read))), None, n_read, None, options)
    }

    fn new(
        source: Box<dyn AudioSource>,
        n_bytes: Option<u64>,
        n_bytes_read: Arc<AtomicU64>,
        extension: Option<&str>,
        options: &DecodeOptions,
    ) -> Result<Self> {
        let opened = Instant::now();
        let mut front = Front::new(source, n_bytes);
        let head = front.peek(known::HEAD_BYTES).map_err(|e| Error::from_io(e, "read the file"))?.to_vec();
        let kind = known::by_head(&head);
        let unsupported = |message| Error::new(ErrorKind::UnsupportedAudio, message);
        let mut warnings = Vec::new();
        if let Some(kind) = kind.filter(|kind| !kind.read) {
            return Err(unsupported(known::unread_kind(kind)));
        }
        let by_name = extension.filter(|_| kind.is_none());
        let raw = match (&options.raw, kind, by_name.and_then(known::extension_kind)) {
            (Some(format), None, _) => Some(*format),
            (Some(_), Some(kind), _) => {
                warnings.push(format!("the file has a header ({}) and was read as that, not as raw audio", kind.name));
                None
            }
            (None, _, Some(NamedKind::Headerless(format))) => {
                warnings.push(format!("the file has no header; by its name it was read as raw audio ({format})"));
                Some(format)
            }
            (None, ..) => None,
        };
        let limits = &options.limits;
        let (source, mut info): (Box<dyn ChunkSource>, AudioInfo) = if let Some(format) = raw {
            limits.check_channels(format.channels)?;
            limits.check_sample_rate(format.sample_rate_hz)?;
            boxed(raw::RawSource::new(front, &format)?)
        } else if kind.is_some_and(known::Known::is_capture) {
            capture_source(front, &head, options)?
        } else if wav::is_wav(&head) {
            boxed(wav::WavSource::new(front, limits)?)
        } else {
            match kind.map(|kind| kind.name) {
                Some("AMR-NB" | "AMR-WB") => boxed(amr::AmrSource::new(front)?),
                Some("Sun AU") => boxed(plain::PlainSource::au(front, limits)?),
                Some("Sony Wave64") => boxed(plain::PlainSource::w64(front, limits)?),
                _ => {
                    // What has no header is known by its name alone; samples can look like a packet of some codec.
                    if let Some(words) = by_name.and_then(known::unread_name) {
                        return Err(unsupported(words));
                    }
                    boxed(container::ContainerSource::new(front, extension, limits)?)
                }
            }
        };
        if n_bytes.is_none() {
            // A recorder that writes to a pipe cannot know it when it writes the header.
            info.declared_samples = None;
        }
        let heard = source.streams().iter().map(|stream| (stream.sample_rate_hz, 0)).collect();
        Ok(Self {
            source,
            info,
            limits: options.limits.clone(),
            n_bytes: n_bytes_read,
            opened,
            chunk: PcmChunk::default(),
            samples_read: 0,
            heard,
            ended: false,
            warnings,
        })
    }

    /// What the file says of its audio.
    #[must_use]
    pub fn info(&self) -> &AudioInfo {
        &self.info
    }

    /// What was wrong with the file and could be read past: a missing end, broken packets. Complete after the last chunk.
    #[must_use]
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// Samples of one channel read so far; of a capture, of its longest leg with its gaps, at the rate that
    /// [`info`](Self::info) names.
    #[must_use]
    pub fn samples_read(&self) -> u64 {
        self.samples_read
    }

    /// The streams of a capture, one for each leg, each at its own rate; nothing of a file. Their counts are complete after the
    /// last chunk.
    #[must_use]
    pub fn streams(&self) -> Vec<StreamSummary> {
        self.source.streams()
    }

    /// Samples a second and codec of each leg.
    pub(crate) fn legs(&self) -> Vec<(u32, String)> {
        let streams = self.streams();
        if streams.is_empty() {
            return vec![(self.info.sample_rate_hz, self.info.codec.clone()); self.info.channels];
        }
        streams.into_iter().map(|stream| (stream.sample_rate_hz, stream.codec)).collect()
    }

    /// Counts a chunk of a capture, whose legs have gaps and rates of their own. Samples of the longest so far.
    fn count_legs(&mut self) -> u64 {
        for ((_, heard), samples) in self.heard.iter_mut().zip(&self.chunk.channels) {
            *heard = heard.saturating_add(samples.len() as u64);
        }
        for (leg, gap) in &self.chunk.gaps {
            if let Some((_, heard)) = self.heard.get_mut(*leg) {
                *heard = heard.saturating_add(gap.n_samples());
            }
        }
        let at_rate = |(rate, heard): &(u32, u64)| {
            *heard as f64 * f64::from(self.info.sample_rate_hz) / f64::from((*rate).max(1))
        };
        self.heard.iter().map(at_rate).fold(0.0, f64::max) as u64
    }

    /// The next chunk, or `None` at the end of the audio.
    ///
    /// # Errors
    /// [`CorruptAudio`](ErrorKind::CorruptAudio) when nothing of the file decodes or its shape changes in the middle,
    /// [`LimitExceeded`](ErrorKind::LimitExceeded) past the longest duration, time or ratio, [`Io`](ErrorKind::Io) when reading fails.
    pub fn next_chunk(&mut self) -> Result<Option<&PcmChunk>> {
        while !self.ended {
            if !self.source.next(&mut self.chunk, &mut self.warnings)? {
                self.ended = true;
                self.note_missing_end();
                break;
            }
            let n_samples = self.chunk.n_samples();
            if n_samples == 0 && self.chunk.gaps.is_empty() {
                continue;
            }
            if self.heard.is_empty() {
                self.samples_read += n_samples as u64;
            } else {
                self.samples_read = self.count_legs();
            }
            let progress = Progress {
                n_bytes: self.n_bytes.load(Ordering::Relaxed),
                seconds: self.opened.elapsed().as_secs_f64(),
            };
            let (rate_hz, channels) = (self.info.sample_rate_hz, self.info.channels);
            self.limits.check_progress(self.samples_read, rate_hz, channels, progress)?;
            return Ok(Some(&self.chunk));
        }
        Ok(None)
    }

    /// All that is left of the audio, in memory: `[leg][time]`, all legs of one length. The legs of a capture are brought to the
    /// rate that [`info`](Self::info) names and laid side by side as they were spoken; what is missing of them stands as zeros.
    ///
    /// # Errors
    /// Those of [`next_chunk`](Self::next_chunk), and [`LimitExceeded`](ErrorKind::LimitExceeded) past the most memory.
    pub fn read_to_end(&mut self) -> Result<Vec<Vec<f32>>> {
        let limits = self.limits.clone();
        let mut legs = vec![Vec::new(); self.info.channels];
        while let Some(chunk) = self.next_chunk()? {
            let missing = chunk.gaps.iter().map(|(_, gap)| gap.n_samples() as usize).fold(0, usize::saturating_add);
            let here = missing.saturating_add(chunk.n_samples() * chunk.channels.len());
            limits.check_memory(legs.iter().map(Vec::len).sum::<usize>().saturating_add(here))?;
            for (leg, gap) in &chunk.gaps {
                if let Some(leg) = legs.get_mut(*leg) {
                    leg.resize(leg.len().saturating_add(gap.n_samples() as usize), 0.0);
                }
            }
            for (leg, samples) in legs.iter_mut().zip(&chunk.channels) {
                leg.extend_from_slice(samples);
            }
        }
        self.side_by_side(&mut legs)?;
        Ok(legs)
    }

    /// Brings the legs of a capture to one rate, start and length.
    fn side_by_side(&self, legs: &mut [Vec<f32>]) -> Result<()> {
        for (leg, stream) in legs.iter_mut().zip(self.streams()) {
            let rate = self.info.sample_rate_hz;
            let before =
                (stream.start_seconds.min(self.limits.max_duration_seconds) * f64::from(rate)).round() as usize;
            self.limits.check_memory(leg.len().saturating_add(before))?;
            let mut resampler = Resampler::new(stream.sample_rate_hz, rate)?;
            let mut samples = vec![0.0; before];
            resampler.push(leg, &mut samples)?;
            resampler.finish(&mut samples)?;
            *leg = samples;
        }
        let longest = legs.iter().map(Vec::len).max().unwrap_or(0);
        for leg in legs {
            leg.resize(longest, 0.0);
        }
        Ok(())
    }

    /// A recorder that died leaves a header that promises more than there is: score what is there, and say so.
    fn note_missing_end(&mut self) {
        let Some(declared) = self.info.declared_samples else { return };
        // Lossy codecs round to whole packets; only a gap of more than a packet is worth a word.
        let slack = u64::from(self.info.sample_rate_hz) / 5;
        if declared > self.samples_read.saturating_add(slack)
            && !self.warnings.iter().any(|w| w.contains(" that its header says"))
        {
            let rate = f64::from(self.info.sample_rate_hz);
            let (found, promised) = (self.samples_read as f64 / rate, declared as f64 / rate);
            // Says more than that it ends.
            self.warnings.retain(|w| !w.starts_with("the file ends early"));
            self.warnings
                .push(format!("the file ends early: {found:.1} s of the {promised:.1} s that its header says"));
        }
    }
}

#[cfg(feature = "captures")]
fn capture_source(front: Front, head: &[u8], options: &DecodeOptions) -> Result<(Box<dyn ChunkSource>, AudioInfo)> {
    let is_ng = capture::is_ng(head);
    let (source, info) = capture::CaptureSource::new(front, is_ng, &options.limits, &options.rtp_map)?;
    Ok((Box::new(source), info))
}

#[cfg(not(feature = "captures"))]
fn capture_source(_: Front, _: &[u8], _: &DecodeOptions) -> Result<(Box<dyn ChunkSource>, AudioInfo)> {
    let message = "captures of packets are not read by this build, which lacks the feature `captures`";
    Err(Error::new(ErrorKind::UnsupportedAudio, message))
}

fn boxed<S: ChunkSource + 'static>((source, info): (S, AudioInfo)) -> (Box<dyn ChunkSource>, AudioInfo) {
    (Box::new(source), info)
}

#[cfg(test)]
mod tests;
