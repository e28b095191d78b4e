//! What the measuring commands share: a recording's samples, and what the system says of this process.

use veravox::decode::AudioReader;
use veravox::resample::Resampler;

/// The first leg of a recording, at this rate.
pub fn first_leg(reader: &mut AudioReader, rate_hz: u32) -> veravox::Result<Vec<f32>> {
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

/// A size in KiB from Linux's status of this process, as `VmRSS`; other systems have no file for it.
pub fn status_kib(field: &str) -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix(':'))?;
    line.split_whitespace().next()?.parse().ok()
}
