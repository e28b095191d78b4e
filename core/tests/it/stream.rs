//! Batch is streaming: however the samples are split, the scores are the same.

use proptest::prelude::*;
use veravox::decode::{AudioReader, DecodeOptions};
use veravox::{Detector, Event, LegVerdict};

use crate::testdata;

fn legs(call: &str) -> (Vec<Vec<f32>>, u32) {
    let mut reader = AudioReader::open(&testdata(call), &DecodeOptions::default()).unwrap();
    let (mut legs, rate) = (vec![Vec::new(); reader.info().channels], reader.info().sample_rate_hz);
    while let Some(chunk) = reader.next_chunk().unwrap() {
        for (leg, samples) in legs.iter_mut().zip(&chunk.channels) {
            leg.extend_from_slice(samples);
        }
    }
    (legs, rate)
}

fn push_in_chunks(detector: &Detector, samples: &[f32], rate: u32, sizes: &[usize]) -> LegVerdict {
    let mut stream = detector.stream(rate).unwrap();
    let (mut rest, mut sizes) = (samples, sizes.iter().cycle());
    while !rest.is_empty() {
        let (now, later) = rest.split_at((*sizes.next().unwrap()).min(rest.len()));
        stream.push(now).unwrap();
        rest = later;
    }
    stream.finish().unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_chunking_gives_the_same_scores(
        call in prop::sample::select(vec![
            "calls/03-bank-card.alaw.wav", "calls/08-werkstatt-german.mp3", "formats/clip.pcm_s16.44100hz.wav",
            "formats/clip.pcm_s16.16000hz.wav", "bad/dtmf.wav",
        ]),
        sizes in prop::collection::vec(1_usize..20_000, 1..20),
    ) {
        let detector = Detector::builtin().unwrap();
        let (legs, rate) = legs(call);
        let whole = push_in_chunks(&detector, &legs[0], rate, &[legs[0].len()]);
        prop_assert_eq!(push_in_chunks(&detector, &legs[0], rate, &sizes), whole);
    }
}

#[test]
fn a_scan_of_a_file_is_a_push_of_its_legs() {
    let detector = Detector::builtin().unwrap();
    let call = "calls/01-helpdesk-reset.mulaw.wav";
    let report = detector.scan_file(&testdata(call), &DecodeOptions::default()).unwrap();
    let (legs, rate) = legs(call);
    assert_eq!(report.legs.len(), 2);
    for (verdict, samples) in report.legs.iter().zip(&legs) {
        let alone = push_in_chunks(&detector, samples, rate, &[160]);
        assert_eq!(LegVerdict { leg: verdict.leg, ..alone }, *verdict, "a leg is scored as if it were alone");
    }
    assert_eq!(detector.scan_samples::<f32>(&legs, rate).unwrap(), report.legs);
}

#[test]
fn integers_score_like_the_floats_they_stand_for() {
    let detector = Detector::builtin().unwrap();
    let (legs, rate) = legs("formats/clip.pcm_s16.wav");
    let integers: Vec<i16> = legs[0].iter().map(|v| (v * 32_768.0) as i16).collect();
    let by_integers = detector.scan_samples::<i16>(&[integers], rate).unwrap();
    assert_eq!(by_integers, detector.scan_samples::<f32>(&legs, rate).unwrap());
}

#[test]
fn events_tell_what_the_verdict_holds() {
    let detector = Detector::builtin().unwrap();
    let (legs, rate) = legs("calls/13-insurance-claim-30s.mp3");
    let mut stream = detector.stream(rate).unwrap();
    let (mut windows, mut decision) = (Vec::new(), stream.verdict().decision);
    for packet in legs[1].chunks(160) {
        for event in stream.push(packet).unwrap() {
            match event {
                Event::Window(window) => windows.push(window),
                Event::Decision(now) => {
                    assert_ne!(now.decision, decision, "an event without a change");
                    decision = now.decision;
                }
                _ => {}
            }
        }
        assert!(windows.is_empty() || stream.verdict().decision == decision || !stream.verdict().reasons.is_empty());
    }
    let verdict = stream.finish().unwrap();
    assert!(verdict.windows.starts_with(&windows));
    assert!(verdict.windows.len() - windows.len() <= 2, "only the end of the leg is left to finish");
    assert!(verdict.windows.iter().all(|w| w.start_seconds < w.end_seconds));
}

#[test]
fn legs_of_unequal_length_and_impossible_rates_are_refused() {
    let detector = Detector::builtin().unwrap();
    let unequal = detector.scan_samples::<f32>(&[vec![0.0; 10], vec![0.0; 11]], 8_000).err().unwrap();
    assert_eq!(unequal.to_string(), "expected legs of equal length, got 10 and 11 samples");
    assert!(detector.stream(0).is_err());
    assert!(detector.stream(u32::MAX).is_err());
}
