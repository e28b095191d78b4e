//! A file that is there whole or not at all.

use std::io::Write as _;
use std::path::Path;

use tempfile::NamedTempFile;

/// Writes a file in one step: what was there stays until all of the new one is.
pub fn save(path: &Path, bytes: &[u8]) -> Result<(), String> {
    let named = |error: std::io::Error| format!("cannot write {}: {error}", path.display());
    // A device or a pipe is written to; there is nothing to put in its place.
    if path.exists() && !path.is_file() {
        return std::fs::write(path, bytes).map_err(named);
    }
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut builder = tempfile::Builder::new();
    // As the umask has it, like any file that a program makes.
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    let mut temporary: NamedTempFile = builder.tempfile_in(folder).map_err(named)?;
    temporary.write_all(bytes).map_err(named)?;
    temporary.as_file().sync_all().map_err(named)?;
    temporary.persist(path).map_err(|e| named(e.error))?;
    Ok(())
}
