//! `veravox live`: a call that goes on, from standard input or as fast as a file would be spoken; a line that tells how it
//! stands, or JSON events.

use std::io::{self, IsTerminal as _, Write as _};
use std::sync::atomic::Ordering;
use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::time::{Duration, Instant};

use anstream::eprintln;
use serde::Serialize;
use veravox::decode::{AudioReader, Gap, PcmChunk, StreamSummary};
use veravox::likeness::Likeness;
use veravox::stream::{RunningVerdict, Stage, StreamOptions};
use veravox::{Event, Stream};

use crate::args::{Live, Setup};
use crate::exit::{Exit, Outcome};
use crate::interrupt::stop_on_ctrl_c;
use crate::words::{DIM, YELLOW, clock, style_of};

/// Chunks that wait between the thread that reads and the one that scores: a few seconds of 20 ms.
const MAX_WAITING: usize = 256;
/// How often the line is drawn anew.
const DRAW_EVERY: Duration = Duration::from_millis(200);

/// One JSON line, as `core/schemas/live.schema.json` describes it.
#[derive(Serialize)]
struct Line<'a> {
    /// The verdict at the end has its leg itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    leg: Option<usize>,
    /// Seconds of the leg that were heard when it happened.
    at_seconds: f64,
    #[serde(flatten)]
    event: &'a Event,
}

/// A JSON line on the audio rather than on a leg.
#[derive(Serialize)]
struct Note<'a> {
    at_seconds: f64,
    event: &'static str,
    #[serde(rename = "note")]
    words: &'a str,
}

pub fn run(arguments: &Live, setup: &Setup) -> Outcome {
    let detector = setup.detector_deciding(&arguments.decision)?;
    let mut reader = open(arguments)?;
    let mut clocks = Clocks::of(&reader);
    let (rate, n_legs) = (reader.info().sample_rate_hz, reader.info().channels);
    let options = StreamOptions { update_seconds: Some(arguments.update), ..StreamOptions::live() };
    let mut streams = detector.streams_of(&reader, &options)?;

    let stop = stop_on_ctrl_c()?;
    let (chunks, waiting) = sync_channel::<veravox::Result<PcmChunk>>(MAX_WAITING);
    // Reading blocks where nothing comes; the line and Ctrl-C go on.
    let paced = arguments.file.is_some().then_some(arguments.speed);
    let mut spoken = clocks.clone();
    let reading = std::thread::spawn(move || {
        let started = Instant::now();
        // What could not be read is known when all was.
        loop {
            let chunk = match reader.next_chunk() {
                Ok(Some(chunk)) => Ok(chunk.clone()),
                Ok(None) => break,
                Err(error) => Err(error),
            };
            if let Some(speed) = paced.filter(|speed| *speed > 0.0) {
                if let Ok(chunk) = &chunk {
                    spoken.hear(chunk);
                }
                let due = Duration::try_from_secs_f64(spoken.latest() / speed).unwrap_or(Duration::MAX);
                std::thread::sleep(due.saturating_sub(started.elapsed()));
            }
            let failed = chunk.is_err();
            if chunks.send(chunk).is_err() || failed {
                break;
            }
        }
        drop(chunks);
        (reader.warnings().to_vec(), reader.streams())
    });

    let mut screen = Screen::new(arguments.json, n_legs);
    let mut trouble = None;
    let (mut notes, mut captured) = (Vec::new(), Vec::new());
    let mut likeness = Likeness::new(n_legs, rate);
    while !stop.load(Ordering::Relaxed) {
        match waiting.recv_timeout(DRAW_EVERY) {
            Ok(Ok(chunk)) => {
                clocks.hear(&chunk);
                likeness.push(&chunk.channels);
                for (leg, (stream, samples)) in streams.iter_mut().zip(&chunk.channels).enumerate() {
                    let mut events = Vec::new();
                    for gap in gaps_of(&chunk, leg) {
                        events.extend(stream.miss(gap)?);
                    }
                    events.extend(stream.push(samples)?);
                    for event in events {
                        screen.tell(leg, clocks.at(leg), &event)?;
                    }
                }
            }
            Ok(Err(error)) => {
                trouble = Some(error);
                break;
            }
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => {
                (notes, captured) =
                    reading.join().map_err(|_| "reading the audio failed by a panic; please report it")?;
                break;
            }
        }
        screen.draw(clocks.latest(), &streams)?;
    }
    screen.clear()?;
    for note in &notes {
        screen.note(clocks.latest(), note)?;
    }
    let mut of_capture = captured.into_iter();
    for (leg, stream) in streams.into_iter().enumerate() {
        let mut verdict = veravox::LegVerdict { leg, stream: of_capture.next(), ..stream.finish()? };
        verdict.notes.extend(likeness.notes(leg));
        screen.tell(leg, clocks.at(leg), &Event::Ended(Box::new(verdict)))?;
    }
    if let Some(error) = trouble {
        eprintln!("the audio ended with an error: {error}");
        return Ok(Exit::SomeFailed);
    }
    Ok(if stop.load(Ordering::Relaxed) { Exit::Interrupted } else { Exit::Done })
}

/// How far the legs are, each in seconds of the call: those of a capture have rates and starts of their own.
#[derive(Clone)]
struct Clocks(Vec<Clock>);

#[derive(Clone)]
struct Clock {
    rate_hz: u32,
    start_seconds: f64,
    n_heard: u64,
}

impl Clocks {
    fn of(reader: &AudioReader) -> Self {
        let (info, streams) = (reader.info(), reader.streams());
        if streams.is_empty() {
            let clock = Clock { rate_hz: info.sample_rate_hz, start_seconds: 0.0, n_heard: 0 };
            return Self(vec![clock; info.channels]);
        }
        let of = |stream: StreamSummary| Clock {
            rate_hz: stream.sample_rate_hz,
            start_seconds: stream.start_seconds,
            n_heard: 0,
        };
        Self(streams.into_iter().map(of).collect())
    }

    fn hear(&mut self, chunk: &PcmChunk) {
        for (leg, clock) in self.0.iter_mut().enumerate() {
            let missing: u64 = gaps_of(chunk, leg).map(Gap::n_samples).sum();
            clock.n_heard += missing + chunk.channels.get(leg).map_or(0, Vec::len) as u64;
        }
    }

    fn at(&self, leg: usize) -> f64 {
        self.0.get(leg).map_or(0.0, Clock::seconds)
    }

    fn latest(&self) -> f64 {
        self.0.iter().filter(|clock| clock.n_heard > 0).map(Clock::seconds).fold(0.0, f64::max)
    }
}

impl Clock {
    fn seconds(&self) -> f64 {
        self.start_seconds + self.n_heard as f64 / f64::from(self.rate_hz)
    }
}

/// What is missing of a leg before the samples of a chunk.
fn gaps_of(chunk: &PcmChunk, leg: usize) -> impl Iterator<Item = Gap> {
    chunk.gaps.iter().filter(move |(of, _)| *of == leg).map(|(_, gap)| *gap)
}

fn open(arguments: &Live) -> Result<AudioReader, Box<dyn std::error::Error>> {
    let options = arguments.decode_options();
    if let Some(file) = &arguments.file {
        return Ok(AudioReader::open(file, &options)?);
    }
    if io::stdin().is_terminal() {
        return Err("expected audio on standard input (sox … | veravox live --rate 8000), or the name of a file".into());
    }
    Ok(AudioReader::from_pipe(Box::new(io::stdin()), &options).map_err(|error| {
        let hint = if arguments.rate.is_none() { "; audio without a header needs --rate" } else { "" };
        format!("standard input: {error}{hint}")
    })?)
}

/// What is shown: events as JSON lines; or news as lines and the state as one that is drawn over.
struct Screen {
    json: bool,
    one_leg: bool,
    /// Drawn over only where somebody watches.
    drawn: Option<Instant>,
    terminal: bool,
}

impl Screen {
    fn new(json: bool, n_legs: usize) -> Self {
        Self { json, one_leg: n_legs == 1, drawn: None, terminal: !json && io::stderr().is_terminal() }
    }

    fn tell(&mut self, leg: usize, at_seconds: f64, event: &Event) -> io::Result<()> {
        self.clear()?;
        let mut out = anstream::stdout().lock();
        if self.json {
            let leg = (!matches!(event, Event::Ended(_))).then_some(leg);
            serde_json::to_writer(&mut out, &Line { leg, at_seconds, event })?;
            writeln!(out)?;
            return out.flush();
        }
        let name = if self.one_leg { String::new() } else { format!("leg {leg}  ") };
        let at = clock(at_seconds);
        match event {
            Event::Verdict(verdict) => writeln!(out, "{at:>8}  {name}{}", words(verdict))?,
            Event::Ended(verdict) => {
                let at_the_end = RunningVerdict {
                    stage: verdict.stage,
                    decision: verdict.decision,
                    llr: verdict.llr,
                    probability: verdict.probability,
                    speech_seconds: verdict.speech_seconds,
                    reasons: verdict.reasons.clone(),
                    given_by: verdict.given_by.clone(),
                    thresholds: None,
                };
                writeln!(out, "{at:>8}  {name}{}  {DIM}at the end{DIM:#}", words(&at_the_end))?;
                for note in &verdict.notes {
                    writeln!(out, "          {name}{YELLOW}note{YELLOW:#}  {note}")?;
                }
                for change in &verdict.changes {
                    let style = style_of(change.decision);
                    let from = clock(change.at_seconds);
                    writeln!(out, "          {name}another voice, {style}{}{style:#}, from {from}", change.decision)?;
                }
            }
            _ => {}
        }
        out.flush()
    }

    /// Something about the audio.
    fn note(&mut self, at_seconds: f64, note: &str) -> io::Result<()> {
        self.clear()?;
        let mut out = anstream::stdout().lock();
        if self.json {
            serde_json::to_writer(&mut out, &Note { at_seconds, event: "note", words: note })?;
            writeln!(out)?;
        } else {
            writeln!(out, "          {YELLOW}note{YELLOW:#}  {note}")?;
        }
        out.flush()
    }

    fn draw(&mut self, at_seconds: f64, streams: &[Stream]) -> io::Result<()> {
        if !self.terminal || self.drawn.is_some_and(|drawn| drawn.elapsed() < DRAW_EVERY) {
            return Ok(());
        }
        let states: Vec<String> = streams.iter().map(|stream| words(&stream.verdict())).collect();
        let mut err = anstream::stderr().lock();
        write!(err, "\r\x1b[2K{DIM}{:>8}{DIM:#}  {}", clock(at_seconds), states.join("  |  "))?;
        err.flush()?;
        self.drawn = Some(Instant::now());
        Ok(())
    }

    fn clear(&mut self) -> io::Result<()> {
        if self.drawn.take().is_some() {
            let mut err = anstream::stderr().lock();
            write!(err, "\r\x1b[2K")?;
            err.flush()?;
        }
        Ok(())
    }
}

fn words(verdict: &RunningVerdict) -> String {
    let RunningVerdict { stage, decision, llr, probability, speech_seconds, reasons, given_by, .. } = verdict;
    let style = style_of(*decision);
    let score = match (llr, probability) {
        (Some(llr), Some(probability)) => format!("llr {llr:+5.1}  p {probability:.2}"),
        (Some(llr), None) => format!("llr {llr:+5.1}{:8}", ""),
        _ => " ".repeat(18),
    };
    let why: Vec<_> = reasons.iter().map(|r| r.as_str().replace('_', " ")).collect();
    let stage = if *stage == Stage::Listening { "listening".to_owned() } else { format!("{stage}: {decision}") };
    let by = given_by.as_ref().map_or_else(String::new, |model| format!("  by {model}"));
    format!("{style}{stage:26}{style:#} {score}  {speech_seconds:5.1} s speech{by}  {}", why.join(", "))
        .trim_end()
        .to_owned()
}
