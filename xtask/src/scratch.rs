//! A folder for the time of a chore.

use std::path::{Path, PathBuf};

use crate::process::{Result, target};

/// A folder that is removed in the end. It lies where builds lie, so that what a killed chore leaves behind is removed by the
/// next one, or by `cargo clean`.
pub struct Scratch(PathBuf);

impl Scratch {
    pub fn new(name: &str) -> Result<Self> {
        let folder = target().with_file_name(name);
        if folder.exists() {
            std::fs::remove_dir_all(&folder).map_err(|e| format!("cannot remove {}: {e}", folder.display()))?;
        }
        std::fs::create_dir_all(&folder).map_err(|e| format!("cannot make {}: {e}", folder.display()))?;
        Ok(Self(folder))
    }

    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // What cannot be removed now is removed by the next run.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
