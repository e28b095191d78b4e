//! The scores of audio: what `veravox scan` gives for the files of a key, or for all files.

use std::ffi::OsString;
use std::path::PathBuf;

use anstream::eprintln;
use clap::Parser as _;
use veravox::evaluate::{Key, Scores};
use walkdir::WalkDir;

use crate::args::{Arguments, Command, Setup};
use crate::audio::Audio;
use crate::exit::Exit;
use crate::scan;

pub enum Scored {
    All(Scores),
    /// Interrupted.
    Ended(Exit),
}

/// Scans the audio. What a key has no audio for stays without a score, and is named by who joins the two.
pub fn score(audio: &Audio, keys: Option<&[Key]>, setup: &Setup) -> Result<Scored, Box<dyn std::error::Error>> {
    let paths = match keys {
        Some(keys) => of_keys(audio, keys)?,
        None => audio.audio.clone(),
    };
    let scratch = tempfile::tempdir()?;
    let results = audio.keep.clone().unwrap_or_else(|| scratch.path().join("results.jsonl"));
    let mut words: Vec<OsString> = ["veravox", "scan", "--jsonl", "--output"].map(OsString::from).into();
    words.push(results.clone().into());
    if audio.resume {
        words.push("--resume".into());
    }
    if let Some(jobs) = audio.jobs {
        words.extend(["--jobs".into(), jobs.to_string().into()]);
    }
    for map in &audio.rtp_map {
        words.extend(["--rtp-map".into(), map.to_string().into()]);
    }
    words.push("--".into());
    words.extend(paths.into_iter().map(PathBuf::into_os_string));
    let Command::Scan(scan) = Arguments::try_parse_from(words)?.command else {
        return Err("the scan cannot be started".into());
    };
    let exit = scan::run(&scan, setup)?;
    if exit == Exit::Interrupted {
        return Ok(Scored::Ended(exit));
    }
    Ok(Scored::All(Scores::read(&results, None)?))
}

fn of_keys(audio: &Audio, keys: &[Key]) -> Result<Vec<PathBuf>, Box<dyn std::error::Error>> {
    let (mut names, mut paths) = (Vec::new(), Vec::new());
    for folder in &audio.audio {
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
        return Err(format!(
            "none of the key's files is in the folders given; the first that is missing is {example:?}"
        )
        .into());
    }
    eprintln!("scoring {} files of {} trials", wanted.len(), keys.iter().map(|key| key.trials.len()).sum::<usize>());
    Ok(wanted.iter().filter_map(|n| paths.get(*n).cloned()).collect())
}
