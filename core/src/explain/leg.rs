//! The explanation of a call, leg by leg.

use std::sync::Arc;

use serde::Serialize;

use super::figures::{CardFigure, of_card};
use super::measure::{Evidence, Faithfulness, faithfulness, of_parts, of_time};
use super::occlude::Occluder;
use super::reference::{Range, Reference, input_sha256, reference_of};
use super::signal::{Signal, measured};
use super::window::HeardWindow;
use crate::audio::decode::{AudioReader, Gap};
use crate::audio::resample::Resampler;
use crate::detector::Detector;
use crate::error::{Error, ErrorKind, Result};
use crate::leg::stream::StreamOptions;
use crate::leg::{Leg, MAX_BLOCK_SAMPLES};
use crate::model::Model;
use crate::site::Rules;
use crate::verdict::report::{AudioSummary, LegVerdict, ReportHead};
use crate::voice::window::Place;

/// What is asked of an explanation.
#[derive(Debug, Clone, PartialEq)]
pub struct ExplanationOptions {
    /// Windows that are asked about at most; of a longer leg so many, evenly spread. 120 by default.
    pub most_windows: usize,
    /// Measure also whether the parts named are those that the score rests on; it takes several times as long.
    pub faithfulness: bool,
    /// Another reference than that of the model.
    pub reference: Option<Reference>,
    /// Longest audio in seconds that is explained; an hour by default.
    pub max_seconds: f64,
}

impl Default for ExplanationOptions {
    fn default() -> Self {
        Self { most_windows: 120, faithfulness: false, reference: None, max_seconds: 3_600.0 }
    }
}

/// Why a call got its verdicts.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Explanation {
    /// 1.
    pub explanation_version: u32,
    /// Model, runtime, thresholds.
    #[serde(flatten)]
    pub head: ReportHead,
    /// What the audio was.
    pub audio: AudioSummary,
    /// What was wrong with it and could be read past.
    pub warnings: Vec<String>,
    /// What tells whether two explanations look at the same features: SHA-256 of the manifest's `input`.
    pub input_sha256: String,
    /// What the reference is: clips of people and of machines; none without one.
    pub reference: Option<(usize, usize)>,
    /// The legs.
    pub legs: Vec<LegExplanation>,
}

/// Why a leg got its verdict.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LegExplanation {
    /// The verdict.
    pub verdict: LegVerdict,
    /// The model of a cascade that more of the evidence is from; what follows is of it alone, as if it had heard the whole leg.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub explained_by: Option<String>,
    /// The llr of the leg after each window that counts: how the decision came about.
    pub path: Vec<PathPoint>,
    /// Evidence over time, in stretches of half a second.
    pub time: Vec<Evidence>,
    /// Evidence by band.
    pub bands: Vec<Evidence>,
    /// Evidence by family of statistics.
    pub families: Vec<Evidence>,
    /// How far that can be believed, where it was asked for.
    pub faithfulness: Option<Faithfulness>,
    /// What is measurable of the signal, beside people and machines of the reference.
    pub signal: Signal,
    /// What the card says of the model for so much speech.
    pub card: Vec<CardFigure>,
    /// Windows that were asked about, and all that count.
    pub n_windows: (usize, usize),
    /// Small pictures of the sound, for drawing.
    #[serde(skip)]
    pub picture: Picture,
}

/// The leg's llr at a time.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct PathPoint {
    /// Seconds of the leg.
    pub at_seconds: f64,
    /// The llr so far.
    pub llr: f64,
    /// The llr of the window that ends here.
    pub window_llr: f64,
}

/// The sound of a leg, drawn small.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Picture {
    /// The leg at the model's rate, for a player.
    pub samples: Vec<f32>,
    /// Samples a second.
    pub sample_rate_hz: u32,
    /// Levels in dB below the highest, column by column of time, lowest frequency first.
    pub spectrogram: Vec<f32>,
    /// Rows of the spectrogram.
    pub n_frequencies: usize,
}

/// Explains a call.
///
/// ```
/// use veravox::Detector;
/// use veravox::decode::{AudioReader, DecodeOptions};
/// use veravox::explain::{ExplanationOptions, explain};
///
/// let call = concat!(env!("CARGO_MANIFEST_DIR"), "/../testdata/calls/03-bank-card.alaw.wav");
/// let mut reader = AudioReader::open(call.as_ref(), &DecodeOptions::default())?;
/// let explanation = explain(&Detector::builtin()?, &mut reader, &ExplanationOptions::default(), &mut |_| true)?;
/// let strongest = explanation.legs[0].time.iter().max_by(|a, b| a.llr.total_cmp(&b.llr)).expect("speech");
/// println!("listen from {:.1} s on", strongest.from);
/// # Ok::<(), veravox::Error>(())
/// ```
///
/// # Errors
/// Those of a scan, [`LimitExceeded`](ErrorKind::LimitExceeded) for audio longer than the options allow, and
/// [`Cancelled`](ErrorKind::Cancelled) when `go_on`, which is told how far it is from 0 to 1, said so.
pub fn explain(
    detector: &Detector,
    reader: &mut AudioReader,
    options: &ExplanationOptions,
    go_on: &mut dyn FnMut(f64) -> bool,
) -> Result<Explanation> {
    let info = reader.info().clone();
    let rate = info.sample_rate_hz;
    let mut channels: Vec<Heard> = reader.legs().into_iter().map(Heard::new).collect();
    while let Some(chunk) = reader.next_chunk()? {
        for (leg, gap) in &chunk.gaps {
            if let Some(channel) = channels.get_mut(*leg) {
                channel.gaps.push((channel.samples.len(), *gap));
            }
        }
        for (channel, samples) in channels.iter_mut().zip(&chunk.channels) {
            channel.samples.extend_from_slice(samples);
        }
        if reader.samples_read() as f64 > options.max_seconds * f64::from(rate) {
            let message = format!(
                "expected at most {} s of audio to explain, got more: explain a part of it",
                options.max_seconds
            );
            return Err(Error::new(ErrorKind::LimitExceeded, message));
        }
    }
    let n_legs = channels.len();
    let mut legs = Vec::new();
    let mut streams = reader.streams().into_iter();
    for (number, leg) in channels.into_iter().enumerate() {
        let mut of_leg = |share: f64| go_on((number as f64 + share) / n_legs as f64);
        let mut explained = of_one(detector, &leg, options, &mut of_leg)?;
        (explained.verdict.leg, explained.verdict.stream) = (number, streams.next());
        legs.push(explained);
    }
    let duration_seconds = reader.samples_read() as f64 / f64::from(rate);
    let verdicts: Vec<LegVerdict> = legs.iter().map(|leg| leg.verdict.clone()).collect();
    let head = detector.report_head_of(&verdicts, rate);
    let manifest = detector.manifests().find(|manifest| manifest.onnx.sha256 == head.model.sha256);
    let reference = options.reference.clone().or_else(|| manifest.and_then(reference_of));
    Ok(Explanation {
        explanation_version: 1,
        input_sha256: manifest.map(|manifest| input_sha256(&manifest.input)).unwrap_or_default(),
        reference: reference.map(|r| (r.n_people, r.n_machines)),
        head,
        audio: AudioSummary::of(&info, duration_seconds),
        warnings: reader.warnings().to_vec(),
        legs,
    })
}

/// The audio of a leg, and where how much of it is missing.
struct Heard {
    rate_hz: u32,
    codec: String,
    samples: Vec<f32>,
    gaps: Vec<(usize, Gap)>,
}

impl Heard {
    fn new((rate_hz, codec): (u32, String)) -> Self {
        Self { rate_hz, codec, samples: Vec::new(), gaps: Vec::new() }
    }

    /// The leg at another rate, with zeros for what is missing.
    fn at_rate(&self, rate_hz: u32) -> Result<Vec<f32>> {
        let (mut whole, mut resampler) = (Vec::new(), Resampler::new(self.rate_hz, rate_hz)?);
        let mut from = 0;
        for (at, n) in self.gaps.iter().map(|(at, gap)| (*at, gap.n_samples())).chain([(self.samples.len(), 0)]) {
            let there = self.samples.get(from..at).unwrap_or_default();
            whole.extend(there.iter().map(|v| if v.is_finite() { v.clamp(-1.0, 1.0) } else { 0.0 }));
            whole.resize(whole.len().saturating_add(n as usize), 0.0);
            from = at;
        }
        let mut heard = Vec::new();
        resampler.push(&whole, &mut heard)?;
        resampler.finish(&mut heard)?;
        Ok(heard)
    }
}

fn of_one(
    detector: &Detector,
    leg: &Heard,
    options: &ExplanationOptions,
    go_on: &mut dyn FnMut(f64) -> bool,
) -> Result<LegExplanation> {
    let of_cascade = detector.second().map(|second| {
        let (_, _, verdict, _, _) = listen(detector, leg)?;
        let by_second = verdict.given_by.as_deref() == Some(second.name.as_str());
        Ok::<_, Error>((verdict, detector.alone(by_second)))
    });
    let of_cascade = of_cascade.transpose()?;
    let (model, rules, verdict, path, windows) = listen(of_cascade.as_ref().map_or(detector, |(_, alone)| alone), leg)?;
    let manifest = model.manifest().clone();
    let explained_by = of_cascade.is_some().then(|| manifest.name.clone());
    let verdict = of_cascade.map_or(verdict, |(verdict, _)| verdict);
    let model_rate = manifest.input.sample_rate_hz;
    let rate = f64::from(model_rate);
    let reference = options.reference.clone().or_else(|| reference_of(&manifest));
    let n_values: usize = manifest.input.tensor_shape().iter().product();
    let fits = |reference: &Reference| reference.mean.len() == n_values;
    let occluder = Occluder::new(model, rules, reference.clone().filter(fits))?;
    let occluder = &occluder;
    let heard = leg.at_rate(model_rate)?;
    let placed = |(samples, place): (Vec<f32>, Place)| {
        HeardWindow::new(samples, f64::from(place.fresh_share), &heard, (place.start, place.end))
    };
    let mut windows: Vec<HeardWindow> = windows.into_iter().map(placed).collect();
    let n_counted = windows.len();
    let every = n_counted.div_ceil(options.most_windows.max(1)).max(1);
    let mut number = 0;
    windows.retain(|_| {
        number += 1;
        (number - 1) % every == 0
    });
    let stopped = || Error::new(ErrorKind::Cancelled, "the explanation was stopped");
    let ensure = |go: bool| if go { Ok(()) } else { Err(stopped()) };
    ensure(go_on(0.2))?;
    let parts = of_parts(occluder, &windows)?;
    ensure(go_on(0.5))?;
    let time = of_time(occluder, &windows, rate)?;
    ensure(go_on(0.8))?;
    let faithful = (options.faithfulness && !windows.is_empty()).then(|| faithfulness(occluder, &windows, rate));
    let named = |name: &str, ranges: Option<&std::collections::BTreeMap<String, Range>>| {
        ranges.and_then(|ranges| ranges.get(name)).copied()
    };
    let families = occluder.families.iter().zip(&parts).map(|(part, llr)| Evidence {
        part: part.name.clone(),
        from: 0.0,
        to: 0.0,
        llr: *llr,
        range: named(&part.name, reference.as_ref().map(|r| &r.families)),
    });
    let families: Vec<Evidence> = families.collect();
    let of_bands = parts.get(occluder.families.len()..).unwrap_or_default();
    let bands = occluder.bands.iter().zip(of_bands).map(|(part, llr)| {
        let (from, to) = part.name.split_once('-').unwrap_or_default();
        Evidence {
            part: part.name.clone(),
            from: from.parse().unwrap_or_default(),
            to: to.parse().unwrap_or_default(),
            llr: *llr,
            range: named(&part.name, reference.as_ref().map(|r| &r.bands)),
        }
    });
    let bands = bands.collect();
    let card = of_card(&manifest, verdict.speech_seconds, &leg.codec);
    let signal = measured(&heard, model_rate, reference.as_ref().map(|r| &r.signal));
    let picture = picture(heard, model_rate);
    Ok(LegExplanation {
        path,
        time,
        bands,
        families,
        faithfulness: faithful.transpose()?,
        signal,
        card,
        n_windows: (windows.len(), n_counted),
        picture,
        verdict,
        explained_by,
    })
}

/// A leg as every scan hears it: its model and rules, its verdict, how that came about, and what the model heard of each
/// window that counts.
type Listened = (Arc<Model>, Rules, LegVerdict, Vec<PathPoint>, Vec<(Vec<f32>, Place)>);

fn left_too_long() -> Error {
    Error::new(ErrorKind::Runtime, "a window was left too long")
}

/// Scans the leg as every scan does.
fn listen(detector: &Detector, heard: &Heard) -> Result<Listened> {
    let rate = heard.rate_hz;
    let mut leg = Leg::new(detector.candidates(rate, Some(&heard.codec))?, rate, &StreamOptions::default())?;
    let (mut path, mut windows) = (Vec::new(), Vec::new());
    let mut take = |leg: &mut Leg| -> Result<()> {
        while let Some(ready) = leg.next_ready() {
            let model = Arc::clone(leg.model());
            let input = &model.manifest().input;
            let mut window = vec![0.0; input.window_samples];
            let place = ready.cut.place;
            let (judged, raw) = model.with_scorer(|scorer| {
                scorer.clear();
                let (ready_window, frames) = leg.window(&ready).ok_or_else(left_too_long)?;
                ready_window.read(&mut window);
                scorer.listen(&ready_window, frames)?;
                Ok((leg.judge(&ready, scorer.texture()), scorer.score(model.manifest())?))
            })?;
            let second = match leg.asks(&judged, raw) {
                Some(second) => {
                    let (speech, rate_hz) = leg.speech(&ready).ok_or_else(left_too_long)?;
                    Some(second.hear(&speech, rate_hz)?)
                }
                None => None,
            };
            let counts = judged.reason.is_none();
            let mut window_llr = 0.0;
            leg.take(judged, raw, second, &mut |event| {
                if let crate::leg::stream::Event::Window(report) = event {
                    window_llr = report.llr;
                }
            });
            if counts {
                let llr = leg.verdict().llr.unwrap_or_default();
                let at_seconds = place.end as f64 / f64::from(input.sample_rate_hz);
                path.push(PathPoint { at_seconds, llr, window_llr });
                windows.push((window, place));
            }
        }
        Ok(())
    };
    let mut from = 0;
    for (at, gap) in heard.gaps.iter().copied().chain([(heard.samples.len(), Gap::Lost(0))]) {
        for block in heard.samples.get(from..at).unwrap_or_default().chunks(MAX_BLOCK_SAMPLES) {
            leg.push(block.iter().copied())?;
            take(&mut leg)?;
        }
        match gap {
            Gap::Lost(n) => leg.lose(n)?,
            Gap::Silence(n) => leg.be_silent(n)?,
        }
        take(&mut leg)?;
        from = at;
    }
    leg.finish()?;
    take(&mut leg)?;
    let verdict = leg.end();
    Ok((Arc::clone(leg.model()), leg.rules().clone(), verdict, path, windows))
}

/// The spectrogram in at most 900 columns and 96 rows, in dB below the highest.
fn picture(samples: Vec<f32>, sample_rate_hz: u32) -> Picture {
    const COLUMNS: usize = 900;
    const ROWS: usize = 96;
    let n_fft = (sample_rate_hz as usize / 40).next_power_of_two();
    let hop = (samples.len() / COLUMNS).max(n_fft / 2);
    let mut fft = super::signal::Spectra::new(n_fft);
    let mut levels = Vec::new();
    let mut at = 0;
    while at + n_fft <= samples.len() {
        let power = fft.power(samples.get(at..at + n_fft).unwrap_or_default());
        let per_row = (power.len() as f64 / ROWS as f64).max(1.0);
        for row in 0..ROWS {
            let (from, to) = ((row as f64 * per_row) as usize, ((row + 1) as f64 * per_row) as usize);
            let of_row = power.get(from..to.max(from + 1).min(power.len())).unwrap_or_default();
            let mean = of_row.iter().sum::<f32>() / of_row.len().max(1) as f32;
            levels.push(10.0 * (mean + 1e-12).log10());
        }
        at += hop;
    }
    let highest = levels.iter().copied().fold(f32::MIN, f32::max);
    for level in &mut levels {
        *level -= highest;
    }
    Picture { samples, sample_rate_hz, spectrogram: levels, n_frequencies: ROWS }
}
