//! Bytes to samples: audio files, read as a stream of chunks with one channel for each leg of the call.
//!
//! Containers and codecs come from [symphonia](https://docs.rs/symphonia): FLAC, MP3, AAC/M4A, Ogg Vorbis, AIFF, CAF and
//! Matroska; WAV (PCM, float, A-law, mu-law, ADPCM, MP3) is read here, with its codecs. Headerless PCM, A-law and mu-law are
//! read when the caller says what they are ([`DecodeOptions::raw`]). A file is never held in memory whole, and what its headers
//! claim is held against [`Limits`] before anything is allocated for it. All audio that a file holds is read, or
//! [`AudioReader::warnings`] tell what was not.

mod blocks;
#[cfg(feature = "captures")]
mod capture;
mod container;
mod front;
mod known;
mod limits;
mod raw;
mod source;
mod wav;

use std::fs::File;
use std::io::{self, Cursor, Read, Seek, SeekFrom};
use std::path::Path;

#[cfg(feature = "captures")]
pub use capture::RtpMap;
pub use known::header_kind;
pub use limits::Limits;
pub use raw::{RawEncoding, RawFormat};
pub use source::{AudioInfo, AudioSource, Gap, PcmChunk, StreamSummary};

use crate::audio::resample::Resampler;
use crate::error::{Error, ErrorKind, Result};
use front::Front;
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

/// A source of bytes that come once.
struct Pipe(Box<dyn Read + Send + Sync>);

impl Read for Pipe {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read(buffer)
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
        Self::new(source, Some(n_bytes), extension, options)
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
        Self::new(Box::new(Pipe(source)), None, None, options)
    }

    fn new(
        source: Box<dyn AudioSource>,
        n_bytes: Option<u64>,
        extension: Option<&str>,
        options: &DecodeOptions,
    ) -> Result<Self> {
        let mut front = Front::new(source, n_bytes);
        let head = front.peek(known::HEAD_BYTES).map_err(|e| Error::from_io(e, "read the file"))?.to_vec();
        let kind = known::by_head(&head);
        let unsupported = |message| Error::new(ErrorKind::UnsupportedAudio, message);
        let mut warnings = Vec::new();
        let (source, mut info): (Box<dyn ChunkSource>, AudioInfo) = match (&options.raw, kind) {
            (_, Some(kind)) if !kind.read => return Err(unsupported(known::unread_kind(kind))),
            (Some(format), None) => {
                options.limits.check_channels(format.channels)?;
                options.limits.check_sample_rate(format.sample_rate_hz)?;
                let (source, info) = raw::RawSource::new(front, format)?;
                (Box::new(source), info)
            }
            (raw, kind) => {
                if let (Some(_), Some(kind)) = (raw, kind) {
                    warnings
                        .push(format!("the file has a header ({}) and was read as that, not as raw audio", kind.name));
                }
                if kind.is_some_and(known::Known::is_capture) {
                    capture_source(front, &head, options)?
                } else if wav::is_wav(&head) {
                    let (source, info) = wav::WavSource::new(front, &options.limits)?;
                    (Box::new(source), info)
                } else {
                    // What has no header is known by its name alone; samples can look like a packet of some codec.
                    if let (None, Some(words)) = (kind, extension.and_then(known::unread_name)) {
                        return Err(unsupported(words));
                    }
                    let (source, info) = container::ContainerSource::new(front, extension, &options.limits)?;
                    (Box::new(source), info)
                }
            }
        };
        if n_bytes.is_none() {
            // A recorder that writes to a pipe cannot know it when it writes the header.
            info.declared_samples = None;
        }
        let limits = options.limits.clone();
        let heard = source.streams().iter().map(|stream| (stream.sample_rate_hz, 0)).collect();
        Ok(Self { source, info, limits, chunk: PcmChunk::default(), samples_read: 0, heard, ended: false, warnings })
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
    /// [`LimitExceeded`](ErrorKind::LimitExceeded) past the longest duration, [`Io`](ErrorKind::Io) when reading fails.
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
            let seconds = self.samples_read as f64 / f64::from(self.info.sample_rate_hz);
            if seconds > self.limits.max_duration_seconds {
                let message = format!(
                    "expected at most {} s of audio (max_duration_seconds), found more",
                    self.limits.max_duration_seconds
                );
                return Err(Error::new(ErrorKind::LimitExceeded, message));
            }
            return Ok(Some(&self.chunk));
        }
        Ok(None)
    }

    /// All that is left of the audio, in memory: `[leg][time]`, all legs of one length. The legs of a capture are brought to the
    /// rate that [`info`](Self::info) names and laid side by side as they were spoken; what is missing of them stands as zeros.
    ///
    /// # Errors
    /// Those of [`next_chunk`](Self::next_chunk).
    pub fn read_to_end(&mut self) -> Result<Vec<Vec<f32>>> {
        let mut legs = vec![Vec::new(); self.info.channels];
        while let Some(chunk) = self.next_chunk()? {
            for (leg, gap) in &chunk.gaps {
                if let Some(leg) = legs.get_mut(*leg) {
                    // No longer than the longest duration, or the chunk had been an error.
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
            let before = (stream.start_seconds.min(self.limits.max_duration_seconds) * f64::from(rate)) as usize;
            let mut resampler = Resampler::new(stream.sample_rate_hz, rate)?;
            let mut samples = vec![0.0; before];
            resampler.push(leg, &mut samples)?;
            resampler.finish(&mut samples)?;
            *leg = samples;
        }
        let longest = legs.iter().map(Vec::len).max().unwrap_or(0);
        legs.iter_mut().for_each(|leg| leg.resize(longest, 0.0));
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

#[cfg(test)]
mod tests;
