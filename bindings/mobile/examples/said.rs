//! Holds what an example in Kotlin or Swift said of a recording to what the core says of it here and now, so that a change of model
//! needs no other number written down.
//!
//! ```text
//! cargo run --release -p veravox-mobile --example said -- call.wav "leg 0: SYNTHETIC, llr 9.25, 8.1 s of speech []"
//! ```

use std::error::Error;
use std::path::Path;

use veravox::Detector;
use veravox::decide::Decision;
use veravox::decode::DecodeOptions;
use veravox::report::LegVerdict;
use veravox::runtime::{Runtime, RuntimeChoice};

/// Largest difference of two llrs that are the same.
const TOLERANCE: f64 = 1e-5;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let [path, said] = arguments.as_slice() else {
        return Err("expected a recording, and what was said of it".into());
    };
    Runtime::select(&RuntimeChoice::BuiltIn)?;
    let legs = Detector::builtin()?.scan_file(Path::new(path), &DecodeOptions::default())?.legs;
    // What runs the example may set colours before what it says.
    let lines: Vec<_> = said.lines().filter_map(|line| line.get(line.find("leg ")?..)).collect();
    if legs.is_empty() || legs.len() != lines.len() {
        return Err(format!("expected {} legs, the example says: {said}", legs.len()).into());
    }
    for (leg, line) in legs.iter().zip(lines) {
        if !is_right(leg, line) {
            let LegVerdict { leg, decision, llr, .. } = leg;
            return Err(format!("expected of leg {leg} {decision:?}, llr {llr:?}, the example says: {line}").into());
        }
    }
    Ok(())
}

/// Whether the line has the verdict, in Kotlin's words or Swift's, and the llr; where nothing is decided none need be told.
fn is_right(leg: &LegVerdict, line: &str) -> bool {
    let words = match leg.decision {
        Decision::Synthetic => ["SYNTHETIC", "a machine"],
        Decision::Bonafide => ["BONAFIDE", "a person"],
        Decision::Inconclusive => ["INCONCLUSIVE", "cannot tell"],
    };
    let verdict = line.strip_prefix(&format!("leg {}: ", leg.leg)).unwrap_or_default();
    let told = verdict.split_once("llr ").and_then(|(_, rest)| rest.split(',').next()?.parse::<f64>().ok());
    let is_near = match (leg.llr, told) {
        (Some(llr), Some(told)) => (llr - told).abs() <= TOLERANCE,
        _ => leg.decision == Decision::Inconclusive,
    };
    is_near && words.iter().any(|word| verdict.starts_with(word))
}
