//! The file of a site's calibration.

use std::path::Path;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::map::Map;
use crate::error::{Error, ErrorKind, Result};
use crate::verdict::decide::Thresholds;

/// The version of the file's form. It rises when a field changes its meaning or goes away.
pub const SCHEMA_VERSION: u32 = 1;

/// How sure a threshold by a target of false alarms is: 95 in 100 such sites keep it.
const CONFIDENCE: f64 = 0.95;
/// Scores of people that a file keeps one by one, from the highest down; of the rest it keeps quantiles.
const KEPT: usize = 2_000;
const QUANTILES: usize = 200;

/// A site's calibration, for one model or several.
///
/// ```no_run
/// use std::path::Path;
/// use veravox::{Detector, site::SiteCalibration};
///
/// let calibration = SiteCalibration::read(Path::new("my-site.json"))?;
/// let detector = Detector::builtin()?.with_calibration(calibration)?;
/// # Ok::<(), veravox::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct SiteCalibration {
    /// The site's name, for reports.
    pub name: String,
    models: Vec<ModelCalibration>,
    digest: String,
}

/// What the file holds besides its digest.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Body {
    schema_version: u32,
    name: String,
    models: Vec<ModelCalibration>,
}

/// The calibration of one model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelCalibration {
    /// The model's name.
    pub model: String,
    /// Its version.
    pub version: String,
    /// SHA-256 of its ONNX file.
    pub sha256: String,
    /// The map of a window's llr.
    pub map: Map,
    /// Maps for recordings of a codec, in place of that one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lines: Vec<LineMap>,
    /// From this llr on a leg is synthetic; the manifest's where it is not set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub synthetic_llr: Option<f64>,
    /// How the site's people score.
    pub people: Reference,
    /// What it was fitted on and what it does.
    pub fit: Fit,
}

/// The map for a codec.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LineMap {
    /// The codec, as reports name it: `pcm_alaw`.
    pub codec: String,
    /// The map.
    pub map: Map,
}

/// How a site's people score: of each leg the highest llr that the sequential test reached on it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reference {
    /// Legs.
    pub n: usize,
    /// Speakers or calls that they come from.
    pub n_groups: usize,
    /// The highest scores, falling.
    pub highest: Vec<f64>,
    /// Quantiles of all, rising, from the least to the greatest in equal steps.
    pub quantiles: Vec<f64>,
    /// Median seconds of voice.
    pub median_speech_seconds: f64,
}

/// What a calibration was fitted on, and what it does there.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fit {
    /// `affine`, `isotonic`, or `bonafide_only`.
    pub method: String,
    /// Legs of people.
    pub n_bonafide: usize,
    /// Legs of machines.
    pub n_spoof: usize,
    /// What legs are grouped by, and how many groups there are of each class.
    pub grouped_by: String,
    /// Groups of people's legs.
    pub n_bonafide_groups: usize,
    /// Groups of machines' legs.
    pub n_spoof_groups: usize,
    /// The share of people called synthetic that was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target_false_alarm: Option<f64>,
    /// Without the calibration.
    pub before: Measures,
    /// With it, on what it was fitted to: kinder than the truth.
    pub after: Measures,
    /// With it, on groups that were left out of the fit; none where there are too few.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub held_out: Option<Measures>,
    /// What speaks for caution.
    pub cautions: Vec<String>,
}

/// What scores and thresholds do. Machines have no share where there are none.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Measures {
    /// Cost of the legs' llrs in bits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cllr: Option<f64>,
    /// Normalised cost of deciding by them at the costs given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub act_dcf: Option<f64>,
    /// Share of people called synthetic at any time.
    pub false_alarm: f64,
    /// Share of machines called synthetic at any time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub found: Option<f64>,
}

impl SiteCalibration {
    pub(super) fn new(name: String, models: Vec<ModelCalibration>) -> Result<Self> {
        // Through the text, whose numbers are those that a reader sees, to the last bit.
        let body = Body { schema_version: SCHEMA_VERSION, name, models };
        let text = serde_json::to_string(&body).map_err(|e| refused(&e.to_string()))?;
        let value: serde_json::Value = serde_json::from_str(&text).map_err(|e| refused(&e.to_string()))?;
        let digest = digest(&value);
        let body: Body = serde_json::from_value(value).map_err(|e| refused(&e.to_string()))?;
        let calibration = Self { name: body.name, models: body.models, digest };
        calibration.check()?;
        Ok(calibration)
    }

    /// Reads a file.
    ///
    /// # Errors
    /// [`NotFound`](ErrorKind::NotFound), [`Io`](ErrorKind::Io) and those of [`parse`](Self::parse), naming the file.
    pub fn read(path: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(path).map_err(|e| Error::from_io(e, &format!("read {}", path.display())))?;
        Self::parse(&text).map_err(|e| Error::new(e.kind(), format!("{}: {e}", path.display())))
    }

    /// Reads a file's text.
    ///
    /// # Errors
    /// [`InvalidArgument`](ErrorKind::InvalidArgument) when it is no calibration, one of another version of the form, one that was
    /// changed after it was made, or one with numbers out of their range.
    pub fn parse(text: &str) -> Result<Self> {
        let mut value: serde_json::Value =
            serde_json::from_str(text).map_err(|e| refused(&format!("no site calibration: not JSON: {e}")))?;
        let form = value.as_object_mut().ok_or_else(|| refused("no site calibration: expected a JSON object"))?;
        match form.get("schema_version") {
            Some(found) if found.as_u64() == Some(u64::from(SCHEMA_VERSION)) => {}
            Some(found) => return Err(refused(&format!("schema_version must be {SCHEMA_VERSION}, is {found}"))),
            None => return Err(refused("no site calibration: it has no schema_version")),
        }
        let Some(stated) = form.remove("digest").as_ref().and_then(|d| d.as_str().map(str::to_owned)) else {
            return Err(refused("no site calibration: it has no digest"));
        };
        if digest(&value) != stated {
            return Err(refused(
                "changed after it was made: its digest does not fit. Fit it anew; thresholds of your own are options",
            ));
        }
        let body: Body = serde_json::from_value(value).map_err(|e| refused(&e.to_string()))?;
        let calibration = Self { name: body.name, models: body.models, digest: stated };
        calibration.check()?;
        Ok(calibration)
    }

    /// The file's text.
    #[must_use]
    pub fn to_json(&self) -> String {
        let body = Body { schema_version: SCHEMA_VERSION, name: self.name.clone(), models: self.models.clone() };
        let mut value = serde_json::to_value(body).unwrap_or_default();
        if let Some(form) = value.as_object_mut() {
            form.insert("digest".to_owned(), self.digest.clone().into());
        }
        format!("{value:#}\n")
    }

    /// What tells it from others, 64 hexadecimal digits.
    #[must_use]
    pub fn digest(&self) -> &str {
        &self.digest
    }

    /// The calibrations of the models, by the hash of each.
    pub fn by_model(&self) -> impl Iterator<Item = (&str, &ModelCalibration)> {
        self.models.iter().map(|model| (model.sha256.as_str(), model))
    }

    pub(crate) fn into_models(self) -> impl Iterator<Item = ModelCalibration> {
        self.models.into_iter()
    }

    fn check(&self) -> Result<()> {
        if self.models.is_empty() {
            return Err(refused("it holds no model"));
        }
        self.models.iter().try_for_each(|model| {
            let named = |message: String| refused(&format!("for the model {}: {message}", model.model));
            let mut maps = std::iter::once(&model.map).chain(model.lines.iter().map(|line| &line.map));
            maps.try_for_each(Map::check).map_err(named)?;
            let Reference { n, highest, quantiles, .. } = &model.people;
            let finite = highest.iter().chain(quantiles).all(|score| score.is_finite());
            let sorted = highest.is_sorted_by(|a, b| a >= b) && quantiles.is_sorted();
            if !(finite && sorted && highest.len() <= *n && (*n == 0 || !quantiles.is_empty())) {
                return Err(named("the scores of its people are not in order".to_owned()));
            }
            if model.synthetic_llr.is_some_and(|llr| !llr.is_finite()) {
                return Err(named("synthetic_llr must be finite".to_owned()));
            }
            Ok(())
        })
    }
}

impl ModelCalibration {
    /// The map for a codec.
    #[must_use]
    pub fn map(&self, codec: Option<&str>) -> &Map {
        let of_line = self.lines.iter().find(|line| Some(line.codec.as_str()) == codec);
        of_line.map_or(&self.map, |line| &line.map)
    }

    /// The thresholds at the site, given the manifest's.
    #[must_use]
    pub fn thresholds(&self, of_manifest: &Thresholds) -> Thresholds {
        let synthetic_llr = self.synthetic_llr.unwrap_or(of_manifest.synthetic_llr);
        Thresholds { synthetic_llr, bonafide_llr: of_manifest.bonafide_llr.min(synthetic_llr - 1e-3), ..*of_manifest }
    }

    /// The share of the site's people who score at least as high, counting the leg itself: (1 + how many do) / (1 + all), the
    /// p-value of conformal prediction (Vovk, Gammerman and Shafer, Algorithmic Learning in a Random World, 2005).
    #[must_use]
    pub fn people_above(&self, llr: f64) -> Option<f64> {
        let Reference { n, highest, quantiles, .. } = &self.people;
        if *n == 0 {
            return None;
        }
        let counted = highest.partition_point(|score| *score >= llr);
        let above = if counted < highest.len() || highest.len() == *n {
            counted as f64
        } else {
            let below = quantiles.partition_point(|score| *score < llr) as f64 / quantiles.len() as f64;
            (1.0 - below) * *n as f64
        };
        Some((1.0 + above) / (1.0 + *n as f64))
    }

    /// The threshold for `synthetic` at which, with a confidence of 95 %, at most this share of the site's people is called
    /// synthetic: an order statistic, which asks nothing of the shape of their scores (Wilks, Annals of Mathematical Statistics
    /// 12, 1941).
    ///
    /// # Errors
    /// Words for people when the share is not inside (0, 1), or the people are too few to show it.
    pub fn threshold_for(&self, share: f64) -> std::result::Result<f64, String> {
        self.people.threshold_for(share)
    }
}

impl Reference {
    pub(super) fn of(mut scores: Vec<f64>, n_groups: usize, median_speech_seconds: f64) -> Self {
        scores.sort_unstable_by(f64::total_cmp);
        // Four decimals are more than a score is worth, and keep the file small; the highest are rounded up.
        let quantile = |n: usize| scores.get(n * scores.len().saturating_sub(1) / QUANTILES).copied();
        let quantiles = (0..=QUANTILES).filter_map(quantile).map(|score| (1e4 * score).round() / 1e4).collect();
        let highest = scores.iter().rev().take(KEPT).map(|score| (1e4 * score).ceil() / 1e4).collect();
        Self { n: scores.len(), n_groups, highest, quantiles, median_speech_seconds }
    }

    pub(super) fn threshold_for(&self, share: f64) -> std::result::Result<f64, String> {
        if !(share > 0.0 && share < 1.0) {
            return Err(format!("expected a target of false alarms inside (0, 1), got {share}"));
        }
        let Some(allowed) = exceeding(self.n, share) else {
            let needed = ((1.0 - CONFIDENCE).ln() / (1.0 - share).ln()).ceil();
            return Err(format!(
                "{} legs of people cannot show that at most {} % are called synthetic: that takes {needed:.0}, all of them \
                 below the threshold; the least share that they can show is {:.2} %",
                self.n,
                (1e5 * share).round() / 1e3,
                100.0 * self.least_share()
            ));
        };
        // Just above: a leg at the threshold is synthetic.
        let at = self.highest.get(allowed).copied().or_else(|| {
            let place = (1.0 - allowed as f64 / self.n as f64) * (self.quantiles.len().saturating_sub(1)) as f64;
            self.quantiles.get(place.ceil() as usize).copied()
        });
        at.map(|score| score + 1e-4).ok_or_else(|| "the site's calibration knows no people".to_owned())
    }

    /// The least share that so many legs can show with the confidence.
    pub(super) fn least_share(&self) -> f64 {
        1.0 - (1.0 - CONFIDENCE).powf(1.0 / self.n.max(1) as f64)
    }
}

/// How many of `n` may lie above a threshold that at most `share` of all exceed with the confidence; none where even the
/// highest does not suffice.
fn exceeding(n: usize, share: f64) -> Option<usize> {
    // The binomial distribution from 0 up, in logarithms: `n` may be a million.
    let (log_p, log_q) = (share.ln(), (1.0 - share).ln());
    let (mut log_term, mut sum, mut allowed) = (n as f64 * log_q, 0.0, None);
    for k in 0..n {
        sum += log_term.exp();
        if sum > 1.0 - CONFIDENCE {
            break;
        }
        allowed = Some(k);
        log_term += ((n - k) as f64 / (k + 1) as f64).ln() + log_p - log_q;
    }
    allowed
}

fn digest(body: &serde_json::Value) -> String {
    // Keys are sorted, and spaces none.
    crate::hex::hex(&Sha256::digest(body.to_string().as_bytes()))
}

fn refused(message: &str) -> Error {
    Error::new(ErrorKind::InvalidArgument, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn order_statistics_are_those_of_the_binomial() {
        assert_eq!(exceeding(298, 0.01), None);
        assert_eq!(exceeding(299, 0.01), Some(0));
        // P(Bin(473, 0.01) <= 1) = 0.0498
        assert_eq!(exceeding(473, 0.01), Some(1));
        assert_eq!(exceeding(59, 0.05), Some(0));
        assert_eq!(exceeding(0, 0.05), None);
        assert!(exceeding(1_000_000, 0.01).is_some_and(|n| (9_800..10_000).contains(&n)));
    }

    #[test]
    fn a_target_that_people_cannot_show_says_what_they_can() {
        let people = Reference::of((0..100).map(|n| f64::from(n) / 100.0).collect(), 100, 8.0);
        let words = people.threshold_for(0.01).unwrap_err();
        assert!(words.contains("takes 299") && words.contains("2.95 %"), "{words}");
        assert!((people.threshold_for(0.03).unwrap() - 0.9901).abs() < 1e-9);
    }
}
