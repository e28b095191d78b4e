//! The pauses: how quiet they are, and how still.

pub(super) struct Pauses {
    pub floor_dbfs: f64,
    pub silent_share: f64,
    pub spread_db: f64,
}

const FRAME_SECONDS: f64 = 0.016;
const LEAST_FRAMES: usize = 60;
/// The quietest share of the frames, which stands for the pauses.
const PAUSES: f64 = 0.15;
/// What 16 bits cannot hold.
const SILENCE_DBFS: f64 = -96.0;

pub(super) fn measure(samples: &[f32], sample_rate_hz: u32) -> Option<Pauses> {
    let n = ((FRAME_SECONDS * f64::from(sample_rate_hz)) as usize).max(1);
    let frames: Vec<&[f32]> = samples.chunks_exact(n).collect();
    if frames.len() < LEAST_FRAMES {
        return None;
    }
    let level = |frame: &&[f32]| {
        let mean = frame.iter().sum::<f32>() / n as f32;
        let power = frame.iter().map(|v| f64::from((v - mean) * (v - mean))).sum::<f64>() / n as f64;
        (10.0 * (power + 1e-12).log10()).max(SILENCE_DBFS)
    };
    let mut levels: Vec<f64> = frames.iter().map(level).collect();
    // Within half a step of 16 bits: a resampler blurs the edges of what was one value.
    let still = |frame: &&&[f32]| frame.first().is_some_and(|first| frame.iter().all(|v| (v - first).abs() < 1.5e-5));
    let silent_share = frames.iter().filter(still).count() as f64 / frames.len() as f64;
    levels.sort_unstable_by(f64::total_cmp);
    let quiet = levels.get(..((PAUSES * levels.len() as f64) as usize).max(4)).unwrap_or_default();
    let mean = quiet.iter().sum::<f64>() / quiet.len() as f64;
    let variance = quiet.iter().map(|level| (level - mean) * (level - mean)).sum::<f64>() / quiet.len() as f64;
    let floor = levels.get(levels.len() / 20).copied().unwrap_or(SILENCE_DBFS);
    Some(Pauses { floor_dbfs: floor, silent_share, spread_db: variance.sqrt() })
}
