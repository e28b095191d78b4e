//! Score files: what a detector said of each trial.

use std::collections::HashMap;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::key::{column_name, invalid, place, read_text, rows_of_table, separator_of_head};
use crate::error::Result;
use crate::verdict::decide::Reason;
use crate::verdict::report::{FileReport, ModelSummary, Outcome};

/// Which way scores point.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// Higher = synthetic, as everywhere in this library.
    HigherIsSpoof,
    /// Higher = bona fide, as in the score files of `ASVspoof`.
    HigherIsBonafide,
}

/// The score of one file, or of one leg of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Score {
    /// Positive = synthetic; none where the detector gave none.
    pub llr: Option<f64>,
    /// The leg, in a report on a file with legs.
    pub leg: Option<usize>,
    /// The line of the score file, from 1.
    pub line: usize,
    /// Seconds of voice, where a report says it.
    pub speech_seconds: Option<f64>,
    /// Codec, where a report says it.
    pub codec: Option<String>,
    /// The decision, where a report says it.
    pub decision: Option<crate::verdict::decide::Decision>,
    /// Why there is none, where a report says it: reasons, or the error.
    pub reasons: Vec<String>,
    /// The model, where a report says it.
    pub model: Option<ModelSummary>,
    /// Of each window that counts its llr and the share of its speech that none before it held, where a report lists them.
    pub windows: Vec<(f64, f64)>,
}

/// The scores of a detector, by file.
#[derive(Debug, Clone, PartialEq)]
pub struct Scores {
    /// What they were read from.
    pub name: String,
    /// Which way they pointed there. Here they are positive for synthetic.
    pub direction: Direction,
    /// Whether somebody said so, or it is what such files hold.
    pub direction_stated: bool,
    /// Whether the file itself says that they are likelihood ratios.
    pub are_llrs: bool,
    /// The name of the site calibration that the results were made with.
    pub calibrated_by: Option<String>,
    /// The name of the cascade that gave them: scores of two models.
    pub cascade: Option<String>,
    pub(crate) of: HashMap<String, Vec<Score>>,
    /// Files whose name alone stands for them, by their place in the order; none where two share it.
    pub(crate) by_stem: HashMap<String, Option<usize>>,
    /// The files in their order.
    pub(crate) order: Vec<String>,
}

const FILE: [&str; 7] = ["file", "filename", "path", "file_name", "utterance", "utt", "id"];
const SCORE: [&str; 5] = ["llr", "score", "cm-score", "cm_score", "scores"];

impl Scores {
    /// Reads a score file: two columns without a head, `ASVspoof` 2019's four (file, attack, label, score), a table with a
    /// head, or what `veravox scan --jsonl` or `--csv` wrote.
    ///
    /// `direction` says which way its scores point. Without it a column `llr` and results of veravox are higher for synthetic,
    /// anything else higher for bona fide, as the field's score files are.
    ///
    /// # Errors
    /// [`NotFound`](crate::ErrorKind::NotFound), [`Io`](crate::ErrorKind::Io) and those of [`parse`](Self::parse).
    pub fn read(path: &Path, direction: Option<Direction>) -> Result<Self> {
        Self::parse(&read_text(path)?, &path.display().to_string(), direction)
    }

    /// Reads the text of a score file; `name` is what messages call it.
    ///
    /// # Errors
    /// [`InvalidArgument`](crate::ErrorKind::InvalidArgument) for a form that is not known, a score that is no number, and a file
    /// that is scored twice; the message names the line.
    pub fn parse(text: &str, name: &str, direction: Option<Direction>) -> Result<Self> {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let first = text.lines().map(str::trim).find(|line| !line.is_empty());
        let first = first.ok_or_else(|| invalid(name, None, "the score file is empty"))?;
        if first.starts_with('{') {
            return results(text, name);
        }
        if let Some(separator) = separator_of_head(first) {
            return table(text, name, separator, direction);
        }
        let mut scores = Self::new(name, Direction::HigherIsBonafide, direction);
        for (index, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
            let fields: Vec<&str> = line.split([' ', '\t', ',']).filter(|field| !field.is_empty()).collect();
            let (file, value) = match fields.as_slice() {
                [file, value] | [file, _, _, value] => (file, value),
                other => {
                    let message = format!(
                        "expected a file and a score, or file, attack, label and score (ASVspoof 2019), got {} fields",
                        other.len()
                    );
                    return Err(invalid(name, Some(index + 1), &message));
                }
            };
            let value = number(value).map_err(|message| invalid(name, Some(index + 1), &message))?;
            scores.add(file, Score::of_value(Some(value), index + 1))?;
        }
        Ok(scores)
    }

    /// Scores of files, positive for synthetic.
    ///
    /// # Errors
    /// [`InvalidArgument`](crate::ErrorKind::InvalidArgument) for one that is no number, and a file that is scored twice.
    pub fn of_files<'a>(name: &str, scores: impl IntoIterator<Item = (&'a str, f64)>) -> Result<Self> {
        let mut all = Self::new(name, Direction::HigherIsSpoof, Some(Direction::HigherIsSpoof));
        for (index, (file, llr)) in scores.into_iter().enumerate() {
            if llr.is_nan() {
                return Err(invalid(name, None, &format!("the score of {file} is not a number")));
            }
            all.add(file, Score::of_value(Some(llr), index + 1))?;
        }
        Ok(all)
    }

    fn new(name: &str, usual: Direction, stated: Option<Direction>) -> Self {
        Self {
            name: name.to_owned(),
            direction: stated.unwrap_or(usual),
            direction_stated: stated.is_some(),
            are_llrs: false,
            calibrated_by: None,
            cascade: None,
            of: HashMap::new(),
            by_stem: HashMap::new(),
            order: Vec::new(),
        }
    }

    /// How many files have scores.
    #[must_use]
    pub fn len(&self) -> usize {
        self.of.len()
    }

    /// Whether there is no score.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.of.is_empty()
    }

    /// The scores of the legs of a file: by its name as it stands, without the extension of audio, or by its last part where only
    /// one file has that.
    #[must_use]
    pub fn find(&self, file: &str) -> Option<(&str, &[Score])> {
        let exact = normal(file);
        let by_stem = || {
            let place = self.by_stem.get(stem(exact)).copied().flatten()?;
            self.of.get_key_value(self.order.get(place)?)
        };
        let found = self.of.get_key_value(exact).or_else(by_stem);
        found.map(|(key, scores)| (key.as_str(), scores.as_slice()))
    }

    fn add(&mut self, file: &str, mut score: Score) -> Result<()> {
        if self.direction == Direction::HigherIsBonafide {
            score.llr = score.llr.map(|llr| -llr);
        }
        let key = normal(file).to_owned();
        if let Some(known) = self.of.get_mut(&key) {
            if let Some(before) = known.iter().find(|before| before.leg == score.leg) {
                let message = format!("{file} has a score in line {} already", before.line);
                return Err(invalid(&self.name, Some(score.line), &message));
            }
            known.push(score);
            return Ok(());
        }
        let of_stem = self.by_stem.entry(stem(&key).to_owned());
        of_stem.and_modify(|other| *other = None).or_insert(Some(self.order.len()));
        self.order.push(key.clone());
        self.of.insert(key, vec![score]);
        Ok(())
    }
}

impl Score {
    fn of_value(llr: Option<f64>, line: usize) -> Self {
        Self {
            llr,
            leg: None,
            line,
            speech_seconds: None,
            codec: None,
            decision: None,
            reasons: Vec::new(),
            model: None,
            windows: Vec::new(),
        }
    }
}

/// Extensions of audio: `LA_E_1`, `LA_E_1.flac` and `./LA_E_1.wav` are the same trial.
const AUDIO: [&str; 12] =
    [".wav", ".flac", ".mp3", ".ogg", ".m4a", ".aac", ".opus", ".aiff", ".aif", ".caf", ".webm", ".mp4"];

pub(crate) fn normal(file: &str) -> &str {
    let file = file.strip_prefix("./").unwrap_or(file);
    let end = AUDIO.iter().find_map(|extension| {
        let at = file.len().checked_sub(extension.len())?;
        file.get(at..).filter(|end| end.eq_ignore_ascii_case(extension)).map(|_| at)
    });
    end.and_then(|at| file.get(..at)).filter(|stem| !stem.is_empty()).unwrap_or(file)
}

/// The last part of a path.
pub(crate) fn stem(file: &str) -> &str {
    file.rsplit(['/', '\\']).next().unwrap_or(file)
}

fn number(text: &str) -> std::result::Result<f64, String> {
    match text.trim().parse::<f64>() {
        Ok(value) if value.is_nan() => Err("the score is not a number (NaN)".to_owned()),
        Ok(value) => Ok(value),
        Err(_) => Err(format!("expected a score, got {text:?}")),
    }
}

fn table(text: &str, name: &str, separator: u8, direction: Option<Direction>) -> Result<Scores> {
    let (names, rows) = rows_of_table(text, name, separator)?;
    let missing = |what: &str| invalid(name, Some(1), &format!("no column with {what}"));
    let file = place(&names, &FILE).ok_or_else(|| missing("the file"))?;
    let score = place(&names, &SCORE).ok_or_else(|| missing("a score (\"llr\" or \"score\")"))?;
    let leg = place(&names, &["leg", "channel"]);
    let is_llr = names.get(score).is_some_and(|name| column_name(name) == "llr");
    let usual = if is_llr { Direction::HigherIsSpoof } else { Direction::HigherIsBonafide };
    let mut scores = Scores::new(name, usual, direction);
    scores.are_llrs = is_llr;
    for row in rows {
        let (record, line) = row?;
        let field = |at: usize| record.get(at).unwrap_or_default().trim();
        let value = match field(score) {
            // The command's own tables leave out what was not scored.
            "" if is_llr => None,
            text => Some(number(text).map_err(|message| invalid(name, Some(line), &message))?),
        };
        let leg = leg.map(field).filter(|leg| !leg.is_empty()).map(str::parse).transpose();
        let leg = leg.map_err(|_| invalid(name, Some(line), "expected the number of a leg, from 0"))?;
        scores.add(field(file), Score { leg, ..Score::of_value(value, line) })?;
    }
    Ok(scores)
}

/// What `veravox scan --jsonl` wrote.
fn results(text: &str, name: &str) -> Result<Scores> {
    let mut scores = Scores::new(name, Direction::HigherIsSpoof, Some(Direction::HigherIsSpoof));
    scores.are_llrs = true;
    for (index, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        let report: FileReport = serde_json::from_str(line)
            .map_err(|e| invalid(name, Some(index + 1), &format!("no result of veravox scan: {e}")))?;
        match report.outcome {
            Outcome::Scanned(call) => {
                if let Some(site) = &call.head.calibration {
                    scores.calibrated_by = Some(site.name.clone());
                }
                if let Some(cascade) = &call.head.cascade {
                    scores.cascade = Some(cascade.name.clone());
                }
                for leg in call.legs {
                    let counted = leg
                        .windows
                        .iter()
                        .filter(|window| !window.reason.is_some_and(|reason| reason != Reason::Uncalibrated));
                    let score = Score {
                        leg: Some(leg.leg),
                        speech_seconds: Some(leg.speech_seconds),
                        codec: Some(call.audio.codec.clone()),
                        decision: Some(leg.decision),
                        reasons: leg.reasons.iter().map(|reason| reason.as_str().to_owned()).collect(),
                        model: Some(call.head.model.clone()),
                        windows: counted.map(|window| (window.llr, window.fresh_share)).collect(),
                        ..Score::of_value(leg.llr, index + 1)
                    };
                    scores.add(&report.path, score)?;
                }
            }
            Outcome::Failed(failure) => {
                let score = Score { reasons: vec![failure.error.kind], ..Score::of_value(None, index + 1) };
                scores.add(&report.path, score)?;
            }
        }
    }
    Ok(scores)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_direction_is_that_of_the_format_unless_stated() {
        let llr = |text: &str, direction| Scores::parse(text, "scores", direction).unwrap().find("a").unwrap().1[0].llr;
        assert_eq!(llr("a 2.5\n", None), Some(-2.5));
        assert_eq!(llr("a - bonafide 2.5\n", None), Some(-2.5));
        assert_eq!(llr("filename\tcm-score\na\t2.5\n", None), Some(-2.5));
        assert_eq!(llr("file,llr\na,2.5\n", None), Some(2.5));
        assert_eq!(llr("a 2.5\n", Some(Direction::HigherIsSpoof)), Some(2.5));
        assert_eq!(llr("path,leg,llr\na.wav,0,\n", None), None);
    }

    #[test]
    fn files_are_found_by_whole_name_or_by_a_last_part_of_their_own() {
        let scores = Scores::parse("x/a.wav 1\nx/b.wav 2\ny/b.wav 3\n", "scores", None).unwrap();
        assert!(scores.find("a").is_some() && scores.find("./x/b.flac").is_some());
        assert!(scores.find("b").is_none(), "two files have this name");
        assert!(scores.find("z/a.wav").is_some(), "another folder holds it here");
    }

    #[test]
    fn what_does_not_fit_is_named_with_its_line() {
        for (text, words) in [
            ("", "empty"),
            ("a 1\nb nan\n", "line 2: the score is not a number"),
            ("a 1\nb x\n", "line 2: expected a score"),
            ("a 1\nb 2\na 3\n", "line 3: a has a score in line 1"),
            ("a 1 2\n", "line 1"),
            ("file,llr\na,1\nb,much\n", "line 3: expected a score"),
            ("file,points\na,1\n", "no column with a score"),
            ("{\"path\": 3}\n", "line 1: no result of veravox scan"),
        ] {
            let error = Scores::parse(text, "scores", None).unwrap_err().to_string();
            assert!(error.contains(words), "{text:?} gives {error}");
        }
    }
}
