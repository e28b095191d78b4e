//! Which files to scan.

use std::io;
use std::path::{Path, PathBuf};

use veravox::ErrorKind;
use veravox::report::ErrorReport;
use walkdir::WalkDir;

/// Extensions of audio files in folders. A file that the user names is tried whatever it is called.
const AUDIO: [&str; 20] = [
    "wav", "wave", "flac", "mp3", "mp2", "mp1", "m4a", "m4b", "mp4", "aac", "ogg", "oga", "aif", "aiff", "aifc", "caf",
    "mka", "webm", "pcap", "pcapng",
];
/// Extensions of headerless audio, looked for when the user says what it is.
const RAW: [&str; 10] = ["raw", "pcm", "ul", "al", "ulaw", "alaw", "mulaw", "sln", "s16", "g711"];
/// Extensions of call recordings that are not read, or not without being told how. In a folder they are tried like the others, so
/// that each has a line that says why there is no verdict on it.
const CALLS: [&str; 40] = [
    "gsm", "opus", "amr", "awb", "au", "snd", "3gp", "3g2", "3ga", "w64", "rf64", "bw64", "g722", "g723", "g726",
    "g729", "spx", "ilbc", "lbc", "vox", "wma", "ra", "voc", "sph", "silk", "ul", "ulaw", "mulaw", "mu", "pcmu", "al",
    "alaw", "pcma", "g711", "g711u", "g711a", "sln", "slin", "sln16", "sln48",
];

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
            Ok(entry)
                if has_extension(entry.path(), &AUDIO)
                    || has_extension(entry.path(), &CALLS)
                    || raw && has_extension(entry.path(), &RAW) =>
            {
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
    [AUDIO.as_slice(), &RAW, &CALLS].iter().any(|known| has_extension(path, known))
}

fn has_extension(path: &Path, known: &[&str]) -> bool {
    let extension = path.extension().and_then(|e| e.to_str()).unwrap_or_default();
    known.iter().any(|k| extension.eq_ignore_ascii_case(k))
}

impl AudioFile {
    fn new(path: PathBuf) -> Self {
        let n_bytes = std::fs::metadata(&path).map_or(0, |m| m.len());
        Self { path, n_bytes }
    }
}
