//! `veravox probe`: what came in, without a verdict.

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::Path;
use std::sync::atomic::Ordering;

use anstream::eprintln;
use serde::Serialize;
use veravox::decode::{AudioReader, StreamSummary};
use veravox::probe::{LegProbe, Probe as Found, probe};
use veravox::report::{ErrorReport, FileReport};

use crate::args::Probe;
use crate::exit::{Exit, Outcome};
use crate::interrupt::stop_on_ctrl_c;
use crate::scan::files;
use crate::words::{BOLD, RED, YELLOW, clock, shown};

/// A line of `--json`.
#[derive(Serialize)]
struct Line {
    path: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    path_bytes: Option<String>,
    #[serde(flatten)]
    found: Option<Found>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<ErrorReport>,
}

const COLUMNS: &str =
    "leg  codec            rate  channels  duration      band       was       level  clipped   offset    lost  speech";

pub fn run(arguments: &Probe) -> Outcome {
    let files = files::find(&arguments.paths, arguments.raw.encoding.is_some());
    if files.files.is_empty() && files.unreadable.is_empty() {
        return Err("no audio files found in the folders given; name a file to have it tried whatever its name".into());
    }
    let (stop, options) = (stop_on_ctrl_c()?, arguments.raw.options());
    let mut out = anstream::stdout().lock();
    let (mut n_read, mut n_failed) = (0, 0);
    for (path, error) in files.unreadable {
        n_failed += 1;
        write!(out, "{}", rendered(&path, Err(error), arguments.json)?)?;
    }
    for file in &files.files {
        let found = AudioReader::open(&file.path, &options)
            .and_then(|mut reader| probe(&mut reader, &mut |_| !stop.load(Ordering::Relaxed)));
        if stop.load(Ordering::Relaxed) {
            eprintln!("interrupted: {n_read} of {} files are read", files.files.len());
            return Ok(Exit::Interrupted);
        }
        *(if found.is_ok() { &mut n_read } else { &mut n_failed }) += 1;
        let found = found.map_err(|e| ErrorReport { kind: e.kind().as_str().to_owned(), message: e.to_string() });
        write!(out, "{}", rendered(&file.path, found, arguments.json)?)?;
    }
    Ok(match (n_read, n_failed) {
        (_, 0) => Exit::Done,
        (0, _) => Exit::Refused,
        _ => Exit::SomeFailed,
    })
}

fn rendered(path: &Path, found: Result<Found, ErrorReport>, json: bool) -> serde_json::Result<String> {
    let (path, path_bytes) = FileReport::name_of(path);
    if json {
        let (found, error) = found.map_or_else(|error| (None, Some(error)), |found| (Some(found), None));
        return serde_json::to_string(&Line { path, path_bytes, found, error }).map(|line| line + "\n");
    }
    let mut text = String::new();
    // Writing to a String cannot fail.
    let _ = table(&mut text, &shown(&path), &found);
    Ok(text)
}

fn table(text: &mut String, path: &str, found: &Result<Found, ErrorReport>) -> std::fmt::Result {
    writeln!(text, "{BOLD}{path}{BOLD:#}")?;
    match found {
        Ok(found) => {
            for warning in &found.warnings {
                writeln!(text, "  {YELLOW}note{YELLOW:#}   {warning}")?;
            }
            writeln!(text, "  {COLUMNS}")?;
            found.legs.iter().try_for_each(|leg| row(text, found, leg))
        }
        Err(error) => writeln!(text, "  {RED}not read{RED:#}: {}", error.message),
    }
}

fn row(text: &mut String, found: &Found, leg: &LegProbe) -> std::fmt::Result {
    let audio = &found.audio;
    let of_stream = leg.stream.as_ref().map(|stream| (&stream.codec, stream.sample_rate_hz));
    let (codec, rate) = of_stream.unwrap_or((&audio.codec, audio.sample_rate_hz));
    let khz = |hz: f64| format!("{:.1} kHz", hz / 1_000.0);
    let or_none = |value: Option<String>| value.unwrap_or_else(|| "-".to_owned());
    let signal = &leg.signal;
    let share_lost = |stream: &StreamSummary| {
        let all = (stream.n_packets + stream.n_lost).max(1);
        format!("{:.1} %", 100.0 * stream.n_lost as f64 / all as f64)
    };
    writeln!(
        text,
        "  {:<3}  {codec:<12} {:>8}  {:>8}  {:>8}  {:>8}  {:>8}  {:>10}  {:>5.2} %  {:>+7.4}  {:>6}  {:>4.1} s",
        leg.leg,
        khz(f64::from(rate)),
        audio.channels,
        clock(audio.duration_seconds),
        or_none(signal.bandwidth_hz.map(khz)),
        or_none(signal.upsampled_from_hz.map(|hz| khz(f64::from(hz)))),
        or_none(signal.level_dbfs.map(|db| format!("{db:.1} dBFS"))),
        100.0 * signal.clipped_share,
        signal.dc_offset,
        or_none(leg.stream.as_ref().map(share_lost)),
        leg.speech_seconds,
    )?;
    if let Some(StreamSummary { name, start_seconds, n_packets, .. }) = &leg.stream {
        writeln!(text, "       RTP {name}, from {start_seconds:.1} s on, {n_packets} packets")?;
    }
    leg.notes.iter().try_for_each(|note| writeln!(text, "       {YELLOW}note{YELLOW:#} {note}"))
}
