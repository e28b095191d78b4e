//! Key files: what each trial is.

use std::collections::HashMap;
use std::path::Path;

use serde::Serialize;

use crate::error::{Error, ErrorKind, Result};
use crate::model::manifest::Label;

/// Whose form a key has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum KeyFormat {
    /// `ASVspoof` 2019 LA and PA protocols: speaker, file, environment, attack, label.
    Asvspoof2019,
    /// The score files of `ASVspoof` 2019, which carry their key: file, attack, label, score.
    Asvspoof2019Scores,
    /// `ASVspoof` 2021 LA `trial_metadata.txt`: speaker, file, codec, transmission, attack, label, trim, subset.
    Asvspoof2021La,
    /// `ASVspoof` 2021 DF `trial_metadata.txt`: thirteen fields, with source and vocoder.
    Asvspoof2021Df,
    /// `ASVspoof` 5 protocols: ten fields, parted by spaces or tabs.
    Asvspoof5,
    /// A table with a head: `ASVspoof` 5's `filename cm-label`, MLAAD's and In-the-Wild's `meta.csv`, or one's own `file,label`
    /// with any more columns.
    Table,
}

/// One trial of a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyTrial {
    /// The file, as the key names it.
    pub file: String,
    /// The leg of a file with several, where the key says it (`leg`).
    pub leg: Option<usize>,
    /// What it is.
    pub label: Label,
    /// The line of the key, from 1.
    pub line: usize,
}

/// A column of a key besides file and label: a value for each trial.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    /// Its name: `attack`, `codec`, `speaker` in the field's formats, what the head says in a table.
    pub name: String,
    /// The values that there are.
    pub values: Vec<String>,
    /// For each trial the place of its value in `values`; none where there is none (`-` or empty).
    pub of: Vec<Option<u32>>,
}

/// A key file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    /// What it was read from.
    pub name: String,
    /// Its form.
    pub format: KeyFormat,
    /// The trials, in the order of the file.
    pub trials: Vec<KeyTrial>,
    /// What else it says of them.
    pub columns: Vec<Column>,
}

/// The fields of the formats without a head, by their number. `_` is nothing to group by.
const ASVSPOOF_2019: [&str; 5] = ["speaker", "file", "environment", "attack", "label"];
const ASVSPOOF_2019_SCORES: [&str; 4] = ["file", "attack", "label", "_"];
const ASVSPOOF_2021_LA: [&str; 8] = ["speaker", "file", "codec", "transmission", "attack", "label", "trim", "subset"];
const ASVSPOOF_2021_DF: [&str; 13] = [
    "speaker",
    "file",
    "codec",
    "source",
    "attack",
    "label",
    "trim",
    "subset",
    "vocoder",
    "task",
    "team",
    "gender_pair",
    "language",
];
const ASVSPOOF_5: [&str; 10] =
    ["speaker", "file", "gender", "codec", "codec_quality", "_", "attack", "attack_label", "label", "_"];

/// What heads call the file, from what is most surely one.
const FILE: [&str; 8] = ["file", "filename", "path", "file_name", "utterance", "utt", "trial", "id"];
const LABEL: [&str; 6] = ["label", "cm-label", "cm_label", "key", "target", "class"];

/// The words for a person's voice, and for a machine's.
const BONAFIDE: [&str; 8] = ["bonafide", "bona-fide", "bona_fide", "bona fide", "real", "genuine", "human", "original"];
const SPOOF: [&str; 9] = ["spoof", "spoofed", "fake", "synthetic", "deepfake", "ai", "machine", "generated", "cloned"];

impl Key {
    /// Reads a key file.
    ///
    /// # Errors
    /// [`NotFound`](ErrorKind::NotFound), [`Io`](ErrorKind::Io) and those of [`parse`](Self::parse).
    pub fn read(path: &Path) -> Result<Self> {
        Self::parse(&read_text(path)?, &path.display().to_string())
    }

    /// Reads a key's text; `name` is what messages call it.
    ///
    /// # Errors
    /// [`InvalidArgument`](ErrorKind::InvalidArgument) for a form that is not known, and for a line that does not fit or whose
    /// label is unknown; the message names the line.
    pub fn parse(text: &str, name: &str) -> Result<Self> {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let first = text.lines().map(str::trim).find(|line| !line.is_empty() && !line.starts_with('#'));
        let first = first.ok_or_else(|| invalid(name, None, "the key is empty"))?;
        if let Some(separator) = separator_of_head(first) {
            return table(text, name, separator);
        }
        let n_fields = first.split_whitespace().count();
        let (format, fields): (_, &[&str]) = match n_fields {
            4 => (KeyFormat::Asvspoof2019Scores, &ASVSPOOF_2019_SCORES),
            5 => (KeyFormat::Asvspoof2019, &ASVSPOOF_2019),
            8 => (KeyFormat::Asvspoof2021La, &ASVSPOOF_2021_LA),
            13 => (KeyFormat::Asvspoof2021Df, &ASVSPOOF_2021_DF),
            10 => (KeyFormat::Asvspoof5, &ASVSPOOF_5),
            _ => {
                let message = format!(
                    "not a key that is known: expected 4 or 5 fields (ASVspoof 2019), 8 or 13 (2021 LA, DF), 10 (ASVspoof 5), or a \
                     first line that names columns \"file\" and \"label\", got {n_fields} fields"
                );
                return Err(invalid(name, Some(1), &message));
            }
        };
        let rows = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty() && !line.starts_with('#'));
        let mut builder = Builder::new(name, format, fields.iter().map(|f| (*f).to_owned()).collect());
        for (index, line) in rows {
            let row: Vec<&str> = line.split_whitespace().collect();
            builder.add(&row, index + 1)?;
        }
        builder.key()
    }

    /// The values of a column, by its name.
    #[must_use]
    pub fn column(&self, name: &str) -> Option<&Column> {
        self.columns.iter().find(|column| column.name == name)
    }
}

impl Column {
    /// A column from a value for each trial.
    pub(crate) fn of_values(name: &str, values: impl IntoIterator<Item = Option<String>>) -> Self {
        let mut column = Self { name: name.to_owned(), values: Vec::new(), of: Vec::new() };
        let mut known = HashMap::new();
        for value in values {
            column.push(value.as_deref(), &mut known);
        }
        column
    }

    fn push(&mut self, value: Option<&str>, known: &mut HashMap<String, u32>) {
        let number = value.map(|value| {
            if let Some(number) = known.get(value) {
                return *number;
            }
            let number = self.values.len() as u32;
            self.values.push(value.to_owned());
            known.insert(value.to_owned(), number);
            number
        });
        self.of.push(number);
    }

    /// The value of a trial.
    #[must_use]
    pub fn value(&self, trial: usize) -> Option<&str> {
        let number = self.of.get(trial).copied().flatten()?;
        self.values.get(number as usize).map(String::as_str)
    }
}

/// A file that a user named, as text.
pub(super) fn read_text(path: &Path) -> Result<String> {
    let bytes = std::fs::read(path).map_err(|e| Error::from_io(e, &format!("read {}", path.display())))?;
    String::from_utf8(bytes).map_err(|e| {
        let message = format!("{} is not text: byte {} is no UTF-8", path.display(), e.utf8_error().valid_up_to());
        Error::new(ErrorKind::InvalidArgument, message)
    })
}

pub(super) fn invalid(name: &str, line: Option<usize>, message: &str) -> Error {
    let place = line.map_or_else(|| name.to_owned(), |line| format!("{name} line {line}"));
    Error::new(ErrorKind::InvalidArgument, format!("{place}: {message}"))
}

/// What parts the fields of a head, if the line is one: it names a column for the file and knows no number among its fields.
pub(super) fn separator_of_head(line: &str) -> Option<u8> {
    [b',', b'\t', b'|', b';', b' '].into_iter().find(|separator| {
        let fields: Vec<String> = line.split(char::from(*separator)).map(column_name).collect();
        fields.len() >= 2 && fields.iter().any(|field| FILE.contains(&field.as_str()))
    })
}

/// `Bona Fide ` and `"bona fide"` are the same.
pub(super) fn column_name(field: &str) -> String {
    field.trim().trim_matches('"').to_lowercase().replace(' ', "_")
}

pub(super) fn place(names: &[String], known: &[&str]) -> Option<usize> {
    known.iter().find_map(|known| names.iter().position(|name| name == known))
}

/// A row with its line.
pub(super) type Row = (csv::StringRecord, usize);

/// The names of the columns of a table with a head, and its rows.
pub(super) fn rows_of_table<'a>(
    text: &'a str,
    name: &'a str,
    separator: u8,
) -> Result<(Vec<String>, impl Iterator<Item = Result<Row>> + 'a)> {
    let mut reader =
        csv::ReaderBuilder::new().delimiter(separator).flexible(true).comment(Some(b'#')).from_reader(text.as_bytes());
    let of_csv = move |e: csv::Error| {
        let line = e.position().map(|p| p.line() as usize);
        invalid(name, line, &e.to_string())
    };
    let names = reader.headers().map_err(of_csv)?.iter().map(column_name).collect();
    let rows = reader.into_records().map(move |record| {
        let record = record.map_err(of_csv)?;
        let line = record.position().map_or(0, |p| p.line() as usize);
        Ok((record, line))
    });
    Ok((names, rows))
}

fn table(text: &str, name: &str, separator: u8) -> Result<Key> {
    let (mut names, rows) = rows_of_table(text, name, separator)?;
    let file = place(&names, &FILE);
    let label = place(&names, &LABEL);
    // MLAAD lists synthetic speech alone and has no column that says so.
    let all_spoof =
        label.is_none() && names.iter().any(|n| n == "model_name") && names.iter().any(|n| n == "architecture");
    if label.is_none() && !all_spoof {
        return Err(invalid(name, Some(1), "no column \"label\" beside the file's"));
    }
    for (index, column) in names.iter_mut().enumerate() {
        match index {
            _ if Some(index) == file => "file".clone_into(column),
            _ if Some(index) == label => "label".clone_into(column),
            _ if matches!(column.as_str(), "spk" | "speaker_id" | "speakers") => "speaker".clone_into(column),
            _ if all_spoof && column == "model_name" => "attack".clone_into(column),
            // Words that were said, and names of other files, are nothing to group by.
            _ if matches!(column.as_str(), "transcript" | "text" | "original_file") => "_".clone_into(column),
            _ => {}
        }
    }
    let n_fields = names.len();
    let mut builder = Builder::new(name, KeyFormat::Table, names);
    builder.all_spoof = all_spoof;
    for row in rows {
        let (record, line) = row?;
        if record.len() != n_fields {
            let message = format!("expected {n_fields} fields as in the first line, got {}", record.len());
            return Err(invalid(name, Some(line), &message));
        }
        builder.add(&record.iter().collect::<Vec<_>>(), line)?;
    }
    builder.key()
}

struct Builder {
    key: Key,
    fields: Vec<String>,
    /// For each field the number of its column.
    columns: Vec<Option<usize>>,
    known: Vec<HashMap<String, u32>>,
    all_spoof: bool,
}

impl Builder {
    fn new(name: &str, format: KeyFormat, fields: Vec<String>) -> Self {
        let mut columns = Vec::new();
        let numbers = fields.iter().map(|field| {
            (!matches!(field.as_str(), "file" | "label" | "leg" | "channel" | "_" | "")).then(|| {
                columns.push(Column { name: field.clone(), values: Vec::new(), of: Vec::new() });
                columns.len() - 1
            })
        });
        let numbers: Vec<_> = numbers.collect();
        let known = columns.iter().map(|_| HashMap::new()).collect();
        let key = Key { name: name.to_owned(), format, trials: Vec::new(), columns };
        Self { key, fields, columns: numbers, known, all_spoof: false }
    }

    fn add(&mut self, row: &[&str], line: usize) -> Result<()> {
        if row.len() != self.fields.len() {
            let message = format!("expected {} fields, got {}", self.fields.len(), row.len());
            return Err(invalid(&self.key.name, Some(line), &message));
        }
        let (mut file, mut label, mut leg) = ("", if self.all_spoof { Some(Label::Spoof) } else { None }, None);
        for ((field, column), value) in self.fields.iter().zip(&self.columns).zip(row) {
            let value = value.trim();
            match field.as_str() {
                "file" => file = value,
                "label" => label = Some(label_of(value).ok_or_else(|| unknown(&self.key.name, line, value))?),
                "leg" | "channel" if value.is_empty() => {}
                "leg" | "channel" => {
                    let number = value.parse().map_err(|_| {
                        invalid(
                            &self.key.name,
                            Some(line),
                            &format!("expected the number of a leg, from 0, got {value:?}"),
                        )
                    });
                    leg = Some(number?);
                }
                _ => {
                    let place = column.and_then(|n| Some((self.key.columns.get_mut(n)?, self.known.get_mut(n)?)));
                    if let Some((column, known)) = place {
                        column.push(Some(value).filter(|v| !matches!(*v, "" | "-")), known);
                    }
                }
            }
        }
        let Some(label) = label else { return Err(unknown(&self.key.name, line, "")) };
        if file.is_empty() {
            return Err(invalid(&self.key.name, Some(line), "no file is named"));
        }
        self.key.trials.push(KeyTrial { file: file.to_owned(), leg, label, line });
        Ok(())
    }

    fn key(mut self) -> Result<Key> {
        if self.key.trials.is_empty() {
            return Err(invalid(&self.key.name, None, "the key has no trials"));
        }
        // 2019's attack of a bona fide trial, and the attack label of ASVspoof 5, say "bonafide".
        for column in &mut self.key.columns {
            let no_attack = column.values.iter().position(|value| label_of(value) == Some(Label::Bonafide));
            if column.name.starts_with("attack") && no_attack.is_some() {
                let no_attack = no_attack.map(|n| n as u32);
                column.of.iter_mut().filter(|of| **of == no_attack).for_each(|of| *of = None);
            }
            // A column of one value groups nothing; one of a bona fide trial has none.
        }
        self.key.columns.retain(|column| column.of.iter().any(Option::is_some));
        Ok(self.key)
    }
}

fn unknown(name: &str, line: usize, value: &str) -> Error {
    let message = format!(
        "the label {value:?} is not known; expected bonafide (or {}) or spoof (or {})",
        BONAFIDE[4..].join(", "),
        SPOOF[2..].join(", ")
    );
    invalid(name, Some(line), &message)
}

/// What a label's word stands for. Numbers are refused: 1 is a person in some keys, and a machine in others.
fn label_of(word: &str) -> Option<Label> {
    let word = word.to_lowercase();
    if BONAFIDE.contains(&word.as_str()) {
        Some(Label::Bonafide)
    } else if SPOOF.contains(&word.as_str()) {
        Some(Label::Spoof)
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn first(text: &str) -> (KeyFormat, KeyTrial, Vec<(String, Option<String>)>) {
        let key = Key::parse(text, "key").unwrap();
        let of = key.columns.iter().map(|c| (c.name.clone(), c.value(0).map(str::to_owned))).collect();
        (key.format, key.trials[0].clone(), of)
    }

    #[test]
    fn the_formats_of_the_field_are_read_as_they_are() {
        let (format, trial, columns) = first("LA_0079 LA_T_1138215 - - bonafide\nLA_0079 LA_T_1 - A01 spoof\n");
        assert_eq!(format, KeyFormat::Asvspoof2019);
        assert_eq!((trial.file.as_str(), trial.label, trial.line), ("LA_T_1138215", Label::Bonafide, 1));
        assert_eq!(columns, [("speaker".into(), Some("LA_0079".into())), ("attack".into(), None)]);

        let (format, trial, columns) = first("LA_0009 LA_E_9332881 alaw ita_tx A07 spoof notrim eval\n");
        assert_eq!((format, trial.label), (KeyFormat::Asvspoof2021La, Label::Spoof));
        assert!(columns.contains(&("codec".into(), Some("alaw".into()))));

        let df = "LA_0023 DF_E_2000011 nocodec asvspoof A14 spoof notrim progress traditional_vocoder - - - -\n";
        let (format, _, columns) = first(df);
        assert_eq!(format, KeyFormat::Asvspoof2021Df);
        assert!(columns.contains(&("vocoder".into(), Some("traditional_vocoder".into()))));

        let (format, trial, columns) = first("E_0001 E_0000000001 F C05 2 - AC3 A19 spoof -\n");
        assert_eq!((format, trial.file.as_str()), (KeyFormat::Asvspoof5, "E_0000000001"));
        assert!(columns.contains(&("attack_label".into(), Some("A19".into()))));

        let (format, trial, _) = first("filename\tcm-label\nE_000001\tbonafide\n");
        assert_eq!((format, trial.line), (KeyFormat::Table, 2));

        let (_, trial, columns) = first("file,speaker,label\n0.wav,\"Doe, Jane\",bona-fide\n");
        assert_eq!(trial.label, Label::Bonafide);
        assert_eq!(columns, [("speaker".into(), Some("Doe, Jane".into()))]);

        let mlaad = "path|original_file|language|is_original_language|duration|training_data|model_name|architecture|transcript\n\
                     ./fake/de/x/1.wav|a.wav|de|True|4.5|LJSpeech|glow|glow-tts|Guten Tag\n";
        let (_, trial, columns) = first(mlaad);
        assert_eq!((trial.file.as_str(), trial.label), ("./fake/de/x/1.wav", Label::Spoof));
        assert!(columns.contains(&("attack".into(), Some("glow".into()))));
        assert!(!columns.iter().any(|(name, _)| name == "transcript"));
    }

    #[test]
    fn what_does_not_fit_is_named_with_its_line() {
        for (text, words) in [
            ("", "empty"),
            ("a b c\n", "3 fields"),
            ("LA_0079 LA_T_1 - - bonafide\nLA_0079 LA_T_2 - spoof\n", "line 2: expected 5 fields"),
            ("file,label\na,bonafide\nb,1\n", "line 3: the label \"1\" is not known"),
            ("file,label\na,bonafide\nb\n", "line 3"),
            ("file,label\n,spoof\n", "line 2: no file"),
            ("file,speaker\na,b\n", "no column \"label\""),
            ("file,label,leg\na,spoof,left\n", "the number of a leg"),
            ("file,label\n", "no trials"),
        ] {
            let error = Key::parse(text, "key").unwrap_err().to_string();
            assert!(error.contains(words), "{text:?} gives {error}");
        }
    }
}
