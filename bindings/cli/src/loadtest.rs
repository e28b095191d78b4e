//! `veravox loadtest`: many simulated legs at the pace of speech, and what it costs to watch them.

use std::io::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;
use veravox::Detector;
use veravox::engine::{Engine, EngineOptions, EngineStats, Histogram, LiveLeg, Percentiles};
use veravox::runtime::Runtime;
use veravox::stream::StreamOptions;

use crate::args::{Loadtest, Setup};
use crate::exit::{Exit, Outcome};
use crate::interrupt::stop_on_ctrl_c;
use crate::measure::{speech, status_kib};

const CALL_RATE_HZ: u32 = 8_000;
/// Packets, of 20 ms.
const PACKETS_PER_SECOND: u32 = 50;
/// Legs start within this time, as calls do: legs that all began at once would all have a window ready at once.
const RAMP: Duration = Duration::from_secs(4);

#[derive(Serialize)]
struct Figures {
    legs: usize,
    /// Threads that score.
    cores: usize,
    runtime: String,
    model: String,
    seconds: f64,
    update_seconds: f64,
    /// All windows were ready at once.
    burst: bool,
    sample_rate_hz: u32,
    /// Share of the audio that was speech.
    speech_share: f64,
    compute_delay_ms: Percentiles,
    push_us: Percentiles,
    bytes_per_leg: Option<u64>,
    scored_windows: u64,
    shed_windows: u64,
    /// Windows that newer ones took the place of.
    replaced_windows: u64,
    dropped_samples: u64,
    dropped_legs: u64,
    /// Core-seconds a second, of the whole process: scoring, and pushing as well.
    busy_cores: Option<f64>,
    /// Share of that time in which windows were scored, and in which audio was listened to.
    scoring_share: Option<f64>,
    hearing_share: Option<f64>,
    /// Legs that one core would carry at this cost, were it busy throughout.
    legs_per_core: Option<f64>,
}

impl Figures {
    /// Nothing was shed, lost or late.
    fn is_carried(&self, within_ms: f64) -> bool {
        let given_up = self.shed_windows + self.replaced_windows + self.dropped_samples + self.dropped_legs;
        given_up == 0 && self.scored_windows > 0 && self.compute_delay_ms.p99 <= within_ms
    }
}

/// What a search found.
#[derive(Serialize)]
struct Capacity {
    /// Legs that were carried: the largest number tried.
    legs: usize,
    /// On so many threads.
    cores: usize,
    within_ms: f64,
    trials: Vec<Figures>,
}

pub fn run(arguments: &Loadtest, setup: &Setup) -> Outcome {
    let samples = speech(arguments.file.as_deref(), CALL_RATE_HZ)?;
    let samples = samples.into_iter().map(|sample| (sample * 32_768.0) as i16).collect();
    let test = Test { arguments, detector: setup.detector()?, samples, stop: stop_on_ctrl_c()? };
    let mut out = anstream::stdout().lock();
    if arguments.find_capacity {
        let capacity = test.find_capacity()?;
        if arguments.json {
            writeln!(out, "{}", serde_json::to_string_pretty(&capacity)?)?;
        } else {
            print_capacity(&mut out, &capacity)?;
        }
    } else {
        let figures = test.with(arguments.legs)?;
        if arguments.json {
            writeln!(out, "{}", serde_json::to_string_pretty(&figures)?)?;
        } else {
            print(&mut out, &figures)?;
        }
    }
    Ok(if test.is_stopped() { Exit::Interrupted } else { Exit::Done })
}

struct Test<'a> {
    arguments: &'a Loadtest,
    detector: Detector,
    samples: Vec<i16>,
    stop: Arc<AtomicBool>,
}

impl Test<'_> {
    fn is_stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    /// Doubles or halves the number of legs until it lies between one that is carried and one that is not, then bisects, to
    /// one in twenty.
    fn find_capacity(&self) -> Result<Capacity, Box<dyn std::error::Error>> {
        let within_ms = f64::from(self.arguments.within_ms);
        let (mut carried, mut too_many) = (0, None);
        let mut trials = Vec::new();
        let mut legs = self.arguments.legs;
        while !self.is_stopped() {
            let figures = self.with(legs)?;
            let is_carried = figures.is_carried(within_ms);
            trials.push(figures);
            if self.is_stopped() {
                break;
            }
            if is_carried {
                carried = legs;
            } else {
                too_many = Some(legs);
            }
            legs = match too_many {
                None => legs * 2,
                Some(many) if many - carried <= (carried / 20).max(1) => break,
                Some(many) => usize::midpoint(carried, many),
            };
        }
        let cores = trials.first().map_or(0, |trial| trial.cores);
        Ok(Capacity { legs: carried, cores, within_ms, trials })
    }

    fn with(&self, n_legs: usize) -> Result<Figures, Box<dyn std::error::Error>> {
        let Self { arguments, detector, samples, .. } = self;
        let stream = StreamOptions { update_seconds: Some(arguments.update), ..StreamOptions::live() };
        let mut options = EngineOptions { stream, max_legs: n_legs, ..EngineOptions::default() };
        options.workers = arguments.cores.map_or(options.workers, usize::from);
        warm_up(detector, &options, samples)?;

        let engine = Engine::start(detector.clone(), options)?;
        let memory_before = status_kib("VmRSS");
        let cpu_before = cpu_seconds();
        let started = Instant::now();
        let mut callers = (0..n_legs)
            .map(|n| Caller::new(&engine, if arguments.burst { 0 } else { n }, n_legs, samples))
            .collect::<veravox::Result<Vec<Caller>>>()?;
        let duration = Duration::from_secs(u64::from(arguments.seconds));
        let mut push_ns = Histogram::default();
        let progress = ProgressBar::new(u64::from(arguments.seconds));
        if let Ok(style) = ProgressStyle::with_template("{bar:30} {pos}/{len} s  {msg}") {
            progress.set_style(style);
        }
        let mut n_rounds = 0_u32;
        while started.elapsed() < duration && !self.is_stopped() {
            let round_starts = Duration::from_secs(1) / PACKETS_PER_SECOND * n_rounds;
            std::thread::sleep(round_starts.saturating_sub(started.elapsed()));
            let packet_samples = (CALL_RATE_HZ / PACKETS_PER_SECOND) as usize;
            for caller in callers.iter_mut().filter(|caller| caller.begins <= round_starts) {
                caller.speak(samples, packet_samples, &mut push_ns);
            }
            n_rounds += 1;
            if n_rounds.is_multiple_of(PACKETS_PER_SECOND) {
                let EngineStats { legs, shed_windows, .. } = engine.stats();
                progress.set_position(u64::from(n_rounds / PACKETS_PER_SECOND));
                progress.set_message(format!("{legs} legs, {shed_windows} windows shed"));
            }
        }
        progress.finish_and_clear();
        let seconds = started.elapsed().as_secs_f64();
        let cpu = cpu_seconds().zip(cpu_before).map(|(now, before)| now - before);
        let memory = status_kib("VmRSS").zip(memory_before).map(|(now, before)| now.saturating_sub(before));
        let stats = engine.stats();
        let spoken: f64 = callers.iter().map(|caller| caller.n_spoken as f64 / f64::from(CALL_RATE_HZ)).sum();
        let mut speech_seconds = 0.0;
        let mut dropped_legs = 0;
        for caller in &mut callers {
            caller.leg.end();
        }
        for caller in callers {
            match caller.leg.finish(Duration::from_mins(1)) {
                Ok(verdict) => speech_seconds += verdict.speech_seconds,
                Err(_) => dropped_legs += 1,
            }
        }
        let manifest = detector.manifest(CALL_RATE_HZ);
        Ok(Figures {
            legs: n_legs,
            cores: options.workers,
            runtime: Runtime::get()?.to_string(),
            model: format!("{} {}", manifest.name, manifest.version),
            seconds,
            update_seconds: arguments.update,
            burst: arguments.burst,
            sample_rate_hz: CALL_RATE_HZ,
            speech_share: speech_seconds / spoken.max(1e-9),
            compute_delay_ms: stats.compute_delay_ms,
            push_us: in_microseconds(push_ns.percentiles()),
            bytes_per_leg: memory.map(|kib| kib * 1_024 / n_legs.max(1) as u64),
            scored_windows: stats.scored_windows,
            shed_windows: stats.shed_windows,
            replaced_windows: stats.replaced_windows,
            dropped_samples: stats.dropped_samples,
            dropped_legs,
            busy_cores: cpu.map(|cpu| cpu / seconds),
            scoring_share: cpu.map(|cpu| stats.scoring_seconds / cpu),
            hearing_share: cpu.map(|cpu| stats.hearing_seconds / cpu),
            legs_per_core: cpu.map(|cpu| spoken / cpu),
        })
    }
}

/// One side of a simulated call.
struct Caller {
    leg: LiveLeg,
    begins: Duration,
    /// Where in the recording it is.
    at: usize,
    n_spoken: u64,
}

impl Caller {
    fn new(engine: &Engine, number: usize, n_legs: usize, samples: &[i16]) -> veravox::Result<Self> {
        let share = number as f64 / n_legs.max(1) as f64;
        Ok(Self {
            leg: engine.open(CALL_RATE_HZ)?,
            begins: RAMP.mul_f64(share),
            // Legs are at different places of the recording, by steps that no window divides.
            at: number * 7_919 % samples.len().max(1),
            n_spoken: 0,
        })
    }

    fn speak(&mut self, samples: &[i16], n_samples: usize, push_ns: &mut Histogram) {
        let end = (self.at + n_samples).min(samples.len());
        let packet = samples.get(self.at..end).unwrap_or_default();
        let before = Instant::now();
        self.leg.push(packet);
        push_ns.add(before.elapsed().as_nanos() as f64);
        self.n_spoken += packet.len() as u64;
        self.at = if end == samples.len() { 0 } else { end };
        // The last event, should one fail, stays for the end.
        while !self.leg.is_gone() && self.leg.poll().is_some() {}
    }
}

/// Lets every buffer that does not belong to a leg come to its size, by a few legs whose windows fill whole batches.
fn warm_up(detector: &Detector, options: &EngineOptions, samples: &[i16]) -> veravox::Result<()> {
    let n_legs = 2 * options.batch * options.workers;
    let unhurried = EngineOptions { max_delay: Duration::from_hours(1), max_legs: n_legs, ..*options };
    let engine = Engine::start(detector.clone(), unhurried)?;
    let mut legs = (0..n_legs).map(|_| engine.open(CALL_RATE_HZ)).collect::<veravox::Result<Vec<_>>>()?;
    for packet in samples.chunks(800).take(80) {
        for leg in &mut legs {
            while leg.room() < packet.len() && !leg.is_gone() {
                std::thread::sleep(Duration::from_millis(1));
            }
            leg.push(packet);
        }
    }
    for leg in legs {
        leg.finish(Duration::from_mins(1))?;
    }
    engine.stop();
    Ok(())
}

fn in_microseconds(ns: Percentiles) -> Percentiles {
    Percentiles { p50: ns.p50 / 1_000.0, p99: ns.p99 / 1_000.0, max: ns.max / 1_000.0 }
}

fn print(out: &mut impl std::io::Write, f: &Figures) -> std::io::Result<()> {
    let known = |value: Option<f64>, unit: &str| value.map_or_else(|| "?".to_owned(), |v| format!("{v:.2}{unit}"));
    writeln!(
        out,
        "{} legs of {} Hz for {:.0} s, {:.0} % speech, a score every {} s{}",
        f.legs,
        f.sample_rate_hz,
        f.seconds,
        100.0 * f.speech_share,
        f.update_seconds,
        if f.burst { ", all at once" } else { "" }
    )?;
    writeln!(out, "{}, {}, {} threads", f.model, f.runtime, f.cores)?;
    let Percentiles { p50, p99, max } = f.compute_delay_ms;
    writeln!(out, "compute delay   p50 {p50:.0} ms   p99 {p99:.0} ms   max {max:.0} ms")?;
    let Percentiles { p50, p99, max } = f.push_us;
    writeln!(out, "push of 20 ms   p50 {p50:.2} µs   p99 {p99:.2} µs   max {max:.0} µs")?;
    let memory = f.bytes_per_leg.map(|bytes| bytes as f64 / 1_024.0);
    writeln!(out, "memory          {} a leg", known(memory, " KiB"))?;
    writeln!(
        out,
        "processor       {} busy, {} legs a core",
        known(f.busy_cores, " cores"),
        known(f.legs_per_core, "")
    )?;
    let share = |share: Option<f64>| share.map_or_else(|| "?".to_owned(), |share| format!("{:.0} %", 100.0 * share));
    writeln!(out, "                {} of it scoring, {} listening", share(f.scoring_share), share(f.hearing_share))?;
    writeln!(
        out,
        "windows         {} scored, {} shed, {} replaced by newer ones",
        f.scored_windows, f.shed_windows, f.replaced_windows
    )?;
    writeln!(out, "dropped         {} legs, {} samples", f.dropped_legs, f.dropped_samples)
}

fn print_capacity(out: &mut impl std::io::Write, capacity: &Capacity) -> std::io::Result<()> {
    let Capacity { legs, cores, within_ms, trials } = capacity;
    if let Some(first) = trials.first() {
        let spread = if first.burst { "all windows at once" } else { "windows spread evenly" };
        writeln!(out, "{}, {}, {cores} threads, {spread}", first.model, first.runtime)?;
    }
    writeln!(out, "{:>8} {:>10} {:>8} {:>10} {:>10}", "legs", "p99", "shed", "busy", "")?;
    for trial in trials {
        let busy = trial.busy_cores.map_or_else(|| "?".to_owned(), |cores| format!("{cores:.2}"));
        let said = if trial.is_carried(*within_ms) { "carried" } else { "too many" };
        let given_up = trial.shed_windows + trial.replaced_windows;
        writeln!(out, "{:>8} {:>7.0} ms {given_up:>8} {busy:>10} {said:>10}", trial.legs, trial.compute_delay_ms.p99)?;
    }
    let each = *legs as f64 / (*cores).max(1) as f64;
    writeln!(out, "{legs} legs with nothing shed and 99 of 100 scores within {within_ms:.0} ms, {each:.0} a core")
}

/// User and system time of this process, where Linux tells it: fields 14 and 15 of `stat`, in hundredths of a second.
fn cpu_seconds() -> Option<f64> {
    let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
    let after_name = stat.rsplit(')').next()?;
    let ticks: Vec<f64> =
        after_name.split_whitespace().skip(11).take(2).filter_map(|field| field.parse().ok()).collect();
    (ticks.len() == 2).then(|| ticks.iter().sum::<f64>() / 100.0)
}
