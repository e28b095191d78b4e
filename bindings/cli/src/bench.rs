//! `veravox bench`: how fast a long recording and a short clip are scanned on this machine, and in how much memory.
//!
//! Each runtime is measured by a process of its own, since a process has only one; so is the memory.

use std::io::{self, Cursor, Read, Seek, SeekFrom, Write as _};
use std::process::{Command, Stdio};
use std::time::Instant;

use serde::{Deserialize, Serialize};
use veravox::decode::{AudioReader, DecodeOptions, RawEncoding, RawFormat};
use veravox::runtime::Runtime;

use crate::args::{Bench, RuntimeName, Setup};
use crate::exit::{Exit, Outcome};
use crate::measure::{speech, status_kib};

/// The rate whose model is measured: a call's. A model that was asked for by name or folder is measured at its own.
const CALL_RATE_HZ: u32 = 8_000;
const CLIP_SECONDS: usize = 5;
/// Starts of a process, of which the median counts.
const N_STARTS: usize = 11;

/// What one runtime does.
#[derive(Serialize, Deserialize)]
struct Figures {
    runtime: String,
    model: String,
    sample_rate_hz: u32,
    /// Minutes of audio, its seconds of speech, and the seconds that one core took to scan it.
    audio_minutes: u32,
    speech_seconds: f64,
    scan_seconds: f64,
    /// Seconds of audio scanned in one second.
    times_real_time: f64,
    /// Largest resident memory of the process, where the system tells it.
    peak_memory_mb: Option<f64>,
    /// From the start of a process to the verdict on a 5 s clip, median and fastest.
    clip_ms_median: f64,
    clip_ms_fastest: f64,
}

pub fn run(arguments: &Bench, setup: &Setup) -> Outcome {
    let mut out = anstream::stdout().lock();
    if arguments.this_runtime {
        writeln!(out, "{}", serde_json::to_string(&measure(arguments, setup)?)?)?;
        return Ok(Exit::Done);
    }
    let mut all = vec![measure_in_child(arguments, setup, "builtin")?];
    if setup.runtime != RuntimeName::BuiltIn {
        let found = measure_in_child(arguments, setup, "auto")?;
        if found.runtime != all.first().map(|f| f.runtime.clone()).unwrap_or_default() {
            all.push(found);
        }
    }
    if arguments.json {
        writeln!(out, "{}", serde_json::to_string_pretty(&all)?)?;
        return Ok(Exit::Done);
    }
    if let Some(f) = all.first() {
        writeln!(
            out,
            "{}: {} min of {} Hz mono mu-law, one core; a {CLIP_SECONDS} s clip from process start",
            f.model, f.audio_minutes, f.sample_rate_hz
        )?;
    }
    writeln!(out, "{:22} {:>9} {:>12} {:>10} {:>12}", "runtime", "scan", "real time", "memory", "5 s clip")?;
    for f in &all {
        let memory = f.peak_memory_mb.map_or_else(|| "?".to_owned(), |mb| format!("{mb:.0} MB"));
        writeln!(
            out,
            "{:22} {:>7.2} s {:>10.0} x {memory:>10} {:>9.0} ms",
            f.runtime, f.scan_seconds, f.times_real_time, f.clip_ms_median
        )?;
    }
    if let [built_in, onnx_runtime] = all.as_slice() {
        let ratio = built_in.scan_seconds / onnx_runtime.scan_seconds;
        writeln!(out, "{} is {ratio:.1} times as fast as {}", onnx_runtime.runtime, built_in.runtime)?;
    }
    Ok(Exit::Done)
}

fn measure_in_child(arguments: &Bench, setup: &Setup, runtime: &str) -> Result<Figures, Box<dyn std::error::Error>> {
    let mut command = this_program(setup, runtime)?;
    command.args(["bench", "--this-runtime", "--minutes", &arguments.minutes.to_string()]).args(&arguments.file);
    let output = command.stderr(Stdio::inherit()).output()?;
    if !output.status.success() {
        return Err(format!("the measurement with {runtime} failed").into());
    }
    Ok(serde_json::from_slice(&output.stdout)?)
}

/// This program again, with the same model and a runtime.
fn this_program(setup: &Setup, runtime: &str) -> io::Result<Command> {
    let mut command = setup.host.command()?;
    command.args(["--runtime", runtime]);
    if let Some(model) = &setup.model {
        command.arg("--model").arg(model);
    }
    Ok(command)
}

fn measure(arguments: &Bench, setup: &Setup) -> Result<Figures, Box<dyn std::error::Error>> {
    let detector = setup.detector()?;
    let manifest = detector.manifest(CALL_RATE_HZ);
    let rate = manifest.input.sample_rate_hz;
    let bytes: Vec<u8> = speech(arguments.file.as_deref(), rate)?.into_iter().map(mulaw).collect();
    let (clip_ms_median, clip_ms_fastest) = time_clip(&bytes, rate, setup)?;

    let n_bytes = u64::from(arguments.minutes) * 60 * u64::from(rate);
    let started = Instant::now();
    let endless = Box::new(Repeated { bytes, n_bytes, position: 0 });
    let mut reader = AudioReader::from_source(endless, n_bytes, None, &raw_mulaw(rate))?;
    let report = detector.scan_reader(&mut reader, &mut |_| true)?;
    let scan_seconds = started.elapsed().as_secs_f64();
    Ok(Figures {
        runtime: Runtime::get()?.to_string(),
        model: format!("{} {}", manifest.name, manifest.version),
        sample_rate_hz: rate,
        audio_minutes: arguments.minutes,
        speech_seconds: report.legs.iter().map(|leg| leg.speech_seconds).sum(),
        scan_seconds,
        times_real_time: f64::from(arguments.minutes) * 60.0 / scan_seconds,
        peak_memory_mb: status_kib("VmHWM").map(|kib| kib as f64 / 1_024.0),
        clip_ms_median,
        clip_ms_fastest,
    })
}

/// Scans a 5 s clip by processes of its own.
fn time_clip(bytes: &[u8], rate: u32, setup: &Setup) -> Result<(f64, f64), Box<dyn std::error::Error>> {
    let n_bytes = CLIP_SECONDS * rate as usize;
    let mut clip = tempfile::Builder::new().suffix(".ul").tempfile()?;
    let looped: Vec<u8> = bytes.iter().copied().cycle().take(n_bytes).collect();
    io::copy(&mut Cursor::new(looped), &mut clip)?;
    let runtime = if setup.runtime == RuntimeName::BuiltIn { "builtin" } else { "auto" };
    let mut times = Vec::with_capacity(N_STARTS);
    for _ in 0..N_STARTS {
        let mut command = this_program(setup, runtime)?;
        command.args(["scan", "--quiet", "--raw", "mulaw", "--rate", &rate.to_string()]).arg(clip.path());
        let started = Instant::now();
        let status = command.stdout(Stdio::null()).status()?;
        times.push(started.elapsed().as_secs_f64() * 1_000.0);
        if !status.success() {
            return Err("the clip could not be scanned".into());
        }
    }
    times.sort_by(f64::total_cmp);
    Ok((times.get(N_STARTS / 2).copied().unwrap_or(f64::NAN), times.first().copied().unwrap_or(f64::NAN)))
}

fn raw_mulaw(sample_rate_hz: u32) -> DecodeOptions {
    let format = RawFormat { encoding: RawEncoding::Mulaw, sample_rate_hz, channels: 1 };
    DecodeOptions { raw: Some(format), ..DecodeOptions::default() }
}

/// G.711 mu-law of one sample (ITU-T G.711, by segment and step).
fn mulaw(sample: f32) -> u8 {
    let value = (sample * 32_767.0) as i32;
    let magnitude = value.abs().min(32_635) + 132;
    let segment = (31 - (magnitude >> 7).leading_zeros()).min(7);
    let step = (magnitude >> (segment + 3)) & 0x0f;
    let sign = if value < 0 { 0x80 } else { 0 };
    !(sign | (segment << 4) as u8 | step as u8)
}

/// Bytes over and over, up to a length: an hour of audio that lies nowhere.
struct Repeated {
    bytes: Vec<u8>,
    n_bytes: u64,
    position: u64,
}

impl Read for Repeated {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = usize::try_from(self.n_bytes.saturating_sub(self.position)).unwrap_or(usize::MAX);
        let start = (self.position % self.bytes.len().max(1) as u64) as usize;
        let piece = self.bytes.get(start..).unwrap_or_default();
        let n = buffer.len().min(left).min(piece.len());
        if let (Some(target), Some(bytes)) = (buffer.get_mut(..n), piece.get(..n)) {
            target.copy_from_slice(bytes);
        }
        self.position += n as u64;
        Ok(n)
    }
}

impl Seek for Repeated {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let moved = match to {
            SeekFrom::Start(position) => Some(position),
            SeekFrom::End(offset) => self.n_bytes.checked_add_signed(offset),
            SeekFrom::Current(offset) => self.position.checked_add_signed(offset),
        };
        self.position = moved.ok_or_else(|| io::Error::from(io::ErrorKind::InvalidInput))?;
        Ok(self.position)
    }
}
