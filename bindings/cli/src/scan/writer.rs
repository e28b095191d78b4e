//! Results in the form that was asked for.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;
use veravox::report::{FileReport, Outcome};

use super::human;
use crate::args::Scan;

/// Where results go. A file other than JSONL appears whole or not at all; JSONL grows line by line, to be resumed.
enum Target {
    Stdout,
    Growing(File),
    Whole { temporary: NamedTempFile, path: PathBuf },
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    Human,
    Json,
    Jsonl,
    Csv,
}

pub struct Writer {
    form: Form,
    target: Target,
    n_written: usize,
}

impl Writer {
    pub fn open(arguments: &Scan) -> Result<Self, Box<dyn std::error::Error>> {
        let form = match &arguments.format {
            f if f.json => Form::Json,
            f if f.jsonl => Form::Jsonl,
            f if f.csv => Form::Csv,
            _ => Form::Human,
        };
        let target = match &arguments.output {
            None => Target::Stdout,
            Some(path) if form == Form::Jsonl => Target::Growing(open_growing(path, arguments.resume)?),
            Some(path) => {
                let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
                let temporary = NamedTempFile::new_in(folder)
                    .map_err(|e| format!("cannot write to {}: {}", folder.display(), e.kind()))?;
                Target::Whole { temporary, path: path.clone() }
            }
        };
        Ok(Self { form, target, n_written: 0 })
    }

    pub fn write(&mut self, report: &FileReport) -> io::Result<()> {
        let first = self.n_written == 0;
        self.n_written += 1;
        let text = match self.form {
            Form::Human => human::render(report),
            Form::Json => format!("{}{}", if first { "[\n" } else { ",\n" }, serde_json::to_string_pretty(report)?),
            Form::Jsonl => serde_json::to_string(report)? + "\n",
            Form::Csv => csv_rows(report, first)?,
        };
        self.put(text.as_bytes())
    }

    /// Ends the results. An interrupted file is not put in its place.
    pub fn close(mut self, interrupted: bool) -> io::Result<()> {
        if self.form == Form::Json {
            let end = if self.n_written == 0 { "[]\n" } else { "\n]\n" };
            self.put(end.as_bytes())?;
        }
        if let Target::Whole { temporary, path } = self.target
            && !interrupted
        {
            temporary.as_file().sync_all()?;
            temporary.persist(path).map_err(|e| e.error)?;
        }
        Ok(())
    }

    fn put(&mut self, bytes: &[u8]) -> io::Result<()> {
        match &mut self.target {
            Target::Stdout => {
                let mut out = anstream::stdout().lock();
                out.write_all(bytes)?;
                out.flush()
            }
            Target::Growing(file) => file.write_all(bytes),
            // Colours are for terminals.
            Target::Whole { temporary, .. } => anstream::StripStream::new(temporary.as_file_mut()).write_all(bytes),
        }
    }
}

fn open_growing(path: &Path, resume: bool) -> Result<File, String> {
    let mut options = OpenOptions::new();
    if resume {
        options.append(true).create(true)
    } else {
        options.write(true).create_new(true)
    };
    options.open(path).map_err(|e| match e.kind() {
        io::ErrorKind::AlreadyExists => {
            format!("{} exists; go on with it by --resume, or remove it", path.display())
        }
        other => format!("cannot write {}: {other}", path.display()),
    })
}

const CSV_COLUMNS: [&str; 17] = [
    "path",
    "schema_version",
    "model",
    "model_version",
    "model_sha256",
    "runtime",
    "leg",
    "decision",
    "llr",
    "probability",
    "speech_seconds",
    "duration_seconds",
    "reasons",
    "n_windows",
    "segments",
    "error_kind",
    "error_message",
];

/// A row for each leg, or one with the error. Segments are `start-end` in seconds, parted by spaces.
fn csv_rows(report: &FileReport, with_header: bool) -> io::Result<String> {
    let mut table = csv::Writer::from_writer(Vec::new());
    if with_header {
        table.write_record(CSV_COLUMNS)?;
    }
    let head = match &report.outcome {
        Outcome::Scanned(call) => &call.head,
        Outcome::Failed(failure) => &failure.head,
    };
    let start = [
        safe_cell(&report.path),
        head.schema_version.to_string(),
        head.model.name.clone(),
        head.model.version.clone(),
        head.model.sha256.clone(),
        head.runtime.clone(),
    ];
    let number = |value: Option<f64>| value.map_or_else(String::new, |v| format!("{v:.6}"));
    match &report.outcome {
        Outcome::Scanned(call) => {
            for leg in &call.legs {
                let reasons: Vec<_> = leg.reasons.iter().map(|r| r.as_str()).collect();
                let segments: Vec<_> =
                    leg.segments.iter().map(|s| format!("{:.2}-{:.2}", s.start_seconds, s.end_seconds)).collect();
                let rest = [
                    leg.leg.to_string(),
                    leg.decision.to_string(),
                    number(leg.llr),
                    number(leg.probability),
                    format!("{:.3}", leg.speech_seconds),
                    format!("{:.3}", call.audio.duration_seconds),
                    reasons.join(" "),
                    leg.windows.len().to_string(),
                    segments.join(" "),
                    String::new(),
                    String::new(),
                ];
                table.write_record(start.iter().chain(&rest))?;
            }
        }
        Outcome::Failed(failure) => {
            let error = [failure.error.kind.clone(), safe_cell(&failure.error.message)];
            let empty = vec![String::new(); CSV_COLUMNS.len() - start.len() - error.len()];
            table.write_record(start.iter().chain(&empty).chain(&error))?;
        }
    }
    let bytes = table.into_inner().map_err(|e| io::Error::other(e.to_string()))?;
    String::from_utf8(bytes).map_err(io::Error::other)
}

/// A spreadsheet must not run a file's name as a formula.
fn safe_cell(text: &str) -> String {
    if text.starts_with(['=', '+', '-', '@', '\t', '\r']) { format!("'{text}") } else { text.to_owned() }
}
