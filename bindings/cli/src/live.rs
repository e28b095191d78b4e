//! `veravox live`: a call that goes on, from standard input or as fast as a file would be spoken; a line that tells how it
//! stands, or JSON events.

use std::io::{self, IsTerminal as _, Write as _};
use std::sync::atomic::Ordering;
use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::time::{Duration, Instant};

use anstream::eprintln;
use serde::Serialize;
use veravox::decode::{AudioReader, PcmChunk};
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
    if !reader.streams().is_empty() {
        return Err("a capture of packets is over when it is read: veravox scan".into());
    }
    let (rate, n_legs) = (reader.info().sample_rate_hz, reader.info().channels);
    let options = StreamOptions { update_seconds: Some(arguments.update), ..StreamOptions::live() };
    let mut streams =
        (0..n_legs).map(|_| detector.stream_with(rate, &options)).collect::<veravox::Result<Vec<Stream>>>()?;

    let stop = stop_on_ctrl_c()?;
    let (chunks, waiting) = sync_channel::<veravox::Result<PcmChunk>>(MAX_WAITING);
    // Reading blocks where nothing comes; the line and Ctrl-C go on.
    let paced = arguments.file.is_some().then_some(arguments.speed);
    let reading = std::thread::spawn(move || {
        let started = Instant::now();
        // What could not be read is known when all was.
        let notes = loop {
            let chunk = match reader.next_chunk() {
                Ok(Some(chunk)) => Ok(chunk.clone()),
                Ok(None) => break reader.warnings().to_vec(),
                Err(error) => Err(error),
            };
            if let Some(speed) = paced.filter(|speed| *speed > 0.0) {
                let spoken = Duration::try_from_secs_f64(reader.samples_read() as f64 / f64::from(rate) / speed);
                std::thread::sleep(spoken.unwrap_or(Duration::MAX).saturating_sub(started.elapsed()));
            }
            let failed = chunk.is_err();
            if chunks.send(chunk).is_err() || failed {
                break reader.warnings().to_vec();
            }
        };
        drop(chunks);
        notes
    });

    let mut screen = Screen::new(arguments.json, n_legs);
    let mut n_heard = 0_u64;
    let mut trouble = None;
    let mut notes = Vec::new();
    let mut likeness = Likeness::new(n_legs, rate);
    while !stop.load(Ordering::Relaxed) {
        match waiting.recv_timeout(DRAW_EVERY) {
            Ok(Ok(chunk)) => {
                n_heard += chunk.n_samples() as u64;
                likeness.push(&chunk.channels);
                for (leg, (stream, samples)) in streams.iter_mut().zip(&chunk.channels).enumerate() {
                    for event in stream.push(samples)? {
                        screen.tell(leg, n_heard as f64 / f64::from(rate), &event)?;
                    }
                }
            }
            Ok(Err(error)) => {
                trouble = Some(error);
                break;
            }
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => {
                notes = reading.join().map_err(|_| "reading the audio failed by a panic; please report it")?;
                break;
            }
        }
        screen.draw(n_heard as f64 / f64::from(rate), &streams)?;
    }
    screen.clear()?;
    let heard = n_heard as f64 / f64::from(rate);
    for note in &notes {
        screen.note(heard, note)?;
    }
    for (leg, stream) in streams.into_iter().enumerate() {
        let mut verdict = veravox::LegVerdict { leg, ..stream.finish()? };
        verdict.notes.extend(likeness.notes(leg));
        screen.tell(leg, heard, &Event::Ended(Box::new(verdict)))?;
    }
    if let Some(error) = trouble {
        eprintln!("the audio ended with an error: {error}");
        return Ok(Exit::SomeFailed);
    }
    Ok(if stop.load(Ordering::Relaxed) { Exit::Interrupted } else { Exit::Done })
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
