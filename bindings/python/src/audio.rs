//! Audio that comes from Python: files, bytes, arrays.

use std::collections::HashMap;
use std::io::Cursor;
use std::path::PathBuf;

use numpy::{PyArray2, PyArrayMethods, PyReadonlyArray2};
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedBytes;
use veravox::decode::{self, AudioReader, Limits, RawEncoding, RawFormat};

use crate::errors::{argument_error, to_python};
use crate::stop::interruptible;

/// A file's bytes, or where it lies.
#[derive(FromPyObject)]
pub(crate) enum Source {
    Bytes(PyBackedBytes),
    Path(PathBuf),
}

impl Source {
    pub(crate) fn open(self, options: &DecodeOptions) -> veravox::Result<AudioReader> {
        match self {
            Self::Path(path) => AudioReader::open(&path, &options.inner),
            Self::Bytes(bytes) => {
                let n_bytes = bytes.len() as u64;
                AudioReader::from_source(Box::new(Cursor::new(bytes)), n_bytes, None, &options.inner)
            }
        }
    }
}

/// Samples of legs, `[legs, n]`.
#[derive(FromPyObject)]
pub(crate) enum Samples<'py> {
    Float32(PyReadonlyArray2<'py, f32>),
    Int16(PyReadonlyArray2<'py, i16>),
}

/// The rows of an array that lies in order.
pub(crate) fn rows<'a, T: numpy::Element>(array: &'a PyReadonlyArray2<'_, T>) -> PyResult<Vec<&'a [T]>> {
    let (n_legs, n_samples) = array.as_array().dim();
    let values =
        array.as_array().to_slice().ok_or_else(|| argument_error(array.py(), "expected an array in C order"))?;
    Ok((0..n_legs).map(|leg| values.get(leg * n_samples..(leg + 1) * n_samples).unwrap_or_default()).collect())
}

/// How to read audio.
#[pyclass(module = "veravox._core", frozen)]
pub(crate) struct DecodeOptions {
    pub(crate) inner: decode::DecodeOptions,
}

#[pymethods]
impl DecodeOptions {
    #[new]
    #[pyo3(signature = (
        encoding=None, sample_rate=None, channels=None, max_duration_seconds=None, limits=None, rtp_map=None
    ))]
    fn new(
        py: Python<'_>,
        encoding: Option<&str>,
        sample_rate: Option<u32>,
        channels: Option<usize>,
        max_duration_seconds: Option<f64>,
        limits: Option<HashMap<String, f64>>,
        rtp_map: Option<Vec<String>>,
    ) -> PyResult<Self> {
        let rtp_map: veravox::Result<_> = rtp_map.iter().flatten().map(|map| map.parse()).collect();
        let rtp_map = rtp_map.map_err(|e| to_python(py, &e))?;
        let raw = match (encoding, sample_rate) {
            (None, None) if channels.is_none() => None,
            (None, _) => {
                let words = "the file says its own sample_rate and channels: leave them out, or name the encoding of \
                             headerless audio, as in encoding=\"mulaw\"";
                return Err(argument_error(py, words));
            }
            (Some(name), sample_rate) => {
                let encoding = RawEncoding::from_name(name).ok_or_else(|| {
                    let known = RawEncoding::ALL.map(RawEncoding::name).join(", ");
                    argument_error(py, format!("expected an encoding out of {known}, got {name:?}"))
                })?;
                // Of PCM and G.711, which are met at any rate, nobody knows it but the caller.
                let own_rate = Some(encoding.usual_rate_hz()).filter(|_| !MANY_RATES.contains(&encoding));
                let sample_rate_hz = sample_rate
                    .or(own_rate)
                    .ok_or_else(|| argument_error(py, "headerless audio needs its sample_rate in hertz"))?;
                Some(RawFormat { encoding, sample_rate_hz, channels: channels.unwrap_or(1) })
            }
        };
        let mut known = Limits::default();
        let seconds = max_duration_seconds.map(|seconds| ("max_duration_seconds".to_owned(), seconds));
        for (name, value) in limits.into_iter().flatten().chain(seconds) {
            set_limit(&mut known, &name, value).map_err(|words| argument_error(py, words))?;
        }
        Ok(Self { inner: decode::DecodeOptions { raw, limits: known, rtp_map } })
    }
}

/// Encodings that are met at any sample rate.
const MANY_RATES: [RawEncoding; 4] =
    [RawEncoding::PcmS16Le, RawEncoding::PcmF32Le, RawEncoding::Alaw, RawEncoding::Mulaw];

/// Sets the limit of this name.
fn set_limit(limits: &mut Limits, name: &str, value: f64) -> Result<(), String> {
    if value.is_nan() || value <= 0.0 {
        return Err(format!("expected {name} above 0, got {value}"));
    }
    match name {
        "max_duration_seconds" => limits.max_duration_seconds = value,
        "max_channels" => limits.max_channels = value as usize,
        "min_sample_rate_hz" => limits.min_sample_rate_hz = value as u32,
        "max_sample_rate_hz" => limits.max_sample_rate_hz = value as u32,
        "max_decoded_ratio" => limits.max_decoded_ratio = value,
        "max_memory_bytes" => limits.max_memory_bytes = value as u64,
        "max_reading_seconds" => limits.max_reading_seconds = value,
        _ => {
            return Err(format!(
                "there is no limit {name:?}, but max_duration_seconds, max_channels, min_sample_rate_hz, \
                 max_sample_rate_hz, max_decoded_ratio, max_memory_bytes, max_reading_seconds"
            ));
        }
    }
    Ok(())
}

/// The samples of a file, float32 `[legs, n]`, and their rate in hertz.
#[pyfunction]
pub(crate) fn read_audio<'py>(
    py: Python<'py>,
    source: Source,
    options: &DecodeOptions,
) -> PyResult<(Bound<'py, PyArray2<f32>>, u32)> {
    let (legs, rate) = interruptible(py, None, |_| {
        let mut reader = source.open(options)?;
        Ok((reader.read_to_end()?, reader.info().sample_rate_hz))
    })?;
    let (n_legs, n_samples) = (legs.len(), legs.first().map_or(0, Vec::len));
    let samples = numpy::PyArray1::from_vec(py, legs.concat()).reshape([n_legs, n_samples])?;
    Ok((samples, rate))
}

/// Refuses more legs than a file may have.
pub(crate) fn check_legs(py: Python<'_>, n_legs: usize) -> PyResult<()> {
    Limits::default().check_channels(n_legs).map_err(|e| to_python(py, &e))
}
