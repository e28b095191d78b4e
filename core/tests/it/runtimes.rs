//! Both runtimes give the same logits. A process has one runtime, so each runs in a process of its own: this test binary,
//! started again for the one test that prints scores.

use std::path::PathBuf;
use std::process::Command;

use veravox::decode::{AudioReader, DecodeOptions};
use veravox::model::{Model, RawScore};
use veravox::runtime::{Runtime, RuntimeChoice};

use crate::{must_have, testdata};

const RUNTIME: &str = "VERAVOX_TEST_RUNTIME";
const LIBRARY: &str = "VERAVOX_TEST_ONNXRUNTIME";
const MODELS: [&str; 4] =
    ["models/phone", "models/wide", "testdata/manifests/good-features", "testdata/manifests/good-waveform"];

#[test]
fn both_runtimes_give_the_same_logits_and_novelties() {
    let library = std::env::var_os(LIBRARY).filter(|path| !path.is_empty()).map(PathBuf::from);
    let Some(library) = must_have(library, "ONNX Runtime (its library's path in VERAVOX_TEST_ONNXRUNTIME)") else {
        return;
    };
    let (built_in, onnx_runtime) = (scores_by("builtin"), scores_by(library.to_str().unwrap()));
    assert!(built_in.len() >= 6 * MODELS.len(), "{built_in:?}");
    assert_eq!(built_in.len(), onnx_runtime.len());
    for (built_in, onnx_runtime) in built_in.iter().zip(&onnx_runtime) {
        assert!((built_in - onnx_runtime).abs() <= 1e-4, "built in {built_in}, ONNX Runtime {onnx_runtime}");
    }
}

/// The rules of a model are the library's, not a runtime's: the same tests, by ONNX Runtime.
#[test]
fn the_rules_of_a_model_hold_under_onnx_runtime() {
    let library = std::env::var_os(LIBRARY).filter(|path| !path.is_empty());
    let Some(library) = must_have(library, "ONNX Runtime (its library's path in VERAVOX_TEST_ONNXRUNTIME)") else {
        return;
    };
    let output = Command::new(std::env::current_exe().unwrap())
        .arg("manifests::")
        .env("ORT_DYLIB_PATH", library)
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && !text.contains("running 0 tests"), "{text}");
}

fn scores_by(runtime: &str) -> Vec<f64> {
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "runtimes::print_scores", "--ignored", "--nocapture"])
        .env(RUNTIME, runtime)
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{runtime}: {text}");
    text.lines().filter_map(|line| line.strip_prefix("score ")).map(|score| score.parse().unwrap()).collect()
}

#[test]
#[ignore = "the child of both_runtimes_give_the_same_logits_and_novelties"]
fn print_scores() {
    let Ok(runtime) = std::env::var(RUNTIME) else { return };
    let choice = if runtime == "builtin" { RuntimeChoice::BuiltIn } else { RuntimeChoice::OnnxRuntime(runtime.into()) };
    Runtime::select(&choice).unwrap();
    for folder in MODELS {
        let model = Model::load(&testdata("..").join(folder)).unwrap();
        let n = model.manifest().input.window_samples;
        for call in
            ["calls/03-bank-card.alaw.wav", "calls/07-garage-voicemail.gsm.flac", "calls/10-biblioteca-spanish.ogg"]
        {
            let mut reader = AudioReader::open(&testdata(call), &DecodeOptions::default()).unwrap();
            let mut samples = Vec::new();
            while let Some(chunk) = reader.next_chunk().unwrap() {
                samples.extend_from_slice(&chunk.channels[0]);
            }
            for window in samples.chunks_exact(n).take(2) {
                let RawScore { score, novelty } = model.score(window).unwrap();
                println!("score {score}\nscore {}", novelty.unwrap_or_default());
            }
        }
    }
}
