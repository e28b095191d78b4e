//! Triangular filterbanks over the power spectrum.

use super::spec::FilterbankSpec;
use crate::simd::vectorised;

/// How the filters' edges are spaced.
#[derive(Clone, Copy)]
pub(super) enum Scale {
    Linear,
    HtkMel,
}

impl Scale {
    fn of_hz(self, hz: f64) -> f64 {
        match self {
            Self::Linear => hz,
            Self::HtkMel => 2595.0 * (1.0 + hz / 700.0).log10(),
        }
    }

    fn to_hz(self, value: f64) -> f64 {
        match self {
            Self::Linear => value,
            Self::HtkMel => 700.0 * (10.0_f64.powf(value / 2595.0) - 1.0),
        }
    }
}

struct Filter {
    first_bin: usize,
    weights: Vec<f32>,
}

/// Filters as runs of non-zero weights: a triangle touches few of the bins.
pub(super) struct Filterbank {
    filters: Vec<Filter>,
}

impl Filterbank {
    pub(super) fn new(spec: &FilterbankSpec, scale: Scale, sample_rate_hz: u32) -> Self {
        let s = spec;
        let bin_hz = f64::from(sample_rate_hz) / s.n_fft as f64;
        let (low, high) = (scale.of_hz(s.f_min_hz), scale.of_hz(s.f_max_hz));
        let step = (high - low) / (spec.n_filters + 1) as f64;
        let edge = |n: usize| scale.to_hz(low + step * n as f64);
        let filters = (0..spec.n_filters)
            .map(|n| {
                let (left, centre, right) = (edge(n), edge(n + 1), edge(n + 2));
                let weight = |bin: usize| {
                    let hz = bin as f64 * bin_hz;
                    ((hz - left) / (centre - left)).min((right - hz) / (right - centre)).max(0.0)
                };
                let mut bins = (0..=s.n_fft / 2).filter(|&bin| weight(bin) > 0.0);
                let first_bin = bins.next().unwrap_or(0);
                let last_bin = bins.next_back().unwrap_or(first_bin);
                // Whole fours of bins, of which those outside the triangle weigh nothing.
                let n_bins = (last_bin + 1 - first_bin).next_multiple_of(4).min(s.n_fft / 2 + 1);
                let first_bin = first_bin.min(s.n_fft / 2 + 1 - n_bins);
                Filter { first_bin, weights: (first_bin..first_bin + n_bins).map(|bin| weight(bin) as f32).collect() }
            })
            .collect();
        Self { filters }
    }

    pub(super) fn len(&self) -> usize {
        self.filters.len()
    }

    /// The energy of every filter.
    pub(super) fn energies(&self, power: &[f32], out: &mut [f32]) {
        vectorised(
            #[inline(always)]
            || {
                for (value, filter) in out.iter_mut().zip(&self.filters) {
                    *value = dot(&filter.weights, power.get(filter.first_bin..).unwrap_or_default());
                }
            },
        );
    }
}

/// The product of two runs, up to the end of the first. In four sums side by side: one alone would wait for itself at every
/// step, which took most of the time of a filterbank.
#[inline(always)]
#[expect(clippy::inline_always, reason = "to be compiled for the registers of its caller")]
fn dot(weights: &[f32], values: &[f32]) -> f32 {
    let values = values.get(..weights.len()).unwrap_or_default();
    let (weights, weights_left) = weights.as_chunks::<4>();
    let (values, values_left) = values.as_chunks::<4>();
    let mut sums = [0.0_f32; 4];
    for (weights, values) in weights.iter().zip(values) {
        for ((sum, weight), value) in sums.iter_mut().zip(weights).zip(values) {
            *sum += weight * value;
        }
    }
    let left: f32 = weights_left.iter().zip(values_left).map(|(weight, value)| weight * value).sum();
    let [a, b, c, d] = sums;
    (a + b) + (c + d) + left
}
