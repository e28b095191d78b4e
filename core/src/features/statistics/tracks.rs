//! The columns of a matrix as tracks: each a run of its own over the frames, so that sums over time run along memory.

use super::sink::Sink;
use crate::simd::vectorised;

/// Partial sums side by side: none waits for the one before it, and vector registers are full.
const LANES: usize = 16;

/// Tracks of one length, one for each column.
pub(super) struct Tracks {
    values: Vec<f32>,
    /// From one track to the next, and how much of that each fills.
    stride: usize,
    len: usize,
    moments: Vec<[f32; 3]>,
}

impl Tracks {
    pub(super) fn new(n_columns: usize, n_frames: usize) -> Self {
        Self {
            values: vec![0.0; n_columns * n_frames],
            stride: n_frames,
            len: n_frames,
            moments: vec![[0.0; 3]; n_columns],
        }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &[f32]> {
        self.values.chunks_exact(self.stride).map(|track| track.get(..self.len).unwrap_or_default())
    }

    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = &mut [f32]> {
        let len = self.len;
        self.values.chunks_exact_mut(self.stride).map(move |track| track.get_mut(..len).unwrap_or_default())
    }

    /// Takes the columns of a matrix that lies frame after frame, each of `width` values; of more columns the first.
    pub(super) fn take(&mut self, matrix: &[f32], width: usize) {
        /// Frames at a time: their values stay in the nearest memory until all columns have them.
        const BLOCK: usize = 64;
        self.len = self.stride;
        for (block, frames) in matrix.chunks(BLOCK * width).enumerate() {
            for (column, track) in self.values.chunks_exact_mut(self.stride).enumerate() {
                let track = track.get_mut(block * BLOCK..).unwrap_or_default();
                for (value, frame) in track.iter_mut().zip(frames.chunks_exact(width)) {
                    *value = frame[column];
                }
            }
        }
    }

    pub(super) fn copy_from(&mut self, other: &Self) {
        self.len = other.len;
        self.values.copy_from_slice(&other.values);
    }

    /// Takes the changes of other tracks from one frame to the one `step` later.
    pub(super) fn take_changes(&mut self, of: &Self, step: usize) {
        self.len = of.len.saturating_sub(step);
        vectorised(
            #[inline(always)]
            || {
                for (changes, track) in self.iter_mut().zip(of.iter()) {
                    let later = track.get(step..).unwrap_or_default();
                    for ((change, earlier), later) in changes.iter_mut().zip(track).zip(later) {
                        *change = later - earlier;
                    }
                }
            },
        );
    }

    /// Takes the second differences of other tracks.
    pub(super) fn take_curvature(&mut self, of: &Self) {
        self.len = of.len.saturating_sub(2);
        vectorised(
            #[inline(always)]
            || {
                for (curvature, track) in self.iter_mut().zip(of.iter()) {
                    let (middles, lasts) = (track.get(1..).unwrap_or_default(), track.get(2..).unwrap_or_default());
                    for (curvature, ((first, middle), last)) in
                        curvature.iter_mut().zip(track.iter().zip(middles).zip(lasts))
                    {
                        *curvature = last - 2.0 * middle + first;
                    }
                }
            },
        );
    }

    /// Brings each track to mean 0 and deviation 1.
    pub(super) fn unit(&mut self) {
        for track in self.iter_mut() {
            unit(track);
        }
    }

    /// Log variance, skewness and log kurtosis of each track: first that of all, then the next.
    pub(super) fn moments(&mut self, out: &mut Sink) {
        let Self { values, stride, len, moments: of_tracks } = self;
        for (moments, track) in of_tracks.iter_mut().zip(values.chunks_exact(*stride)) {
            let [variance, third, fourth] = central_moments(track.get(..*len).unwrap_or_default());
            // What keeps it from 0.
            *moments = [variance + 1e-6, third, fourth];
        }
        out.extend(of_tracks.iter().map(|[variance, _, _]| variance.ln()));
        out.extend(of_tracks.iter().map(|[variance, third, _]| third / (variance * variance.sqrt())));
        out.extend(of_tracks.iter().map(|[variance, _, fourth]| (fourth / (variance * variance) + 0.1).ln()));
    }

    /// The variance of each track.
    pub(super) fn variances(&self) -> impl Iterator<Item = f32> {
        self.iter().map(|track| central_moments(track)[0])
    }

    /// The mean of each track.
    pub(super) fn means(&self, out: &mut Sink) {
        out.extend(self.iter().map(mean));
    }

    /// The mean product of each track with itself `lag` frames later.
    pub(super) fn lagged(&self, lag: usize) -> impl Iterator<Item = f32> {
        self.iter().map(move |track| {
            let later = track.get(lag..).unwrap_or_default();
            dot(track, later) / later.len() as f32
        })
    }

    /// How tracks of mean 0 and deviation 1 go together: the mean product of each pair, that of the first with the second,
    /// with the third, and so on.
    pub(super) fn together(&self, out: &mut Sink) {
        let n = self.len as f32;
        for (index, one) in self.iter().enumerate() {
            out.extend(self.iter().skip(index + 1).map(|other| dot(one, other) / n));
        }
    }
}

/// The product of two runs, up to the end of the shorter one.
pub(super) fn dot(a: &[f32], b: &[f32]) -> f32 {
    let n = a.len().min(b.len());
    let (a, b) = (a.get(..n).unwrap_or_default(), b.get(..n).unwrap_or_default());
    vectorised(
        #[inline(always)]
        || {
            let (a, a_left) = a.as_chunks::<LANES>();
            let (b, b_left) = b.as_chunks::<LANES>();
            let mut sums = [0.0_f32; LANES];
            for (a, b) in a.iter().zip(b) {
                for ((sum, a), b) in sums.iter_mut().zip(a).zip(b) {
                    *sum += a * b;
                }
            }
            sums.iter().sum::<f32>() + a_left.iter().zip(b_left).map(|(a, b)| a * b).sum::<f32>()
        },
    )
}

/// Brings a run of values to mean 0 and deviation 1.
pub(super) fn unit(values: &mut [f32]) {
    let mean = mean(values);
    let n = values.len() as f32;
    let squares = sums(values, |value| [(value - mean) * (value - mean)]);
    let scale = 1.0 / (squares[0] / n + 1e-6).sqrt();
    vectorised(
        #[inline(always)]
        || {
            for value in values {
                *value = (*value - mean) * scale;
            }
        },
    );
}

/// The mean; of what differs from the first value, so that a run which stands still, as one at the floor of a logarithm does,
/// has exactly its value for a mean.
fn mean(values: &[f32]) -> f32 {
    let first = values.first().copied().unwrap_or_default();
    first + sums(values, |value| [value - first])[0] / values.len() as f32
}

/// Variance, and the third and fourth central moment.
fn central_moments(values: &[f32]) -> [f32; 3] {
    let (mean, n) = (mean(values), values.len() as f32);
    let [second, third, fourth] = sums(values, |value| {
        let offset = value - mean;
        let squared = offset * offset;
        [squared, squared * offset, squared * squared]
    });
    [second / n, third / n, fourth / n]
}

/// The sums of some terms of each value.
#[inline(always)]
#[expect(clippy::inline_always, reason = "to be compiled for the registers of its caller, terms and all")]
fn sums<const N: usize>(values: &[f32], terms: impl Fn(f32) -> [f32; N]) -> [f32; N] {
    vectorised(
        #[inline(always)]
        || {
            let (chunks, left) = values.as_chunks::<LANES>();
            let mut sums = [[0.0_f32; LANES]; N];
            for chunk in chunks {
                for (lane, value) in chunk.iter().enumerate() {
                    for (sums, term) in sums.iter_mut().zip(terms(*value)) {
                        sums[lane] += term;
                    }
                }
            }
            let mut totals = sums.map(|sums| sums.iter().sum::<f32>());
            for value in left {
                for (total, term) in totals.iter_mut().zip(terms(*value)) {
                    *total += term;
                }
            }
            totals
        },
    )
}
