//! The loops that run for every frame take no memory. The allocator of this test binary counts, thread by thread.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use serde_json::json;
use veravox::Detector;
use veravox::features::{Extractor, FeatureSpec};

struct Counting;

thread_local! {
    static ALLOCATIONS: Cell<usize> = const { Cell::new(0) };
}

fn count() {
    // A thread that is going away has no counter any more.
    let _ = ALLOCATIONS.try_with(|n| n.set(n.get() + 1));
}

// SAFETY: every call goes on to the system's allocator unchanged.
#[expect(unsafe_code, reason = "an allocator is unsafe by its trait")]
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count();
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        count();
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

#[test]
fn features_of_a_window_allocate_nothing() {
    let spectrogram = json!({
        "n_fft": 256, "win_length": 200, "hop_length": 80, "f_min_hz": 0.0, "f_max_hz": 4000.0, "log_floor": 1e-7,
        "normalisation": "mean_variance",
    });
    let more = [
        ("waveform", json!({})),
        ("log_spectrogram", spectrogram.clone()),
        ("linear_filterbank", json!({ "n_filters": 40 })),
        ("log_mel", json!({ "n_filters": 40 })),
        ("lfcc", json!({ "n_filters": 40, "n_coeffs": 20, "deltas": 2 })),
    ];
    for (kind, extra) in more {
        let mut spec = json!({ "kind": kind });
        let fields = spec.as_object_mut().unwrap();
        if kind != "waveform" {
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
