//! Reading the files of a model, within limits.

use std::path::Path;

use crate::error::{Error, ErrorKind, Result};

pub(super) fn read(path: &Path, name: &str, max_bytes: u64) -> Result<Vec<u8>> {
    let what = format!("read {name}");
    let metadata = std::fs::metadata(path).map_err(|e| Error::from_io(e, &what))?;
    if !metadata.is_file() {
        return Err(Error::new(ErrorKind::InvalidManifest, format!("expected {name} to be a file")));
    }
    if metadata.len() > max_bytes {
        let message = format!("expected {name} to have at most {max_bytes} bytes, it has {}", metadata.len());
        return Err(Error::new(ErrorKind::LimitExceeded, message));
    }
    std::fs::read(path).map_err(|e| Error::from_io(e, &what))
}
