//! Batch is streaming: however the samples are split, the scores are the same.

use proptest::prelude::*;
use veravox::decode::{AudioReader, DecodeOptions};
use veravox::report::Interruptions;
use veravox::stream::{Stage, StreamOptions};
use veravox::{Decision, Detector, Event, LegVerdict, Reason, Stream};

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
    let (mut windows, mut told) = (Vec::new(), (Stage::Listening, stream.verdict().decision, Vec::new()));
    for packet in legs[1].chunks(160) {
        for event in stream.push(packet).unwrap() {
            match event {
                Event::Window(window) => windows.push(window),
                Event::Verdict(now) => {
                    assert_eq!(now.llr.is_some(), now.stage != Stage::Listening);
                    let now = (now.stage, now.decision, now.reasons);
                    assert_ne!(now, told, "an event without news");
                    told = now;
                }
                _ => {}
            }
        }
        let now = stream.verdict();
        assert!(windows.is_empty() || (now.stage, now.decision) == (told.0, told.1) || !now.reasons.is_empty());
    }
    let verdict = stream.finish().unwrap();
    assert!(verdict.windows.starts_with(&windows));
    assert!(verdict.windows.len() - windows.len() <= 2, "only the end of the leg is left to finish");
    assert!(verdict.windows.iter().all(|w| w.start_seconds < w.end_seconds));
    assert_eq!(verdict.firm_at_seconds.is_some(), matches!(verdict.stage, Stage::Firm | Stage::Changed));
}

/// What befalls a leg between two pushes.
#[derive(Debug, Clone)]
enum Mishap {
    Lost(u64),
    Silence(u64),
    Hold(usize),
    Rate,
}

fn mishaps() -> impl Strategy<Value = Mishap> {
    prop_oneof![
        (0_u64..2_000).prop_map(Mishap::Lost),
        (0_u64..50_000).prop_map(Mishap::Lost),
        Just(Mishap::Lost(u64::MAX)),
        (0_u64..50_000).prop_map(Mishap::Silence),
        Just(Mishap::Silence(u64::MAX)),
        (0_usize..9_000).prop_map(Mishap::Hold),
        Just(Mishap::Rate),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever befalls a leg between its pieces, how the pieces are cut changes nothing, and places stay in order.
    #[test]
    fn any_chunking_gives_the_same_scores_whatever_is_missing(
        pieces in prop::collection::vec((1_usize..60_000, mishaps()), 1..5),
        size in 1_usize..3_000,
    ) {
        let detector = Detector::builtin_named("phone").unwrap();
        let (legs, rate) = legs("calls/03-bank-card.alaw.wav");
        let run = |size: usize| {
            let mut stream = detector.stream_with(rate, &StreamOptions::live()).unwrap();
            let mut speech = legs[0].iter().copied().cycle();
            let mut push = |stream: &mut Stream, n: usize| {
                let samples: Vec<f32> = speech.by_ref().take(n).collect();
                samples.chunks(size).for_each(|chunk| drop(stream.push(chunk).unwrap()));
            };
            for (n, mishap) in &pieces {
                push(&mut stream, *n);
                match mishap {
                    Mishap::Lost(n) => drop(stream.lost(*n).unwrap()),
                    Mishap::Silence(n) => drop(stream.silence(*n).unwrap()),
                    Mishap::Hold(n) => {
                        stream.hold().unwrap();
                        push(&mut stream, *n);
                        stream.resume().unwrap();
                    }
                    Mishap::Rate => {
                        drop(stream.change_rate(16_000).unwrap());
                        push(&mut stream, 20_000);
                        drop(stream.change_rate(8_000).unwrap());
                    }
                }
            }
            push(&mut stream, 40_000);
            stream.finish().unwrap()
        };
        let whole = run(usize::MAX);
        prop_assert!(whole.windows.iter().all(|w| w.start_seconds <= w.end_seconds && w.llr.is_finite()));
        prop_assert!(whole.windows.windows(2).all(|pair| pair[0].end_seconds <= pair[1].end_seconds));
        prop_assert_eq!(run(size), whole);
    }
}

#[test]
fn short_holes_are_filled_and_long_ones_never_spliced_over() {
    let detector = Detector::builtin().unwrap();
    let (legs, rate) = legs("calls/03-bank-card.alaw.wav");
    let (before, after) = legs[0].split_at(48_000);
    let run = |lost: u64| {
        let mut stream = detector.stream(rate).unwrap();
        stream.push(before).unwrap();
        stream.lost(lost).unwrap();
        stream.push(after).unwrap();
        stream.finish().unwrap()
    };
    let with_silence = [before, &[0.0; 320], after].concat();
    let filled = run(320);
    assert_eq!(filled.windows, push_in_chunks(&detector, &with_silence, rate, &[160]).windows);
    assert_eq!(filled.interruptions.lost_seconds, 0.04);

    let broken = run(8_000 * 3_600);
    let (gap_starts, gap_ends) = (6.0, 3_606.0);
    assert!(broken.windows.iter().all(|w| w.end_seconds <= gap_starts || w.start_seconds >= gap_ends), "{broken:?}");
    assert!(broken.windows.iter().any(|w| w.start_seconds >= gap_ends));
    assert!((broken.speech_seconds - filled.speech_seconds).abs() < 0.7, "seconds of speech count, not of the clock");
}

#[test]
fn packets_lost_one_by_one_are_one_hole() {
    let detector = Detector::builtin().unwrap();
    let (legs, rate) = legs("calls/03-bank-card.alaw.wav");
    let run = |losses: &[u64]| {
        let mut stream = detector.stream(rate).unwrap();
        stream.push(&legs[0][..60_000]).unwrap();
        for n in losses {
            stream.lost(*n).unwrap();
        }
        stream.push(&legs[0][60_000..]).unwrap();
        stream.finish().unwrap()
    };
    let (at_once, one_by_one) = (run(&[16_000]), run(&[160; 100]));
    assert_eq!(one_by_one.interruptions, at_once.interruptions);
    // The first packets were taken for a short hole and filled with silence, which lies at the end of a last window.
    let after =
        |verdict: &LegVerdict| verdict.windows.iter().filter(|w| w.start_seconds > 8.0).copied().collect::<Vec<_>>();
    assert!(after(&at_once).len() >= 2);
    assert_eq!(after(&one_by_one), after(&at_once));
}

#[test]
fn silence_that_was_not_sent_is_a_pause_like_any_other() {
    let detector = Detector::builtin().unwrap();
    let (legs, rate) = legs("calls/03-bank-card.alaw.wav");
    let (before, after) = legs[0].split_at(48_000);
    let run = |feed: &dyn Fn(&mut Stream)| {
        let mut stream = detector.stream(rate).unwrap();
        stream.push(before).unwrap();
        feed(&mut stream);
        stream.push(after).unwrap();
        stream.finish().unwrap()
    };
    let said = run(&|stream| drop(stream.silence(64_000).unwrap()));
    let pushed = run(&|stream| drop(stream.push(&vec![0.0_f32; 64_000]).unwrap()));
    assert_eq!(said.windows.len(), pushed.windows.len());
    for (said, pushed) in said.windows.iter().zip(&pushed.windows) {
        // The voice detector starts from a network at rest in the one case, from one that heard silence in the other.
        assert!((said.start_seconds - pushed.start_seconds).abs() < 0.2, "{said:?} {pushed:?}");
        assert!((said.end_seconds - pushed.end_seconds).abs() < 0.2, "{said:?} {pushed:?}");
    }
    assert_eq!(said.interruptions, Interruptions::default());
}

#[test]
fn music_on_hold_is_not_listened_to_and_not_scored_with_speech() {
    let detector = Detector::builtin().unwrap();
    let (call, rate) = legs("calls/03-bank-card.alaw.wav");
    let (music, _) = legs("calls/11-clinic-on-hold.ogg");
    let (before, after) = call[0].split_at(48_000);
    // Told of the hold, the leg does not look at the music.
    let mut told = detector.stream(rate).unwrap();
    told.push(before).unwrap();
    told.hold().unwrap();
    told.push(&music[0]).unwrap();
    told.resume().unwrap();
    told.push(after).unwrap();
    let told = told.finish().unwrap();
    assert!((told.interruptions.held_seconds - music[0].len() as f64 / 8_000.0).abs() < 1e-9);
    assert!(told.windows.iter().all(|w| w.reason.is_none()));
    // Not told, it finds the music by itself: it counts for nothing, and the leg has a verdict all the same.
    let mut found = detector.stream(rate).unwrap();
    for part in [before, &music[0], &music[0], after, after] {
        found.push(part).unwrap();
    }
    let found = found.finish().unwrap();
    let of_music: Vec<_> = found.windows.iter().filter(|w| w.reason == Some(Reason::MusicOrTones)).collect();
    assert!(of_music.len() >= 10, "{found:?}");
    assert!(!found.reasons.contains(&Reason::MusicOrTones));
    assert_eq!(found.decision, told.decision);
}

#[test]
fn a_first_look_comes_early_and_changes_nothing_after_it() {
    let detector = Detector::builtin().unwrap();
    let (legs, rate) = legs("calls/03-bank-card.alaw.wav");
    let every_second = StreamOptions { first_look_seconds: None, ..StreamOptions::live() };
    let mut first = None;
    let mut run = |options: &StreamOptions| {
        let mut stream = detector.stream_with(rate, options).unwrap();
        for packet in legs[0].chunks(160) {
            for event in stream.push(packet).unwrap() {
                if let Event::Verdict(verdict) = event {
                    first.get_or_insert(verdict);
                }
            }
        }
        stream.finish().unwrap()
    };
    assert_eq!(run(&StreamOptions::live()), run(&every_second));
    let first = first.unwrap();
    assert_eq!(first.stage, Stage::Provisional);
    assert!((2.9..3.2).contains(&first.speech_seconds), "{first:?}");
}

#[test]
fn a_leg_that_never_ends_keeps_what_it_was_told_to() {
    let detector = Detector::builtin().unwrap();
    let (legs, rate) = legs("calls/03-bank-card.alaw.wav");
    let few = StreamOptions { max_windows_kept: 3, ..StreamOptions::default() };
    let mut stream = detector.stream_with(rate, &few).unwrap();
    for _ in 0..3 {
        stream.push(&legs[0]).unwrap();
    }
    let (last, all) = (stream.finish().unwrap(), detector.scan_samples::<f32>(&[legs[0].repeat(3)], rate).unwrap());
    assert_eq!(last.windows, all[0].windows[all[0].windows.len() - 3..]);
    assert_eq!((last.llr, last.decision), (all[0].llr, all[0].decision), "what is not listed counts all the same");
}

#[test]
fn less_speech_than_a_window_is_never_firm() {
    let detector = Detector::builtin().unwrap();
    let (legs, rate) = legs("calls/03-bank-card.alaw.wav");
    let mut stream = detector.stream_with(rate, &StreamOptions::live()).unwrap();
    // A burst of loss every second and a half: each run of speech is repeated to fill a window, and says no more for that.
    for (n, run) in legs[0][4_000..].chunks(12_800).enumerate().take(5) {
        stream.push(run).unwrap();
        stream.lost(1_600).unwrap();
        let verdict = stream.verdict();
        assert!(verdict.speech_seconds >= 3.9 || verdict.stage != Stage::Firm, "after {n}: {verdict:?}");
    }
    assert!(stream.verdict().llr.is_some());
}

#[test]
fn a_gap_that_a_broken_clock_made_is_survived_wherever_it_falls() {
    let detector = Detector::builtin().unwrap();
    let (legs, rate) = legs("calls/03-bank-card.alaw.wav");
    let speech = &legs[0][4_000..];
    for n in [8_000, 20_000, 40_000] {
        let mut stream = detector.stream(rate).unwrap();
        stream.push(&speech[..n]).unwrap();
        stream.silence(u64::MAX).unwrap();
        stream.push(&speech[n..]).unwrap();
        assert!(!stream.finish().unwrap().windows.is_empty());
    }
}

#[test]
fn a_change_of_rate_mixes_no_counts() {
    let detector = Detector::builtin_named("wide").unwrap();
    let (legs, _) = legs("formats/clip.pcm_s16.16000hz.wav");
    let wide = legs[0].repeat(4);
    // Speech that came at 8 kHz does not count for a model of 16 kHz, whatever rate comes later.
    let mut stream = detector.stream(8_000).unwrap();
    stream.push(&wide).unwrap();
    stream.change_rate(16_000).unwrap();
    stream.push(&vec![0.0_f32; 3_200]).unwrap();
    let narrow = stream.finish().unwrap();
    assert!(narrow.reasons.contains(&Reason::NarrowBand), "{narrow:?}");
    assert!(narrow.windows.iter().all(|w| w.reason == Some(Reason::NarrowBand)));
    // And what was good before is not lost by it.
    let mut stream = detector.stream(16_000).unwrap();
    stream.push(&wide).unwrap();
    stream.change_rate(8_000).unwrap();
    stream.push(&vec![0.0_f32; 1_600]).unwrap();
    assert!(!stream.finish().unwrap().reasons.contains(&Reason::NarrowBand));
}

#[test]
fn a_clipped_sound_spoils_its_own_windows_alone() {
    let detector = Detector::builtin().unwrap();
    let (legs, rate) = legs("calls/03-bank-card.alaw.wav");
    let loud: Vec<f32> = legs[0][..40_000].iter().map(|v| (v * 60.0).clamp(-1.0, 1.0)).collect();
    let mut stream = detector.stream(rate).unwrap();
    stream.push(&loud).unwrap();
    assert!(stream.verdict().reasons.contains(&Reason::Clipping), "{:?}", stream.verdict());
    stream.push(&legs[0]).unwrap();
    stream.push(&legs[0]).unwrap();
    let verdict = stream.finish().unwrap();
    assert!(verdict.windows[0].reason == Some(Reason::Clipping), "{verdict:?}");
    assert!(
        verdict.reasons.is_empty() && verdict.windows.iter().filter(|w| w.reason.is_none()).count() >= 8,
        "{verdict:?}"
    );
}

#[test]
fn updates_that_nothing_could_keep_up_with_are_refused() {
    let detector = Detector::builtin().unwrap();
    for update in [0.0, -1.0, 1e-9, f64::NAN, f64::INFINITY] {
        let options = StreamOptions { update_seconds: Some(update), ..StreamOptions::live() };
        let refused = detector.stream_with(8_000, &options).err().unwrap();
        assert!(refused.to_string().contains("update_seconds of 0.1"), "{refused}");
    }
    let options = StreamOptions { first_look_seconds: Some(f64::NAN), ..StreamOptions::live() };
    assert!(detector.stream_with(8_000, &options).is_err());
}

#[test]
fn a_report_from_before_there_were_stages_is_still_read() {
    let old = r#"{"leg":0,"decision":"bonafide","llr":-2.0,"probability":0.1,"speech_seconds":4.0,"reasons":[],
        "windows":[{"start_seconds":0.0,"end_seconds":4.0,"llr":-2.0}],"segments":[]}"#;
    let verdict: LegVerdict = serde_json::from_str(old).unwrap();
    assert_eq!((verdict.stage, verdict.changes.len(), verdict.windows[0].reason), (Stage::Listening, 0, None));
}

#[test]
fn extremes_and_empty_pushes_do_no_harm() {
    let mut stream = Detector::builtin().unwrap().stream(8_000).unwrap();
    stream.push::<i16>(&[]).unwrap();
    for _ in 0..100 {
        stream.push(&[i16::MIN, i16::MAX, 0, -1, 1]).unwrap();
        stream.push(&[f32::NAN, f32::INFINITY, f32::NEG_INFINITY, f32::MAX, -0.0]).unwrap();
        stream.lost(0).unwrap();
        stream.silence(0).unwrap();
        stream.hold().unwrap();
        stream.hold().unwrap();
        stream.resume().unwrap();
    }
    assert!(stream.change_rate(0).is_err());
    stream.push(&vec![0.1_f32; 8_000]).unwrap();
    let verdict = stream.finish().unwrap();
    assert_eq!(verdict.decision, Decision::Inconclusive);
    assert!(verdict.reasons.contains(&Reason::InvalidSamples), "{:?}", verdict.reasons);
}

#[test]
fn legs_of_unequal_length_and_impossible_rates_are_refused() {
    let detector = Detector::builtin().unwrap();
    let unequal = detector.scan_samples::<f32>(&[vec![0.0; 10], vec![0.0; 11]], 8_000).err().unwrap();
    assert_eq!(unequal.to_string(), "expected legs of equal length, got 10 and 11 samples");
    assert!(detector.stream(0).is_err());
    assert!(detector.stream(u32::MAX).is_err());
}
