//! A window as the model heard it, with the place of each of its samples in the leg.

/// A window as the model heard it.
pub(super) struct HeardWindow {
    pub samples: Vec<f32>,
    pub share: f64,
    /// For each block of samples its place in the leg.
    positions: Vec<u64>,
}

const BLOCK: usize = 128;

impl HeardWindow {
    /// A window with its share of fresh speech, out of the leg between two places.
    pub fn new(samples: Vec<f32>, share: f64, heard: &[f32], (start, end): (u64, u64)) -> Self {
        let positions = positions(&samples, heard, start as usize, end as usize);
        Self { samples, share, positions }
    }

    pub fn position(&self, sample: usize) -> Option<u64> {
        self.positions.get(sample / BLOCK).map(|at| at + (sample % BLOCK) as u64)
    }
}

/// Where the blocks of a window lie in the leg: a window leaves pauses out, so each block is looked for behind the one before.
fn positions(window: &[f32], heard: &[f32], start: usize, end: usize) -> Vec<u64> {
    let alike = |at: usize, block: &[f32]| {
        heard
            .get(at..at + block.len())
            .is_some_and(|there| there.iter().zip(block).step_by(7).all(|(a, b)| (a - b).abs() < 2e-3 + 0.01 * b.abs()))
    };
    let mut at = start;
    let mut found = Vec::with_capacity(window.len() / BLOCK + 1);
    for block in window.chunks(BLOCK) {
        if !alike(at, block) {
            // The gate lets frames of 16 ms through; whatever was left out is a number of samples.
            let behind = (at..end.saturating_sub(block.len() - 1)).find(|place| alike(*place, block));
            at = match behind {
                Some(place) => place,
                // The speech is repeated from its start.
                None => (start..at).find(|place| alike(*place, block)).unwrap_or(at),
            };
        }
        found.push(at as u64);
        at += block.len();
    }
    found
}
