//! Each rule of a manifest has a model that breaks it, and is named when it does.

use std::path::PathBuf;

use proptest::prelude::*;
use serde_json::Value;
use sha2::{Digest, Sha256};
use veravox::decode::DecodeOptions;
use veravox::model::{Rule, check};
use veravox::{Decision, Detector, ErrorKind, Reason};

use crate::testdata;

fn expected() -> Vec<(PathBuf, String, String)> {
    let table = std::fs::read_to_string(testdata("manifests/expected.tsv")).unwrap();
    let row = |line: &str| {
        let mut cells = line.split('\t').map(str::to_owned);
        let mut cell = || cells.next().unwrap();
        (testdata("manifests").join(cell()), cell(), cell())
    };
    table.lines().skip(1).map(row).collect()
}

#[test]
fn a_broken_model_is_refused_in_words_that_name_the_rule() {
    for (folder, kind, words) in expected() {
        let mut passed = Vec::new();
        match check(&folder, &mut |rule| passed.push(rule)) {
            Ok(_) => assert_eq!(kind, "", "{} was accepted", folder.display()),
            Err(error) => {
                assert_eq!(error.kind().as_str(), kind, "{}: {error}", folder.display());
                let said = words.split(" | ").any(|words| error.to_string().contains(words));
                assert!(said, "{}: {error}", folder.display());
            }
        }
        assert!(Rule::ALL.starts_with(&passed), "{}: rules out of order: {passed:?}", folder.display());
        assert_eq!(passed.len() == Rule::ALL.len(), kind.is_empty(), "{}", folder.display());
    }
}

#[test]
fn every_rule_has_a_model_that_breaks_it() {
    let mut broken: Vec<Rule> = Vec::new();
    for (folder, ..) in expected() {
        let mut n_passed = 0;
        let _ = check(&folder, &mut |_| n_passed += 1);
        broken.extend(Rule::ALL.get(n_passed));
    }
    for rule in Rule::ALL {
        assert!(broken.contains(&rule), "no model in testdata/manifests breaks {rule:?}");
    }
}

#[test]
fn a_folder_without_a_manifest_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let error = Detector::load(folder.path()).err().unwrap();
    assert_eq!(error.to_string(), "cannot read manifest.json: it does not exist");
}

#[test]
fn models_over_features_and_over_waveforms_score_a_call() {
    let call = testdata("calls/03-bank-card.alaw.wav");
    for name in ["good-features", "good-several", "good-waveform"] {
        let detector = Detector::load(&testdata("manifests").join(name)).unwrap();
        let report = detector.scan_file(&call, &DecodeOptions::default()).unwrap();
        let leg = &report.legs[0];
        assert!(leg.windows.len() > 10, "{name}");
        assert!(leg.llr.unwrap().is_finite(), "{name}");
        assert_eq!(report.head.model.name, "tiny");
    }
}

#[test]
fn audio_unlike_anything_in_training_gets_no_verdict() {
    let detector = Detector::load(&testdata("manifests/good-novelty")).unwrap();
    let report = detector.scan_file(&testdata("calls/03-bank-card.alaw.wav"), &DecodeOptions::default()).unwrap();
    for leg in report.legs.iter().filter(|leg| leg.llr.is_some()) {
        assert_eq!(leg.decision, Decision::Inconclusive);
        assert!(leg.reasons.contains(&Reason::UnlikeTraining), "{:?}", leg.reasons);
    }
    assert!(report.legs[0].llr.is_some(), "the score is told all the same");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever the bytes of a graph are, loading it ends with a model or an error, and never ends the process.
    #[test]
    fn damaged_graphs_never_end_the_process(
        damage in prop::collection::vec((0.0..1.0_f64, any::<u8>()), 1..4),
        cut in prop::option::weighted(0.1, 0.0..1.0_f64),
    ) {
        let good = testdata("manifests/good-features");
        let mut graph = std::fs::read(good.join("model.onnx")).unwrap();
        for (place, byte) in damage {
            let n = graph.len() as f64;
            graph[(place * n) as usize] = byte;
        }
        if let Some(cut) = cut {
            graph.truncate((cut * graph.len() as f64) as usize);
        }
        let mut manifest: Value =
            serde_json::from_slice(&std::fs::read(good.join("manifest.json")).unwrap()).unwrap();
        let digest = Sha256::digest(&graph).iter().fold(String::new(), |hex, byte| hex + &format!("{byte:02x}"));
        manifest["onnx"]["sha256"] = digest.into();
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("model.onnx"), graph).unwrap();
        std::fs::write(folder.path().join("manifest.json"), manifest.to_string()).unwrap();
        if let Err(error) = check(folder.path(), &mut |_| {}) {
            prop_assert_eq!(error.kind(), ErrorKind::InvalidModel);
        }
    }
}
