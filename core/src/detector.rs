//! The entrance: a model with its settings, from which streams are made and files are scanned.

use std::path::Path;
use std::sync::Arc;

use crate::decide::Thresholds;
use crate::decode::{AudioReader, DecodeOptions};
use crate::error::{Error, ErrorKind, Result};
use crate::model::Model;
use crate::report::{AudioSummary, CallReport, LegVerdict, ReportHead};
use crate::stream::{Sample, Stream, check_equal_lengths};

/// A model with its settings. Immutable, cheap to clone, shared between threads.
///
/// ```
/// use veravox::{Detector, decode::DecodeOptions};
///
/// let detector = Detector::builtin()?;
/// let call = concat!(env!("CARGO_MANIFEST_DIR"), "/../testdata/formats/clip.mulaw.wav");
/// let report = detector.scan_file(call.as_ref(), &DecodeOptions::default())?;
/// for leg in &report.legs {
///     println!("leg {}: {} after {:.1} s of speech", leg.leg, leg.decision, leg.speech_seconds);
/// }
/// # assert_eq!(report.legs.len(), 1);
/// # Ok::<(), veravox::Error>(())
/// ```
#[derive(Clone)]
pub struct Detector {
    model: Arc<Model>,
    thresholds: Thresholds,
}

/// How far a scan is: seconds of audio read, and in all where the header says so.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Progress {
    /// Seconds of audio read.
    pub read_seconds: f64,
    /// Seconds of audio that the header promises.
    pub total_seconds: Option<f64>,
}

impl Detector {
    /// The detector with the model that comes with the library and the thresholds of its manifest.
    ///
    /// # Errors
    /// [`Runtime`](ErrorKind::Runtime) when no inference runtime starts.
    pub fn builtin() -> Result<Self> {
        Model::builtin().map(Self::new)
    }

    /// A detector with the model in `folder`, which holds `manifest.json`.
    ///
    /// # Errors
    /// Those of [`Model::load`].
    pub fn load(folder: &Path) -> Result<Self> {
        Model::load(folder).map(Self::new)
    }

    /// A detector with a loaded model and the thresholds of its manifest.
    #[must_use]
    pub fn new(model: Arc<Model>) -> Self {
        let thresholds = model.manifest().decision;
        Self { model, thresholds }
    }

    /// The same detector with other thresholds.
    ///
    /// # Errors
    /// [`InvalidArgument`](ErrorKind::InvalidArgument) when the prior is not inside (0, 1) or the thresholds are out of
    /// order.
    pub fn with_thresholds(mut self, thresholds: Thresholds) -> Result<Self> {
        thresholds.check().map_err(|e| Error::new(ErrorKind::InvalidArgument, e.to_string()))?;
        self.thresholds = thresholds;
        Ok(self)
    }

    /// The model.
    #[must_use]
    pub fn model(&self) -> &Arc<Model> {
        &self.model
    }

    /// The thresholds in use.
    #[must_use]
    pub fn thresholds(&self) -> &Thresholds {
        &self.thresholds
    }

    /// What every report of this detector starts with.
    #[must_use]
    pub fn report_head(&self) -> ReportHead {
        ReportHead::of(&self.model, &self.thresholds)
    }

    /// A stream for one leg of a call with audio at `sample_rate_hz`.
    ///
    /// # Errors
    /// [`LimitExceeded`](ErrorKind::LimitExceeded) when the rate is outside the default
    /// [`Limits`](crate::decode::Limits).
    pub fn stream(&self, sample_rate_hz: u32) -> Result<Stream> {
        Stream::new(self, sample_rate_hz)
    }

    /// Scores samples in memory, one slice for each leg, all of the same length.
    ///
    /// # Errors
    /// [`InvalidArgument`](ErrorKind::InvalidArgument) when the legs differ in length, and those of
    /// [`stream`](Self::stream) and [`Stream::push`].
    pub fn scan_samples<S: Sample>(&self, legs: &[impl AsRef<[S]>], sample_rate_hz: u32) -> Result<Vec<LegVerdict>> {
        check_equal_lengths(legs)?;
        let scan = |leg: &[S]| {
            let mut stream = self.stream(sample_rate_hz)?;
            stream.push(leg)?;
            stream.finish()
        };
        number(legs.iter().map(|leg| scan(leg.as_ref())))
    }

    /// Scores a file.
    ///
    /// # Errors
    /// Those of [`AudioReader::open`], [`AudioReader::next_chunk`] and [`Stream::push`].
    pub fn scan_file(&self, path: &Path, options: &DecodeOptions) -> Result<CallReport> {
        self.scan_reader(&mut AudioReader::open(path, options)?, &mut |_| true)
    }

    /// Scores what a reader reads. `progress` is told after each chunk how far it is, and ends the scan by returning
    /// `false`.
    ///
    /// # Errors
    /// [`Cancelled`](ErrorKind::Cancelled) when `progress` said so, and those of [`AudioReader::next_chunk`] and
    /// [`Stream::push`].
    pub fn scan_reader(
        &self,
        reader: &mut AudioReader,
        progress: &mut dyn FnMut(Progress) -> bool,
    ) -> Result<CallReport> {
        let info = reader.info().clone();
        let rate = f64::from(info.sample_rate_hz);
        let total_seconds = info.declared_samples.map(|n| n as f64 / rate);
        let mut streams: Vec<Stream> =
            (0..info.channels).map(|_| self.stream(info.sample_rate_hz)).collect::<Result<_>>()?;
        while let Some(chunk) = reader.next_chunk()? {
            for (stream, samples) in streams.iter_mut().zip(&chunk.channels) {
                stream.push(samples)?;
            }
            let read_seconds = reader.samples_read() as f64 / rate;
            if !progress(Progress { read_seconds, total_seconds }) {
                return Err(Error::new(ErrorKind::Cancelled, "the scan was stopped"));
            }
        }
        let duration_seconds = reader.samples_read() as f64 / rate;
        Ok(CallReport {
            head: self.report_head(),
            audio: AudioSummary::of(&info, duration_seconds),
            warnings: reader.warnings().to_vec(),
            legs: number(streams.into_iter().map(Stream::finish))?,
        })
    }
}

fn number(legs: impl Iterator<Item = Result<LegVerdict>>) -> Result<Vec<LegVerdict>> {
    legs.enumerate().map(|(leg, verdict)| verdict.map(|v| LegVerdict { leg, ..v })).collect()
}
