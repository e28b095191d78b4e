//! A site's own calibration: what the scores of a model mean on *these* calls, and where its people lie.
//!
//! A [`SiteCalibration`] is a small file that [`fit`](SiteCalibration::fit) makes of results of `veravox scan` whose truth is
//! known, or of calls that are all bona fide. It names the model that it was made for by the hash of its ONNX file and is
//! refused for any other; a file that was changed by hand is refused as well.
//! [`Detector::with_calibration`](crate::Detector::with_calibration) takes it, and so does everything that is made from the
//! detector.

mod alarm;
mod file;
mod fit;
mod map;
mod material;

pub use file::{Fit, LineMap, Measures, ModelCalibration, Reference, SCHEMA_VERSION, SiteCalibration};
pub use fit::{FitOptions, LEAST_OF_A_LINE, Method};
pub use map::Map;
pub use material::{Leg, Material};

use std::sync::Arc;

use crate::model::Second;
use crate::verdict::decide::Thresholds;

/// How the windows of a leg are judged: the thresholds, and the site's calibration where there is one.
#[derive(Debug, Clone)]
pub(crate) struct Rules {
    pub thresholds: Thresholds,
    pub site: Option<Arc<ModelCalibration>>,
    /// The codec of the audio, where it is known: a site may have a calibration of its own for it.
    pub codec: Option<String>,
    /// The second model of a cascade, with the site's calibration of it.
    pub second: Option<(Arc<Second>, Option<Arc<ModelCalibration>>)>,
}

impl From<Thresholds> for Rules {
    fn from(thresholds: Thresholds) -> Self {
        Self { thresholds, site: None, codec: None, second: None }
    }
}

impl Rules {
    /// What a window's llr by the manifest is at this site.
    pub fn llr(&self, llr: f64) -> f64 {
        self.by_site(self.site.as_ref(), llr)
    }

    /// The same of an llr by the second model's manifest.
    pub fn second_llr(&self, llr: f64) -> f64 {
        self.by_site(self.second.as_ref().and_then(|(_, site)| site.as_ref()), llr)
    }

    fn by_site(&self, site: Option<&Arc<ModelCalibration>>, llr: f64) -> f64 {
        site.map_or(llr, |site| site.map(self.codec.as_deref()).llr(llr))
    }
}
