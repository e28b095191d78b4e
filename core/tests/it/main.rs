//! Tests of the library through its public face, in one binary so that they link once.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::float_cmp,
    reason = "a test that fails by a panic is how tests fail"
)]

mod allocations;
mod bad_audio;
mod bands;
mod captures;
mod cascade;
mod conditions;
mod corpus;
mod evaluate;
mod explain;
mod formats;
mod manifests;

mod metrics;
mod runtimes;
mod site;
mod stream;
mod vectors;

use std::io::Write as _;
use std::path::{Path, PathBuf};

use veravox::decode::{AudioReader, DecodeOptions};

/// A file or folder of `testdata/`.
fn testdata(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../testdata").join(name)
}

/// The rows of a table of `testdata/`, without the heading.
fn rows(table: &str) -> Vec<Vec<String>> {
    let text = std::fs::read_to_string(testdata(table)).unwrap();
    text.lines().skip(1).map(|line| line.split('\t').map(str::to_owned).collect()).collect()
}

/// A whole file; only tests hold one.
struct Audio {
    sample_rate_hz: u32,
    legs: Vec<Vec<f32>>,
    warnings: Vec<String>,
}

fn decode(path: &Path, options: &DecodeOptions) -> Audio {
    let mut reader = AudioReader::open(path, options).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let mut legs = vec![Vec::new(); reader.info().channels];
    while let Some(chunk) = reader.next_chunk().unwrap_or_else(|e| panic!("{}: {e}", path.display())) {
        for (leg, samples) in legs.iter_mut().zip(&chunk.channels) {
            leg.extend_from_slice(samples);
        }
    }
    Audio { sample_rate_hz: reader.info().sample_rate_hz, legs, warnings: reader.warnings().to_vec() }
}

/// Passes on what a test needs. Where it is missing the test is skipped aloud, and fails under CI.
fn must_have<T>(thing: Option<T>, what: &str) -> Option<T> {
    if thing.is_none() {
        assert!(std::env::var("CI").as_deref() != Ok("true"), "CI must have {what}");
        say(&format!("SKIPPED: this test needs {what}"));
    }
    thing
}

/// Not by `eprintln!`, which the test harness swallows where a test passes.
fn say(words: &str) {
    let _ = writeln!(std::io::stderr(), "{words}");
}
