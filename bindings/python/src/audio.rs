//! Audio that comes from Python: files, bytes, arrays.

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
    #[pyo3(signature = (encoding=None, sample_rate=None, channels=None, max_duration_seconds=None, rtp_map=Vec::new()))]
    fn new(
        py: Python<'_>,
        encoding: Option<&str>,
        sample_rate: Option<u32>,
        channels: Option<usize>,
        max_duration_seconds: Option<f64>,
        rtp_map: Vec<String>,
    ) -> PyResult<Self> {
        let rtp_map: veravox::Result<_> = rtp_map.iter().map(|map| map.parse()).collect();
        let rtp_map = rtp_map.map_err(|e| to_python(py, &e))?;
        let raw = match (encoding, sample_rate) {
            (None, None) if channels.is_none() => None,
            (None, _) => {
                let words = "the file says its own sample_rate and channels: leave them out, or name the encoding of \
                             headerless audio, as in encoding=\"mulaw\"";
                return Err(argument_error(py, words));
            }
            (Some(_), None) => return Err(argument_error(py, "headerless audio needs its sample_rate in hertz")),
            (Some(encoding), Some(sample_rate_hz)) => Some(RawFormat {
                encoding: encoding_of(encoding).ok_or_else(|| {
                    let known = ENCODINGS.map(|(name, _)| name).join(", ");
                    argument_error(py, format!("expected an encoding out of {known}, got {encoding:?}"))
                })?,
                sample_rate_hz,
                channels: channels.unwrap_or(1),
            }),
        };
        let mut limits = Limits::default();
        if let Some(seconds) = max_duration_seconds {
            if seconds.is_nan() || seconds <= 0.0 {
                return Err(argument_error(py, format!("expected max_duration_seconds above 0, got {seconds}")));
            }
            limits.max_duration_seconds = seconds;
        }
        Ok(Self { inner: decode::DecodeOptions { raw, limits, rtp_map } })
    }
}

/// The names that the command has for them too.
const ENCODINGS: [(&str, RawEncoding); 4] = [
    ("s16le", RawEncoding::PcmS16Le),
    ("f32le", RawEncoding::PcmF32Le),
    ("alaw", RawEncoding::Alaw),
    ("mulaw", RawEncoding::Mulaw),
];

fn encoding_of(name: &str) -> Option<RawEncoding> {
    ENCODINGS.iter().find(|(known, _)| *known == name).map(|(_, encoding)| *encoding)
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
