//! Watches both legs of a call while they go on, as a phone system would: 20 ms of each leg at a time.
//!
//!     cargo run --release --example live testdata/calls/01-helpdesk-reset.mulaw.wav

#![allow(clippy::print_stdout, reason = "an example shows what it found")]

use std::time::Duration;

use veravox::decode::{AudioReader, DecodeOptions};
use veravox::engine::{Engine, EngineOptions};
use veravox::{Detector, Event};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let path = std::env::args().nth(1).ok_or("expected the path of a recording")?;
    let mut call = AudioReader::open(path.as_ref(), &DecodeOptions::default())?;
    let rate = call.info().sample_rate_hz;
    let engine = Engine::start(Detector::builtin()?, EngineOptions::default())?;
    let mut legs = (0..call.info().channels).map(|_| engine.open(rate)).collect::<Result<Vec<_>, _>>()?;
    while let Some(chunk) = call.next_chunk()? {
        for start in (0..chunk.n_samples()).step_by(rate as usize / 50) {
            let end = chunk.n_samples().min(start + rate as usize / 50);
            std::thread::sleep(Duration::from_millis(20)); // the pace of speech
            for (number, (leg, samples)) in legs.iter_mut().zip(&chunk.channels).enumerate() {
                leg.push(samples.get(start..end).unwrap_or_default());
                while let Some(event) = leg.poll() {
                    if let Event::Verdict(v) = event {
                        println!("leg {number}: {} {}, {:.1} s of speech", v.stage, v.decision, v.speech_seconds);
                    }
                }
            }
        }
    }
    for (number, leg) in legs.into_iter().enumerate() {
        let verdict = leg.finish(Duration::from_secs(10))?;
        println!("leg {number}: {} at the end, llr {:?}", verdict.decision, verdict.llr);
    }
    Ok(())
}
