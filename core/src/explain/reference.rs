//! How people and machines of the reference score: measured on the corpus by `models/training/reference.py`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::model::manifest::{Input, Manifest};

/// Quantiles of a measure: the 5th, 25th, 50th, 75th and 95th of a hundred.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Range {
    /// Of people.
    pub people: [f64; 5],
    /// Of machines.
    pub machines: [f64; 5],
}

/// The reference of a model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reference {
    /// The name of the model, its version and the hash of its ONNX file. Ranges of evidence hold for it alone.
    pub model: String,
    /// Its version.
    pub version: String,
    /// SHA-256 of its ONNX file.
    pub sha256: String,
    /// The hash of the manifest's `input`: the mean person holds wherever this is the same.
    pub input_sha256: String,
    /// Clips of people that it was measured on.
    pub n_people: usize,
    /// Clips of machines.
    pub n_machines: usize,
    /// The mean of each feature over windows of people.
    pub mean: Vec<f32>,
    /// Signal measures, by their name.
    pub signal: BTreeMap<String, Range>,
    /// Evidence by family of statistics.
    pub families: BTreeMap<String, Range>,
    /// Evidence by band, named by its edges.
    pub bands: BTreeMap<String, Range>,
}

const PHONE: &str = include_str!("../../reference/phone.json");
const WIDE: &str = include_str!("../../reference/wide.json");

/// The reference of a model that comes with the library; none for others. Of another version of the model only what still
/// holds is in it.
#[must_use]
pub fn reference_of(manifest: &Manifest) -> Option<Reference> {
    let text = match manifest.name.as_str() {
        "phone" => PHONE,
        "wide" => WIDE,
        _ => return None,
    };
    let mut reference: Reference = serde_json::from_str(text).ok()?;
    if reference.input_sha256 != input_sha256(&manifest.input) {
        return None;
    }
    if reference.sha256 != manifest.onnx.sha256 {
        reference.families.clear();
        reference.bands.clear();
    }
    Some(reference)
}

/// What tells whether features are the same.
pub(super) fn input_sha256(input: &Input) -> String {
    let text = serde_json::to_value(input).map(|value| value.to_string()).unwrap_or_default();
    crate::hex::hex(&Sha256::digest(text.as_bytes()))
}
