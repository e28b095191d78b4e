//! The numbers of an independent reference, stage by stage: `testdata/vectors/*.json`.

use serde_json::{Value, json};
use veravox::calibrate::probability;
use veravox::decode::{AudioReader, DecodeOptions, RawEncoding, RawFormat};
use veravox::features::{Extractor, FeatureSpec, WaveformSpec};
use veravox::manifest::Calibration;
use veravox::resample::Resampler;

use crate::testdata;

struct Vector {
    relative: f64,
    absolute: f64,
    cases: Vec<Value>,
}

impl Vector {
    fn read(stage: &str) -> Self {
        let text = std::fs::read_to_string(testdata(&format!("vectors/{stage}.json"))).unwrap();
        let vector: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(vector["stage"], stage);
        let tolerance = |name: &str| vector["tolerance"][name].as_f64().unwrap();
        let cases = vector["cases"].as_array().unwrap().clone();
        assert!(!cases.is_empty());
        Self { relative: tolerance("relative"), absolute: tolerance("absolute"), cases }
    }

    fn compare(&self, case: &Value, got: impl IntoIterator<Item = f64>) {
        let name = &case["name"];
        let (got, expected): (Vec<f64>, _) = (got.into_iter().collect(), numbers(&case["expected"]));
        assert_eq!(got.len(), expected.len(), "{name}: the shape must be {}", case["shape"]);
        for (at, (got, expected)) in got.iter().zip(&expected).enumerate() {
            let allowed = self.absolute + self.relative * expected.abs();
            assert!((got - expected).abs() <= allowed, "{name}: value {at} is {got}, expected {expected} ± {allowed}");
        }
    }
}

/// The numbers of an array, nested or not, in order.
fn numbers(value: &Value) -> Vec<f64> {
    match value {
        Value::Array(values) => values.iter().flat_map(numbers).collect(),
        number => vec![number.as_f64().unwrap()],
    }
}

fn samples(value: &Value) -> Vec<f32> {
    numbers(value).into_iter().map(|v| v as f32).collect()
}

/// The features of a case: its parameters are those of a manifest, but for the ones in `more`.
fn features(case: &Value, more: &Value) -> Vec<f32> {
    let mut spec = case["parameters"].as_object().unwrap().clone();
    let rate = spec.remove("sample_rate_hz").unwrap().as_u64().unwrap();
    spec.extend(more.as_object().unwrap().clone());
    let spec: FeatureSpec = serde_json::from_value(Value::Object(spec)).unwrap();
    let window = samples(&case["input"]);
    let mut extractor = Extractor::new(&spec, u32::try_from(rate).unwrap(), window.len(), None).unwrap();
    let (n_frames, n_features) = extractor.shape();
    assert_eq!(json!([n_frames, n_features]), case["shape"], "{}", case["name"]);
    let mut out = vec![0.0; n_frames * n_features];
    extractor.compute(&window, &mut out).unwrap();
    out
}

#[test]
fn features_are_those_of_the_reference() {
    for stage in ["log_spectrogram", "linear_filterbank", "log_mel", "lfcc", "phase_coherence", "statistics"] {
        let vector = Vector::read(stage);
        for case in &vector.cases {
            let more = match stage {
                "phase_coherence" | "statistics" => json!({"kind": stage}),
                _ => json!({"kind": stage, "normalisation": "none"}),
            };
            vector.compare(case, features(case, &more).into_iter().map(f64::from));
        }
    }
}

/// The power spectrum has no door of its own: it is what the logarithm was taken of, over the whole band.
#[test]
fn power_spectra_are_those_of_the_reference() {
    let vector = Vector::read("stft");
    for case in &vector.cases {
        let nyquist = case["parameters"]["sample_rate_hz"].as_f64().unwrap() / 2.0;
        let band = json!({"f_min_hz": 0.0, "f_max_hz": nyquist, "log_floor": 1e-30});
        let mut more = json!({"kind": "log_spectrogram", "normalisation": "none"});
        more.as_object_mut().unwrap().extend(band.as_object().unwrap().clone());
        vector.compare(case, features(case, &more).into_iter().map(|log| f64::from(log).exp()));
    }
}

#[test]
fn windows_come_to_the_level_of_the_reference() {
    let vector = Vector::read("level");
    for case in &vector.cases {
        let window = samples(&case["input"]);
        let spec = FeatureSpec::Waveform(WaveformSpec {});
        let level = case["parameters"]["level_dbfs"].as_f64();
        let mut out = vec![0.0; window.len()];
        Extractor::new(&spec, 8_000, window.len(), level).unwrap().compute(&window, &mut out).unwrap();
        vector.compare(case, out.into_iter().map(f64::from));
    }
}

#[test]
fn rates_are_converted_as_by_the_reference() {
    let vector = Vector::read("resample");
    for case in &vector.cases {
        let parameter = |name: &str| u32::try_from(case["parameters"][name].as_u64().unwrap()).unwrap();
        let mut resampler = Resampler::new(parameter("from_hz"), parameter("to_hz")).unwrap();
        let mut out = Vec::new();
        resampler.push(&samples(&case["input"]), &mut out).unwrap();
        resampler.finish(&mut out).unwrap();
        let expected = numbers(&case["expected"]);
        assert_eq!(out.len(), expected.len(), "{}", case["name"]);
        // What lies before the first and after the last sample is anybody's guess.
        let skip = parameter("skip_at_each_end") as usize;
        let inside = skip..out.len() - skip;
        let case = json!({"name": case["name"], "expected": expected[inside.clone()], "shape": [inside.len()]});
        vector.compare(&case, out[inside].iter().map(|v| f64::from(*v)));
    }
}

#[test]
fn every_code_of_g711_is_decoded_as_the_recommendation_says() {
    let vector = Vector::read("g711");
    for case in &vector.cases {
        let encoding = match case["parameters"]["encoding"].as_str() {
            Some("alaw") => RawEncoding::Alaw,
            Some("mulaw") => RawEncoding::Mulaw,
            other => panic!("{other:?}"),
        };
        let codes = numbers(&case["input"]).into_iter().map(|code| code as u8).collect();
        let raw = Some(RawFormat { encoding, sample_rate_hz: 8_000, channels: 1 });
        let options = DecodeOptions { raw, ..DecodeOptions::default() };
        let mut reader = AudioReader::from_bytes(codes, None, &options).unwrap();
        let decoded = reader.next_chunk().unwrap().unwrap().channels[0].clone();
        vector.compare(case, decoded.into_iter().map(f64::from));
    }
}

#[test]
fn scores_are_calibrated_as_by_the_reference() {
    let vector = Vector::read("calibration");
    for case in &vector.cases {
        let parameter = |name: &str| case["parameters"][name].as_f64().unwrap();
        let (scale, offset) = (parameter("scale"), parameter("offset"));
        let calibration = Calibration { scale, offset, correlation: 1.0, uncalibrated: false };
        let logits = numbers(&case["input"]);
        let got = logits.chunks(2).flat_map(|logits| {
            let llr = calibration.llr(logits[1] - logits[0]);
            [llr, probability(llr, parameter("prior"))]
        });
        vector.compare(case, got.collect::<Vec<_>>());
    }
}
