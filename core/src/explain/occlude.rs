//! The model on windows of which something was taken away.

use std::ops::Range as Span;
use std::sync::Arc;

use realfft::RealFftPlanner;
use realfft::num_complex::Complex;

use super::reference::Reference;
use crate::error::Result;
use crate::features::{Extractor, FeatureSpec, StatisticsFamily};
use crate::model::manifest::Manifest;
use crate::model::{Model, Scorer};
use crate::site::Rules;

/// Windows that are scored together.
const BATCH: usize = 16;
/// Length of a stretch that is taken out of a window.
pub(super) const STRETCH_SECONDS: f64 = 0.5;
/// Edges of the bands in hertz, as far as the model hears them.
const EDGES_HZ: [f64; 10] = [300.0, 700.0, 1_200.0, 1_800.0, 2_500.0, 3_400.0, 4_000.0, 5_500.0, 7_000.0, 8_000.0];

/// A part of what the model hears.
pub(super) struct Part {
    /// `spectrum`, or `1200-1800`.
    pub name: String,
    /// How far each feature belongs to it, 0 to 1.
    pub weights: Vec<f32>,
}

/// Asks the model what it would say without something.
pub(super) struct Occluder {
    model: Arc<Model>,
    rules: Rules,
    reference: Option<Reference>,
    pub families: Vec<Part>,
    pub bands: Vec<Part>,
}

impl Occluder {
    pub fn new(model: Arc<Model>, rules: Rules, reference: Option<Reference>) -> Result<Self> {
        let manifest = model.manifest();
        let (families, bands) = match &reference {
            Some(_) => (families(manifest), bands(manifest)?),
            None => (Vec::new(), Vec::new()),
        };
        Ok(Self { model, rules, reference, families, bands })
    }

    /// The llrs of windows.
    pub fn llrs(&self, windows: &[Vec<f32>]) -> Result<Vec<f64>> {
        self.model.with_scorer(|scorer| {
            let mut llrs = Vec::with_capacity(windows.len());
            for some in windows.chunks(BATCH) {
                scorer.clear();
                some.iter().try_for_each(|window| scorer.add(window, 0, None))?;
                llrs.extend(self.scored(scorer)?);
            }
            Ok(llrs)
        })
    }

    /// What each part of a window speaks for, families first.
    pub fn parts(&self, window: &[f32]) -> Result<Vec<f64>> {
        let Some(reference) = &self.reference else { return Ok(Vec::new()) };
        self.model.with_scorer(|scorer| {
            scorer.clear();
            scorer.add(window, 0, None)?;
            let of_leg = scorer.features().to_vec();
            let parts: Vec<&Part> = self.families.iter().chain(&self.bands).collect();
            let mut vectors = vec![of_leg.clone(), reference.mean.clone()];
            for part in &parts {
                vectors.push(mixed(&of_leg, &reference.mean, &part.weights));
                vectors.push(mixed(&reference.mean, &of_leg, &part.weights));
            }
            let llrs = self.llrs_of_features(scorer, &vectors)?;
            let [whole, person, rest @ ..] = llrs.as_slice() else { return Ok(Vec::new()) };
            let evidence = |pair: &[f64]| match pair {
                [without, alone] => f64::midpoint(whole - without, alone - person),
                _ => 0.0,
            };
            Ok(rest.chunks(2).map(evidence).collect())
        })
    }

    /// The llr of a window, and of it with several parts set to the mean person's at once.
    pub fn without(&self, window: &[f32], parts: &[&Part]) -> Result<(f64, f64)> {
        let Some(reference) = &self.reference else { return Ok((0.0, 0.0)) };
        self.model.with_scorer(|scorer| {
            scorer.clear();
            scorer.add(window, 0, None)?;
            let of_leg = scorer.features().to_vec();
            let mut weights = vec![0.0_f32; of_leg.len()];
            for part in parts {
                weights.iter_mut().zip(&part.weights).for_each(|(sum, weight)| *sum = (*sum + weight).min(1.0));
            }
            let without = mixed(&of_leg, &reference.mean, &weights);
            let llrs = self.llrs_of_features(scorer, &[of_leg, without])?;
            Ok((llrs.first().copied().unwrap_or_default(), llrs.get(1).copied().unwrap_or_default()))
        })
    }

    fn llrs_of_features(&self, scorer: &mut Scorer, vectors: &[Vec<f32>]) -> Result<Vec<f64>> {
        let mut llrs = Vec::with_capacity(vectors.len());
        for some in vectors.chunks(BATCH) {
            scorer.clear();
            for vector in some {
                scorer.add_features(vector);
            }
            llrs.extend(self.scored(scorer)?);
        }
        Ok(llrs)
    }

    fn scored(&self, scorer: &mut Scorer) -> Result<Vec<f64>> {
        let manifest = self.model.manifest();
        let batch = if self.model.scores_batches()? { BATCH } else { 1 };
        let llr = |raw: Result<crate::model::RawScore>| Ok(self.rules.llr(manifest.calibration.llr(raw?.score)));
        scorer.scores(manifest, batch).into_iter().map(llr).collect()
    }
}

/// `one`, moved to `other` as far as the weights say.
fn mixed(one: &[f32], other: &[f32], weights: &[f32]) -> Vec<f32> {
    one.iter().zip(other).zip(weights).map(|((one, other), weight)| one + weight * (other - one)).collect()
}

/// A window without a stretch of it: what is left is repeated to fill it, as the library fills windows of short speech.
pub(super) fn without_stretch(window: &[f32], stretch: &Span<usize>) -> Vec<f32> {
    let rest: Vec<f32> =
        window.iter().enumerate().filter(|(n, _)| !stretch.contains(n)).map(|(_, sample)| *sample).collect();
    rest.iter().cycle().take(window.len()).copied().collect()
}

/// The families of statistics that the features are made of, each with the features that are its own.
fn families(manifest: &Manifest) -> Vec<Part> {
    let input = &manifest.input;
    let several = match &input.features {
        FeatureSpec::Several(several) => several.parts.as_slice(),
        one => std::slice::from_ref(one),
    };
    let sizes: Vec<(String, usize)> = several
        .iter()
        .map(|part| {
            let (rows, columns) = part.shape(input.sample_rate_hz, input.window_samples);
            (name_of(part), rows * columns)
        })
        .collect();
    let n: usize = sizes.iter().map(|(_, size)| size).sum();
    let mut parts: Vec<Part> = Vec::new();
    let mut from = 0;
    for (name, size) in sizes {
        let place = parts.iter().position(|part| part.name == name).unwrap_or(parts.len());
        if place == parts.len() {
            parts.push(Part { name, weights: vec![0.0; n] });
        }
        if let Some(part) = parts.get_mut(place) {
            part.weights.iter_mut().skip(from).take(size).for_each(|weight| *weight = 1.0);
        }
        from += size;
    }
    parts
}

fn name_of(part: &FeatureSpec) -> String {
    let FeatureSpec::Statistics(statistics) = part else { return "spectrogram".to_owned() };
    match statistics.family {
        StatisticsFamily::Spectrum => "spectrum",
        StatisticsFamily::Pulses => "pulses",
        StatisticsFamily::Cycles => "cycles",
        StatisticsFamily::Lines => "lines",
        StatisticsFamily::Phases => "phases",
    }
    .to_owned()
}

/// The bands that the model hears, each with how far every feature rests on it. That is asked of the features themselves,
/// whatever they are: noise whose content in one band is exchanged for other noise changes those that rest on the band.
fn bands(manifest: &Manifest) -> Result<Vec<Part>> {
    const DRAWS: u64 = 3;
    let input = &manifest.input;
    let nyquist = f64::from(input.sample_rate_hz) / 2.0;
    let (lowest, highest) = heard(&input.features);
    let mut edges = vec![0.0];
    edges.extend(EDGES_HZ.into_iter().filter(|edge| *edge < nyquist && *edge > lowest && *edge < highest));
    edges.push(nyquist);
    let mut extractor = Extractor::new(&input.features, input.sample_rate_hz, input.window_samples, input.level_dbfs)?;
    let (rows, columns) = extractor.shape();
    let n_bands = edges.len() - 1;
    let mut changes = vec![vec![0.0_f32; rows * columns]; n_bands];
    let mut noise = BandNoise::new(input.window_samples, input.sample_rate_hz);
    let (mut whole, mut changed) = (vec![0.0; rows * columns], vec![0.0; rows * columns]);
    for draw in 0..DRAWS {
        let of_bands: Vec<Vec<f32>> =
            edges.windows(2).enumerate().map(|(n, pair)| noise.draw(pair, 2 * (draw * 16 + n as u64))).collect();
        let sum = |skip: Option<usize>, other: &[f32]| -> Vec<f32> {
            let mut sum = other.to_vec();
            for (_, band) in of_bands.iter().enumerate().filter(|(n, _)| Some(*n) != skip) {
                sum.iter_mut().zip(band).for_each(|(sum, sample)| *sum += sample);
            }
            sum
        };
        let silence = vec![0.0; input.window_samples];
        extractor.compute(&sum(None, &silence), &mut whole)?;
        for (n, (pair, change)) in edges.windows(2).zip(&mut changes).enumerate() {
            let other = noise.draw(pair, 2 * (draw * 16 + n as u64) + 1);
            extractor.compute(&sum(Some(n), &other), &mut changed)?;
            for (change, (a, b)) in change.iter_mut().zip(whole.iter().zip(&changed)) {
                *change += (a - b).abs();
            }
        }
    }
    let n_values = rows * columns;
    let totals: Vec<f32> = (0..n_values).map(|v| changes.iter().filter_map(|c| c.get(v)).sum()).collect();
    let part = |(pair, change): (&[f64], Vec<f32>)| {
        let share = |(change, total): (&f32, &f32)| if *total > 0.0 { change / total } else { 1.0 / n_bands as f32 };
        let name = format!("{:.0}-{:.0}", pair.first().unwrap_or(&0.0), pair.last().unwrap_or(&0.0));
        Part { name, weights: change.iter().zip(&totals).map(share).collect() }
    };
    Ok(edges.windows(2).zip(changes).map(part).collect())
}

/// The lowest and the highest frequency that the features look at.
fn heard(features: &FeatureSpec) -> (f64, f64) {
    let parts = match features {
        FeatureSpec::Several(several) => several.parts.as_slice(),
        one => std::slice::from_ref(one),
    };
    let of = |part: &FeatureSpec| match part {
        FeatureSpec::Statistics(statistics) => statistics.of.spectrogram().map(|s| (s.f_min_hz, s.f_max_hz)),
        other => other.spectrogram().map(|s| (s.f_min_hz, s.f_max_hz)),
    };
    let ranges = parts.iter().filter_map(of);
    ranges.reduce(|(low, high), (l, h)| (low.min(l), high.max(h))).unwrap_or((0.0, f64::INFINITY))
}

/// Noise inside a band, the same for the same seed.
struct BandNoise {
    planner: RealFftPlanner<f32>,
    n: usize,
    rate: f64,
}

impl BandNoise {
    fn new(n: usize, sample_rate_hz: u32) -> Self {
        Self { planner: RealFftPlanner::new(), n: n & !1, rate: f64::from(sample_rate_hz) }
    }

    fn draw(&mut self, band: &[f64], seed: u64) -> Vec<f32> {
        use rand_xoshiro::rand_core::{Rng as _, SeedableRng as _};
        let mut random = rand_xoshiro::Xoshiro256PlusPlus::seed_from_u64(seed);
        let inverse = self.planner.plan_fft_inverse(self.n);
        let mut bins = inverse.make_input_vec();
        let (low, high) = (band.first().copied().unwrap_or(0.0), band.last().copied().unwrap_or(0.0));
        let last = bins.len().saturating_sub(1);
        for (n, bin) in bins.iter_mut().enumerate() {
            let hz = n as f64 * self.rate / self.n as f64;
            let phase = std::f32::consts::TAU * (random.next_u64() >> 40) as f32 / (1_u64 << 24) as f32;
            if hz >= low && hz < high && n > 0 && n < last {
                // Falling by 6 dB an octave, as speech does about.
                *bin = Complex::from_polar(1.0 / (hz as f32 + 200.0), phase);
            }
        }
        let mut samples = inverse.make_output_vec();
        let done = inverse.process(&mut bins, &mut samples);
        debug_assert!(done.is_ok(), "the buffers were made by this FFT");
        samples.resize(self.n.max(samples.len()), 0.0);
        samples
    }
}
