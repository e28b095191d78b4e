//! Pitch, jitter and shimmer by cycles that are followed from one to the next.
//!
//! Cycles are laid on each other by their likeness wherever they are cut, without marks at the pulses. A cut inside of a cycle
//! sees something of the next one as well, so that jitter comes out smaller, down to half, than Praat's; it is to be compared
//! with the ranges of the reference, which were measured the same way, and with no others.

/// What is measured of the cycles of a voice.
pub(super) struct Pitch {
    pub median_hz: f64,
    pub spread_semitones: f64,
    pub jitter: f64,
    pub shimmer: f64,
}

const LOWEST_HZ: f64 = 65.0;
const HIGHEST_HZ: f64 = 400.0;
/// A frame is voiced where its autocorrelation at the best period reaches this.
const VOICED: f64 = 0.7;
/// Cycles that are alike by less do not belong together.
const ALIKE: f64 = 0.8;
/// Fewer cycles say nothing.
const LEAST_CYCLES: usize = 60;

pub(super) fn measure(samples: &[f32], sample_rate_hz: u32) -> Option<Pitch> {
    let rate = f64::from(sample_rate_hz);
    let (frame, hop) = ((0.04 * rate) as usize, (0.02 * rate) as usize);
    let lags = ((rate / HIGHEST_HZ) as usize).max(2)..(rate / LOWEST_HZ) as usize;
    let (mut periods, mut jitters, mut shimmers) = (Vec::new(), Vec::new(), Vec::new());
    let mut at = 0;
    while at + frame + lags.end + 2 < samples.len() {
        let Some(lag) = best_lag(samples, at, frame, &lags) else {
            at += hop;
            continue;
        };
        // Follow the cycles while they stay alike.
        let (mut period, mut before): (f64, Option<(f64, f64)>) = (lag, None);
        let mut place = at as f64;
        while let Some((next, alike)) = next_cycle(samples, place, period) {
            if alike < ALIKE {
                break;
            }
            let height = height(samples, place as usize, period as usize);
            if let Some((last_period, last_height)) = before {
                jitters.push((next - last_period).abs() / f64::midpoint(next, last_period));
                shimmers.push((height - last_height).abs() / f64::midpoint(height, last_height).max(1e-9));
            }
            periods.push(next / rate);
            before = Some((next, height));
            period = 0.7 * period + 0.3 * next;
            place += next;
        }
        at = (place as usize).max(at + hop);
    }
    if periods.len() < LEAST_CYCLES || jitters.is_empty() {
        return None;
    }
    periods.sort_unstable_by(f64::total_cmp);
    let quantile = |share: f64| periods.get((share * (periods.len() - 1) as f64) as usize).copied().unwrap_or(0.01);
    let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
    Some(Pitch {
        median_hz: 1.0 / quantile(0.5),
        spread_semitones: 12.0 * (quantile(0.9) / quantile(0.1)).log2(),
        jitter: mean(&jitters),
        shimmer: mean(&shimmers),
    })
}

/// How alike two runs of samples are, -1 to 1.
fn likeness(a: &[f32], b: &[f32]) -> f64 {
    let (mut ab, mut aa, mut bb) = (0.0_f32, 1e-9_f32, 1e-9_f32);
    for (a, b) in a.iter().zip(b) {
        ab += a * b;
        aa += a * a;
        bb += b * b;
    }
    f64::from(ab / (aa * bb).sqrt())
}

/// The period of a voiced frame in samples: the shortest lag that is nearly as good as the best.
fn best_lag(samples: &[f32], at: usize, frame: usize, lags: &std::ops::Range<usize>) -> Option<f64> {
    let here = samples.get(at..at + frame)?;
    // Quiet frames are no voice.
    if here.iter().map(|v| v * v).sum::<f32>() < 1e-4 * frame as f32 * 0.1 {
        return None;
    }
    let values: Vec<f64> = lags
        .clone()
        .map(|lag| samples.get(at + lag..at + lag + frame).map_or(0.0, |there| likeness(here, there)))
        .collect();
    let best = values.iter().copied().fold(0.0, f64::max);
    if best < VOICED {
        return None;
    }
    let peak = |n: usize| {
        let value = |n: usize| values.get(n).copied().unwrap_or(-1.0);
        n > 0 && value(n) >= value(n - 1) && value(n) >= value(n + 1) && value(n) > 0.92 * best
    };
    (0..values.len()).find(|n| peak(*n)).map(|n| (lags.start + n) as f64)
}

/// The length of the cycle that begins at a place, to a fraction of a sample, and how alike the next one is.
fn next_cycle(samples: &[f32], place: f64, period: f64) -> Option<(f64, f64)> {
    let (start, length) = (place as usize, period.round() as usize);
    let here = samples.get(start..start + length)?;
    let reach = (0.2 * period).ceil() as usize;
    let alike = |lag: usize| samples.get(start + lag..start + lag + length).map(|there| likeness(here, there));
    let (mut best, mut lag) = (-1.0, 0);
    for candidate in length.saturating_sub(reach).max(2)..=length + reach {
        let value = alike(candidate)?;
        if value > best {
            (best, lag) = (value, candidate);
        }
    }
    // A parabola through the three highest values finds the summit between samples.
    let (before, after) = (alike(lag - 1)?, alike(lag + 1)?);
    let bend = before - 2.0 * best + after;
    let shift = if bend < -1e-9 { (0.5 * (before - after) / bend).clamp(-0.5, 0.5) } else { 0.0 };
    Some((lag as f64 + shift, best))
}

fn height(samples: &[f32], start: usize, length: usize) -> f64 {
    let cycle = samples.get(start..start + length).unwrap_or_default();
    let (low, high) = cycle.iter().fold((f32::MAX, f32::MIN), |(low, high), v| (low.min(*v), high.max(*v)));
    f64::from((high - low).max(0.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A pulse train through a decaying resonance, with periods that alternate by a known amount.
    fn voice(jitter: f64) -> Vec<f32> {
        let rate = 16_000.0_f64;
        let mut samples = vec![0.0_f32; 48_000];
        let (mut at, mut n) = (100.0_f64, 0);
        while at < 47_000.0 {
            for k in 0_i32..400 {
                let t = (f64::from(k) + at.ceil() - at) / rate;
                let value = (-t * 300.0).exp() * (std::f64::consts::TAU * 500.0 * t).sin();
                if let Some(sample) = samples.get_mut(at.ceil() as usize + k as usize) {
                    *sample += 0.3 * value as f32;
                }
            }
            n += 1;
            at += rate / 120.0 * (1.0 + if n % 2 == 0 { 0.5 * jitter } else { -0.5 * jitter });
        }
        samples
    }

    #[test]
    fn pitch_and_jitter_of_a_known_voice_are_found() {
        let steady = measure(&voice(0.0), 16_000).unwrap();
        assert!((steady.median_hz - 120.0).abs() < 1.0, "{}", steady.median_hz);
        assert!(steady.jitter < 0.004, "{}", steady.jitter);
        let shaky = measure(&voice(0.03), 16_000).unwrap();
        // Half of it at the least, see above.
        assert!((0.012..0.033).contains(&shaky.jitter), "{}", shaky.jitter);
        assert!(measure(&vec![0.0; 32_000], 16_000).is_none());
    }
}
