//! How loud the frames of a leg are: a histogram, since one loud frame outweighs a minute of silence in a mean.

/// Decibels of full scale that are told apart, down from 0; what is quieter stands with the last.
const N_LEVELS: usize = 100;
const FRAME_SECONDS: f64 = 0.016;

/// Powers of frames of 16 ms, to a decibel.
pub(super) struct Levels {
    counts: [u32; N_LEVELS],
    n: u64,
}

impl Default for Levels {
    fn default() -> Self {
        Self { counts: [0; N_LEVELS], n: 0 }
    }
}

impl Levels {
    pub fn add(&mut self, power: f64) {
        let level = if power > 0.0 { (-10.0 * power.log10()).max(0.0) as usize } else { N_LEVELS };
        if let Some(count) = self.counts.get_mut(level.min(N_LEVELS - 1)) {
            *count = count.saturating_add(1);
        }
        self.n += 1;
    }

    /// The power that half of the frames do not exceed; 0 where there are none.
    pub fn median(&self) -> f64 {
        let mut louder = 0;
        for (level, count) in self.counts.iter().enumerate() {
            louder += u64::from(*count);
            if 2 * louder > self.n {
                return power_of(level);
            }
        }
        0.0
    }

    /// Seconds of frames louder than this power, to a decibel.
    pub fn seconds_above(&self, power: f64) -> f64 {
        let louder = self.counts.iter().enumerate().take_while(|(level, _)| power_of(*level) > power);
        louder.map(|(_, count)| f64::from(*count)).sum::<f64>() * FRAME_SECONDS
    }
}

/// The middle of a level; of the last, which holds silence too, none.
fn power_of(level: usize) -> f64 {
    if level + 1 == N_LEVELS { 0.0 } else { 10_f64.powf(-(level as f64 + 0.5) / 10.0) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_loud_moment_moves_no_median() {
        let mut levels = Levels::default();
        (0..100).for_each(|_| levels.add(1e-5));
        (0..90).for_each(|_| levels.add(0.5));
        assert!((levels.median() / 1e-5 - 1.0).abs() < 0.15, "{}", levels.median());
        assert!((levels.seconds_above(1e-3) - 90.0 * FRAME_SECONDS).abs() < 1e-9);
        (0..200).for_each(|_| levels.add(0.0));
        assert!(levels.median() < 1e-12, "digital silence");
    }
}
