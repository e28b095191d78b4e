//! Results in the form that was asked for.

use std::io;

use veravox::report::{FileReport, ModelSummary, Outcome};

use super::human;
use super::output::Output;
use crate::args::OutputFormat;

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Form {
    Human,
    Json,
    Jsonl,
    Csv,
}

impl Form {
    pub fn of(format: &OutputFormat) -> Self {
        match format {
            f if f.json => Self::Json,
            f if f.jsonl => Self::Jsonl,
            f if f.csv => Self::Csv,
            _ => Self::Human,
        }
    }
}

pub struct Writer {
    form: Form,
    output: Output,
    n_written: usize,
}

impl Writer {
    pub fn new(form: Form, output: Output) -> Self {
        Self { form, output, n_written: 0 }
    }

    pub fn write(&mut self, report: &FileReport) -> io::Result<()> {
        let first = self.n_written == 0;
        self.n_written += 1;
        let text = self.text(report, first)?;
        self.output.put(&text)
    }

    fn text(&self, report: &FileReport, first: bool) -> io::Result<String> {
        Ok(match self.form {
            Form::Human => human::render(report),
            Form::Json => format!("{}{}", if first { "[\n" } else { ",\n" }, serde_json::to_string_pretty(report)?),
            Form::Jsonl => serde_json::to_string(report)? + "\n",
            Form::Csv => csv_rows(report, first)?,
        })
    }

    /// Ends the results; says in words what became of them.
    pub fn close(mut self, interrupted: bool) -> Result<String, String> {
        if self.form == Form::Json {
            self.output.put(if self.n_written == 0 { "[]\n" } else { "\n]\n" }).map_err(|e| e.to_string())?;
        }
        self.output.close(interrupted)
    }
}

const CSV_COLUMNS: [&str; 18] = [
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
    "notes",
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
    let start = |model: &ModelSummary| {
        [
            safe_cell(&report.path),
            head.schema_version.to_string(),
            model.name.clone(),
            model.version.clone(),
            model.sha256.clone(),
            head.runtime.clone(),
        ]
    };
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
                    safe_cell(
                        &call.warnings.iter().chain(&leg.notes).map(String::as_str).collect::<Vec<_>>().join("; "),
                    ),
                ];
                let model = leg.model.as_ref().map_or(&head.model, |model| &model.summary);
                table.write_record(start(model).iter().chain(&rest))?;
            }
        }
        Outcome::Failed(failure) => {
            let error = [failure.error.kind.clone(), safe_cell(&failure.error.message), String::new()];
            let start = start(&head.model);
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
