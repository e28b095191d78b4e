//! `veravox eval`: how good a detector is on trials whose truth is known.

pub mod arguments;
mod page;
mod plots;
mod words;

use std::io::Write as _;
use std::path::Path;

use anstream::eprintln;
use veravox::evaluate::{Evaluation, Key, Scores, Trials};

use crate::args::Setup;
use crate::exit::{Exit, Outcome};
use crate::save::save;
use crate::scoring::{Scored, score};
use arguments::Eval;
pub use page::html;

pub fn run(arguments: &Eval, setup: &Setup) -> Outcome {
    let keys = arguments.key.iter().map(|path| Key::read(path)).collect::<veravox::Result<Vec<_>>>()?;
    let options = arguments.options()?;
    let scores = match &arguments.scores {
        Some(file) => Scores::read(file, arguments.direction())?,
        None => match score(&arguments.audio, Some(&keys), setup)? {
            Scored::All(scores) => scores,
            Scored::Ended(exit) => return Ok(exit),
        },
    };
    let trials = Trials::join(&keys, &scores)?;
    let evaluation = Evaluation::of(&trials, &options)?;
    if let Some(file) = &arguments.output {
        save(file, html(&evaluation).as_bytes())?;
    }
    if let Some(folder) = &arguments.plots {
        std::fs::create_dir_all(folder).map_err(|e| format!("cannot make {}: {e}", folder.display()))?;
        for (name, svg) in plots::all(&evaluation) {
            save(&folder.join(format!("{name}.svg")), svg.as_bytes())?;
        }
    }
    let mut out = anstream::stdout().lock();
    if arguments.json {
        writeln!(out, "{}", serde_json::to_string_pretty(&evaluation)?)?;
    } else {
        out.write_all(words::report(&evaluation).as_bytes())?;
    }
    tell_where(arguments.output.as_deref(), arguments.plots.as_deref());
    // A detector at chance was evaluated; whoever asks by a script finds it in the JSON.
    Ok(Exit::Done)
}

fn tell_where(page: Option<&Path>, plots: Option<&Path>) {
    for path in [page, plots].into_iter().flatten() {
        eprintln!("written: {}", path.display());
    }
}
