//! Watches a leg of a call as it comes, 20 ms at a time, and prints each score and each change of mind.
//!
//!     cargo run --release --example stream testdata/calls/01-helpdesk-reset.mulaw.wav

#![allow(clippy::print_stdout, reason = "an example shows what it found")]

use veravox::decode::{AudioReader, DecodeOptions};
use veravox::{Detector, Event};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let path = std::env::args().nth(1).ok_or("expected the path of a recording")?;
    let mut reader = AudioReader::open(path.as_ref(), &DecodeOptions::default())?;
    let rate = reader.info().sample_rate_hz;
    let mut stream = Detector::builtin()?.stream(rate)?;
    while let Some(chunk) = reader.next_chunk()? {
        let first_leg = chunk.channels.first().map(Vec::as_slice).unwrap_or_default();
        for packet in first_leg.chunks(rate as usize / 50) {
            for event in stream.push(packet)? {
                match event {
                    Event::Window(w) => {
                        println!("{:5.1} to {:5.1} s  llr {:+.2}", w.start_seconds, w.end_seconds, w.llr);
                    }
                    Event::Verdict(v) => println!("{} {}, {:.1} s of speech", v.stage, v.decision, v.speech_seconds),
                    _ => {}
                }
            }
        }
    }
    let verdict = stream.finish()?;
    println!("{}, llr {:?}", verdict.decision, verdict.llr);
    Ok(())
}
