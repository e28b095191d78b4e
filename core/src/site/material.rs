//! What a calibration is fitted on: legs of scanned calls whose truth is known.

use std::collections::{BTreeMap, HashMap};

use crate::error::{Error, ErrorKind, Result};
use crate::evaluate::{Key, Problem, ProblemKind, Scores};
use crate::model::manifest::Label;
use crate::verdict::report::ModelSummary;

/// A leg with its windows and its truth.
#[derive(Debug, Clone, PartialEq)]
pub struct Leg {
    /// What it is.
    pub label: Label,
    /// Its speaker or call: legs of one stand or fall together.
    pub group: String,
    /// The codec of the recording.
    pub codec: String,
    /// Of each window that counts its llr by the manifest and the share of its speech that none before it held.
    pub windows: Vec<(f64, f64)>,
    /// Seconds of voice.
    pub speech_seconds: f64,
}

/// Legs by the model that scored them.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Material {
    /// For each model, by the hash of its ONNX file, its name and version and the legs.
    pub models: BTreeMap<String, (ModelSummary, Vec<Leg>)>,
    /// What did not fit.
    pub problems: Vec<Problem>,
    /// What legs are grouped by: a column of the key, or the call.
    pub grouped_by: String,
}

impl Material {
    /// The legs of scanned calls that a key labels.
    ///
    /// # Errors
    /// [`InvalidArgument`](ErrorKind::InvalidArgument) for results that were made with a site calibration or by a cascade, scores that are
    /// no results of a scan, and for a key none of whose trials was scanned.
    pub fn labelled(keys: &[Key], scores: &Scores) -> Result<Self> {
        let mut material = Self { grouped_by: "call".to_owned(), ..Self::default() };
        let mut seen: HashMap<(&str, Option<usize>), Label> = HashMap::new();
        for key in keys {
            let speaker = ["speaker", "agent", "source"].into_iter().find_map(|name| key.column(name));
            if let Some(speaker) = speaker {
                material.grouped_by.clone_from(&speaker.name);
            }
            for (index, trial) in key.trials.iter().enumerate() {
                let place = format!("{} line {}", key.name, trial.line);
                let mut problem =
                    |kind| material.problems.push(Problem { kind, file: trial.file.clone(), place: place.clone() });
                let Some((file, legs)) = scores.find(&trial.file) else {
                    problem(ProblemKind::KeyWithoutScore);
                    continue;
                };
                match seen.insert((file, trial.leg), trial.label) {
                    Some(label) if label != trial.label => {
                        let message = format!("{place}: {} has another label in a line before", trial.file);
                        return Err(Error::new(ErrorKind::InvalidArgument, message));
                    }
                    Some(_) => {
                        problem(ProblemKind::DuplicateTrial);
                        continue;
                    }
                    None => {}
                }
                let leg = match (trial.leg, legs) {
                    (Some(leg), _) => legs.iter().find(|score| score.leg == Some(leg)),
                    (None, [one]) => Some(one),
                    (None, _) => {
                        problem(ProblemKind::WhichLeg);
                        continue;
                    }
                };
                let group = speaker.and_then(|column| column.value(index)).unwrap_or(file);
                if !leg.is_some_and(|leg| material.add(leg, trial.label, group)) {
                    material.problems.push(Problem { kind: ProblemKind::NoScore, file: trial.file.clone(), place });
                }
            }
        }
        material.check(scores)
    }

    /// The legs of scanned calls on which only people speak: all legs, or one of each call.
    ///
    /// # Errors
    /// As [`labelled`](Self::labelled).
    pub fn bonafide(scores: &Scores, leg: Option<usize>) -> Result<Self> {
        let mut material = Self { grouped_by: "call".to_owned(), ..Self::default() };
        for file in &scores.order {
            let legs = scores.of.get(file).map(Vec::as_slice).unwrap_or_default();
            for score in legs.iter().filter(|score| leg.is_none() || score.leg == leg) {
                if !material.add(score, Label::Bonafide, file) {
                    let place = format!("{} line {}", scores.name, score.line);
                    material.problems.push(Problem { kind: ProblemKind::NoScore, file: file.clone(), place });
                }
            }
        }
        material.check(scores)
    }

    /// Whether it has anything to calibrate by.
    fn add(&mut self, score: &crate::evaluate::Score, label: Label, group: &str) -> bool {
        let Some(model) = &score.model else { return false };
        if score.windows.is_empty() {
            return false;
        }
        let of_model = self.models.entry(model.sha256.clone()).or_insert_with(|| (model.clone(), Vec::new()));
        of_model.1.push(Leg {
            label,
            group: group.to_owned(),
            codec: score.codec.clone().unwrap_or_default(),
            windows: score.windows.clone(),
            speech_seconds: score.speech_seconds.unwrap_or_default(),
        });
        true
    }

    fn check(self, scores: &Scores) -> Result<Self> {
        let refused =
            |message: &str| Err(Error::new(ErrorKind::InvalidArgument, format!("{}: {message}", scores.name)));
        if let Some(name) = &scores.calibrated_by {
            return refused(&format!(
                "made with the site calibration {name:?}; a calibration is fitted on results that were made without one"
            ));
        }
        if let Some(name) = &scores.cascade {
            return refused(&format!(
                "made with the cascade {name:?}, whose scores are of two models; a calibration is fitted on results of one, so scan with \
                 each of them alone"
            ));
        }
        if self.models.is_empty() {
            return refused(
                "no leg that can be used: expected results of veravox scan --jsonl with windows that count",
            );
        }
        Ok(self)
    }
}
