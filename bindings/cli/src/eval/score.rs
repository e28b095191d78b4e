//! The scores of audio: what `veravox scan` gives for the files that a key names.

use std::ffi::OsString;
use std::path::PathBuf;

use anstream::eprintln;
use clap::Parser as _;
use veravox::evaluate::{Key, Scores};
use walkdir::WalkDir;

use super::arguments::Eval;
use crate::args::{Arguments, Command, Setup};
use crate::exit::Exit;
use crate::scan;

pub enum Scored {
    All(Scores),
    /// Interrupted, or nothing to score.
    Ended(Exit),
}

/// Scans the audio of the keys' trials; what has no audio stays without a score and is named by the evaluation.
pub fn score(arguments: &Eval, keys: &[Key], setup: &Setup) -> Result<Scored, Box<dyn std::error::Error>> {
    let mut names = Vec::new();
    let mut paths: Vec<PathBuf> = Vec::new();
    for folder in &arguments.audio {
        for entry in WalkDir::new(folder).follow_links(true).sort_by_file_name() {
            let entry = entry.map_err(|e| format!("cannot look into {}: {e}", folder.display()))?;
            if entry.file_type().is_file() {
                names.push(entry.path().strip_prefix(folder).unwrap_or(entry.path()).to_string_lossy().into_owned());
                paths.push(entry.into_path());
            }
        }
    }
    let (wanted, missing) = Key::audio(keys, &names);
    if wanted.is_empty() {
        let example = missing.first().map(String::as_str).unwrap_or_default();
        return Err(format!("none of the key's files is in the folders given; the first that is missing is {example:?}").into());
    }
    let scratch = tempfile::tempdir()?;
    let results = arguments.results.clone().unwrap_or_else(|| scratch.path().join("results.jsonl"));
    let mut words: Vec<OsString> = ["veravox", "scan", "--jsonl", "--output"].map(OsString::from).into();
    words.push(results.clone().into());
    if arguments.resume {
        words.push("--resume".into());
    }
    if let Some(jobs) = arguments.jobs {
        words.extend(["--jobs".into(), jobs.to_string().into()]);
    }
    words.push("--".into());
    words.extend(wanted.iter().filter_map(|n| paths.get(*n)).map(|path| path.clone().into_os_string()));
    let Command::Scan(scan) = Arguments::try_parse_from(words)?.command else {
        return Err("the scan cannot be started".into());
    };
    eprintln!("scoring {} files of {} trials", wanted.len(), keys.iter().map(|key| key.trials.len()).sum::<usize>());
    let exit = scan::run(&scan, setup)?;
    if exit == Exit::Interrupted {
        return Ok(Scored::Ended(exit));
    }
    Ok(Scored::All(Scores::read(&results, None)?))
}
