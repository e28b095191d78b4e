//! `veravox explain`: why a call got its verdict, as a page, a picture or JSON.

mod page;
mod panels;
mod sound;
mod words;

use std::io::{IsTerminal as _, Write as _};
use std::sync::atomic::Ordering;

use anstream::{eprint, eprintln};
use veravox::decode::AudioReader;
use veravox::explain::{Explanation, ExplanationOptions, explain};

use crate::args::{Explain, Format, Setup};
use crate::draw::{png, stacked};
use crate::exit::{Exit, Outcome};
use crate::interrupt::stop_on_ctrl_c;
use crate::save::save;
use crate::words::{BOLD, DIM, clock, style_of};

pub fn run(arguments: &Explain, setup: &Setup) -> Outcome {
    let detector = setup.detector_deciding(&arguments.decision)?;
    let named = |error: veravox::Error| format!("{}: {error}", arguments.file.display());
    let mut reader = AudioReader::open(&arguments.file, &arguments.raw.options()).map_err(named)?;
    let stop = stop_on_ctrl_c()?;
    let shown = std::io::stderr().is_terminal();
    let reference = match &arguments.reference {
        Some(file) => Some(serde_json::from_str(&std::fs::read_to_string(file)?)?),
        None => None,
    };
    let options =
        ExplanationOptions { faithfulness: arguments.faithfulness, reference, ..ExplanationOptions::default() };
    let explained = explain(&detector, &mut reader, &options, &mut |share| {
        if shown {
            eprint!("\rexplaining {:3.0} %", 100.0 * share);
        }
        !stop.load(Ordering::Relaxed)
    });
    if shown {
        eprint!("\r                \r");
    }
    let explained = match explained {
        Err(error) if error.kind() == veravox::ErrorKind::Cancelled => return Ok(Exit::Interrupted),
        other => other?,
    };
    let name = arguments.file.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
    let bytes = match arguments.format {
        Format::Html => page::html(&name, &explained, !arguments.no_audio).into_bytes(),
        Format::Json => (serde_json::to_string_pretty(&explained)? + "\n").into_bytes(),
        Format::Svg | Format::Png => {
            let leg = leg_of(&explained, arguments.leg)?;
            let (title, drawings) = panels::of_leg(&name, leg, &explained.head.thresholds);
            if arguments.format == Format::Svg {
                stacked(&title, &drawings).into_bytes()
            } else {
                png(Some(&title), &drawings)?
            }
        }
    };
    match &arguments.output {
        Some(output) => {
            save(output, &bytes)?;
            eprintln!("written: {}", output.display());
        }
        None if arguments.format == Format::Html => summarise(&name, &explained)?,
        None => std::io::stdout().lock().write_all(&bytes)?,
    }
    Ok(Exit::Done)
}

fn leg_of(explained: &Explanation, leg: Option<usize>) -> Result<&veravox::explain::LegExplanation, String> {
    let highest = || {
        let llr = |leg: &&veravox::explain::LegExplanation| leg.verdict.llr.unwrap_or(f64::MIN);
        explained.legs.iter().max_by(|a, b| llr(a).total_cmp(&llr(b)))
    };
    let found = leg.map_or_else(highest, |leg| explained.legs.get(leg));
    found.ok_or_else(|| {
        let asked = leg.map_or_else(String::new, |leg| format!(" {leg}"));
        format!("there is no leg{asked}: the call has {}, counted from 0", explained.legs.len())
    })
}

/// A few lines for the terminal, where no file was asked for.
fn summarise(name: &str, explained: &Explanation) -> std::io::Result<()> {
    let mut out = anstream::stdout().lock();
    writeln!(out, "{BOLD}{name}{BOLD:#}")?;
    for leg in &explained.legs {
        let style = style_of(leg.verdict.decision);
        writeln!(
            out,
            "  leg {}  {style}{}{style:#}  {}",
            leg.verdict.leg,
            leg.verdict.decision,
            words::verdict(leg, explained)
        )?;
        for stretch in words::strongest(leg) {
            writeln!(out, "    listen to {} to {}  {:+.1}", clock(stretch.from), clock(stretch.to), stretch.llr)?;
        }
        for (kind, parts) in [("band", &leg.bands), ("family", &leg.families)] {
            let mut parts: Vec<_> = parts.iter().collect();
            parts.sort_by(|a, b| b.llr.abs().total_cmp(&a.llr.abs()));
            for part in parts.iter().take(2) {
                writeln!(out, "    {kind} {}  {:+.1}", words::title(&part.part), part.llr)?;
            }
        }
    }
    writeln!(out, "{DIM}write the whole report with -o report.html{DIM:#}")
}
