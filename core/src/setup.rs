//! What a user sets of a detector, and the one way from there to it.

use std::path::PathBuf;

use crate::detector::Detector;
use crate::error::Result;
use crate::site::SiteCalibration;
use crate::verdict::decide::ThresholdChanges;

/// Which model, at which site, deciding where. The default is that of the models that come with the library.
///
/// ```
/// use veravox::{DetectorOptions, ThresholdChanges};
///
/// let thresholds = ThresholdChanges { prior: Some(0.01), ..ThresholdChanges::default() };
/// let options = DetectorOptions { model: Some("phone".into()), thresholds, ..DetectorOptions::default() };
/// let detector = options.open()?;
/// assert_eq!(detector.thresholds(8_000).prior, 0.01);
/// # Ok::<(), veravox::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Default)]
pub struct DetectorOptions {
    /// What [`Detector::open`] takes: the name of a model that comes with the library, or the folder of one. Without it
    /// each leg has the one of these that was made for the band of its voice.
    pub model: Option<PathBuf>,
    /// The site's calibration.
    pub calibration: Option<CalibrationSource>,
    /// At most this share of the site's people is called synthetic, inside (0, 1); it needs a calibration.
    pub target_false_alarm: Option<f64>,
    /// Prior, costs and thresholds in place of the model's and the site's.
    pub thresholds: ThresholdChanges,
}

/// Where a site's calibration is read from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CalibrationSource {
    /// A file, as [`SiteCalibration::read`] reads it.
    File(PathBuf),
    /// The text of such a file, as [`SiteCalibration::parse`] reads it.
    Text(String),
}

impl DetectorOptions {
    /// The detector. The runtime is the one that was [selected](crate::runtime::Runtime::select) before, if any was.
    ///
    /// # Errors
    /// In this order: those of [`Detector::open`], of [`SiteCalibration::read`] or [`parse`](SiteCalibration::parse),
    /// of [`Detector::with_calibration`], [`with_target_false_alarm`](Detector::with_target_false_alarm) and
    /// [`with_thresholds`](Detector::with_thresholds).
    pub fn open(&self) -> Result<Detector> {
        let mut detector = match &self.model {
            Some(model) => Detector::open(model)?,
            None => Detector::builtin()?,
        };
        if let Some(source) = &self.calibration {
            detector = detector.with_calibration(source.read()?)?;
        }
        if let Some(share) = self.target_false_alarm {
            detector = detector.with_target_false_alarm(share)?;
        }
        detector.with_thresholds(self.thresholds)
    }
}

impl CalibrationSource {
    fn read(&self) -> Result<SiteCalibration> {
        match self {
            Self::File(path) => SiteCalibration::read(path),
            Self::Text(text) => SiteCalibration::parse(text),
        }
    }
}
