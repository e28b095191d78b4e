//! Models with their settings.

use std::sync::{Arc, Mutex};

use veravox::decide::DecisionCosts;
use veravox::runtime::{Runtime, RuntimeChoice};
use veravox::stream::StreamOptions;
use veravox::{CalibrationSource, DetectorOptions, ThresholdChanges};

use crate::arguments::rate;
use crate::cancel::Cancellation;
use crate::error::{Result, refused};
use crate::report::{CallReport, Thresholds};
use crate::scan::{self, RawFormat};
use crate::stream::Stream;

/// A model, or several for audio of different rates, with settings. It never changes; any number of threads may use it at once.
///
/// Scores have one direction: `llr` is a natural-log likelihood ratio, positive for a synthetic voice, 0 for neither.
#[derive(uniffi::Object)]
pub struct Detector {
    inner: veravox::Detector,
}

#[uniffi::export]
impl Detector {
    /// A detector with the built-in models, `phone` for 8 kHz and `wide` for 16 kHz and above, or with another model.
    ///
    /// `model` is the name of a built-in one, or the folder of one of your own, with its `manifest.json`. `prior`,
    /// `syntheticLlr` and `bonafideLlr` take the place of the model's own: the prior probability of a synthetic voice that
    /// probabilities are stated at, inside (0, 1), and the llr from which a leg is synthetic, and down to which bona fide.
    ///
    /// `calibration` is the text of a site's calibration, a file that `veravox calibrate` made for the same model;
    /// `targetFalseAlarm` sets the threshold so that at most this share of its people is called synthetic.
    ///
    /// Where one of the costs is given, of calling a person synthetic, of calling a machine bona fide, or of no verdict, in any one
    /// unit, the thresholds follow from the costs and the prior; those not given are 1, and 0.15 for no verdict.
    ///
    /// Fails with `NotFound`, `InvalidManifest`, `HashMismatch` or `InvalidModel` where a folder holds no usable model, and with
    /// `InvalidArgument` for thresholds out of order and for a calibration that was made for another model.
    #[uniffi::constructor(default(
        model = None, prior = None, synthetic_llr = None, bonafide_llr = None, calibration = None, target_false_alarm = None,
        cost_false_alarm = None, cost_miss = None, cost_undecided = None
    ))]
    #[allow(clippy::too_many_arguments, reason = "named arguments of Kotlin and Swift")]
    pub fn new(
        model: Option<String>,
        prior: Option<f64>,
        synthetic_llr: Option<f64>,
        bonafide_llr: Option<f64>,
        calibration: Option<String>,
        target_false_alarm: Option<f64>,
        cost_false_alarm: Option<f64>,
        cost_miss: Option<f64>,
        cost_undecided: Option<f64>,
    ) -> Result<Arc<Self>> {
        // The environment of an app's process is nobody's choice of a runtime. Where another one is in use already, it stays.
        if Runtime::select(&RuntimeChoice::BuiltIn).is_err() {
            Runtime::get()?;
        }
        let costs = DecisionCosts::given(cost_false_alarm, cost_miss, cost_undecided);
        let options = DetectorOptions {
            model: model.map(Into::into),
            calibration: calibration.map(CalibrationSource::Text),
            target_false_alarm,
            thresholds: ThresholdChanges { prior, costs, synthetic_llr, bonafide_llr },
        };
        let inner = options.open()?;
        Ok(Arc::new(Self { inner }))
    }

    /// Where audio at `sampleRateHz` is decided on.
    pub fn thresholds(&self, sample_rate_hz: i32) -> Result<Thresholds> {
        Ok(self.inner.thresholds(rate(sample_rate_hz)?).into())
    }

    /// A stream for one leg of a call, with audio at `sampleRateHz`, 4,000 to 384,000.
    ///
    /// `live` is for a call that goes on: a first look after 3 s of speech, a score for every second of it, the last five minutes
    /// kept. Without it the stream scores as a scan does. `updateSeconds`, seconds of speech between two scores,
    /// `firstLookSeconds`, and `maxWindowsKept`, how many windows the verdict lists at the end, take the place of these.
    ///
    /// Loads the model, the first time for audio of this rate.
    #[uniffi::method(default(live = true, update_seconds = None, first_look_seconds = None, max_windows_kept = None))]
    pub fn stream(
        &self,
        sample_rate_hz: i32,
        live: bool,
        update_seconds: Option<f64>,
        first_look_seconds: Option<f64>,
        max_windows_kept: Option<i32>,
    ) -> Result<Arc<Stream>> {
        let mut options = if live { StreamOptions::live() } else { StreamOptions::default() };
        options.update_seconds = update_seconds.or(options.update_seconds);
        options.first_look_seconds = first_look_seconds.or(options.first_look_seconds);
        if let Some(kept) = max_windows_kept {
            options.max_windows_kept = usize::try_from(kept)
                .map_err(|_| refused(format!("expected maxWindowsKept of 0 or more, got {kept}")))?;
        }
        let stream = self.inner.stream_with(rate(sample_rate_hz)?, &options)?;
        Ok(Arc::new(Stream { inner: Mutex::new(Some(stream)) }))
    }

    /// Scores a recording in a file; each channel is a leg of its own. It works in the calling thread, until it is done or
    /// `cancellation` ends it.
    ///
    /// Reads WAV files with PCM or G.711, and headerless audio where `raw` says what it is; other formats where the library was
    /// built with them.
    #[uniffi::method(default(raw = None, cancellation = None))]
    pub fn scan_file(
        &self,
        path: String,
        raw: Option<RawFormat>,
        cancellation: Option<Arc<Cancellation>>,
    ) -> Result<CallReport> {
        scan::file(&self.inner, &path, raw, cancellation.as_deref())
    }

    /// As `scanFile`, of the bytes of a file.
    #[uniffi::method(default(raw = None, cancellation = None))]
    pub fn scan_bytes(
        &self,
        bytes: Vec<u8>,
        raw: Option<RawFormat>,
        cancellation: Option<Arc<Cancellation>>,
    ) -> Result<CallReport> {
        scan::bytes(&self.inner, bytes, raw, cancellation.as_deref())
    }
}

/// Has models run by ONNX Runtime, whose shared library lies at this path or goes by this name, for the whole process: before the
/// first detector is made, once. On Android, `libonnxruntime.so` of the package `onnxruntime-android`. Returns the name and
/// version of the runtime.
///
/// Fails with `Runtime` where the library does not load, another runtime is in use already, or this library was built without.
#[uniffi::export]
pub fn use_onnxruntime(library: String) -> Result<String> {
    Ok(Runtime::select(&RuntimeChoice::OnnxRuntime(library.into()))?.to_string())
}
