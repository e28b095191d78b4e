//! Explanations: of the same scores as a scan, and of what the score rests on.

use veravox::Detector;
use veravox::decode::{AudioReader, DecodeOptions};
use veravox::explain::{Explanation, ExplanationOptions, explain, reference_of};

use crate::testdata;

fn explained(call: &str, options: &ExplanationOptions) -> Explanation {
    let mut reader = AudioReader::open(&testdata(call), &DecodeOptions::default()).unwrap();
    explain(&Detector::builtin().unwrap(), &mut reader, options, &mut |_| true).unwrap()
}

#[test]
fn the_verdict_is_that_of_a_scan() {
    let call = "calls/01-helpdesk-reset.mulaw.wav";
    let scanned = Detector::builtin().unwrap().scan_file(&testdata(call), &DecodeOptions::default()).unwrap();
    let explanation = explained(call, &ExplanationOptions::default());
    assert_eq!(explanation.legs.iter().map(|leg| leg.verdict.clone()).collect::<Vec<_>>(), scanned.legs);
    let leg = &explanation.legs[0];
    assert_eq!(leg.path.len(), leg.verdict.windows.iter().filter(|w| w.reason.is_none()).count());
    assert_eq!(leg.path.last().map(|point| Some(point.llr)), Some(leg.verdict.llr));
    let end = explanation.audio.duration_seconds + 0.5;
    assert!(leg.time.iter().all(|e| e.from < e.to && e.to <= end), "evidence lies in the call");
}

/// Fails where the reference was not measured anew for the models that ship: `cargo xtask reference`.
#[test]
fn the_reference_is_that_of_the_models_that_ship() {
    for manifest in Detector::builtin().unwrap().manifests() {
        let reference = reference_of(manifest).expect("features that the reference knows");
        assert_eq!(reference.mean.len(), manifest.input.tensor_shape().iter().product::<usize>());
        assert!(!reference.bands.is_empty(), "ranges of evidence for this version of {}", manifest.name);
        assert!(reference.n_people >= 200 && reference.n_machines >= 200);
    }
}

/// On a machine's call what is named is what the score rests on: without it the score falls by more than without as much at
/// random.
#[test]
fn what_is_named_carries_the_score() {
    let options = ExplanationOptions { faithfulness: true, ..ExplanationOptions::default() };
    let explanation = explained("calls/03-bank-card.alaw.wav", &options);
    let leg = &explanation.legs[0];
    let faithful = leg.faithfulness.unwrap();
    for (top, random) in faithful.without_top.iter().zip(faithful.without_random) {
        assert!(*top > random, "{faithful:?}");
    }
    assert!(leg.bands.iter().all(|band| band.range.is_some()) && leg.bands.len() >= 6);
    assert_eq!(leg.families.len(), 5);
}

#[test]
fn a_leg_without_speech_and_one_that_is_too_long_are_no_trouble() {
    let silent = explained("bad/silence-1s.wav", &ExplanationOptions::default());
    assert!(silent.legs[0].path.is_empty() && silent.legs[0].verdict.llr.is_none());
    let mut reader = AudioReader::open(&testdata("calls/03-bank-card.alaw.wav"), &DecodeOptions::default()).unwrap();
    let options = ExplanationOptions { max_seconds: 1.0, ..ExplanationOptions::default() };
    let error = explain(&Detector::builtin().unwrap(), &mut reader, &options, &mut |_| true).unwrap_err();
    assert_eq!(error.kind(), veravox::ErrorKind::LimitExceeded);
    let mut reader = AudioReader::open(&testdata("calls/03-bank-card.alaw.wav"), &DecodeOptions::default()).unwrap();
    let stopped = explain(&Detector::builtin().unwrap(), &mut reader, &ExplanationOptions::default(), &mut |_| false);
    assert_eq!(stopped.unwrap_err().kind(), veravox::ErrorKind::Cancelled);
}
