//! Key and scores together: the trials, and whatever does not fit.

use std::collections::{BTreeSet, HashMap, HashSet};

use serde::Serialize;

use super::key::{Column, Key, KeyFormat, invalid};
use super::scores::{Direction, Scores, normal, stem};
use crate::error::Result;
use crate::model::manifest::Label;

/// A kind of what does not fit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ProblemKind {
    /// The key has the trial, the scores have not. It is left out.
    KeyWithoutScore,
    /// The scores have it, the key has not. It is left out.
    ScoreWithoutKey,
    /// The key has the same trial twice, with the same label. It counts once.
    DuplicateTrial,
    /// The file has several legs and the key does not say which. It is left out.
    WhichLeg,
    /// The detector gave no score: too little speech, or a file that could not be read.
    NoScore,
}

/// What does not fit: one line for each.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// What kind it is.
    pub kind: ProblemKind,
    /// The file.
    pub file: String,
    /// Key or score file, and the line.
    pub place: String,
}

/// A trial with its score.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Trial {
    /// What it is.
    pub label: Label,
    /// Positive = synthetic; 0, undecided, where the detector gave none.
    pub llr: f64,
    /// Whether the detector gave a score.
    pub scored: bool,
}

/// The trials of one or several keys with their scores.
#[derive(Debug, Clone, PartialEq)]
pub struct Trials {
    /// The keys' names and forms.
    pub keys: Vec<(String, KeyFormat)>,
    /// The score file's name.
    pub scores: String,
    /// Which way the scores pointed there, and whether somebody said so.
    pub direction: Direction,
    /// Whether the direction was stated, rather than what such files usually have.
    pub direction_stated: bool,
    /// Whether the scores are natural-log likelihood ratios by what the file says of itself.
    pub are_llrs: bool,
    /// The trials.
    pub trials: Vec<Trial>,
    /// What else is known of them: the columns of the keys, and speech and codec where a scan told.
    pub columns: Vec<Column>,
    /// What does not fit.
    pub problems: Vec<Problem>,
}

/// Bounds of the groups by seconds of speech.
const SPEECH_SECONDS: [(f64, &str); 5] =
    [(2.0, "0 to 2 s"), (4.0, "2 to 4 s"), (10.0, "4 to 10 s"), (30.0, "10 to 30 s"), (f64::INFINITY, "30 s and more")];

impl Trials {
    /// Joins keys and scores.
    ///
    /// # Errors
    /// [`InvalidArgument`](crate::ErrorKind::InvalidArgument) when a trial has two labels, when no trial has a score, or when
    /// only one class is left.
    pub fn join(keys: &[Key], scores: &Scores) -> Result<Self> {
        let names = keys.iter().map(|key| (key.name.clone(), key.format)).collect();
        let mut joined = Self {
            keys: names,
            scores: scores.name.clone(),
            direction: scores.direction,
            direction_stated: scores.direction_stated,
            are_llrs: scores.are_llrs,
            trials: Vec::new(),
            columns: Vec::new(),
            problems: Vec::new(),
        };
        let mut seen: HashMap<(&str, Option<usize>), (Label, &str, usize)> = HashMap::new();
        let mut used = HashSet::new();
        let (mut from, mut heard) = (Vec::new(), Vec::new());
        for (number, key) in keys.iter().enumerate() {
            for (index, trial) in key.trials.iter().enumerate() {
                let mut problem = |kind| {
                    let place = format!("{} line {}", key.name, trial.line);
                    joined.problems.push(Problem { kind, file: trial.file.clone(), place });
                };
                let place = (trial.label, key.name.as_str(), trial.line);
                if let Some((label, name, line)) = seen.insert((normal(&trial.file), trial.leg), place) {
                    if label != trial.label {
                        let (here, there) = (trial.label.as_str(), label.as_str());
                        let message = format!("{} is {here} here and {there} in {name} line {line}", trial.file);
                        return Err(invalid(&key.name, Some(trial.line), &message));
                    }
                    problem(ProblemKind::DuplicateTrial);
                    continue;
                }
                let Some((file, of_file)) = scores.find(&trial.file) else {
                    problem(ProblemKind::KeyWithoutScore);
                    continue;
                };
                used.insert(file);
                let score = match (trial.leg, of_file) {
                    (Some(leg), _) => of_file.iter().find(|score| score.leg == Some(leg) || score.leg.is_none()),
                    (None, [one]) => Some(one),
                    (None, _) => {
                        problem(ProblemKind::WhichLeg);
                        continue;
                    }
                };
                let Some(score) = score else {
                    problem(ProblemKind::KeyWithoutScore);
                    continue;
                };
                if score.llr.is_none() {
                    problem(ProblemKind::NoScore);
                }
                let (llr, scored) = (score.llr.unwrap_or(0.0), score.llr.is_some());
                joined.trials.push(Trial { label: trial.label, llr, scored });
                from.push((number, index));
                heard.push((score.speech_seconds, score.codec.clone()));
            }
        }
        for file in scores.order.iter().filter(|file| !used.contains(file.as_str())) {
            let line = scores.of.get(file).and_then(|of| of.first()).map_or(0, |score| score.line);
            let place = format!("{} line {line}", scores.name);
            joined.problems.push(Problem { kind: ProblemKind::ScoreWithoutKey, file: file.clone(), place });
        }
        joined.problems.sort_by_key(|problem| problem.kind);
        joined.check(scores)?;
        joined.columns = columns(keys, &from);
        joined.add_heard(&heard);
        Ok(joined)
    }

    fn check(&self, scores: &Scores) -> Result<()> {
        let n = |label| self.trials.iter().filter(|trial| trial.label == label).count();
        let of_kind = |kind| self.problems.iter().filter(move |problem| problem.kind == kind);
        let example = |kind| of_kind(kind).next().map(|p| p.file.as_str()).unwrap_or_default();
        // Whoever labels a call of two parties as one file wonders where it is.
        let which_leg = match of_kind(ProblemKind::WhichLeg).count() {
            0 => String::new(),
            n => format!(
                "; {n} of the key's files have several legs and the key does not say which it means (column \"leg\", from 0), \
                 as {:?}",
                example(ProblemKind::WhichLeg)
            ),
        };
        if self.trials.is_empty() && of_kind(ProblemKind::KeyWithoutScore).next().is_none() && !which_leg.is_empty() {
            return Err(invalid(&scores.name, None, &format!("no trial of the key has a score{which_leg}")));
        }
        if self.trials.is_empty() {
            let message = format!(
                "no trial of the key has a score: the key has {:?}, the scores have {:?}{which_leg}",
                example(ProblemKind::KeyWithoutScore),
                example(ProblemKind::ScoreWithoutKey)
            );
            return Err(invalid(&scores.name, None, &message));
        }
        let only = match (n(Label::Bonafide), n(Label::Spoof)) {
            (0, n) => format!("all {n} trials are spoof"),
            (n, 0) => format!("all {n} trials are bonafide"),
            _ => return Ok(()),
        };
        let key = self.keys.first().map_or("the key", |(name, _)| name.as_str());
        let message =
            format!("{only}; error rates need both classes: give a key with the other one as well{which_leg}");
        Err(invalid(key, None, &message))
    }

    /// Groups that a scan makes known.
    fn add_heard(&mut self, heard: &[(Option<f64>, Option<String>)]) {
        let speech = |seconds: f64| {
            SPEECH_SECONDS.iter().find(|(below, _)| seconds < *below).map(|(_, words)| (*words).to_owned())
        };
        let mut add = |name: &str, values: Vec<Option<String>>| {
            if values.iter().any(Option::is_some) && !self.columns.iter().any(|column| column.name == name) {
                self.columns.push(Column::of_values(name, values));
            }
        };
        add("speech", heard.iter().map(|(seconds, _)| seconds.and_then(speech)).collect());
        add("file_codec", heard.iter().map(|(_, codec)| codec.clone()).collect());
    }

    /// A column by its name.
    #[must_use]
    pub fn column(&self, name: &str) -> Option<&Column> {
        self.columns.iter().find(|column| column.name == name)
    }

    /// The column by which clips are drawn again, if nothing else is asked for: the speaker, the source or the page.
    pub(crate) fn clusters(&self) -> Option<&Column> {
        ["speaker", "source", "page", "call"].into_iter().find_map(|name| self.column(name))
    }
}

/// The columns of all keys, for the trials that were kept. One that only some keys have is empty in the others.
fn columns(keys: &[Key], from: &[(usize, usize)]) -> Vec<Column> {
    let mut names: Vec<&str> = Vec::new();
    for column in keys.iter().flat_map(|key| &key.columns) {
        if !names.contains(&column.name.as_str()) {
            names.push(&column.name);
        }
    }
    let of = |name: &str| {
        let columns: Vec<Option<&Column>> = keys.iter().map(|key| key.column(name)).collect();
        let value =
            |(key, trial): &(usize, usize)| columns.get(*key).copied().flatten()?.value(*trial).map(str::to_owned);
        Column::of_values(name, from.iter().map(value))
    };
    names.into_iter().map(of).collect()
}

impl ProblemKind {
    /// What it means, for people.
    #[must_use]
    pub fn describe(self) -> &'static str {
        match self {
            Self::KeyWithoutScore => "in the key and without a score: left out",
            Self::ScoreWithoutKey => "scored and not in the key: left out",
            Self::DuplicateTrial => "in the key more than once: counted once",
            Self::WhichLeg => "with several legs of which the key names none (column \"leg\"): left out",
            Self::NoScore => "without a score by the detector: counted as undecided, llr 0",
        }
    }
}

/// The audio files of a key, found among files: by whole name, by the end of the path, or by the last part where only one file
/// has it. For each distinct file of the keys the place of its audio.
#[must_use]
pub(super) fn audio_of(keys: &[Key], files: &[String]) -> (Vec<usize>, Vec<String>) {
    let mut by_stem: HashMap<&str, Option<usize>> = HashMap::new();
    let mut by_name: HashMap<&str, usize> = HashMap::new();
    for (index, file) in files.iter().enumerate() {
        by_name.insert(normal(file), index);
        by_stem.entry(stem(normal(file))).and_modify(|other| *other = None).or_insert(Some(index));
    }
    let mut wanted = BTreeSet::new();
    let mut missing = Vec::new();
    for trial in keys.iter().flat_map(|key| &key.trials) {
        let name = normal(&trial.file);
        let found = by_name.get(name).copied().or_else(|| by_stem.get(stem(name)).copied().flatten());
        match found {
            Some(index) => {
                wanted.insert(index);
            }
            None => missing.push(trial.file.clone()),
        }
    }
    (wanted.into_iter().collect(), missing)
}

impl Key {
    /// Which of `files`, paths below a folder of audio, the trials of keys mean: their places, in order, and the trials for
    /// which there is none.
    #[must_use]
    pub fn audio(keys: &[Self], files: &[String]) -> (Vec<usize>, Vec<String>) {
        audio_of(keys, files)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn joined(key: &str, scores: &str) -> Result<Trials> {
        Trials::join(&[Key::parse(key, "key")?], &Scores::parse(scores, "scores", None)?)
    }

    #[test]
    fn whatever_does_not_fit_is_named_with_its_line() {
        let key = "file,label\na,bonafide\nb,spoof\nb,spoof\nc,spoof\n";
        let trials = joined(key, "file,llr\na,1\nb,\nd,3\n").unwrap();
        let problems: Vec<_> = trials.problems.iter().map(|p| (p.kind, p.file.as_str(), p.place.as_str())).collect();
        assert_eq!(
            problems,
            [
                (ProblemKind::KeyWithoutScore, "c", "key line 5"),
                (ProblemKind::ScoreWithoutKey, "d", "scores line 4"),
                (ProblemKind::DuplicateTrial, "b", "key line 4"),
                (ProblemKind::NoScore, "b", "key line 3"),
            ]
        );
        assert_eq!(trials.trials.len(), 2);
        assert_eq!((trials.trials[1].llr, trials.trials[1].scored), (0.0, false));
    }

    #[test]
    fn what_no_figure_can_be_made_of_is_refused() {
        for (key, scores, words) in [
            (
                "file,label\na,spoof\na,bonafide\n",
                "file,llr\na,1\n",
                "key line 3: a is bonafide here and spoof in key line 2",
            ),
            ("file,label\na,spoof\nb,spoof\n", "file,llr\na,1\nb,1\n", "all 2 trials are spoof"),
            ("file,label\na,spoof\n", "file,llr\nb,1\n", "no trial of the key has a score"),
        ] {
            let error = joined(key, scores).unwrap_err().to_string();
            assert!(error.contains(words), "{error}");
        }
    }

    proptest! {
        /// Whatever lies in a file is read or refused.
        #[test]
        fn no_text_is_too_odd(
            key in "(file,label(,leg)?\n)?([a-z0-9 ,;|\t\"./-]{0,24}\n){0,6}",
            scores in "(file[,\t]llr\n)?([a-z0-9 ,\t.eE+-]{0,16}\n){0,6}",
            any in ".{0,80}",
        ) {
            for text in [&key, &scores, &any] {
                let (key, scores) = (Key::parse(text, "key"), Scores::parse(&scores, "scores", None));
                if let (Ok(key), Ok(scores)) = (key, scores) {
                    let _ = Trials::join(&[key], &scores);
                }
                let _ = Scores::parse(text, "scores", None);
            }
        }
    }

    #[test]
    fn legs_are_trials_of_their_own() {
        let key = "file,leg,label\nx/a.wav,0,bonafide\nx/a.wav,1,spoof\n";
        let trials = joined(key, "path,leg,llr\na.wav,0,-1\na.wav,1,2\n").unwrap();
        assert_eq!(trials.trials.iter().map(|t| t.llr).collect::<Vec<_>>(), [-1.0, 2.0]);
        // A call that is labelled as one file is named where nothing is left without it.
        let legs = "path,leg,llr\na.pcap,0,-1\na.pcap,1,2\nb.wav,0,3\n";
        for key in ["file,label\na.pcap,bonafide\n", "file,label\na.pcap,bonafide\nb.wav,spoof\n"] {
            let error = joined(key, legs).err().unwrap().to_string();
            assert!(error.contains("does not say which it means (column \"leg\", from 0), as \"a.pcap\""), "{error}");
        }
    }
}
