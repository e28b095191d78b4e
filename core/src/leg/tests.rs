//! A window that shares its frames with others scores as it does alone.

use std::sync::Arc;

use proptest::prelude::*;

use super::hearing::{Hearing, MAX_BLOCK_SAMPLES};
use super::options::StreamOptions;
use crate::audio::decode::{AudioReader, DecodeOptions};
use crate::detector::Detector;
use crate::model::Model;

const RATE_HZ: u32 = 8_000;

/// What may befall a leg between two pieces of its audio.
#[derive(Debug, Clone, Copy)]
enum Step {
    Push(usize),
    Lost(u64),
    Silence(u64),
    Hold,
}

fn any_step() -> impl Strategy<Value = Step> {
    prop_oneof![
        60 => (1..=MAX_BLOCK_SAMPLES).prop_map(Step::Push),
        1 => (1_u64..4_000).prop_map(Step::Lost),
        1 => (1_u64..9_000).prop_map(Step::Silence),
        1 => Just(Step::Hold),
    ]
}

fn speech() -> Vec<f32> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../testdata/calls/03-bank-card.alaw.wav");
    let mut reader = AudioReader::open(path.as_ref(), &DecodeOptions::default()).unwrap();
    reader.read_to_end().unwrap().remove(0)
}

fn hearing(model: &Arc<Model>, options: &StreamOptions) -> Hearing {
    let mut hearing = Hearing::new(model.manifest(), RATE_HZ, options, 0.0).unwrap();
    hearing.share(model.frames().unwrap());
    hearing
}

/// Scores each window that is ready both ways; gives how many there were.
fn compare(leg: &mut Hearing, model: &Arc<Model>) -> usize {
    let mut n_windows = 0;
    while let Some(ready) = leg.next_ready() {
        let mut samples = vec![0.0; model.manifest().input.window_samples];
        let raw = model
            .with_scorer(|scorer| {
                scorer.clear();
                let (window, frames) = leg.window(&ready).unwrap();
                window.read(&mut samples);
                scorer.listen(&window, frames)?;
                scorer.score(model.manifest())
            })
            .unwrap();
        let alone = model.score(&samples).unwrap();
        assert!(
            (raw.score - alone.score).abs() <= 1e-5,
            "{} of the stream, {} alone: {ready:?}",
            raw.score,
            alone.score
        );
        assert!((raw.novelty.unwrap_or(0.0) - alone.novelty.unwrap_or(0.0)).abs() <= 1e-5, "{ready:?}");
        n_windows += 1;
    }
    n_windows
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_chunks_gaps_and_updates_give_what_the_window_alone_gives(
        steps in prop::collection::vec(any_step(), 40..900),
        // Some that the hops of all front ends divide, and others.
        tenths in prop_oneof![Just(5_u32), Just(10), Just(20), 1_u32..40],
        first_look in prop::option::of(1.5..3.5_f64),
    ) {
        let detector = Detector::builtin_named("phone").unwrap();
        let model = detector.model(RATE_HZ).unwrap();
        let options = StreamOptions {
            update_seconds: Some(f64::from(tenths) / 10.0),
            first_look_seconds: first_look,
            ..StreamOptions::live()
        };
        let mut leg = hearing(&model, &options);
        let speech = speech();
        let mut audio = speech.iter().copied().cycle();
        for step in steps {
            match step {
                Step::Push(n) => {
                    let block: Vec<f32> = audio.by_ref().take(n).collect();
                    leg.push(block.into_iter()).unwrap();
                }
                Step::Lost(n) => leg.lose(n).unwrap(),
                Step::Silence(n) => leg.be_silent(n).unwrap(),
                Step::Hold => {
                    leg.hold().unwrap();
                    leg.resume().unwrap();
                }
            }
            compare(&mut leg, &model);
        }
        leg.finish().unwrap();
        compare(&mut leg, &model);
    }
}

#[test]
fn windows_of_a_whole_call_are_those_of_its_samples() {
    let detector = Detector::builtin_named("phone").unwrap();
    let model = detector.model(RATE_HZ).unwrap();
    let mut leg = hearing(&model, &StreamOptions::live());
    let mut n_windows = 0;
    for block in speech().chunks(160) {
        leg.push(block.iter().copied()).unwrap();
        n_windows += compare(&mut leg, &model);
    }
    leg.finish().unwrap();
    n_windows += compare(&mut leg, &model);
    assert!(n_windows >= 9, "{n_windows}");
}

#[test]
fn odd_rates_whose_blocks_are_long_lose_no_window() {
    let detector = Detector::builtin_named("phone").unwrap();
    let model = detector.model(RATE_HZ).unwrap();
    let options = StreamOptions { update_seconds: Some(0.1), ..StreamOptions::live() };
    let mut leg = hearing(&model, &options);
    leg.change_rate(8_001).unwrap();
    let mut n_windows = 0;
    for block in speech().chunks(MAX_BLOCK_SAMPLES) {
        leg.push(block.iter().copied()).unwrap();
        n_windows += compare(&mut leg, &model);
    }
    leg.finish().unwrap();
    n_windows += compare(&mut leg, &model);
    assert!(n_windows >= 60, "{n_windows}");
}
