//! What kind of thing a folder holds: a model, or a whole of several.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::reading::read;
use crate::error::{Error, ErrorKind, Result};

/// Largest manifest that is read.
pub(super) const MAX_MANIFEST_BYTES: u64 = 1 << 20;

/// What a manifest describes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// One model: an ONNX graph. The manifest of one has no `kind`.
    #[default]
    Model,
    /// A first model, and a second that is asked where the first does not know.
    Cascade,
    /// Several models whose llrs are added up.
    Fusion,
}

impl Kind {
    /// The kind that a manifest's text states.
    pub(crate) fn of(manifest: &str) -> Result<Self> {
        // What is no JSON is found out where the rest is read.
        let Ok(mut value) = serde_json::from_str::<serde_json::Value>(manifest) else { return Ok(Self::Model) };
        match value.get_mut("kind").map(serde_json::Value::take) {
            None => Ok(Self::Model),
            Some(kind) => serde_json::from_value(kind)
                .map_err(|e| Error::new(ErrorKind::InvalidManifest, format!("manifest.json: kind: {e}"))),
        }
    }
}

/// What the manifest in a folder describes.
///
/// # Errors
/// Those of reading it, and [`InvalidManifest`](ErrorKind::InvalidManifest) for a kind that there is not.
pub fn kind_of(folder: &Path) -> Result<Kind> {
    Kind::of(&read_manifest(folder)?)
}

/// The text of the manifest in a folder.
pub(crate) fn read_manifest(folder: &Path) -> Result<String> {
    let bytes = read(&folder.join("manifest.json"), "manifest.json", MAX_MANIFEST_BYTES)?;
    String::from_utf8(bytes)
        .map_err(|e| Error::new(ErrorKind::InvalidManifest, "manifest.json is not UTF-8 text").with_source(e))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_manifest_without_a_kind_is_that_of_a_model() {
        assert_eq!(Kind::of("{\"name\": \"x\"}").unwrap(), Kind::Model);
        assert_eq!(Kind::of("{\"kind\": \"cascade\"}").unwrap(), Kind::Cascade);
        assert!(Kind::of("{\"kind\": \"choir\"}").unwrap_err().to_string().contains("choir"));
    }
}
