//! The loops that run for every frame take no memory. The allocator of this test binary counts, thread by thread.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use serde_json::json;
use veravox::decode::DecodeOptions;
use veravox::engine::{Engine, EngineOptions};
use veravox::features::{Extractor, FeatureSpec};
use veravox::stream::StreamOptions;
use veravox::{Detector, Stream};

struct Counting;

thread_local! {
    static ALLOCATIONS: Cell<usize> = const { Cell::new(0) };
    static BYTES: Cell<isize> = const { Cell::new(0) };
}

fn count(bytes: isize) {
    // A thread that is going away has no counters any more.
    let _ = ALLOCATIONS.try_with(|n| n.set(n.get() + usize::from(bytes > 0)));
    let _ = BYTES.try_with(|n| n.set(n.get() + bytes));
}

fn size(n_bytes: usize) -> isize {
    isize::try_from(n_bytes).unwrap_or(isize::MAX)
}

// SAFETY: every call goes on to the system's allocator unchanged.
#[expect(unsafe_code, reason = "an allocator is unsafe by its trait")]
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(size(layout.size()));
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        count(-size(layout.size()));
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        count(size(new_size));
        count(-size(layout.size()));
        unsafe { System.realloc(pointer, layout, new_size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn allocations(work: impl FnOnce()) -> usize {
    let before = ALLOCATIONS.get();
    work();
    ALLOCATIONS.get() - before
}

#[test]
fn the_counter_counts() {
    assert_eq!(allocations(|| drop(vec![0_u8; 100])), 1);
}

/// A waveform and a spectrogram.
fn several(spectrogram: &serde_json::Value) -> serde_json::Value {
    let mut part = spectrogram.clone();
    part.as_object_mut().unwrap().insert("kind".to_owned(), json!("log_spectrogram"));
    json!({ "parts": [{ "kind": "waveform" }, part] })
}

fn statistics(family: &str, kind: &str, parameters: &serde_json::Value) -> serde_json::Value {
    let mut of = parameters.clone();
    of.as_object_mut().unwrap().insert("kind".to_owned(), json!(kind));
    json!({ "family": family, "of": of })
}

#[test]
fn features_of_a_window_allocate_nothing() {
    let spectrogram = json!({
        "n_fft": 256, "win_length": 200, "hop_length": 80, "f_min_hz": 0.0, "f_max_hz": 4000.0, "log_floor": 1e-7,
        "normalisation": "mean_variance",
    });
    let dense = json!({
        "n_fft": 64, "win_length": 64, "hop_length": 16, "f_min_hz": 0.0, "f_max_hz": 4000.0, "log_floor": 1e-7,
        "normalisation": "none",
    });
    let phase = json!({
        "n_fft": 256, "win_length": 200, "hop_length": 80, "f_min_hz": 0.0, "f_max_hz": 4000.0, "n_bands": 12,
        "power_floor": 1e-7,
    });
    let more = [
        ("waveform", json!({})),
        ("log_spectrogram", spectrogram.clone()),
        ("linear_filterbank", json!({ "n_filters": 40 })),
        ("log_mel", json!({ "n_filters": 40 })),
        ("lfcc", json!({ "n_filters": 40, "n_coeffs": 20, "deltas": 2 })),
        ("phase_coherence", phase.clone()),
        ("several", several(&spectrogram)),
        ("statistics", statistics("spectrum", "log_spectrogram", &spectrogram)),
        ("statistics", statistics("pulses", "log_spectrogram", &spectrogram)),
        ("statistics", statistics("cycles", "log_spectrogram", &dense)),
        ("statistics", statistics("lines", "log_spectrogram", &spectrogram)),
        ("statistics", statistics("phases", "phase_coherence", &phase)),
    ];
    for (kind, extra) in more {
        let mut spec = json!({ "kind": kind });
        let fields = spec.as_object_mut().unwrap();
        if !matches!(kind, "waveform" | "phase_coherence" | "several" | "statistics") {
            fields.extend(spectrogram.as_object().unwrap().clone());
        }
        fields.extend(extra.as_object().unwrap().clone());
        let spec: FeatureSpec = serde_json::from_value(spec).unwrap();
        let mut extractor = Extractor::new(&spec, 8_000, 32_000, Some(-20.0)).unwrap();
        let window: Vec<f32> = (0..32_000).map(|n| (n as f32 * 0.1).sin() * 0.1).collect();
        let mut out = vec![0.0; extractor.shape().0 * extractor.shape().1];
        assert_eq!(allocations(|| extractor.compute(&window, &mut out).unwrap()), 0, "{kind}");
    }
}

#[test]
fn a_packet_that_completes_no_window_allocates_nothing() {
    let mut stream = Detector::builtin().unwrap().stream(8_000).unwrap();
    let packet: Vec<i16> = (0..160).map(|n| (f64::from(n) * 0.7).sin().mul_add(3_000.0, 0.0) as i16).collect();
    // The buffers grow to their size in the first seconds.
    for _ in 0..150 {
        stream.push(&packet).unwrap();
    }
    let n = allocations(|| {
        for _ in 0..40 {
            assert!(stream.push(&packet).unwrap().is_empty());
        }
    });
    assert_eq!(n, 0);
}

/// Bytes that this thread holds more of after `work`, whose result is kept meanwhile.
fn held<T>(work: impl FnOnce() -> T) -> (T, isize) {
    let before = BYTES.get();
    let kept = work();
    (kept, BYTES.get() - before)
}

fn speech() -> Vec<i16> {
    let audio = crate::decode(&crate::testdata("calls/03-bank-card.alaw.wav"), &DecodeOptions::default());
    audio.legs[0].iter().map(|v| (v * 32_768.0) as i16).collect()
}

#[test]
fn a_live_leg_takes_little_memory_and_no_more_with_time() {
    let detector = Detector::builtin().unwrap();
    let speech = speech();
    let live = || detector.stream_with(8_000, &StreamOptions { max_windows_kept: 4, ..StreamOptions::live() }).unwrap();
    // What the model keeps for all legs comes with the first.
    live().push(&speech).unwrap();
    let (mut stream, opened) = held(live);
    let talk = |stream: &mut Stream| speech.chunks(160).for_each(|packet| drop(stream.push(packet).unwrap()));
    let ((), spoken) = held(|| talk(&mut stream));
    let ((), later) = held(|| (0..3).for_each(|_| talk(&mut stream)));
    let engine = Engine::start(detector.clone(), EngineOptions { workers: 1, ..EngineOptions::default() }).unwrap();
    // The first leg of a model brings the worker's scorer.
    let _first = engine.open(8_000).unwrap();
    let (_leg, in_engine) = held(|| engine.open(8_000).unwrap());
    println!("stream {opened} + {spoken} spoken, {later} later; leg of an engine {in_engine}");
    // Two thirds are the frames that neighbouring windows share, a fifth the speech itself.
    assert!(in_engine + spoken <= 353_000, "{} bytes a leg", in_engine + spoken);
    assert!(later <= 500, "{later} bytes more after as much again and again");
}

/// A leg that has a choice of models goes by all of them at first; once it is made the others are gone.
#[test]
fn a_choice_of_models_takes_little_memory_for_a_while() {
    let (both, wide) = (Detector::builtin().unwrap(), Detector::builtin_named("wide").unwrap());
    let speech = speech();
    let samples: Vec<i16> = speech.iter().flat_map(|v| [*v, *v]).collect();
    let options = StreamOptions { max_windows_kept: 4, ..StreamOptions::live() };
    let open = |detector: &Detector| detector.stream_with(16_000, &options).unwrap();
    // What the models keep for all legs comes with the first.
    for detector in [&both, &wide] {
        drop(open(detector).push(&samples).unwrap());
    }
    let (mut one, of_one) = held(|| {
        let mut stream = open(&wide);
        stream.push(&samples).unwrap();
        stream
    });
    let (mut leg, opened) = held(|| open(&both));
    let mut most = 0;
    let before = BYTES.get();
    for packet in samples.chunks(320) {
        leg.push(packet).unwrap();
        most = most.max(BYTES.get() - before);
    }
    let after = BYTES.get() - before;
    println!(
        "opened {opened}, at most {} and {} after the choice; one model alone {of_one}",
        opened + most,
        opened + after
    );
    assert!(opened + most <= 400_000, "{} bytes before the choice", opened + most);
    assert!(opened + after <= of_one, "{} bytes after it", opened + after);
    drop(one.push(&[0_i16; 2]).unwrap());
}

#[test]
fn a_push_to_an_engine_allocates_nothing() {
    let engine = Engine::start(Detector::builtin().unwrap(), EngineOptions::default()).unwrap();
    let mut leg = engine.open(8_000).unwrap();
    let (speech, floats) = (speech(), vec![0.1_f32; 160]);
    let n = allocations(|| {
        for packet in speech.chunks(160).take(400) {
            leg.push(packet);
            leg.push(&floats);
            leg.push(&[f32::NAN; 3]);
            leg.lost(160);
            leg.silence(160);
            leg.hold();
            leg.resume();
        }
        leg.end();
    });
    assert_eq!(n, 0);
}
