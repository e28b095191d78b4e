//! A million trials, a thousand rounds of the bootstrap: how long an evaluation takes with all cores.
//!
//!     cargo bench --bench evaluation

#![allow(missing_docs, clippy::unwrap_used, clippy::print_stdout, reason = "a benchmark has no users")]

use std::fmt::Write as _;
use std::time::Instant;

use veravox::evaluate::{Evaluation, EvaluationOptions, Key, Scores, Trials};

const N_TRIALS: usize = 1_000_000;

fn main() {
    // `cargo test` starts benches too; there is nothing to test here.
    if std::env::args().any(|word| word == "--test") || !std::env::args().any(|word| word == "--bench") {
        return;
    }
    let (mut key, mut scores) = ("file,label\n".to_owned(), "file,llr\n".to_owned());
    let mut state = 1_u64;
    for n in 0..N_TRIALS {
        // A linear congruence is random enough to sort.
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let is_spoof = n % 10 > 0;
        let llr = (state >> 40) as f64 / 4e6 - 2.0 + if is_spoof { 1.5 } else { 0.0 };
        writeln!(key, "u{n},{}", if is_spoof { "spoof" } else { "bonafide" }).unwrap();
        writeln!(scores, "u{n},{llr:.5}").unwrap();
    }
    let started = Instant::now();
    let (key, scores) = (Key::parse(&key, "key").unwrap(), Scores::parse(&scores, "scores", None).unwrap());
    let trials = Trials::join(&[key], &scores).unwrap();
    let read = started.elapsed();
    let evaluation = Evaluation::of(&trials, &EvaluationOptions::default()).unwrap();
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    println!(
        "{N_TRIALS} trials, {} rounds, {cores} cores: {:.1} s, of which {:.1} s to read and join; EER {:.2} %",
        evaluation.resampling.rounds,
        started.elapsed().as_secs_f64(),
        read.as_secs_f64(),
        100.0 * evaluation.figures.eer.value
    );
}
