//! Two models in a row, and several as one: what comes of a call, live and recorded, and which manifests are refused.

use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};
use veravox::decode::{AudioReader, DecodeOptions};
use veravox::engine::{Engine, EngineOptions};
use veravox::explain::{ExplanationOptions, explain};
use veravox::model::{Kind, Model, kind_of};
use veravox::stream::StreamOptions;
use veravox::{CallReport, Detector, ErrorKind, LegVerdict, Reason};

use crate::{decode, testdata};

const CALL: &str = "calls/03-bank-card.alaw.wav";

/// A folder with the models of the tests beside the manifest's own folder, which it gives.
fn folder(here: &Path, manifest: &Value) -> std::path::PathBuf {
    for name in ["good-waveform", "good-features"] {
        let (from, to) = (testdata("manifests").join(name), here.join(name));
        std::fs::create_dir_all(&to).unwrap();
        for file in ["manifest.json", "model.onnx"] {
            std::fs::copy(from.join(file), to.join(file)).unwrap();
        }
    }
    let own = here.join("whole");
    std::fs::create_dir_all(&own).unwrap();
    std::fs::write(own.join("manifest.json"), manifest.to_string()).unwrap();
    own
}

/// `phone`, and then a model of the tests that says the same of everything.
fn cascade(budget: &Value) -> Value {
    json!({
        "schema_version": 1, "kind": "cascade", "name": "two", "version": "1.2.3", "description": "For tests",
        "first": "phone", "second": "../good-waveform", "budget": budget,
        // Whatever is not plainly human is asked about.
        "decision": { "prior": 0.5, "synthetic_llr": 2.0, "bonafide_llr": -50.0 }
    })
}

fn fusion(weights: [f64; 2], offset: f64) -> Value {
    json!({
        "schema_version": 1, "kind": "fusion", "name": "both", "version": "0.1.0", "description": "For tests",
        "members": [
            { "model": "phone", "weight": weights[0] }, { "model": "../good-waveform", "weight": weights[1] }
        ],
        "offset": offset, "decision": { "prior": 0.5, "synthetic_llr": 1.0, "bonafide_llr": -1.0 }
    })
}

fn scan(detector: &Detector) -> CallReport {
    detector.scan_file(&testdata(CALL), &DecodeOptions::default()).unwrap()
}

fn scanned(manifest: &Value) -> CallReport {
    let here = tempfile::tempdir().unwrap();
    scan(&Detector::load(&folder(here.path(), manifest)).unwrap())
}

fn asked(leg: &LegVerdict) -> usize {
    leg.windows.iter().filter(|window| window.by_second).count()
}

#[test]
fn the_second_takes_the_place_of_the_first_where_it_is_asked() {
    let report = scanned(&cascade(&json!({})));
    let alone = scan(&Detector::builtin_named("phone").unwrap());
    let (leg, first) = (&report.legs[0], &alone.legs[0]);
    assert_eq!(asked(leg), leg.windows.iter().filter(|window| window.reason.is_none()).count(), "all were asked about");
    assert_eq!(leg.windows.len(), first.windows.len());
    assert!(leg.windows.iter().zip(&first.windows).any(|(a, b)| (a.llr - b.llr).abs() > 0.1));
    let second = leg.second.as_ref().unwrap();
    assert_eq!(
        (second.asked, second.answered, second.late, second.over_budget),
        (asked(leg) as u64, asked(leg) as u64, 0, 0)
    );
    assert_eq!(
        (second.name.as_str(), second.version.as_str(), leg.given_by.as_deref()),
        ("tiny", "1.0.0", Some("tiny"))
    );
    let head = &report.head;
    let cascade = head.cascade.as_ref().unwrap();
    assert_eq!((head.model.name.as_str(), cascade.name.as_str(), cascade.version.as_str()), ("phone", "two", "1.2.3"));
    assert_eq!((cascade.second.name.as_str(), cascade.second.version.as_str()), ("tiny", "1.0.0"));
    assert!((head.thresholds.bonafide_llr + 50.0).abs() < 1e-9);
}

#[test]
fn a_budget_holds_at_every_window() {
    for (share, every) in [(0.5, 2), (0.25, 4), (1.0 / 3.0, 3)] {
        let report = scanned(&cascade(&json!({ "max_share": share })));
        let leg = &report.legs[0];
        let counted: Vec<bool> = leg.windows.iter().filter(|w| w.reason.is_none()).map(|w| w.by_second).collect();
        assert_eq!(asked(leg), counted.len() / every, "{share}");
        for n in 1..=counted.len() {
            let so_far = counted[..n].iter().filter(|by_second| **by_second).count();
            assert!(so_far as f64 <= share * n as f64 + 1e-6, "{so_far} of {n} at {share}");
        }
        assert_eq!(leg.second.as_ref().unwrap().over_budget as usize, counted.len() - asked(leg));
        assert_eq!(leg.given_by.as_deref(), Some(if share < 0.5 { "phone" } else { leg.given_by.as_deref().unwrap() }));
    }
    let none = scanned(&cascade(&json!({ "max_share": 0.0 })));
    let mut manifest = cascade(&json!({}));
    manifest["ask"] = json!(["undecided"]);
    manifest["decision"] = json!({ "prior": 0.5, "synthetic_llr": -90.0, "bonafide_llr": -99.0 });
    let unasked = scanned(&manifest);
    let alone = scan(&Detector::builtin_named("phone").unwrap());
    for report in [none, unasked] {
        let leg = &report.legs[0];
        assert_eq!((asked(leg), leg.given_by.as_deref()), (0, Some("phone")));
        assert!(leg.windows.iter().zip(&alone.legs[0].windows).all(|(a, b)| (a.llr - b.llr).abs() < 1e-6));
    }
}

#[test]
fn a_live_leg_has_the_scores_of_a_recording() {
    let here = tempfile::tempdir().unwrap();
    let detector =
        Detector::load(&folder(here.path(), &cascade(&json!({ "max_share": 0.5, "max_delay": 60.0 })))).unwrap();
    let audio = decode(&testdata(CALL), &DecodeOptions::default());
    let samples = &audio.legs[0];
    let mut stream = detector.stream_with(8_000, &StreamOptions::live()).unwrap();
    for chunk in samples.chunks(333) {
        stream.push(chunk).unwrap();
    }
    let expected = stream.finish().unwrap();
    let options = EngineOptions { workers: 2, max_delay: Duration::from_mins(1), ..EngineOptions::default() };
    let engine = Engine::start(detector, options).unwrap();
    let mut leg = engine.open(8_000).unwrap();
    for chunk in samples.chunks(160) {
        while leg.room() < chunk.len() {
            std::thread::sleep(Duration::from_millis(1));
        }
        leg.push(chunk);
    }
    let live = leg.finish(Duration::from_mins(1)).unwrap();
    let scores = |leg: &LegVerdict| leg.windows.iter().map(|w| (w.by_second, w.llr)).collect::<Vec<_>>();
    assert!(asked(&live) >= 3);
    assert_eq!(scores(&live).len(), scores(&expected).len());
    for ((a_second, a), (b_second, b)) in scores(&live).iter().zip(&scores(&expected)) {
        assert_eq!(a_second, b_second);
        // The ring of an engine holds 16 bits.
        assert!((a - b).abs() < 0.02, "{a} and {b}");
    }
    let counts = engine.stats().second.unwrap();
    // Stream and engine are of one detector.
    assert_eq!(counts.answered as usize, asked(&live) + asked(&expected));
    assert_eq!(counts.late, 0);
}

#[test]
fn an_answer_that_nobody_waits_for_any_more_leaves_the_first_score() {
    let here = tempfile::tempdir().unwrap();
    let manifest = cascade(&json!({ "max_delay": 1e-6 }));
    let detector = Detector::load(&folder(here.path(), &manifest)).unwrap();
    let samples = &decode(&testdata(CALL), &DecodeOptions::default()).legs[0];
    let engine = Engine::start(detector, EngineOptions { workers: 1, ..EngineOptions::default() }).unwrap();
    let mut leg = engine.open(8_000).unwrap();
    for chunk in samples[..64_000].chunks(160) {
        while leg.room() < chunk.len() {
            std::thread::sleep(Duration::from_millis(1));
        }
        leg.push(chunk);
    }
    let verdict = leg.finish(Duration::from_mins(1)).unwrap();
    let second = verdict.second.as_ref().unwrap();
    assert_eq!((asked(&verdict), second.answered), (0, 0));
    assert!(second.over_budget > 0 && !verdict.windows.is_empty(), "{second:?}");
}

#[test]
fn the_clock_limits_how_many_are_asked_about() {
    let here = tempfile::tempdir().unwrap();
    let manifest = cascade(&json!({ "max_per_second": 0.01, "max_delay": 60.0 }));
    let detector = Detector::load(&folder(here.path(), &manifest)).unwrap();
    let samples = &decode(&testdata(CALL), &DecodeOptions::default()).legs[0];
    let engine = Engine::start(detector, EngineOptions { workers: 1, ..EngineOptions::default() }).unwrap();
    let mut leg = engine.open(8_000).unwrap();
    for chunk in samples[..96_000].chunks(160) {
        while leg.room() < chunk.len() {
            std::thread::sleep(Duration::from_millis(1));
        }
        leg.push(chunk);
    }
    let verdict = leg.finish(Duration::from_mins(1)).unwrap();
    assert_eq!(asked(&verdict), 1, "the first, and none for the next hundred seconds");
    assert!(verdict.second.unwrap().over_budget >= 3);
}

#[test]
fn a_fusion_is_the_weighted_sum_of_its_models() {
    let here = tempfile::tempdir().unwrap();
    let of = |weights, offset| Model::load(&folder(here.path(), &fusion(weights, offset))).unwrap();
    let fused = of([0.5, 2.0], 0.25);
    let phone = Detector::builtin_named("phone").unwrap().model(8_000).unwrap();
    let tiny = Model::load(&here.path().join("good-waveform")).unwrap();
    let samples = &decode(&testdata(CALL), &DecodeOptions::default()).legs[0];
    let window = &samples[20_000..20_000 + fused.manifest().input.window_samples];
    let last_second = &window[window.len() - 8_000..];
    let llr = |model: &Model, window: &[f32]| model.manifest().calibration.llr(model.score(window).unwrap().score);
    let expected = 0.25 + 0.5 * llr(&phone, window) + 2.0 * llr(&tiny, last_second);
    let found = fused.score(window).unwrap();
    assert!((found.score - expected).abs() < 1e-5, "{} and {expected}", found.score);
    assert_eq!(kind_of(&here.path().join("whole")).unwrap(), Kind::Fusion);
    let report = scan(&Detector::new(fused));
    let names: Vec<_> = report.head.model.members.iter().map(|member| member.name.as_str()).collect();
    assert_eq!((report.head.model.name.as_str(), names), ("both", vec!["phone", "tiny"]));
    assert!(report.legs[0].windows.len() > 3 && report.legs[0].llr.is_some());
    // Another weight is another model.
    assert_ne!(of([0.5, 1.0], 0.25).manifest().onnx.sha256, report.head.model.sha256);
}

#[test]
fn a_model_that_is_not_calibrated_gives_scores_and_no_verdict() {
    let here = tempfile::tempdir().unwrap();
    let own = folder(here.path(), &cascade(&json!({})));
    let path = here.path().join("good-waveform/manifest.json");
    let mut manifest: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    manifest["calibration"]["uncalibrated"] = json!(true);
    std::fs::write(&path, manifest.to_string()).unwrap();
    for detector in [Detector::load(path.parent().unwrap()).unwrap(), Detector::load(&own).unwrap()] {
        let report = scan(&detector);
        let leg = &report.legs[0];
        assert!(leg.llr.is_some() && leg.probability.is_none(), "{leg:?}");
        assert_eq!(leg.reasons, [Reason::Uncalibrated]);
        assert_eq!((leg.decision.as_str(), leg.firm_at_seconds), ("inconclusive", None));
        assert!(leg.segments.is_empty());
        assert!(leg.windows.iter().all(|window| window.reason.is_some()) && leg.windows.len() > 3);
    }
}

#[test]
fn each_field_that_is_wrong_is_named() {
    let here = tempfile::tempdir().unwrap();
    let refused = |manifest: &Value| Detector::load(&folder(here.path(), manifest)).err().unwrap();
    let with = |field: &str, value: Value| {
        let mut manifest = cascade(&json!({}));
        manifest[field] = value;
        manifest
    };
    for (manifest, words) in [
        (with("budget", json!({ "max_share": 1.5 })), "budget.max_share must be 0 to 1"),
        (with("budget", json!({ "max_per_second": 0.0 })), "budget.max_per_second must be above 0"),
        (with("budget", json!({ "max_delay": 61 })), "budget.max_delay must be above 0 and at most 60"),
        (with("budget", json!({ "max": 1 })), "unknown field `max`"),
        (with("second", json!("../../etc")), "second must be phone, wide, a folder inside"),
        (with("first", json!("/etc")), "first must be phone, wide, a folder inside"),
        (with("second", json!("../nobody")), "second: cannot read manifest.json: it does not exist"),
        (with("second", json!("../whole")), "second: expected a model or a fusion, it is a cascade"),
        (with("ask", json!([])), "ask must name undecided, synthetic or both"),
        (with("kind", json!("choir")), "kind"),
        (with("name", json!("a b")), "name must be"),
        (with("schema_version", json!(9)), "schema_version must be 1"),
        (with("decision", json!({ "prior": 2, "synthetic_llr": 1, "bonafide_llr": -1 })), "prior"),
        (fusion([1.0, -1.0], 0.0), "a weight must be 0 or above"),
        (json!({ "kind": "fusion" }), "missing field"),
    ] {
        let error = refused(&manifest);
        assert!(error.to_string().contains(words), "{error}");
        let kinds = [ErrorKind::InvalidManifest, ErrorKind::NotFound];
        assert!(kinds.contains(&error.kind()), "{error}");
    }
    let mut lone = fusion([1.0, 1.0], 0.0);
    lone["members"] = json!([{ "model": "phone", "weight": 1 }]);
    assert!(refused(&lone).to_string().contains("members must be 2 to 8 models"));
    let mut nested = fusion([1.0, 1.0], 0.0);
    nested["members"][1]["model"] = json!("../whole");
    assert!(refused(&nested).to_string().contains("members[1]"), "a fusion is no part of another");
}

#[test]
fn a_cascade_is_explained_by_the_model_that_more_of_the_evidence_is_from() {
    for (budget, model) in [(json!({}), "tiny"), (json!({ "max_share": 0.0 }), "phone")] {
        let here = tempfile::tempdir().unwrap();
        let cascade = Detector::load(&folder(here.path(), &cascade(&budget))).unwrap();
        let mut reader = AudioReader::open(&testdata(CALL), &DecodeOptions::default()).unwrap();
        let explained = explain(&cascade, &mut reader, &ExplanationOptions::default(), &mut |_| true).unwrap();
        let leg = &explained.legs[0];
        assert_eq!(leg.explained_by.as_deref(), Some(model));
        assert_eq!(leg.verdict, scan(&cascade).legs[0], "the verdict is that of both");
        assert!(!leg.path.is_empty() && !leg.time.is_empty());
        assert_eq!(leg.bands.is_empty(), model == "tiny", "a model of waveforms has no bands");
    }
}
