//! Evaluations: equal to the official scripts of `ASVspoof` 2019, 2021 and 5 on the same files
//! (`testdata/evaluation/official.json`, made by `make_official.py` beside it).

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::Deserialize;
use veravox::evaluate::{Evaluation, EvaluationOptions, Key, Scores, Trials};
use veravox::metrics::{Bootstrap, Tandem};

use crate::testdata;

#[derive(Deserialize)]
struct Official {
    key: String,
    scores: String,
    asv: Option<Rates>,
    #[serde(default)]
    legacy: bool,
    figures: BTreeMap<String, f64>,
    #[serde(default)]
    by_attack: BTreeMap<String, f64>,
    #[serde(default)]
    by_attack_and_codec: BTreeMap<String, f64>,
}

#[derive(Deserialize)]
struct Rates {
    false_alarm: f64,
    miss: f64,
    spoof_accepted: f64,
}

fn evaluated(key: &str, scores: &str, options: &EvaluationOptions) -> Evaluation {
    let key = Key::read(&testdata(&format!("evaluation/{key}"))).unwrap();
    let scores = Scores::read(&testdata(&format!("evaluation/{scores}")), None).unwrap();
    Evaluation::of(&Trials::join(&[key], &scores).unwrap(), options).unwrap()
}

fn quick() -> EvaluationOptions {
    EvaluationOptions { bootstrap: Bootstrap { rounds: 20, ..Bootstrap::default() }, ..EvaluationOptions::default() }
}

#[test]
fn figures_are_those_of_the_official_scripts() {
    let text = std::fs::read_to_string(testdata("evaluation/official.json")).unwrap();
    let official: Vec<Official> = serde_json::from_str(&text).unwrap();
    assert_eq!(official.len(), 5);
    for case in official {
        let tandem = case
            .asv
            .map(|asv| Tandem { legacy: case.legacy, ..Tandem::new(asv.false_alarm, asv.miss, asv.spoof_accepted) });
        let by = if case.by_attack.is_empty() {
            Vec::new()
        } else if case.by_attack_and_codec.is_empty() {
            vec!["attack".to_owned()]
        } else {
            vec!["attack".to_owned(), "attack+codec".to_owned()]
        };
        let evaluation = evaluated(&case.key, &case.scores, &EvaluationOptions { tandem, by: Some(by), ..quick() });
        assert_eq!((evaluation.n_bonafide, evaluation.n_spoof), (150, 450), "{}", case.key);
        assert!(evaluation.competence.competent, "{}", evaluation.competence.verdict);
        let f = &evaluation.figures;
        for (name, expected) in case.figures {
            let got = match name.as_str() {
                "eer" => f.eer.value,
                "min_dcf" => f.min_dcf.value,
                "act_dcf" => f.act_dcf.value,
                "cllr" => f.cllr.value,
                "min_t_dcf" => f.min_t_dcf.as_ref().unwrap().estimate.value,
                other => panic!("a figure of another name: {other}"),
            };
            assert!((got - expected).abs() < 1e-9, "{} {name}: {got} and {expected}", case.key);
        }
        for (index, expected) in [case.by_attack, case.by_attack_and_codec].into_iter().enumerate() {
            for (value, eer) in expected {
                let row = evaluation.groups[index].rows.iter().find(|row| row.value == value).unwrap();
                let got = row.eer.unwrap().value;
                assert!((got - eer).abs() < 1e-9, "{} {value}: {got} and {eer}", case.key);
            }
        }
    }
}

#[test]
fn speakers_are_drawn_again_as_a_whole_where_the_key_knows_them() {
    let evaluation = evaluated("asvspoof2021.la.key.txt", "asvspoof2021.la.scores.txt", &quick());
    assert_eq!(evaluation.resampling.by.as_deref(), Some("speaker"));
    assert_eq!(evaluation.resampling.n_bonafide, 24);
    let tables: Vec<&str> = evaluation.groups.iter().map(|table| table.by.as_str()).collect();
    assert_eq!(tables, ["codec", "attack"], "columns of one value, and speakers, make no table");
    let alone = evaluated("asvspoof5.key.tsv", "asvspoof5.scores.tsv", &quick());
    assert_eq!((alone.resampling.by, alone.resampling.n_spoof), (None, 450));
    assert!(alone.competence.cautions.iter().any(|c| c.contains("each clip is drawn for itself")));
}

/// Scores of nothing, and the scores of a good detector the wrong way round.
#[test]
fn a_detector_at_chance_and_a_reversed_file_are_named() {
    let key = Key::read(&testdata("evaluation/asvspoof5.key.tsv")).unwrap();
    // A shuffle that knows nothing of the labels.
    let mut noise = String::new();
    for (n, trial) in key.trials.iter().enumerate() {
        writeln!(noise, "{} {}", trial.file, (n * 7_919) % 601).unwrap();
    }
    let of = |scores: &Scores| {
        Evaluation::of(&Trials::join(std::slice::from_ref(&key), scores).unwrap(), &quick()).unwrap().competence
    };
    let chance = of(&Scores::parse(&noise, "noise", None).unwrap());
    assert!(!chance.competent && !chance.reversed && chance.verdict.starts_with("Not competent"), "{}", chance.verdict);
    let path = testdata("evaluation/asvspoof5.scores.tsv");
    let reversed = of(&Scores::read(&path, Some(veravox::evaluate::Direction::HigherIsSpoof)).unwrap());
    assert!(!reversed.competent && reversed.reversed && reversed.verdict.contains("look reversed"));
}
