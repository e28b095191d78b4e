//! A report for people: a few lines a file.

use std::fmt::Write as _;

use veravox::decode::StreamSummary;
use veravox::report::{Because, FileReport, LegModel, LegVerdict, Outcome};
use veravox::{CallReport, Thresholds};

use crate::words::{BOLD, DIM, GREEN, RED, YELLOW, clock, shown, style_of};

/// Columns of the timeline.
const TIMELINE_WIDTH: usize = 40;

pub fn render(report: &FileReport) -> String {
    let mut text = String::new();
    let path = shown(&report.path);
    // Writing to a String cannot fail.
    let _ = match &report.outcome {
        Outcome::Scanned(call) => render_call(&mut text, &path, call),
        Outcome::Failed(failure) => {
            writeln!(text, "{BOLD}{path}{BOLD:#}\n  {RED}not scanned{RED:#}: {}", failure.error.message)
        }
    };
    text
}

fn render_call(text: &mut String, path: &str, call: &CallReport) -> std::fmt::Result {
    let audio = &call.audio;
    let legs = if audio.channels == 1 { "1 leg".to_owned() } else { format!("{} legs", audio.channels) };
    let (seconds, rate) = (clock(audio.duration_seconds), f64::from(audio.sample_rate_hz) / 1_000.0);
    writeln!(text, "{BOLD}{path}{BOLD:#}  {DIM}{seconds}, {legs}, {rate} kHz {}{DIM:#}", audio.codec)?;
    if let Some(cascade) = &call.head.cascade {
        let (first, second) = (&call.head.model, &cascade.second);
        writeln!(
            text,
            "  {DIM}cascade {} {}: {} {}, then {} {}{DIM:#}",
            cascade.name, cascade.version, first.name, first.version, second.name, second.version
        )?;
    }
    for warning in &call.warnings {
        writeln!(text, "  {YELLOW}note{YELLOW:#}   {warning}")?;
    }
    for leg in &call.legs {
        let thresholds = leg.model.as_ref().map_or(&call.head.thresholds, |model| &model.thresholds);
        render_leg(text, leg, audio.duration_seconds, thresholds)?;
    }
    Ok(())
}

fn render_leg(text: &mut String, leg: &LegVerdict, duration_seconds: f64, thresholds: &Thresholds) -> std::fmt::Result {
    let style = style_of(leg.decision);
    write!(text, "  leg {}  {style}{:12}{style:#}", leg.leg, leg.decision.as_str())?;
    match (leg.llr, leg.probability) {
        (Some(llr), Some(probability)) => write!(text, "  llr {llr:+5.1}  p {probability:.2}")?,
        (Some(llr), None) => write!(text, "  llr {llr:+5.1}{:8}", "")?,
        _ => write!(text, "{:19}", "")?,
    }
    let strip = timeline(leg, duration_seconds, thresholds);
    write!(text, "  {:5.1} s speech  {strip}", leg.speech_seconds)?;
    if !leg.reasons.is_empty() {
        let reasons: Vec<_> = leg.reasons.iter().map(|r| r.as_str().replace('_', " ")).collect();
        write!(text, "  {YELLOW}{}{YELLOW:#}", reasons.join(", "))?;
    }
    if let Some(share) = leg.people_above {
        write!(text, "  {DIM}{:.1} % of this site's people score as high{DIM:#}", 100.0 * share)?;
    }
    if let Some(words) = narrow(leg) {
        write!(text, "  {DIM}{words}{DIM:#}")?;
    }
    writeln!(text)?;
    if let (Some(second), Some(given_by)) = (&leg.second, &leg.given_by) {
        writeln!(
            text,
            "         {DIM}{} heard {} of {} windows; the verdict is mostly by {given_by}{DIM:#}",
            second.name,
            second.answered,
            leg.windows.len()
        )?;
    }
    if let Some(stream) = &leg.stream {
        writeln!(text, "         {DIM}{}{DIM:#}", of_stream(stream, leg.interruptions.lost_seconds))?;
    }
    for note in &leg.notes {
        writeln!(text, "         {YELLOW}note{YELLOW:#} {note}")?;
    }
    for change in &leg.changes {
        let (style, from) = (style_of(change.decision), clock(change.at_seconds));
        writeln!(text, "         another voice, {style}{}{style:#}, from {from}", change.decision)?;
    }
    for segment in &leg.segments {
        let (from, to) = (clock(segment.start_seconds), clock(segment.end_seconds));
        writeln!(text, "         {RED}suspicious{RED:#} {from} to {to}  llr {:+.1}", segment.llr)?;
    }
    Ok(())
}

/// What a leg of a capture was.
fn of_stream(stream: &StreamSummary, lost_seconds: f64) -> String {
    let StreamSummary { name, codec, sample_rate_hz, n_packets, n_lost, n_damaged, n_late, n_keys, .. } = stream;
    let mut words = format!("RTP {name}, {} kHz {codec}, {n_packets} packets", f64::from(*sample_rate_hz) / 1_000.0);
    let all = n_packets + n_lost;
    let share = 100.0 * *n_lost as f64 / all.max(1) as f64;
    for (n, what) in [
        (*n_lost, format!("{share:.1} % lost ({lost_seconds:.1} s)")),
        (*n_late, format!("{n_late} too late")),
        (*n_damaged, format!("{n_damaged} damaged")),
        (*n_keys, format!("{n_keys} keys pressed")),
    ] {
        if n > 0 {
            words = format!("{words}, {what}");
        }
    }
    words
}

/// That the leg has another model than its rate lets expect.
fn narrow(leg: &LegVerdict) -> Option<String> {
    let (model, signal) = (leg.model.as_ref()?, leg.signal?);
    let (rate, band) = (signal.upsampled_from_hz?, signal.bandwidth_hz?);
    let by = |model: &LegModel| {
        format!("by {}: nothing above {:.1} kHz, as at {} kHz", model.summary.name, band / 1e3, f64::from(rate) / 1e3)
    };
    (model.because == Because::Band && band < 6_000.0).then(|| by(model))
}

/// The leg from start to end: full blocks point to a machine, light ones to a person, half ones to neither; dots were not
/// scored, or do not count.
fn timeline(leg: &LegVerdict, duration_seconds: f64, thresholds: &Thresholds) -> String {
    let step = duration_seconds / TIMELINE_WIDTH as f64;
    let mut strip = String::new();
    for column in 0..TIMELINE_WIDTH {
        let (from, to) = (step * column as f64, step * (column + 1) as f64);
        let over = leg.windows.iter().filter(|w| w.reason.is_none() && w.start_seconds < to && w.end_seconds > from);
        let (sum, n) = over.fold((0.0, 0), |(sum, n), w| (sum + w.llr, n + 1));
        let (glyph, style) = match sum / f64::from(n.max(1)) {
            _ if n == 0 => ('·', DIM),
            llr if llr >= thresholds.synthetic_llr => ('█', RED),
            llr if llr <= thresholds.bonafide_llr => ('░', GREEN),
            _ => ('▒', YELLOW),
        };
        // Writing to a String cannot fail.
        let _ = write!(strip, "{style}{glyph}{style:#}");
    }
    strip
}
