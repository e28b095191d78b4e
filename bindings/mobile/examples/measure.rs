//! What the library costs on a phone, as far as this machine can tell: run by `measure.sh`, which has the library built as it ships.
//!
//! One line: milliseconds from nothing to the first verdict on a call that is pushed as fast as it goes in, processor seconds for a
//! minute of audio, the threads that stay, and their processor time while nothing happens.

#![allow(clippy::print_stdout, reason = "a program for people")]

use std::error::Error;
use std::time::{Duration, Instant};

use veravox_mobile::{Detector, Event, Recording};

fn main() -> Result<(), Box<dyn Error>> {
    let path = std::env::args().nth(1).ok_or("expected a recording")?;
    let started = Instant::now();
    let detector = Detector::new(None, None, None, None, None, None, None, None, None)?;
    let recording = Recording::open(path, None)?;
    let rate = usize::try_from(recording.sample_rate_hz())?;
    let stream = detector.stream(recording.sample_rate_hz(), true, None, None, None)?;
    let mut leg = Vec::new();
    while let Some(mut legs) = recording.next()? {
        leg.append(&mut legs.swap_remove(0));
    }
    let mut first = None;
    for packet in leg.chunks(rate / 50 * 4) {
        let events = stream.push_float32(packet)?;
        if first.is_none() && events.iter().any(|event| matches!(event, Event::Verdict { .. })) {
            first = Some(started.elapsed());
        }
    }
    let first = first.ok_or("there was no verdict")?;

    let seconds = leg.len() as f64 / 4.0 / rate as f64;
    let rounds = 20;
    let before = processor_seconds()?;
    for _ in 0..rounds {
        for packet in leg.chunks(rate / 50 * 4) {
            stream.push_float32(packet)?;
        }
    }
    let minute = (processor_seconds()? - before) / (f64::from(rounds) * seconds) * 60.0;

    let before = processor_seconds()?;
    std::thread::sleep(Duration::from_secs(2));
    let idle = processor_seconds()? - before;
    let open = threads()?;
    drop((stream, recording, detector));
    std::thread::sleep(Duration::from_millis(200));
    println!(
        "{:.1} ms to the first verdict, {minute:.3} CPU s a minute of audio, {} threads open and {} closed, {idle:.3} CPU s in 2 s of nothing",
        first.as_secs_f64() * 1e3,
        open - 1,
        threads()? - 1
    );
    Ok(())
}

/// Processor time of this process, in ticks of a hundredth of a second.
fn processor_seconds() -> Result<f64, Box<dyn Error>> {
    let stat = std::fs::read_to_string("/proc/self/stat")?;
    // The name of the program, in brackets, may hold anything.
    let fields: Vec<_> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let ticks = |n: usize| fields.get(n).and_then(|ticks| ticks.parse::<f64>().ok()).ok_or("no processor time");
    Ok((ticks(11)? + ticks(12)?) / 100.0)
}

fn threads() -> Result<usize, Box<dyn Error>> {
    Ok(std::fs::read_dir("/proc/self/task")?.count())
}
