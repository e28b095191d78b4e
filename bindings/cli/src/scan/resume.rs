//! Going on with an interrupted batch: what a JSONL file already holds.

use std::collections::HashSet;
use std::error::Error;
use std::fs::OpenOptions;
use std::io::{BufRead, BufReader};
use std::path::Path;

use serde::Deserialize;
use veravox::Detector;
use veravox::report::ReportHead;

/// As much of a line as tells whose it is.
#[derive(Deserialize)]
struct Line {
    path: String,
    #[serde(flatten)]
    head: ReportHead,
    /// What could not be opened has none.
    audio: Option<Audio>,
}

#[derive(Deserialize)]
struct Audio {
    sample_rate_hz: u32,
}

/// The paths that the file has lines for, failed ones too. A line that was cut off while it was written is removed.
///
/// One file must not mix results that cannot be compared.
///
/// # Errors
/// When a line is no result, or one of another model or other thresholds, and when the file cannot be read.
pub fn done(output: &Path, detector: &Detector) -> Result<HashSet<String>, Box<dyn Error>> {
    let mut paths = HashSet::new();
    if !output.exists() {
        return Ok(paths);
    }
    let file = OpenOptions::new().read(true).write(true).open(output)?;
    let mut reader = BufReader::new(&file);
    let (mut text, mut whole_bytes) = (String::new(), 0_u64);
    for number in 1.. {
        text.clear();
        let n_bytes = reader.read_line(&mut text)?;
        if n_bytes == 0 || !text.ends_with('\n') {
            break;
        }
        let line: Line = serde_json::from_str(&text)
            .map_err(|e| format!("{} line {number} is no result of veravox scan: {e}", output.display()))?;
        let head = detector.report_head(line.audio.map_or(0, |audio| audio.sample_rate_hz));
        let same = line.head.model == head.model
            && line.head.calibration == head.calibration
            && line.head.thresholds == head.thresholds
            && line.head.schema_version == head.schema_version;
        if !same {
            let words = "was made with another model or other thresholds; write to another file";
            return Err(format!("{} line {number} {words}", output.display()).into());
        }
        paths.insert(line.path);
        whole_bytes += n_bytes as u64;
    }
    file.set_len(whole_bytes)?;
    Ok(paths)
}
