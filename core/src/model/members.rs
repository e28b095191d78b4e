//! Manifests that name other models: what kind a folder is of, and where its members lie.

use std::path::{Component, Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::builtin::Builtin;
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
    let bytes = super::check::read(&folder.join("manifest.json"), "manifest.json", MAX_MANIFEST_BYTES)?;
    String::from_utf8(bytes)
        .map_err(|e| Error::new(ErrorKind::InvalidManifest, "manifest.json is not UTF-8 text").with_source(e))
}

/// A model that another manifest names.
pub(crate) enum Member {
    Builtin(Builtin),
    Folder(PathBuf),
}

impl Member {
    /// `named` is the name of a built-in model, or a folder beside the manifest's own, `../NAME`, or inside of it, `NAME`. A
    /// manifest comes from somebody else: it names no folder elsewhere.
    pub fn find(folder: &Path, named: &str, field: &str) -> Result<Self> {
        if let Some(builtin) = Builtin::named(named) {
            return Ok(Self::Builtin(builtin));
        }
        let path = Path::new(named);
        let parts: Vec<Component<'_>> = path.components().collect();
        if matches!(parts.as_slice(), [Component::Normal(_)] | [Component::ParentDir, Component::Normal(_)]) {
            // A folder named `.` has no parent by its text.
            let folder = folder.canonicalize().map_err(|e| Error::from_io(e, "find the model's folder"))?;
            return Ok(Self::Folder(folder.join(path)));
        }
        let known = Builtin::names();
        Err(Error::new(
            ErrorKind::InvalidManifest,
            format!(
                "{field} must be {known}, a folder inside the manifest's own (NAME) or one beside it (../NAME), is {named:?}"
            ),
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_lie_beside_or_inside_and_nowhere_else() {
        let here = tempfile::tempdir().unwrap();
        let found = |named: &str| Member::find(here.path(), named, "second");
        assert!(matches!(found("phone"), Ok(Member::Builtin(_))));
        for good in ["aasist", "../aasist"] {
            assert!(matches!(found(good), Ok(Member::Folder(path)) if path.ends_with("aasist")), "{good}");
        }
        for bad in ["", "/etc", "../../etc", "a/b", "..", ".", "../a/b"] {
            let error = found(bad).err().unwrap();
            assert_eq!(error.kind(), ErrorKind::InvalidManifest, "{bad}");
            assert!(error.to_string().contains("second must be phone, wide"), "{error}");
        }
    }

    #[test]
    fn a_manifest_without_a_kind_is_that_of_a_model() {
        assert_eq!(Kind::of("{\"name\": \"x\"}").unwrap(), Kind::Model);
        assert_eq!(Kind::of("{\"kind\": \"cascade\"}").unwrap(), Kind::Cascade);
        assert!(Kind::of("{\"kind\": \"choir\"}").unwrap_err().to_string().contains("choir"));
    }
}
