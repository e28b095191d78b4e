//! The model goes by the band of the voice, not by the rate at which it is stored.

use proptest::prelude::*;
use veravox::decode::DecodeOptions;
use veravox::report::Because;
use veravox::resample::Resampler;
use veravox::stream::StreamOptions;
use veravox::{Detector, LegVerdict, Stream};

use crate::{corpus, decode, testdata};

fn call() -> Vec<f32> {
    decode(&testdata("calls/03-bank-card.alaw.wav"), &DecodeOptions::default()).legs.remove(0)
}

fn brought_to(samples: &[f32], from_hz: u32, to_hz: u32) -> Vec<f32> {
    let mut resampler = Resampler::new(from_hz, to_hz).unwrap();
    let mut out = Vec::new();
    resampler.push(samples, &mut out).unwrap();
    resampler.finish(&mut out).unwrap();
    out
}

/// A telephone call at 16 kHz with breath above 4 kHz that moves as the voice does: what such a voice may have had there.
fn in_wide_band() -> Vec<f32> {
    let narrow = brought_to(&call(), 8_000, 16_000);
    let (mut seed, mut before, mut level) = (1_u32, [0.0_f32; 3], 0.0_f32);
    let breath = |voice: &f32| {
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let noise = f32::from((seed >> 16) as u16) / 32_768.0 - 1.0;
        // The third difference leaves little below 4 kHz.
        let high = noise - 3.0 * before[0] + 3.0 * before[1] - before[2];
        before = [noise, before[0], before[1]];
        level = 0.99 * level + 0.01 * voice.abs();
        voice + 0.05 * level * high
    };
    narrow.iter().map(breath).collect()
}

/// The verdict without what tells how the model came to be.
fn scores(verdict: LegVerdict) -> LegVerdict {
    LegVerdict { model: None, ..verdict }
}

fn name(verdict: &LegVerdict) -> (&str, Because) {
    let model = verdict.model.as_ref().unwrap();
    (model.summary.name.as_str(), model.because)
}

#[derive(Debug, Clone, Copy)]
enum Mishap {
    None,
    Lost(u64),
    Silence(u64),
    Hold,
}

fn mishaps() -> impl Strategy<Value = Mishap> {
    prop_oneof![
        Just(Mishap::None),
        (0_u64..1_600).prop_map(Mishap::Lost),
        (1_600_u64..90_000).prop_map(Mishap::Lost),
        (0_u64..50_000).prop_map(Mishap::Silence),
        Just(Mishap::Hold),
    ]
}

fn run(mut stream: Stream, samples: &[f32], pieces: &[(usize, Mishap)], size: usize) -> LegVerdict {
    let mut rest = samples;
    for (n, mishap) in pieces {
        let (now, later) = rest.split_at((*n).min(rest.len()));
        now.chunks(size).for_each(|chunk| drop(stream.push(chunk).unwrap()));
        rest = later;
        match *mishap {
            Mishap::None => {}
            Mishap::Lost(n) => drop(stream.lost(n).unwrap()),
            Mishap::Silence(n) => drop(stream.silence(n).unwrap()),
            Mishap::Hold => {
                stream.hold().unwrap();
                stream.resume().unwrap();
            }
        }
    }
    rest.chunks(size).for_each(|chunk| drop(stream.push(chunk).unwrap()));
    stream.finish().unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 16, failure_persistence: None, ..ProptestConfig::default() })]

    /// The model that is chosen gives the scores that it gives alone, whatever befalls the leg before the choice, and however
    /// the audio is cut.
    #[test]
    fn the_chosen_model_scores_as_if_it_were_alone(
        wide in any::<bool>(),
        live in any::<bool>(),
        pieces in prop::collection::vec((1_usize..40_000, mishaps()), 0..4),
        size in 1_usize..3_000,
    ) {
        let samples = if wide { in_wide_band() } else { brought_to(&call(), 8_000, 16_000) };
        let options = if live { StreamOptions::live() } else { StreamOptions::default() };
        let open = |detector: Detector| detector.stream_with(16_000, &options).unwrap();
        let chosen = run(open(Detector::builtin().unwrap()), &samples, &pieces, size);
        prop_assert_eq!(&run(open(Detector::builtin().unwrap()), &samples, &pieces, usize::MAX), &chosen);
        let (model, because) = name(&chosen);
        prop_assert_eq!((model, because), (if wide { "wide" } else { "phone" }, Because::Band));
        let alone = run(open(Detector::builtin_named(model).unwrap()), &samples, &pieces, 160);
        prop_assert_eq!(scores(alone), scores(chosen));
    }
}

#[test]
fn a_running_verdict_tells_where_its_leg_is_decided_on_once_the_model_is_known() {
    let mut stream = Detector::builtin().unwrap().stream_with(16_000, &StreamOptions::live()).unwrap();
    assert_eq!(stream.verdict().thresholds, None);
    stream.push(&brought_to(&call(), 8_000, 16_000)).unwrap();
    let known = stream.verdict().thresholds;
    assert_eq!((known.is_some(), known), (true, stream.finish().unwrap().model.map(|model| model.thresholds)));
    // Where there is no choice it is known from the start, for a model without frames as well.
    let of_waveforms = Detector::load(&testdata("manifests/good-waveform")).unwrap();
    assert_eq!(of_waveforms.stream(16_000).unwrap().verdict().thresholds, Some(of_waveforms.thresholds(16_000)));
}

#[test]
fn a_telephone_call_stays_one_at_any_rate() {
    let detector = Detector::builtin().unwrap();
    let call = call();
    let repeated: Vec<f32> = call.iter().flat_map(|v| [*v, *v]).collect();
    let next = call.iter().skip(1).chain([&0.0]);
    let lines: Vec<f32> = call.iter().zip(next).flat_map(|(a, b)| [*a, f32::midpoint(*a, *b)]).collect();
    for (how, samples, rate) in [
        ("as it is", call.clone(), 8_000),
        ("at 16 kHz", brought_to(&call, 8_000, 16_000), 16_000),
        ("at 44.1 kHz", brought_to(&call, 8_000, 44_100), 44_100),
        ("at 48 kHz", brought_to(&call, 8_000, 48_000), 48_000),
        ("at 16 kHz by repeated samples", repeated, 16_000),
        ("at 16 kHz by straight lines", lines, 16_000),
    ] {
        let leg = detector.scan_samples(&[&samples], rate).unwrap().remove(0);
        let because = if rate == 8_000 { Because::Rate } else { Because::Band };
        assert_eq!(name(&leg), ("phone", because), "{how}");
        let signal = leg.signal.unwrap();
        assert_eq!(signal.upsampled_from_hz, (rate > 8_000).then_some(8_000), "{how}: {signal:?}");
        assert!((3_300.0..4_600.0).contains(&signal.bandwidth_hz.unwrap()), "{how}: {signal:?}");
        assert!(leg.notes.is_empty(), "{:?}", leg.notes);
    }
    let leg = detector.scan_samples(&[&in_wide_band()], 16_000).unwrap().remove(0);
    assert_eq!(name(&leg), ("wide", Because::Band));
    assert_eq!(leg.signal.unwrap().upsampled_from_hz, None);
    assert!(leg.signal.unwrap().bandwidth_hz.unwrap() > 7_000.0);
}

#[test]
fn legs_of_a_call_choose_for_themselves_and_the_report_says_so() {
    let detector = Detector::builtin().unwrap();
    let (narrow, wide) = (brought_to(&call(), 8_000, 16_000), in_wide_band());
    let silent = vec![0.0; wide.len()];
    let legs = detector.scan_samples(&[&silent, &narrow, &wide], 16_000).unwrap();
    let names: Vec<_> = legs.iter().map(name).collect();
    assert_eq!(names, [("wide", Because::NoVoice), ("phone", Because::Band), ("wide", Because::Band)]);
    assert_eq!(detector.report_head_of(&legs, 16_000).model.name, "phone", "that of the first leg that was scored");
    for leg in &legs {
        let model = leg.model.as_ref().unwrap();
        let manifest = detector.manifests().find(|m| m.onnx.sha256 == model.summary.sha256).unwrap();
        assert_eq!(model.thresholds, manifest.decision);
    }
    let forced = Detector::builtin_named("wide").unwrap().scan_samples(&[&narrow], 16_000).unwrap();
    assert_eq!(name(&forced[0]), ("wide", Because::Only));
}

/// The choice is made once. A model for a narrow band hears what it was made for in a wide one; the other way round a note says
/// from where on the model has less than it was made for.
#[test]
fn a_band_that_changes_later_changes_no_choice() {
    let detector = Detector::builtin().unwrap();
    let (narrow, wide) = (brought_to(&call(), 8_000, 16_000).repeat(2), in_wide_band().repeat(2));
    let run = |first: &[f32], then: &[f32]| detector.scan_samples(&[[first, then].concat()], 16_000).unwrap().remove(0);
    let widened = run(&narrow, &wide);
    assert_eq!(name(&widened).0, "phone");
    let phone = Detector::builtin_named("phone").unwrap();
    let alone = phone.scan_samples(&[[narrow.as_slice(), &wide].concat()], 16_000).unwrap().remove(0);
    assert_eq!(scores(widened), scores(alone));
    let narrowed = run(&wide, &narrow);
    assert_eq!(name(&narrowed).0, "wide");
    let [note] = narrowed.notes.as_slice() else { panic!("{:?}", narrowed.notes) };
    let at: f64 = note.split(' ').nth(1).unwrap().parse().unwrap();
    let turn = wide.len() as f64 / 16_000.0;
    assert!((turn - 5.0..turn + 10.0).contains(&at), "{note}: the band changes at {turn} s");
    assert!(run(&wide, &wide).notes.is_empty());
}

/// Real clips, as they are and by a telephone line brought to 16 kHz.
#[test]
fn real_speech_goes_to_the_model_of_its_band() {
    let Some(clips) = corpus::clips() else { return };
    let detector = Detector::builtin().unwrap();
    let (mut n_wide, mut n_phone) = (0, 0);
    for clip in &clips {
        let mut clip = decode(&clip.path, &DecodeOptions::default());
        let samples = clip.legs.remove(0);
        let by_line = brought_to(&brought_to(&samples, 16_000, 8_000), 8_000, 16_000);
        let chosen = |samples: &Vec<f32>| {
            let legs = detector.scan_samples(&[samples], 16_000).unwrap();
            name(&legs[0]).0.to_owned()
        };
        n_wide += usize::from(chosen(&samples) == "wide");
        n_phone += usize::from(chosen(&by_line) == "phone");
    }
    // Some clips were made at a lower rate, and are at home with the other model.
    assert!(n_wide * 100 >= 95 * clips.len(), "{n_wide} of {} wide clips", clips.len());
    assert!(n_phone * 100 >= 97 * clips.len(), "{n_phone} of {} narrow clips", clips.len());
}
