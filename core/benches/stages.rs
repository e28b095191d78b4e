//! Each stage on its own, on one core. Throughput is in samples a second: divided by the sample rate it is times real time.
//!
//!     cargo bench
//!
//! For files from end to end, and both runtimes side by side: `veravox bench`.

#![allow(missing_docs, clippy::unwrap_used, reason = "a benchmark has no users")]

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use serde_json::json;
use veravox::Detector;
use veravox::decode::{AudioReader, DecodeOptions, RawEncoding, RawFormat};
use veravox::features::{Extractor, FeatureSpec};
use veravox::resample::Resampler;
use veravox::vad::VoiceDetector;

const RATE_HZ: u32 = 8_000;
const SECONDS: usize = 4;
const N_SAMPLES: usize = RATE_HZ as usize * SECONDS;

/// Harmonics of 120 Hz in syllables: the speech detector takes it for a voice.
fn voice(n_samples: usize, rate_hz: u32) -> Vec<f32> {
    let sine = |hz: f64, t: f64| (std::f64::consts::TAU * hz * t).sin();
    let sample = |n: usize| {
        let t = n as f64 / f64::from(rate_hz);
        let harmonics: f64 = (1..28).map(|h| sine(120.0 * f64::from(h), t) / f64::from(h)).sum();
        (0.2 * (0.3 + sine(3.0, t).abs()) * harmonics) as f32
    };
    (0..n_samples).map(sample).collect()
}

fn decode(c: &mut Criterion) {
    let raw = Some(RawFormat { encoding: RawEncoding::Mulaw, sample_rate_hz: RATE_HZ, channels: 1 });
    let options = DecodeOptions { raw, ..DecodeOptions::default() };
    let bytes: Vec<u8> = (0..N_SAMPLES).map(|n| (n * 7 % 256) as u8).collect();
    let mut group = c.benchmark_group("decode");
    group.throughput(Throughput::Elements(N_SAMPLES as u64));
    group.bench_function("mulaw", |b| {
        b.iter(|| {
            let mut reader = AudioReader::from_bytes(bytes.clone(), None, &options).unwrap();
            while let Some(chunk) = reader.next_chunk().unwrap() {
                black_box(chunk);
            }
        });
    });
    group.finish();
}

fn resample(c: &mut Criterion) {
    let mut group = c.benchmark_group("resample");
    for (from_hz, to_hz) in [(8_000, 16_000), (16_000, 8_000), (44_100, 8_000)] {
        let samples = voice(from_hz as usize * SECONDS, from_hz);
        let mut resampler = Resampler::new(from_hz, to_hz).unwrap();
        let mut out = Vec::new();
        group.throughput(Throughput::Elements(samples.len() as u64));
        group.bench_function(format!("{from_hz} to {to_hz} Hz"), |b| {
            b.iter(|| {
                out.clear();
                resampler.push(&samples, &mut out).unwrap();
            });
        });
    }
    group.finish();
}

fn speech(c: &mut Criterion) {
    let samples = voice(N_SAMPLES, RATE_HZ);
    let mut detector = VoiceDetector::new(RATE_HZ).unwrap();
    let mut out = Vec::new();
    let mut group = c.benchmark_group("speech");
    group.throughput(Throughput::Elements(N_SAMPLES as u64));
    group.bench_function("voice probabilities", |b| {
        b.iter(|| {
            out.clear();
            detector.push(&samples, &mut out).unwrap();
        });
    });
    group.finish();
}

fn features(c: &mut Criterion) {
    let window = voice(N_SAMPLES, RATE_HZ);
    let mut group = c.benchmark_group("features");
    group.throughput(Throughput::Elements(N_SAMPLES as u64));
    let kinds = [
        ("log_spectrogram", json!({})),
        ("linear_filterbank", json!({ "n_filters": 80 })),
        ("log_mel", json!({ "n_filters": 80 })),
        ("lfcc", json!({ "n_filters": 80, "n_coeffs": 20, "deltas": 2 })),
        ("phase_coherence", json!({ "n_bands": 12, "power_floor": 1e-7 })),
    ];
    for (kind, extra) in kinds {
        let mut spec = json!({
            "kind": kind, "n_fft": 512, "win_length": 512, "hop_length": 80, "f_min_hz": 0.0, "f_max_hz": 4000.0,
        });
        if kind != "phase_coherence" {
            let logarithm = json!({ "log_floor": 1e-7, "normalisation": "mean" });
            spec.as_object_mut().unwrap().extend(logarithm.as_object().unwrap().clone());
        }
        spec.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
        let spec: FeatureSpec = serde_json::from_value(spec).unwrap();
        let mut extractor = Extractor::new(&spec, RATE_HZ, N_SAMPLES, Some(-20.0)).unwrap();
        let (n_frames, n_features) = extractor.shape();
        let mut out = vec![0.0; n_frames * n_features];
        group.bench_function(kind, |b| b.iter(|| extractor.compute(&window, &mut out).unwrap()));
    }
    group.finish();
}

fn model_and_stream(c: &mut Criterion) {
    let detector = Detector::builtin().unwrap();
    let model = detector.model(RATE_HZ).unwrap();
    let window = voice(model.manifest().input.window_samples, RATE_HZ);
    let mut group = c.benchmark_group("detector");
    group.throughput(Throughput::Elements(window.len() as u64));
    group.bench_function("features and model, a window", |b| b.iter(|| model.score(&window).unwrap()));
    let minute = voice(60 * RATE_HZ as usize, RATE_HZ);
    group.sample_size(10).throughput(Throughput::Elements(minute.len() as u64));
    group.bench_function("a minute of speech, from samples to verdict", |b| {
        b.iter(|| {
            let mut stream = detector.stream(RATE_HZ).unwrap();
            for packet in minute.chunks(160) {
                stream.push(packet).unwrap();
            }
            stream.finish().unwrap()
        });
    });
    group.finish();
}

criterion_group!(stages, decode, resample, speech, features, model_and_stream);
criterion_main!(stages);
