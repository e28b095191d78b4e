//! Which files to scan.

use std::io;
use std::path::{Path, PathBuf};

use veravox::ErrorKind;
use veravox::decode::{NamedKind, extension_kind};
use veravox::report::ErrorReport;
use walkdir::WalkDir;

/// Standard input, among the files to scan; a file of this name is written `./-`.
pub const STANDARD_INPUT: &str = "-";

/// A file to scan.
pub struct AudioFile {
    pub path: PathBuf,
    pub n_bytes: u64,
}

/// What was found under the paths given.
pub struct Found {
    pub files: Vec<AudioFile>,
    /// Folders and links that could not be followed, with the reason.
    pub unreadable: Vec<(PathBuf, ErrorReport)>,
    /// Files in folders that are no audio by their name.
    pub n_passed_over: usize,
}

pub fn find(paths: &[PathBuf], raw: bool) -> Found {
    let mut found = Found { files: Vec::new(), unreadable: Vec::new(), n_passed_over: 0 };
    for path in paths {
        if path.is_dir() && path != Path::new(STANDARD_INPUT) {
            walk(path, raw, &mut found);
        } else {
            // Whatever is wrong with it, the scan will say.
            found.files.push(AudioFile::new(path.clone()));
        }
    }
    found
}

fn walk(folder: &Path, raw: bool, found: &mut Found) {
    // Links are followed, since archives are often made of them; a link back up is reported and not followed.
    for entry in WalkDir::new(folder).follow_links(true).sort_by_file_name() {
        match entry {
            Ok(entry) if entry.file_type().is_dir() => {}
            // Recordings of kinds that are not read are tried like the others, so that each has a line that says why there is
            // no verdict on it.
            Ok(entry) if kind_by_name(entry.path()).is_some_and(|kind| raw || kind != NamedKind::Unsaid) => {
                found.files.push(AudioFile::new(entry.into_path()));
            }
            Ok(_) => found.n_passed_over += 1,
            Err(error) => {
                let path = error.path().unwrap_or(folder).to_owned();
                found.unreadable.push((path, explain(&error)));
            }
        }
    }
}

fn explain(error: &walkdir::Error) -> ErrorReport {
    let (kind, message) = match (error.loop_ancestor(), error.io_error().map(io::Error::kind)) {
        (Some(ancestor), _) => {
            (ErrorKind::InvalidArgument, format!("a link back to {}, not followed", ancestor.display()))
        }
        (None, Some(io::ErrorKind::NotFound)) => (ErrorKind::NotFound, "a link to nothing".to_owned()),
        (None, Some(io::ErrorKind::PermissionDenied)) => {
            (ErrorKind::PermissionDenied, "cannot read: permission denied".to_owned())
        }
        (None, other) => {
            (ErrorKind::Io, format!("cannot read{}", other.map_or_else(String::new, |kind| format!(": {kind}"))))
        }
    };
    ErrorReport { kind: kind.as_str().to_owned(), message }
}

/// Whether a file has the name of a recording.
pub fn is_recording_by_name(path: &Path) -> bool {
    kind_by_name(path).is_some()
}

fn kind_by_name(path: &Path) -> Option<NamedKind> {
    extension_kind(path.extension()?.to_str()?)
}

impl AudioFile {
    fn new(path: PathBuf) -> Self {
        let n_bytes = std::fs::metadata(&path).map_or(0, |m| m.len());
        Self { path, n_bytes }
    }
}
