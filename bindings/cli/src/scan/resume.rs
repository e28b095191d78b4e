//! Going on with an interrupted batch: what a JSONL file already holds.

use std::collections::HashSet;
use std::error::Error;
use std::ffi::OsStr;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead, BufReader, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use serde::Deserialize;
use veravox::report::ReportHead;
use veravox::{Decision, Detector};

use super::output::{Output, Part, is_at, lock};
use super::tally::Tally;

/// Every line of ours begins so.
const BEGINNING: &[u8] = b"{\"path\":";

/// As much of a line as tells whose it is and what came of the file.
#[derive(Deserialize)]
struct Line {
    path: String,
    path_bytes: Option<String>,
    #[serde(flatten)]
    head: ReportHead,
    legs: Option<Vec<Leg>>,
    error: Option<Failure>,
}

#[derive(Deserialize)]
struct Leg {
    decision: Decision,
}

#[derive(Deserialize)]
struct Failure {
    message: String,
}

/// The files that a JSONL output has results for: by the bytes of their names, and by where they lie.
#[derive(Default)]
pub struct Done {
    names: HashSet<PathBuf>,
    places: HashSet<PathBuf>,
}

impl Done {
    fn insert(&mut self, path: PathBuf) {
        if let Ok(place) = fs::canonicalize(&path) {
            self.places.insert(place);
        }
        self.names.insert(path);
    }

    pub fn has(&self, path: &Path) -> bool {
        self.names.contains(path) || fs::canonicalize(path).is_ok_and(|place| self.places.contains(&place))
    }
}

/// An output that is gone on with.
pub struct Resumed {
    pub file: File,
    pub done: Done,
    /// What the results in it came to.
    pub tally: Tally,
    pub n_bytes: u64,
}

/// A file of results that a program goes on with by itself. Nobody else writes to it until this is dropped.
pub struct Results {
    output: Output,
    done: Done,
}

impl Results {
    /// Opens a JSONL file to go on with it, or a new one, as `veravox scan --resume` does; failures in it are taken out, to be tried
    /// again.
    ///
    /// # Errors
    /// When a line is no result of this detector, when another program writes to the file, when it cannot be read or written.
    pub fn open(path: &Path, detector: &Detector) -> Result<Self, Box<dyn Error>> {
        let Resumed { file, done, n_bytes, .. } = open(path, detector, true)?;
        Ok(Self { output: Output::Growing { file, path: path.to_owned(), n_whole: n_bytes }, done })
    }

    /// Whether there is a result for this file, by its name or by where it lies.
    #[must_use]
    pub fn has(&self, path: &Path) -> bool {
        self.done.has(path)
    }

    /// Writes a line, without its end, whole or not at all.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn put(&mut self, line: &str) -> io::Result<()> {
        self.output.put(&format!("{line}\n"))
    }
}

/// Opens an output to go on with it, or a new one. A line that was cut off while it was written is removed, and with
/// `retry_failed` those of files that failed. Nothing is changed before every line was looked at.
///
/// One file must not mix results that cannot be compared.
///
/// # Errors
/// When a line is no result, or one of another model or other thresholds; when another program writes to the file; when it cannot
/// be read or written.
pub fn open(output: &Path, detector: &Detector, retry_failed: bool) -> Result<Resumed, Box<dyn Error>> {
    let place = fs::canonicalize(output).unwrap_or_else(|_| output.to_owned());
    let named = |e: io::Error| format!("cannot go on with {}: {e}", output.display());
    let mut file =
        OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&place).map_err(named)?;
    lock(&file, output)?;
    if !is_at(&file, &place) {
        return Err(format!("another veravox has just finished with {}; try again", output.display()).into());
    }
    let found = Found::read(&file, output, detector, retry_failed)?;
    if found.n_dropped > 0 {
        // Whole or not at all, as every other file.
        let mut part = Part::open(&place)?;
        part.file.write_all(&found.kept).map_err(named)?;
        file = part.put_in_place(&place).map_err(named)?;
    } else {
        file.set_len(found.n_whole).map_err(named)?;
        file.seek(SeekFrom::End(0)).map_err(named)?;
    }
    let n_bytes = file.metadata().map_err(named)?.len();
    Ok(Resumed { file, done: found.done, tally: found.tally, n_bytes })
}

/// What stands in the file.
struct Found {
    done: Done,
    tally: Tally,
    /// Bytes of whole lines; the lines that stay, where some do not.
    n_whole: u64,
    kept: Vec<u8>,
    n_dropped: usize,
}

impl Found {
    fn read(file: &File, output: &Path, detector: &Detector, retry_failed: bool) -> Result<Self, Box<dyn Error>> {
        let mut found =
            Self { done: Done::default(), tally: Tally::default(), n_whole: 0, kept: Vec::new(), n_dropped: 0 };
        let mut reader = BufReader::new(file);
        let mut bytes = Vec::new();
        for number in 1.. {
            bytes.clear();
            let n_bytes = reader.read_until(b'\n', &mut bytes)?;
            let no_result = |why: &dyn std::fmt::Display| {
                format!("{} line {number} is no result of veravox scan: {why}; nothing was changed", output.display())
            };
            if n_bytes == 0 {
                break;
            }
            if bytes.last() != Some(&b'\n') {
                // Cut off while it was written, if it was one of ours.
                let n = bytes.len().min(BEGINNING.len());
                if bytes.get(..n) != BEGINNING.get(..n) {
                    return Err(no_result(&"it does not begin like one").into());
                }
                break;
            }
            let line: Line = serde_json::from_slice(&bytes).map_err(|e| no_result(&e))?;
            let is_same = |head: ReportHead| {
                line.head.model == head.model
                    && line.head.calibration == head.calibration
                    && line.head.thresholds == head.thresholds
                    && line.head.schema_version == head.schema_version
            };
            if !detector.report_heads().any(is_same) {
                let words = "was made with another model or other thresholds; write to another file";
                return Err(format!("{} line {number} {words}", output.display()).into());
            }
            found.n_whole += n_bytes as u64;
            if retry_failed && line.error.is_some() {
                found.n_dropped += 1;
                continue;
            }
            if retry_failed {
                found.kept.extend_from_slice(&bytes);
            }
            let decisions = line.legs.unwrap_or_default().into_iter().map(|leg| leg.decision).collect::<Vec<_>>();
            found.tally.count(&line.path, &decisions, line.error.map(|error| error.message));
            found.done.insert(path_of(line.path, line.path_bytes.as_deref()));
        }
        Ok(found)
    }
}

/// The path that a line is about: its bytes, where it is no text.
fn path_of(path: String, bytes: Option<&str>) -> PathBuf {
    let bytes = bytes.and_then(|digits| {
        let pairs = digits.as_bytes().chunks(2).map(|pair| std::str::from_utf8(pair).ok());
        pairs.map(|pair| u8::from_str_radix(pair?, 16).ok()).collect::<Option<Vec<u8>>>()
    });
    match bytes {
        #[cfg(unix)]
        Some(bytes) => <OsStr as std::os::unix::ffi::OsStrExt>::from_bytes(&bytes).into(),
        _ => path.into(),
    }
}
