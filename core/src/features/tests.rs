//! Features against a naive oracle: the definitions in double precision, as slow as they read.

use std::f64::consts::{PI, TAU};

use proptest::prelude::*;
use serde_json::Value;

use super::normalise::ColumnNormaliser;
use super::*;
use crate::error::ErrorKind;

const RATE_HZ: u32 = 8_000;

/// Harmonics with noise, and a stretch of digital silence that meets the floor.
fn signal(n: usize) -> Vec<f32> {
    (0..n)
        .zip(noise(n))
        .map(|(i, noise)| {
            let tone: f64 =
                (1..12).map(|h| (TAU * 170.0 * f64::from(h) * i as f64 / 8_000.0).sin() / f64::from(h)).sum();
            if i % 1_500 > 1_200 { 0.0 } else { (0.1 * tone + 0.01 * f64::from(noise)) as f32 }
        })
        .collect()
}

/// White noise from -0.5 to 0.5.
fn noise(n: usize) -> Vec<f32> {
    let next = |state: &mut u32, _| {
        *state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        Some((*state >> 8) as f32 / (1 << 24) as f32 - 0.5)
    };
    (0..n).scan(1_u32, next).collect()
}

/// Rows of |X|², by the sum that defines the Fourier transform.
fn naive_power(s: &SpectrogramSpec, samples: &[f32]) -> Vec<Vec<f64>> {
    let pad = (s.n_fft - s.win_length) / 2;
    let n_frames = 1 + (samples.len() - s.n_fft) / s.hop_length;
    let frame = |t: usize| -> Vec<f64> {
        let windowed: Vec<f64> = (0..s.n_fft)
            .map(|n| {
                let inside = n.checked_sub(pad).filter(|n| *n < s.win_length);
                let hann = inside.map_or(0.0, |n| 0.5 - 0.5 * (TAU * n as f64 / s.win_length as f64).cos());
                hann * f64::from(samples[t * s.hop_length + n])
            })
            .collect();
        let bin = |k: usize| {
            let angle = |n: usize| TAU * (k * n % s.n_fft) as f64 / s.n_fft as f64;
            let re: f64 = windowed.iter().enumerate().map(|(n, v)| v * angle(n).cos()).sum();
            let im: f64 = windowed.iter().enumerate().map(|(n, v)| v * angle(n).sin()).sum();
            re * re + im * im
        };
        (0..=s.n_fft / 2).map(bin).collect()
    };
    (0..n_frames).map(frame).collect()
}

fn naive_bank(f: &FilterbankSpec, samples: &[f32], mel: bool) -> Vec<Vec<f64>> {
    let to = |hz: f64| if mel { 2595.0 * (1.0 + hz / 700.0).log10() } else { hz };
    let back = |x: f64| if mel { 700.0 * (10.0_f64.powf(x / 2595.0) - 1.0) } else { x };
    let (low, high) = (to(f.f_min_hz), to(f.f_max_hz));
    let edge = |i: usize| back(low + (high - low) * i as f64 / (f.n_filters + 1) as f64);
    let energy = |power: &Vec<f64>, m: usize| -> f64 {
        let weight = |k: usize| {
            let hz = k as f64 * f64::from(RATE_HZ) / f.n_fft as f64;
            let (left, centre, right) = (edge(m), edge(m + 1), edge(m + 2));
            ((hz - left) / (centre - left)).min((right - hz) / (right - centre)).max(0.0)
        };
        power.iter().enumerate().map(|(k, p)| weight(k) * p).sum()
    };
    let row = |power: &Vec<f64>| {
        (0..f.n_filters).map(|m| energy(power, m).max(f64::from(f.log_floor)).ln()).collect::<Vec<_>>()
    };
    naive_power(&f.spectrogram(), samples).iter().map(row).collect()
}

fn naive_lfcc(c: &CepstrumSpec, samples: &[f32]) -> Vec<Vec<f64>> {
    let n = c.n_filters as f64;
    let coefficient = |logs: &Vec<f64>, k: usize| -> f64 {
        let scale = if k == 0 { (1.0 / n).sqrt() } else { (2.0 / n).sqrt() };
        logs.iter().enumerate().map(|(m, v)| scale * v * (PI * k as f64 * (m as f64 + 0.5) / n).cos()).sum()
    };
    let bank = naive_bank(&c.filterbank(), samples, false);
    let mut orders = vec![bank.iter().map(|row| (0..c.n_coeffs).map(|k| coefficient(row, k)).collect()).collect()];
    for _ in 0..c.deltas {
        let last: &Vec<Vec<f64>> = orders.last().unwrap();
        let at = |t: isize, k: usize| last[t.clamp(0, last.len().cast_signed() - 1) as usize][k];
        let delta = |t: usize, k: usize| {
            let t = t.cast_signed();
            (1..=2).map(|n| n as f64 * (at(t + n, k) - at(t - n, k))).sum::<f64>() / 10.0
        };
        orders.push((0..last.len()).map(|t| (0..c.n_coeffs).map(|k| delta(t, k)).collect()).collect());
    }
    (0..bank.len()).map(|t| orders.iter().flat_map(|order| order[t].clone()).collect()).collect()
}

/// The sum that defines phase coherence, with the angle of every bin.
fn naive_coherence(p: &PhaseSpec, samples: &[f32]) -> Vec<Vec<f64>> {
    let n_frames = 1 + (samples.len() - p.n_fft) / p.hop_length;
    let pad = (p.n_fft - p.win_length) / 2;
    let bin = |t: usize, k: usize| -> (f64, f64) {
        let (mut re, mut im) = (0.0, 0.0);
        for n in 0..p.win_length {
            let hann = 0.5 - 0.5 * (TAU * n as f64 / p.win_length as f64).cos();
            let value = hann * f64::from(samples[t * p.hop_length + pad + n]);
            let angle = TAU * (k * (n + pad) % p.n_fft) as f64 / p.n_fft as f64;
            (re, im) = (re + value * angle.cos(), im - value * angle.sin());
        }
        (re.hypot(im), im.atan2(re))
    };
    let hz = |k: usize| k as f64 * f64::from(RATE_HZ) / p.n_fft as f64;
    let bins: Vec<usize> = (0..=p.n_fft / 2).filter(|&k| (p.f_min_hz..=p.f_max_hz).contains(&hz(k))).collect();
    let bins = &bins[..bins.len() - 1];
    let band = |t: usize, band: usize| {
        let of_band = bins.len() * band / p.n_bands..bins.len() * (band + 1) / p.n_bands;
        let (mut re, mut im, mut weight) = (0.0, 0.0, 0.0);
        for &k in &bins[of_band] {
            let ((now, angle), (before, _)) = (bin(t, k), bin(t - 1, k));
            let magnitude = now.min(before);
            let mixed = bin(t, k + 1).1 - angle - bin(t - 1, k + 1).1 + bin(t - 1, k).1;
            (re, im) = (re + magnitude * mixed.cos(), im + magnitude * mixed.sin());
            weight += magnitude + f64::from(p.power_floor).sqrt();
        }
        (re / weight, im / weight)
    };
    let row = |t: usize| {
        let bands: Vec<_> = (0..p.n_bands).map(|b| band(t, b)).collect();
        bands.iter().map(|b| b.0).chain(bands.iter().map(|b| b.1)).collect()
    };
    (1..n_frames).map(row).collect()
}

fn phase(s: &SpectrogramSpec, n_bands: usize) -> PhaseSpec {
    let SpectrogramSpec { n_fft, win_length, hop_length, f_min_hz, f_max_hz, log_floor: power_floor, .. } = *s;
    PhaseSpec { n_fft, win_length, hop_length, f_min_hz, f_max_hz, n_bands, power_floor }
}

fn check(spec: &FeatureSpec, samples: &[f32], expected: &[Vec<f64>]) {
    let mut extractor = Extractor::new(spec, RATE_HZ, samples.len(), None).unwrap();
    let (n_frames, n_features) = extractor.shape();
    assert_eq!((n_frames, n_features), (expected.len(), expected[0].len()));
    let mut out = vec![0.0; n_frames * n_features];
    extractor.compute(samples, &mut out).unwrap();
    for (index, (got, expected)) in out.iter().zip(expected.iter().flatten()).enumerate() {
        let bound = 1e-4 * expected.abs().max(1.0);
        assert!((f64::from(*got) - expected).abs() < bound, "{spec:?}: value {index} is {got}, expected {expected}");
    }
}

/// Lengths: a power of two, an odd one, a window shorter than the FFT, odd and even counts of frames.
fn spectrograms() -> Vec<SpectrogramSpec> {
    [(256, 256, 80, 1e-7), (128, 100, 50, 1e-4), (175, 161, 33, 1e-5)]
        .map(|(n_fft, win_length, hop_length, log_floor)| SpectrogramSpec {
            n_fft,
            win_length,
            hop_length,
            f_min_hz: 200.0,
            f_max_hz: 3_700.0,
            log_floor,
            normalisation: Normalisation::None,
        })
        .to_vec()
}

fn filterbank(s: &SpectrogramSpec) -> FilterbankSpec {
    let SpectrogramSpec { n_fft, win_length, hop_length, f_min_hz, f_max_hz, log_floor, normalisation } = *s;
    FilterbankSpec { n_fft, win_length, hop_length, f_min_hz, f_max_hz, n_filters: 23, log_floor, normalisation }
}

fn cepstrum(s: &SpectrogramSpec, deltas: usize) -> CepstrumSpec {
    let SpectrogramSpec { n_fft, win_length, hop_length, f_min_hz, f_max_hz, log_floor, normalisation } = *s;
    CepstrumSpec {
        n_fft,
        win_length,
        hop_length,
        f_min_hz,
        f_max_hz,
        n_filters: 23,
        n_coeffs: 13,
        deltas,
        log_floor,
        normalisation,
    }
}

#[test]
fn log_spectrogram_is_its_definition() {
    for (s, n) in spectrograms().iter().flat_map(|s| [(s, 1_777), (s, 1_850)]) {
        let samples = signal(n);
        let inside = |k: &usize| {
            let hz = *k as f64 * f64::from(RATE_HZ) / s.n_fft as f64;
            (s.f_min_hz..=s.f_max_hz).contains(&hz)
        };
        let row = |power: Vec<f64>| {
            (0..power.len()).filter(inside).map(|k| power[k].max(f64::from(s.log_floor)).ln()).collect::<Vec<_>>()
        };
        let expected: Vec<_> = naive_power(s, &samples).into_iter().map(row).collect();
        check(&FeatureSpec::LogSpectrogram(s.clone()), &samples, &expected);
    }
}

#[test]
fn filterbanks_are_their_definitions() {
    let samples = signal(1_777);
    for s in &spectrograms() {
        let f = filterbank(s);
        check(&FeatureSpec::LinearFilterbank(f.clone()), &samples, &naive_bank(&f, &samples, false));
        check(&FeatureSpec::LogMel(f.clone()), &samples, &naive_bank(&f, &samples, true));
    }
}

#[test]
fn lfcc_is_its_definition_with_and_without_deltas() {
    let samples = signal(1_777);
    for (s, deltas) in spectrograms().iter().flat_map(|s| (0..3).map(move |d| (s, d))) {
        let c = cepstrum(s, deltas);
        check(&FeatureSpec::Lfcc(c.clone()), &samples, &naive_lfcc(&c, &samples));
    }
}

#[test]
fn phase_coherence_is_its_definition() {
    // A floor above the rounding of float32, under which a phase is chance.
    for (s, n) in spectrograms().iter().flat_map(|s| [(s, 1_777), (s, 1_850)]) {
        let p = PhaseSpec { power_floor: 1e-3, ..phase(s, 7) };
        let samples = signal(n);
        check(&FeatureSpec::PhaseCoherence(p.clone()), &samples, &naive_coherence(&p, &samples));
    }
}

#[test]
fn phases_of_tones_stand_still_those_of_pulses_turn_and_those_of_noise_scatter() {
    let p = PhaseSpec { power_floor: 1e-6, ..phase(&spectrograms()[0], 1) };
    let coherence = |sample: &dyn Fn(usize) -> f32| {
        let samples: Vec<f32> = (0..1_000).map(sample).collect();
        let mut extractor = Extractor::new(&FeatureSpec::PhaseCoherence(p.clone()), RATE_HZ, 1_000, None).unwrap();
        let mut out = vec![0.0; extractor.shape().0 * extractor.shape().1];
        extractor.compute(&samples, &mut out).unwrap();
        out.as_chunks().0.iter().map(|&[re, im]| (re, im)).collect::<Vec<_>>()
    };
    let mean = |rows: &[(f32, f32)]| {
        let n = rows.len() as f32;
        (rows.iter().map(|row| row.0).sum::<f32>() / n, rows.iter().map(|row| row.1).sum::<f32>() / n)
    };
    let (re, im) = mean(&coherence(&|n| (n as f32 * 1.3).sin()));
    assert!(re > 0.98 && im.abs() < 0.02, "tone: {re} {im}");
    let turn = TAU * p.hop_length as f64 / p.n_fft as f64;
    // Both frames of the first row hold the pulse.
    let (re, im) = coherence(&|n| if n == 180 { 1.0 } else { 0.0 })[0];
    assert!((f64::from(re) - turn.cos()).abs() < 0.02 && (f64::from(im) - turn.sin()).abs() < 0.02, "pulse: {re} {im}");
    let (re, im) = mean(&coherence(&|_| 0.0));
    assert!(re == 0.0 && im == 0.0, "silence: {re} {im}");
    let noise = noise(1_000);
    let (re, im) = mean(&coherence(&|n| noise[n]));
    assert!(re.hypot(im) < 0.35, "noise: {re} {im}");
}

#[test]
fn parameters_of_phase_out_of_range_are_named() {
    let base = phase(&spectrograms()[0], 12);
    for (spec, name) in [
        (PhaseSpec { n_bands: 0, ..base.clone() }, "n_bands must be 1 to 111, "),
        (PhaseSpec { n_bands: 112, ..base.clone() }, "n_bands must be 1 to 111, "),
        (PhaseSpec { n_bands: 1, f_min_hz: 250.0, f_max_hz: 251.0, ..base.clone() }, "n_bands must be 1 to 0, "),
        (PhaseSpec { hop_length: 0, ..base.clone() }, "hop_length must be"),
        (PhaseSpec { power_floor: 0.0, ..base.clone() }, "power_floor must be at least"),
    ] {
        let error = Extractor::new(&FeatureSpec::PhaseCoherence(spec), RATE_HZ, 1_000, None).err().unwrap();
        assert!(error.to_string().contains(name), "{name}: {error}");
    }
    let error = Extractor::new(&FeatureSpec::PhaseCoherence(base), RATE_HZ, 300, None).err().unwrap();
    assert!(error.to_string().contains("two frames"), "{error}");
}

fn statistics(family: StatisticsFamily, of: FeatureSpec) -> FeatureSpec {
    FeatureSpec::Statistics(StatisticsSpec { family, of: Box::new(of) })
}

#[test]
fn statistics_of_silence_and_of_the_shortest_windows_are_finite() {
    let s = SpectrogramSpec { n_fft: 64, win_length: 64, hop_length: 16, ..spectrograms()[0].clone() };
    let lines = SpectrogramSpec { n_fft: 256, win_length: 256, hop_length: 100, ..s.clone() };
    for (family, of, frames) in [
        (StatisticsFamily::Spectrum, FeatureSpec::LogSpectrogram(lines.clone()), 22),
        (
            StatisticsFamily::Pulses,
            FeatureSpec::LinearFilterbank(FilterbankSpec { n_filters: 3, ..filterbank(&s) }),
            256,
        ),
        (
            StatisticsFamily::Cycles,
            FeatureSpec::LinearFilterbank(FilterbankSpec { n_filters: 3, ..filterbank(&s) }),
            256,
        ),
        (StatisticsFamily::Lines, FeatureSpec::LogSpectrogram(lines), 2),
        (StatisticsFamily::Phases, FeatureSpec::PhaseCoherence(phase(&s, 4)), 15),
    ] {
        let (n_fft, hop_length) = of.spectrogram().map(|s| (s.n_fft, s.hop_length)).unwrap();
        let n_samples = n_fft + (frames - 1) * hop_length;
        let spec = statistics(family, of);
        for samples in [vec![0.0; n_samples], signal(n_samples)] {
            let mut extractor = Extractor::new(&spec, RATE_HZ, n_samples, None).unwrap();
            let mut out = vec![f32::NAN; extractor.shape().1];
            extractor.compute(&samples, &mut out).unwrap();
            assert!(out.iter().all(|value| value.is_finite()), "{family:?}");
        }
        let error = Extractor::new(&spec, RATE_HZ, n_samples - 1, None).err().unwrap();
        assert!(error.to_string().contains("of this family need at least"), "{family:?}: {error}");
    }
}

#[test]
fn a_beat_that_keeps_time_stands_out_and_one_that_glides_does_not() {
    const BEAT: usize = 10; // 86.133 Hz among the rates
    let s = SpectrogramSpec { n_fft: 64, win_length: 64, hop_length: 16, ..spectrograms()[0].clone() };
    let bands = FilterbankSpec { n_filters: 12, ..filterbank(&s) };
    let spec = statistics(StatisticsFamily::Cycles, FeatureSpec::LinearFilterbank(bands));
    let mut extractor = Extractor::new(&spec, RATE_HZ, 32_000, None).unwrap();
    let noise = noise(32_000);
    // One part in ten of the amplitude; the rate glides by `glide` of itself from end to end.
    let mut prominence = |glide: f64| {
        let samples: Vec<f32> = (0..)
            .zip(&noise)
            .map(|(n, noise)| {
                let seconds = f64::from(n) / f64::from(RATE_HZ);
                let beat = (TAU * 86.133 * seconds * (1.0 + glide * seconds / 8.0)).cos();
                noise * (1.0 + 0.1 * beat as f32)
            })
            .collect();
        let mut out = vec![0.0; extractor.shape().1];
        extractor.compute(&samples, &mut out).unwrap();
        out
    };
    let steady = prominence(0.0);
    let (at_beat, highest) = (steady[BEAT], steady[30]);
    assert!(at_beat > 2.0 && at_beat >= highest, "{at_beat} {highest}");
    assert!(steady[..30].iter().enumerate().all(|(rate, value)| rate == BEAT || *value < 1.2), "{steady:?}");
    let gliding = prominence(0.1);
    assert!(gliding[30] < 1.6 && gliding[BEAT] < 1.0, "{gliding:?}");
}

#[test]
fn what_statistics_cannot_be_of_is_said() {
    let refused = |family, of| Extractor::new(&statistics(family, of), RATE_HZ, 4_000, None).err().unwrap().to_string();
    let s = &spectrograms()[0];
    let waveform = FeatureSpec::Waveform(WaveformSpec {});
    assert!(refused(StatisticsFamily::Lines, waveform.clone()).contains("must be of a spectrogram"));
    let several = FeatureSpec::Several(SeveralSpec { parts: vec![waveform] });
    assert!(refused(StatisticsFamily::Lines, several).contains("must be of a spectrogram"));
    let again = statistics(StatisticsFamily::Lines, FeatureSpec::LogSpectrogram(s.clone()));
    assert!(refused(StatisticsFamily::Lines, again).contains("must be of a spectrogram"));
    let power = FeatureSpec::LogSpectrogram(s.clone());
    assert!(refused(StatisticsFamily::Phases, power).contains("must be of phase_coherence"));
    let slow = FeatureSpec::LogSpectrogram(SpectrogramSpec { hop_length: 101, ..s.clone() });
    assert!(refused(StatisticsFamily::Spectrum, slow).contains("at least 80 frames a second"));
    let cycles = |hop_length, n_samples| {
        let s = SpectrogramSpec { n_fft: 64, win_length: 64, hop_length, ..s.clone() };
        let spec = statistics(StatisticsFamily::Cycles, FeatureSpec::LogSpectrogram(s));
        Extractor::new(&spec, RATE_HZ, n_samples, None).err().unwrap().to_string()
    };
    assert!(cycles(17, 4_000).contains("need at least 256 frames"));
    assert!(cycles(17, 8_000).contains("at least 500 frames a second"));
    assert!(cycles(1, 4_000).contains("frames of at least 0.5 s"));
    assert!(cycles(1, 65_600).contains("at most 65536 frames, of has 65537"));
    let wrong = FeatureSpec::LogSpectrogram(SpectrogramSpec { hop_length: 0, ..s.clone() });
    assert!(refused(StatisticsFamily::Spectrum, wrong).contains("input.features: of: hop_length"));
}

/// Spectrograms as they may come: any length, a window shorter than the FFT, any spacing.
fn any_spectrogram() -> impl Strategy<Value = SpectrogramSpec> {
    let lengths = (16_usize..300, 0.1..=1.0_f64, 0.1..=1.0_f64);
    (lengths, 0.0..1_500.0_f64, 2_000.0..=4_000.0_f64).prop_map(|((n_fft, win, hop), f_min_hz, f_max_hz)| {
        let win_length = ((n_fft as f64 * win) as usize).max(1);
        let hop_length = ((win_length as f64 * hop) as usize).max(1);
        let (log_floor, normalisation) = (1e-5, Normalisation::None);
        SpectrogramSpec { n_fft, win_length, hop_length, f_min_hz, f_max_hz, log_floor, normalisation }
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_parameters_give_what_the_definitions_say(
        s in any_spectrogram(),
        n_filters in 1_usize..8,
        n_hops in 0_usize..12,
        mel in any::<bool>(),
    ) {
        let samples = signal(s.n_fft + n_hops * s.hop_length + s.hop_length / 2);
        let f = FilterbankSpec { n_filters, ..filterbank(&s) };
        let expected = naive_bank(&f, &samples, mel);
        check(&if mel { FeatureSpec::LogMel(f) } else { FeatureSpec::LinearFilterbank(f) }, &samples, &expected);
    }
}

#[test]
fn a_loud_frame_does_not_leak_into_the_quiet_one_beside_it() {
    // Two frames share a transform; silence beside speech must stay at the floor all the same.
    let s = SpectrogramSpec { hop_length: 256, ..spectrograms()[0].clone() };
    let mut samples = signal(512);
    samples[256..].fill(0.0);
    check(&FeatureSpec::LogSpectrogram(s.clone()), &samples, &{
        let floored = |row: &Vec<f64>| row[7..=118].iter().map(|p| p.max(f64::from(s.log_floor)).ln()).collect();
        naive_power(&s, &samples).iter().map(floored).collect::<Vec<_>>()
    });
}

#[test]
fn a_window_leaves_nothing_behind() {
    let (first, second) = (signal(4_200), signal(4_700)[500..].to_vec());
    let [even, short, _] = &spectrograms()[..] else { panic!() };
    let power = || FeatureSpec::LogSpectrogram(even.clone());
    let bank = SpectrogramSpec { n_fft: 64, win_length: 64, hop_length: 10, ..even.clone() };
    let phases = || FeatureSpec::PhaseCoherence(phase(even, 12));
    for spec in [
        FeatureSpec::Lfcc(cepstrum(short, 2)),
        phases(),
        statistics(StatisticsFamily::Spectrum, power()),
        statistics(StatisticsFamily::Pulses, FeatureSpec::LinearFilterbank(filterbank(&bank))),
        statistics(StatisticsFamily::Cycles, FeatureSpec::LinearFilterbank(filterbank(&bank))),
        statistics(StatisticsFamily::Lines, power()),
        statistics(StatisticsFamily::Phases, phases()),
    ] {
        let mut extractor = Extractor::new(&spec, RATE_HZ, 4_200, Some(-20.0)).unwrap();
        let (n_frames, n_features) = extractor.shape();
        let mut compute = |window: &[f32]| {
            let mut out = vec![0.0; n_frames * n_features];
            extractor.compute(window, &mut out).unwrap();
            out
        };
        let before = compute(&first);
        compute(&second);
        assert_eq!(compute(&first), before, "{spec:?}");
    }
}

#[test]
fn columns_are_normalised_as_by_the_reference() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../testdata/vectors/normalisation.json");
    let vector: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let numbers = |rows: &Value| -> Vec<f64> {
        let rows = rows.as_array().unwrap().iter();
        rows.flat_map(|row| row.as_array().unwrap()).map(|v| v.as_f64().unwrap()).collect()
    };
    for case in vector["cases"].as_array().unwrap() {
        let kind: Normalisation = serde_json::from_value(case["parameters"]["normalisation"].clone()).unwrap();
        let mut matrix: Vec<f32> = numbers(&case["input"]).into_iter().map(|v| v as f32).collect();
        ColumnNormaliser::new(kind, case["shape"][1].as_u64().unwrap() as usize).apply(&mut matrix);
        for (got, expected) in matrix.iter().zip(numbers(&case["expected"])) {
            let allowed = 1e-4 + 1e-5 * expected.abs();
            assert!((f64::from(*got) - expected).abs() <= allowed, "{}: {got}, expected {expected}", case["name"]);
        }
    }
}

#[test]
fn normalised_columns_have_mean_zero_and_variance_one() {
    let samples = signal(4_000);
    for normalisation in [Normalisation::Mean, Normalisation::MeanVariance] {
        let spec = SpectrogramSpec { normalisation, ..spectrograms()[0].clone() };
        let mut extractor = Extractor::new(&FeatureSpec::LogSpectrogram(spec), RATE_HZ, samples.len(), None).unwrap();
        let (n_frames, n_features) = extractor.shape();
        let mut out = vec![0.0; n_frames * n_features];
        extractor.compute(&samples, &mut out).unwrap();
        for column in 0..n_features {
            let values: Vec<f64> = out.iter().skip(column).step_by(n_features).map(|v| f64::from(*v)).collect();
            let mean = values.iter().sum::<f64>() / n_frames as f64;
            let variance = values.iter().map(|v| v * v).sum::<f64>() / n_frames as f64;
            assert!(mean.abs() < 1e-4);
            assert!(normalisation == Normalisation::Mean || (variance - 1.0).abs() < 1e-3);
        }
    }
}

#[test]
fn level_changes_nothing_but_the_level() {
    let samples = signal(4_000);
    let quiet: Vec<f32> = samples.iter().map(|v| v * 0.01).collect();
    let spec = FeatureSpec::LogSpectrogram(spectrograms()[0].clone());
    let mut extractor = Extractor::new(&spec, RATE_HZ, samples.len(), Some(-20.0)).unwrap();
    let (n_frames, n_features) = extractor.shape();
    let mut both = [vec![0.0; n_frames * n_features], vec![0.0; n_frames * n_features]];
    for (out, window) in both.iter_mut().zip([&samples, &quiet]) {
        extractor.compute(window, out).unwrap();
    }
    assert!(both[0].iter().zip(&both[1]).all(|(a, b)| (a - b).abs() < 1e-3));
}

#[test]
fn wrong_lengths_are_refused() {
    let spec = FeatureSpec::LogSpectrogram(spectrograms()[0].clone());
    let mut extractor = Extractor::new(&spec, RATE_HZ, 1_000, None).unwrap();
    let error = extractor.compute(&[0.0; 999], &mut [0.0; 10]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidArgument);
}

#[test]
fn each_parameter_out_of_range_is_named() {
    let base = cepstrum(&spectrograms()[0], 2);
    for (spec, name) in [
        (CepstrumSpec { n_fft: 15, ..base.clone() }, "n_fft must be 16 to 65536, is 15"),
        (CepstrumSpec { n_fft: 65_537, ..base.clone() }, "n_fft must be 16 to 65536, is 65537"),
        (CepstrumSpec { n_fft: 1_024, ..base.clone() }, "n_fft must be at most window_samples (1000)"),
        (CepstrumSpec { win_length: 257, ..base.clone() }, "win_length must be 1 to n_fft (256), is 257"),
        (CepstrumSpec { win_length: 0, ..base.clone() }, "win_length"),
        (CepstrumSpec { hop_length: 0, ..base.clone() }, "hop_length must be 1 to win_length (256), is 0"),
        (CepstrumSpec { hop_length: 300, ..base.clone() }, "hop_length"),
        (CepstrumSpec { f_min_hz: -1.0, ..base.clone() }, "f_min_hz and f_max_hz"),
        (CepstrumSpec { f_min_hz: f64::NAN, ..base.clone() }, "f_min_hz and f_max_hz"),
        (CepstrumSpec { f_min_hz: 3_700.0, ..base.clone() }, "f_min_hz and f_max_hz"),
        (CepstrumSpec { f_max_hz: 4_000.1, ..base.clone() }, "within 0 to 4000 Hz"),
        (CepstrumSpec { f_min_hz: 320.0, f_max_hz: 340.0, ..base.clone() }, "no FFT bin"),
        (CepstrumSpec { log_floor: 0.0, ..base.clone() }, "log_floor"),
        (CepstrumSpec { log_floor: 1e-40, ..base.clone() }, "log_floor"),
        (CepstrumSpec { log_floor: f32::INFINITY, ..base.clone() }, "log_floor"),
        (CepstrumSpec { n_filters: 0, ..base.clone() }, "n_filters"),
        (CepstrumSpec { n_filters: 129, ..base.clone() }, "n_filters must be 1 to n_fft / 2 (128), is 129"),
        (CepstrumSpec { n_coeffs: 24, ..base.clone() }, "n_coeffs must be 1 to n_filters (23), is 24"),
        (CepstrumSpec { n_coeffs: 0, ..base.clone() }, "n_coeffs"),
        (CepstrumSpec { deltas: 3, ..base.clone() }, "deltas"),
    ] {
        let error = Extractor::new(&FeatureSpec::Lfcc(spec), RATE_HZ, 1_000, None).err().unwrap();
        assert_eq!(error.kind(), ErrorKind::InvalidManifest);
        assert!(error.to_string().contains(name), "{name}: {error}");
    }
    let huge = SpectrogramSpec { hop_length: 1, ..spectrograms()[0].clone() };
    let error = Extractor::new(&FeatureSpec::LogSpectrogram(huge), RATE_HZ, 960_000, None).err().unwrap();
    assert!(error.to_string().contains("at most 16777216 features"), "{error}");
}

#[test]
fn several_kinds_are_each_kind_behind_the_other() {
    let [short, long] = [32, 256].map(|n_fft| SpectrogramSpec {
        n_fft,
        win_length: n_fft,
        hop_length: n_fft / 2,
        ..spectrograms()[0].clone()
    });
    let bands = |n_filters| {
        let s = SpectrogramSpec { n_fft: 64, win_length: 64, hop_length: 16, ..spectrograms()[0].clone() };
        FeatureSpec::LinearFilterbank(FilterbankSpec { n_filters, ..filterbank(&s) })
    };
    // Of the same matrix, which is computed once, and of another one.
    let parts = vec![
        FeatureSpec::LogSpectrogram(long),
        FeatureSpec::Waveform(WaveformSpec {}),
        statistics(StatisticsFamily::Pulses, bands(5)),
        statistics(StatisticsFamily::Cycles, bands(5)),
        statistics(StatisticsFamily::Pulses, bands(6)),
        FeatureSpec::LogSpectrogram(short),
    ];
    let samples = signal(4_500);
    let of = |spec: &FeatureSpec| {
        let mut extractor = Extractor::new(spec, RATE_HZ, samples.len(), Some(-20.0)).unwrap();
        let mut out = vec![0.0; extractor.shape().0 * extractor.shape().1];
        extractor.compute(&samples, &mut out).unwrap();
        out
    };
    let expected: Vec<f32> = parts.iter().flat_map(of).collect();
    let several = FeatureSpec::Several(SeveralSpec { parts });
    assert_eq!(several.shape(RATE_HZ, samples.len()), (1, expected.len()));
    assert_eq!(of(&several), expected);
}

#[test]
fn several_kinds_are_at_least_one_and_not_several_again() {
    let refused = |parts: Vec<FeatureSpec>| {
        let spec = FeatureSpec::Several(SeveralSpec { parts });
        Extractor::new(&spec, RATE_HZ, 2_000, None).err().map(|e| e.to_string()).unwrap_or_default()
    };
    let waveform = || FeatureSpec::Waveform(WaveformSpec {});
    assert_eq!(refused(vec![waveform()]), "");
    assert!(refused(vec![]).contains("1 to 8 parts, has 0"));
    assert!(refused((0..9).map(|_| waveform()).collect()).contains("1 to 8 parts, has 9"));
    assert!(
        refused(vec![FeatureSpec::Several(SeveralSpec { parts: vec![waveform()] })]).contains("must not be several")
    );
    let wrong = SpectrogramSpec { hop_length: 0, ..spectrograms()[0].clone() };
    assert!(refused(vec![waveform(), FeatureSpec::LogSpectrogram(wrong)]).contains("parts[1]: hop_length must be"));
}

#[test]
fn tables_have_a_size_that_memory_can_hold() {
    let long = SpectrogramSpec { n_fft: 64, win_length: 64, hop_length: 1, ..spectrograms()[0].clone() };
    let of = statistics(
        StatisticsFamily::Lines,
        FeatureSpec::LogSpectrogram(SpectrogramSpec { n_fft: 512, win_length: 512, ..long }),
    );
    let error = Extractor::new(&of, RATE_HZ, 20_000, None).err().unwrap().to_string();
    assert!(error.contains("statistics must be of at most 2097152 features"), "{error}");
    let s = SpectrogramSpec { n_fft: 65_536, win_length: 65_536, ..spectrograms()[0].clone() };
    let refused = |spec: FeatureSpec| Extractor::new(&spec, RATE_HZ, 65_536, None).err().unwrap().to_string();
    let bank = FilterbankSpec { n_filters: 32_768, ..filterbank(&s) };
    assert!(refused(FeatureSpec::LogMel(bank)).contains("n_filters times n_fft must be at most"));
    let wide = CepstrumSpec { n_filters: 8_192, n_coeffs: 8_192, n_fft: 16_384, win_length: 16_384, ..cepstrum(&s, 0) };
    assert!(refused(FeatureSpec::Lfcc(wide)).contains("must be at most"));
}
