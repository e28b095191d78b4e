//! What the measuring commands share: the samples that they measure with, and what the system says of this process.

use std::path::Path;

use veravox::decode::{AudioReader, DecodeOptions};
use veravox::resample::Resampler;

/// What is scanned over and over, at this rate: the first leg of a recording, a generated voice without one.
pub fn speech(file: Option<&Path>, rate_hz: u32) -> veravox::Result<Vec<f32>> {
    match file {
        Some(path) => first_leg(&mut AudioReader::open(path, &DecodeOptions::default())?, rate_hz),
        None => Ok(buzz(rate_hz)),
    }
}

/// The first leg of a recording, at this rate.
fn first_leg(reader: &mut AudioReader, rate_hz: u32) -> veravox::Result<Vec<f32>> {
    let mut resampler = Resampler::new(reader.info().sample_rate_hz, rate_hz)?;
    let mut samples = Vec::new();
    while let Some(chunk) = reader.next_chunk()? {
        if let Some(leg) = chunk.channels.first() {
            resampler.push(leg, &mut samples)?;
        }
    }
    resampler.finish(&mut samples)?;
    Ok(samples)
}

/// Five seconds of a voice-like buzz: harmonics of a pitch around 120 Hz that never stands still, in syllables, which the speech
/// detector takes for a voice throughout. That is the worst case, since every second of it brings a window to score.
fn buzz(rate_hz: u32) -> Vec<f32> {
    let rate = f64::from(rate_hz);
    let sine = |hz: f64, t: f64| (std::f64::consts::TAU * hz * t).sin();
    (0..5 * rate_hz)
        .map(|n| {
            let t = f64::from(n) / rate;
            // The pitch swings twice in the five seconds, so that they can be repeated without a seam.
            let turns = 120.0 * t + 8.0 * sine(1.2, t);
            let harmonics: f64 = (1..28).map(|h| sine(f64::from(h), turns) / f64::from(h)).sum();
            (0.2 * (0.3 + sine(3.0, t).abs()) * harmonics) as f32
        })
        .collect()
}

/// A size in KiB from Linux's status of this process, as `VmRSS`; other systems have no file for it.
pub fn status_kib(field: &str) -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix(':'))?;
    line.split_whitespace().next()?.parse().ok()
}
