//! Models that another manifest names, and where they lie.

use std::path::{Component, Path, PathBuf};

use super::builtin::Builtin;
use crate::error::{Error, ErrorKind, Result};

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

/// An error of a member, with which it was.
pub(crate) fn of_member(which: &str, error: Error) -> Error {
    Error::new(error.kind(), format!("{which}: {error}")).with_source(error)
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
}
