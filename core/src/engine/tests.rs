//! Faults of every kind, each on one leg among others: those go on, and the one leg's report says what happened.

use std::time::{Duration, Instant};

use super::scoring::ScoreWindows;
use super::*;
use crate::audio::decode::{AudioReader, DecodeOptions};
use crate::error::ErrorKind;
use crate::features::Frames;
use crate::leg::stream::{Event, Stage, StreamOptions};
use crate::model::RawScore;
use crate::verdict::report::{Interruptions, LegVerdict};
use crate::voice::conditions::Texture;
use crate::voice::window::Window;

const ENOUGH: Duration = Duration::from_mins(1);

fn speech() -> Vec<i16> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../testdata/calls/03-bank-card.alaw.wav");
    let mut reader = AudioReader::open(path.as_ref(), &DecodeOptions::default()).unwrap();
    let mut samples = Vec::new();
    while let Some(chunk) = reader.next_chunk().unwrap() {
        samples.extend(chunk.channels[0].iter().map(|v| (v * 32_768.0) as i16));
    }
    samples
}

fn detector() -> Detector {
    Detector::builtin_named("phone").unwrap()
}

/// As fast as the worker takes it, and nothing lost.
fn push_all(leg: &mut LiveLeg, samples: &[i16]) {
    let mut rest = samples;
    while !rest.is_empty() {
        let n = leg.room().min(rest.len()).min(1_600);
        leg.push(&rest[..n]);
        rest = &rest[n..];
        if leg.is_gone() {
            break;
        }
        std::thread::sleep(Duration::from_millis(1));
    }
}

fn unhurried() -> EngineOptions {
    // Audio comes faster than it is spoken here; that is no reason to shed.
    EngineOptions { workers: 1, max_delay: Duration::from_hours(1), max_events: 4_096, ..EngineOptions::default() }
}

fn events(leg: &mut LiveLeg) -> Vec<Event> {
    let (started, mut events) = (Instant::now(), Vec::new());
    while !leg.is_over() {
        match leg.poll() {
            Some(event) => events.push(event),
            None => std::thread::sleep(Duration::from_millis(2)),
        }
        assert!(started.elapsed() < ENOUGH, "the leg never ends");
    }
    events
}

/// A scorer that does what the loudest sample of a window tells it to: 1 to panic, 2 to fail, 3 to give no number, 4 to take
/// half a second; anything else is scored 1.0.
struct Moody {
    moods: Vec<usize>,
    window: Vec<f32>,
    texture: Texture,
}

impl Moody {
    fn new() -> Self {
        Self { moods: Vec::new(), window: vec![0.0; 32_000], texture: Texture::new(8_000) }
    }
}

impl ScoreWindows for Moody {
    fn listen(&mut self, window: &Window<'_>, _: Option<&mut Frames>) -> Result<()> {
        window.read(&mut self.window);
        let loudest = self.window.iter().fold(0.0_f32, |loudest, v| loudest.max(v.abs()));
        let mood = MOODS.iter().find(|(_, peak)| (f32::from(*peak) / 32_768.0 - loudest).abs() < 1e-4);
        let mood = mood.map_or(0, |(mood, _)| *mood);
        assert_ne!(mood, 1, "told to");
        self.moods.push(mood);
        Ok(())
    }

    fn texture(&self) -> &Texture {
        &self.texture
    }

    fn scores(&mut self) -> Vec<Result<RawScore>> {
        let score = |mood| match mood {
            2 => Err(Error::new(ErrorKind::Runtime, "the model failed: told to")),
            3 => Err(Error::new(ErrorKind::Runtime, "expected two finite logits, the model gave [NaN, NaN]")),
            4 => {
                std::thread::sleep(Duration::from_millis(500));
                Ok(RawScore { score: 1.0, novelty: None })
            }
            5 => panic!("told to"),
            _ => Ok(RawScore { score: 1.0, novelty: None }),
        };
        std::mem::take(&mut self.moods).into_iter().map(score).collect()
    }

    fn most(&self) -> usize {
        4
    }
}

/// The peak of a leg's samples that stands for a mood.
const MOODS: [(usize, i16); 5] = [(1, 8_000), (2, 9_000), (3, 10_000), (4, 11_000), (5, 12_000)];

fn moody(options: EngineOptions) -> Engine {
    Engine::start_with(detector(), options, Arc::new(|_, _, _| Ok(Box::new(Moody::new())))).unwrap()
}

/// The speech at a level whose every window has the peak of a mood.
fn speech_in(mood: usize) -> Vec<i16> {
    let peak = MOODS.iter().find(|(m, _)| *m == mood).map_or(7_000, |(_, peak)| *peak);
    let speech = speech();
    let gain = f64::from(peak) / 1.01 / f64::from(speech.iter().map(|v| v.unsigned_abs()).max().unwrap());
    let mut scaled: Vec<i16> = speech.iter().map(|v| (f64::from(*v) * gain) as i16).collect();
    scaled.iter_mut().step_by(4_000).for_each(|v| *v = peak);
    scaled
}

#[test]
fn an_engine_scores_as_a_stream_does() {
    let speech = speech();
    let engine = Engine::start(detector(), unhurried()).unwrap();
    let mut legs: Vec<_> = (0..5).map(|n| (engine.open(8_000).unwrap(), &speech[n * 1_000..])).collect();
    for (leg, samples) in &mut legs {
        push_all(leg, &samples[..40_000]);
        leg.lost(900);
        leg.hold();
        push_all(leg, &[77_i16; 500]);
        leg.resume();
        leg.silence(9_000);
        push_all(leg, &samples[40_000..]);
        leg.end();
    }
    for (leg, samples) in &mut legs {
        let events = events(leg);
        let mut stream = detector().stream_with(8_000, &StreamOptions::live()).unwrap();
        let mut expected = stream.push(&samples[..40_000]).unwrap();
        expected.extend(stream.lost(900).unwrap());
        expected.extend(stream.hold().unwrap());
        expected.extend(stream.push(&[77_i16; 500]).unwrap());
        stream.resume().unwrap();
        expected.extend(stream.silence(9_000).unwrap());
        expected.extend(stream.push(&samples[40_000..]).unwrap());
        let expected_verdict = stream.finish().unwrap();
        let Some(Event::Ended(verdict)) = events.last() else { panic!("{events:?}") };
        assert_alike(verdict, &expected_verdict);
        let windows = |events: &[Event]| events.iter().filter(|e| matches!(e, Event::Window(_))).count();
        assert!(windows(&events) >= windows(&expected));
    }
    let stats = engine.stats();
    assert_eq!((stats.shed_windows, stats.dropped_samples, stats.missed_events, stats.failed_legs), (0, 0, 0, 0));
    assert!(stats.scored_windows >= 40 && stats.compute_delay_ms.max > 0.0, "{stats:?}");
}

#[test]
fn two_threads_share_a_leg_by_its_two_ends() {
    let engine = Engine::start(detector(), unhurried()).unwrap();
    let (mut audio, mut events) = engine.open(8_000).unwrap().split();
    let verdict = std::thread::scope(|scope| {
        scope.spawn(move || {
            for piece in speech().chunks(800) {
                while audio.room() < piece.len() {
                    std::thread::sleep(Duration::from_millis(1));
                }
                audio.push(piece);
            }
            // Dropped here, which ends the leg.
        });
        let started = Instant::now();
        loop {
            match events.poll() {
                Some(Event::Ended(verdict)) => break verdict,
                Some(Event::Failed(error)) => panic!("{}", error.message),
                Some(_) => {}
                None => std::thread::sleep(Duration::from_millis(2)),
            }
            assert!(started.elapsed() < ENOUGH, "the leg never ends");
        }
    });
    assert!(events.is_over() && events.poll().is_none());
    let mut whole = engine.open(8_000).unwrap();
    push_all(&mut whole, &speech());
    assert_alike(&verdict, &whole.finish(ENOUGH).unwrap());

    // Nobody listens any more: the leg is given up.
    let (mut audio, events) = engine.open(8_000).unwrap().split();
    drop(events);
    let started = Instant::now();
    while !audio.is_gone() {
        audio.push(&[0; 160]);
        assert!(started.elapsed() < ENOUGH, "the worker does not give the leg up");
        std::thread::sleep(Duration::from_millis(1));
    }
}

fn assert_alike(a: &LegVerdict, b: &LegVerdict) {
    assert_eq!(a.windows.len(), b.windows.len());
    for (a, b) in a.windows.iter().zip(&b.windows) {
        assert_eq!((a.start_seconds, a.end_seconds, a.reason), (b.start_seconds, b.end_seconds, b.reason));
        assert!((a.llr - b.llr).abs() <= 1e-5, "{a:?} {b:?}");
    }
    assert_eq!((a.stage, a.decision, &a.reasons), (b.stage, b.decision, &b.reasons));
    assert_eq!((a.speech_seconds, a.interruptions), (b.speech_seconds, b.interruptions));
}

#[test]
fn one_leg_in_trouble_leaves_the_others_alone() {
    for (mood, words) in [(1, "panicked"), (2, "told to"), (3, "finite logits")] {
        let engine = moody(unhurried());
        let mut bad = engine.open(8_000).unwrap();
        let mut good: Vec<_> = (0..3).map(|_| engine.open(8_000).unwrap()).collect();
        let (bad_speech, good_speech) = (speech_in(mood), speech_in(0));
        for (bad_part, good_part) in bad_speech.chunks(1_600).zip(good_speech.chunks(1_600)) {
            push_all(&mut bad, bad_part);
            for leg in &mut good {
                push_all(leg, good_part);
            }
        }
        bad.end();
        let last = events(&mut bad).pop();
        let Some(Event::Failed(error)) = last else { panic!("{last:?}") };
        assert!(error.message.contains(words), "{}", error.message);
        for leg in good {
            let verdict = leg.finish(ENOUGH).unwrap();
            assert!(verdict.windows.len() >= 8, "{verdict:?}");
            assert_eq!(verdict.interruptions.shed_windows, 0);
        }
        let stats = engine.stats();
        assert_eq!((stats.legs, stats.failed_legs), (0, 1));
        assert_eq!(bad.push(&[1_i16; 160]), 0, "a leg that is over takes no more");
        assert_eq!(bad.poll(), None);
    }
}

#[test]
fn a_batch_that_panics_costs_its_windows_and_no_leg() {
    let engine = moody(unhurried());
    let (mut bad, mut good) = (engine.open(8_000).unwrap(), engine.open(8_000).unwrap());
    push_all(&mut bad, &speech_in(5));
    push_all(&mut good, &speech_in(0));
    let (bad, good) = (bad.finish(ENOUGH).unwrap(), good.finish(ENOUGH).unwrap());
    assert!(bad.windows.is_empty() && bad.interruptions.shed_windows >= 8, "{bad:?}");
    assert!(good.windows.len() + good.interruptions.shed_windows as usize >= 8 && !good.windows.is_empty(), "{good:?}");
}

#[test]
fn a_slow_model_sheds_windows_and_blocks_nobody() {
    let engine = moody(EngineOptions { workers: 1, ..EngineOptions::default() });
    let mut leg = engine.open(8_000).unwrap();
    let (started, speech) = (Instant::now(), speech_in(4));
    let mut longest = Duration::ZERO;
    for (n, packet) in speech.chunks(160).take(400).enumerate() {
        // Ten times the speed of speech, for a model that takes half a second a window.
        std::thread::sleep((started + Duration::from_millis(2 * n as u64)).saturating_duration_since(Instant::now()));
        let before = Instant::now();
        leg.push(packet);
        longest = longest.max(before.elapsed());
    }
    assert!(longest < Duration::from_millis(250), "a push took {longest:?}, as if it had waited for the model");
    let verdict = leg.finish(ENOUGH).unwrap();
    let stats = engine.stats();
    assert!(verdict.interruptions.shed_windows > 0 || verdict.interruptions.lost_seconds > 0.0, "{verdict:?}");
    assert_eq!(stats.shed_windows, verdict.interruptions.shed_windows);
    assert!((stats.dropped_samples as f64 / 8_000.0 - verdict.interruptions.lost_seconds).abs() < 1e-9);
}

#[test]
fn a_newer_window_takes_the_place_of_an_older_one_that_waits() {
    let options = EngineOptions {
        workers: 1,
        buffer: Duration::from_secs(20),
        max_delay: Duration::from_secs(15),
        max_events: 64,
        ..EngineOptions::default()
    };
    let engine = moody(options);
    let mut leg = engine.open(8_000).unwrap();
    // Each takes half a second to score; twelve seconds of speech are there at once.
    leg.push(&speech_in(4));
    let verdict = leg.finish(ENOUGH).unwrap();
    let stats = engine.stats();
    let Interruptions { replaced_windows, shed_windows, lost_seconds, .. } = verdict.interruptions;
    assert!(replaced_windows >= 1, "{verdict:?}");
    assert_eq!((stats.replaced_windows, stats.shed_windows, shed_windows), (replaced_windows, 0, 0));
    assert!(lost_seconds.abs() < 1e-9);
    let last = verdict.windows.last().unwrap();
    assert!(last.end_seconds > 11.0, "the newest is scored: {last:?}");
}

#[test]
fn a_leg_that_goes_on_at_a_higher_rate_is_heard_from_its_small_ring() {
    let engine = moody(EngineOptions { buffer: Duration::from_millis(100), ..unhurried() });
    let mut leg = engine.open(8_000).unwrap();
    leg.change_rate(48_000).unwrap();
    let started = Instant::now();
    let mut rest = vec![1_000_i16; 4_800];
    while !rest.is_empty() {
        let n = leg.push(&rest[..leg.room().min(rest.len())]);
        rest.drain(..n);
        assert!(started.elapsed() < ENOUGH, "nobody listens");
        std::thread::sleep(Duration::from_millis(1));
    }
    assert!(leg.finish(ENOUGH).unwrap().interruptions.lost_seconds.abs() < 1e-9);
}

#[test]
fn an_engine_that_is_stopped_with_work_to_do_answers_every_leg() {
    let engine = moody(EngineOptions { buffer: Duration::from_secs(20), ..unhurried() });
    let speech = speech_in(4);
    let mut legs: Vec<LiveLeg> = (0..12).map(|_| engine.open(8_000).unwrap()).collect();
    for (number, leg) in legs.iter_mut().enumerate() {
        leg.push(&speech);
        if number % 2 == 0 {
            leg.end();
        }
    }
    engine.stop();
    for mut leg in legs {
        let last = events(&mut leg).pop();
        assert!(matches!(last, Some(Event::Ended(_) | Event::Failed(_))), "{last:?}");
    }
}

#[test]
fn what_finds_no_room_is_lost_and_said_so() {
    let engine = Engine::start(detector(), unhurried()).unwrap();
    let mut leg = engine.open(8_000).unwrap();
    // Ten seconds at once into a ring of half a second.
    let speech = speech();
    let taken = leg.push(&speech[..80_000]);
    assert!((4_000..80_000).contains(&taken));
    std::thread::sleep(Duration::from_millis(50));
    push_all(&mut leg, &speech[80_000..]);
    let verdict = leg.finish(ENOUGH).unwrap();
    assert!((verdict.interruptions.lost_seconds - (80_000 - taken) as f64 / 8_000.0).abs() < 1e-9);
    assert!(verdict.windows.iter().all(|w| w.end_seconds <= 0.51 || w.start_seconds >= 9.9), "{verdict:?}");
}

#[test]
fn odd_input_is_taken_as_it_comes() {
    let engine = Engine::start(detector(), unhurried()).unwrap();
    let mut leg = engine.open(48_000).unwrap();
    leg.push::<i16>(&[]);
    for size in [1_usize, 7, 159, 161, 4_799] {
        leg.push(&vec![i16::MIN; size]);
        leg.push(&vec![i16::MAX; size]);
        leg.push(&vec![f32::NAN; size]);
        leg.push(&vec![f32::INFINITY; size]);
        leg.push(&vec![1e30_f32; size]);
    }
    leg.lost(u64::MAX);
    leg.silence(u64::MAX);
    assert!(leg.change_rate(0).is_err());
    leg.change_rate(8_000).unwrap();
    push_all(&mut leg, &speech());
    let verdict = leg.finish(ENOUGH).unwrap();
    assert!(!verdict.windows.is_empty());
    // What was damaged before the speech costs no verdict on it.
    assert!(!verdict.reasons.contains(&crate::Reason::InvalidSamples), "{:?}", verdict.reasons);
    assert!(verdict.interruptions.lost_seconds > 1e9);
}

#[test]
fn more_mishaps_than_fit_are_merged() {
    let engine = Engine::start(detector(), unhurried()).unwrap();
    let mut leg = engine.open(8_000).unwrap();
    let n = 10_000;
    for _ in 0..n {
        leg.lost(8);
        leg.hold();
        leg.resume();
    }
    std::thread::sleep(Duration::from_millis(50));
    leg.lost(0);
    let verdict = leg.finish(ENOUGH).unwrap();
    // What was lost while the worker had not heard that the hold was over, was on hold for it.
    let missing = verdict.interruptions.lost_seconds + verdict.interruptions.held_seconds;
    assert!((missing - f64::from(n) * 8.0 / 8_000.0).abs() < 1e-6, "{verdict:?}");
}

#[test]
fn legs_beyond_the_limit_are_refused() {
    let engine = Engine::start(detector(), EngineOptions { max_legs: 2, ..unhurried() }).unwrap();
    let (first, _second) = (engine.open(8_000).unwrap(), engine.open(16_000).unwrap());
    let refused = engine.open(8_000).err().unwrap();
    assert_eq!(refused.kind(), ErrorKind::LimitExceeded);
    assert!(refused.to_string().contains("at most 2 open legs"), "{refused}");
    assert_eq!(engine.open(0).err().unwrap().kind(), ErrorKind::LimitExceeded);
    first.finish(ENOUGH).unwrap();
    drop(engine.open(8_000).unwrap());
    assert_eq!(engine.stats().refused_legs, 2);
    for options in [
        EngineOptions { workers: 0, ..unhurried() },
        EngineOptions { buffer: Duration::ZERO, ..unhurried() },
        EngineOptions { batch: 0, ..unhurried() },
    ] {
        assert_eq!(Engine::start(detector(), options).err().map(|e| e.kind()), Some(ErrorKind::InvalidArgument));
    }
}

#[test]
fn ten_thousand_legs_come_and_go() {
    let engine =
        Engine::start(detector(), EngineOptions { buffer: Duration::from_millis(100), ..unhurried() }).unwrap();
    let watched = speech();
    let mut kept = engine.open(8_000).unwrap();
    push_all(&mut kept, &watched[..40_000]);
    let n_open = AtomicUsize::new(0);
    for n in 0..10_000 {
        match engine.open(8_000) {
            Ok(mut leg) => {
                n_open.fetch_add(1, Ordering::Relaxed);
                leg.push(&watched[n..n + 160]);
            }
            // The worker gives up legs every few milliseconds.
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::LimitExceeded);
                std::thread::sleep(Duration::from_millis(5));
            }
        }
    }
    assert!(n_open.into_inner() > 5_000);
    push_all(&mut kept, &watched[40_000..]);
    assert!(kept.finish(ENOUGH).unwrap().windows.len() >= 8);
    let started = Instant::now();
    while engine.stats().legs > 0 {
        assert!(started.elapsed() < ENOUGH, "{:?}", engine.stats());
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn nobody_waits_for_an_engine_that_stops() {
    let engine = moody(unhurried());
    let mut leg = engine.open(8_000).unwrap();
    push_all(&mut leg, &speech_in(0)[..16_000]);
    engine.stop();
    assert_eq!(leg.push(&[0_i16; 160]), 0);
    let last = events(&mut leg).pop();
    assert!(matches!(&last, Some(Event::Failed(error)) if error.kind == "cancelled"), "{last:?}");

    let engine = moody(unhurried());
    let mut leg = engine.open(8_000).unwrap();
    push_all(&mut leg, &speech_in(4)[..40_000]);
    let started = Instant::now();
    drop(engine);
    drop(leg);
    assert!(started.elapsed() < Duration::from_millis(250), "closing blocks for {:?}", started.elapsed());
}

#[test]
fn a_verdict_reaches_a_caller_who_seldom_asks() {
    let engine = Engine::start(detector(), EngineOptions { max_events: 2, ..unhurried() }).unwrap();
    let mut leg = engine.open(8_000).unwrap();
    push_all(&mut leg, &speech());
    leg.end();
    std::thread::sleep(Duration::from_millis(300));
    let events = events(&mut leg);
    let Some(Event::Ended(verdict)) = events.last() else { panic!("{events:?}") };
    assert_ne!(verdict.stage, Stage::Listening);
    assert!(events.len() <= 5);
    assert!(engine.stats().missed_events > 0);
}
