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
use arguments::{Eval, PlotForm};
pub use page::html;
pub use plots::{as_png as plots_as_png, as_svg as plots_as_svg};

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
        match arguments.plot_format {
            PlotForm::Svg => {
                for (name, svg) in plots_as_svg(&evaluation) {
                    save(&folder.join(format!("{name}.svg")), svg.as_bytes())?;
                }
            }
            PlotForm::Png => {
                for (name, png) in plots_as_png(&evaluation)? {
                    save(&folder.join(format!("{name}.png")), &png)?;
                }
            }
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
