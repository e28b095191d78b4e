//! Scans: a loop over streams, one for each leg.

use std::path::Path;

use super::{Detector, Progress};
use crate::audio::decode::{AudioReader, DecodeOptions};
use crate::error::{Error, ErrorKind, Result};
use crate::leg::stream::{Sample, Stream, StreamOptions, check_equal_lengths};
use crate::verdict::report::{AudioSummary, CallReport, LegVerdict};
use crate::voice::likeness::Likeness;

impl Detector {
    /// Scores samples in memory, one slice for each leg, all of the same length.
    ///
    /// # Errors
    /// [`InvalidArgument`](ErrorKind::InvalidArgument) when the legs differ in length, and those of
    /// [`stream`](Self::stream) and [`Stream::push`].
    pub fn scan_samples<S: Sample>(&self, legs: &[impl AsRef<[S]>], sample_rate_hz: u32) -> Result<Vec<LegVerdict>> {
        self.scan_samples_with(legs, sample_rate_hz, &mut |_| true)
    }

    /// Scores samples in memory; `progress` is told after each second of audio how far it is, and ends the scan by returning
    /// `false`.
    ///
    /// # Errors
    /// [`Cancelled`](ErrorKind::Cancelled) when `progress` said so, and those of [`scan_samples`](Self::scan_samples).
    pub fn scan_samples_with<S: Sample>(
        &self,
        legs: &[impl AsRef<[S]>],
        sample_rate_hz: u32,
        progress: &mut dyn FnMut(Progress) -> bool,
    ) -> Result<Vec<LegVerdict>> {
        check_equal_lengths(legs)?;
        let mut streams: Vec<Stream> = legs.iter().map(|_| self.stream(sample_rate_hz)).collect::<Result<_>>()?;
        let mut likeness = Likeness::new(legs.len(), sample_rate_hz);
        let n_samples = legs.first().map_or(0, |leg| leg.as_ref().len());
        let seconds = |n: usize| n as f64 / f64::from(sample_rate_hz);
        let mut read = 0;
        while read < n_samples {
            let end = n_samples.min(read + sample_rate_hz as usize);
            for (stream, leg) in streams.iter_mut().zip(legs) {
                stream.push(leg.as_ref().get(read..end).unwrap_or_default())?;
            }
            if legs.len() > 1 {
                let samples = |leg: &[S]| leg.iter().map(|sample| sample.to_f32()).collect::<Vec<f32>>();
                let here: Vec<_> =
                    legs.iter().map(|leg| samples(leg.as_ref().get(read..end).unwrap_or_default())).collect();
                likeness.push(&here);
            }
            read = end;
            if !progress(Progress { read_seconds: seconds(read), total_seconds: Some(seconds(n_samples)) }) {
                return Err(stopped());
            }
        }
        verdicts(streams, &likeness)
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
        let mut streams = self.streams_of(reader, &StreamOptions::default())?;
        let mut likeness = Likeness::new(info.channels, info.sample_rate_hz);
        while let Some(chunk) = reader.next_chunk()? {
            for (leg, gap) in &chunk.gaps {
                if let Some(stream) = streams.get_mut(*leg) {
                    stream.miss(*gap)?;
                }
            }
            for (stream, samples) in streams.iter_mut().zip(&chunk.channels) {
                stream.push(samples)?;
            }
            likeness.push(&chunk.channels);
            let read_seconds = reader.samples_read() as f64 / rate;
            if !progress(Progress { read_seconds, total_seconds }) {
                return Err(stopped());
            }
        }
        let duration_seconds = reader.samples_read() as f64 / rate;
        let mut legs = verdicts(streams, &likeness)?;
        for (leg, stream) in legs.iter_mut().zip(reader.streams()) {
            leg.stream = Some(stream);
        }
        Ok(CallReport {
            head: self.report_head_of(&legs, info.sample_rate_hz),
            audio: AudioSummary::of(&info, duration_seconds),
            warnings: reader.warnings().to_vec(),
            legs,
        })
    }
}

fn stopped() -> Error {
    Error::new(ErrorKind::Cancelled, "the scan was stopped")
}

fn verdicts(streams: Vec<Stream>, likeness: &Likeness) -> Result<Vec<LegVerdict>> {
    let verdict = |(leg, stream): (usize, Stream)| {
        let mut verdict = LegVerdict { leg, ..stream.finish()? };
        verdict.notes.extend(likeness.notes(leg));
        Ok(verdict)
    };
    streams.into_iter().enumerate().map(verdict).collect()
}
