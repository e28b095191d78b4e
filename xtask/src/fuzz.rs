//! The fuzz targets: built with `libFuzzer` and `AddressSanitizer`, given their seeds, and run one after the other.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::process::{Result, example, root, run, run_quietly};

/// A run of one input that takes longer is a finding, in seconds.
const PATIENCE: &str = "-timeout=10";
/// Memory that is a finding, in MiB.
const MEMORY: &str = "-rss_limit_mb=2048";
/// What a reader does with more it does with this much; longer inputs are fewer.
const LONGEST: &str = "-max_len=16384";

/// `--seconds N` for each target, 60 without it; the targets that are named, or all.
pub fn fuzz(arguments: impl Iterator<Item = String>) -> Result<()> {
    let (mut seconds, mut wanted, mut words) = (60_u32, Vec::new(), arguments);
    while let Some(word) = words.next() {
        if word == "--seconds" {
            // None at all is for ever to libFuzzer.
            let told = words.next().and_then(|word| word.parse().ok()).filter(|seconds| *seconds > 0);
            seconds = told.ok_or("expected a number of seconds behind --seconds")?;
        } else {
            wanted.push(word);
        }
    }
    let folder = root().join("fuzz/libfuzzer");
    let known = targets(&folder)?;
    if let Some(unknown) = wanted.iter().find(|name| !known.contains(name)) {
        return Err(format!("{unknown} is no target; expected some of {}", known.join(", ")));
    }
    if run_quietly(nightly(&folder, &["--version"])).is_err() {
        return Err("fuzzing needs a nightly toolchain: rustup toolchain install nightly".to_owned());
    }
    let chosen = if wanted.is_empty() { known } else { wanted };
    let bins = chosen.iter().flat_map(|name| ["--bin", name]);
    run(nightly(&folder, &["build", "--release", "--locked"].into_iter().chain(bins).collect::<Vec<_>>()))?;
    lay_out_seeds()?;
    let mut found = Vec::new();
    for target in &chosen {
        if run(one(&folder, target, seconds)?).is_err() {
            found.push(target.as_str());
        }
    }
    if found.is_empty() {
        return Ok(());
    }
    let places = found.iter().map(|target| format!("fuzz/artifacts/{target}")).collect::<Vec<_>>().join(", ");
    Err(format!("there are findings in {places}; each becomes a file of testdata/crashes"))
}

/// What the targets start from: `fuzz/corpus`.
fn lay_out_seeds() -> Result<()> {
    let mut seeds = Command::new(example("seeds")?);
    seeds.arg(root().join("fuzz/corpus"));
    run(seeds)
}

/// The names of the targets, in the order of the alphabet.
fn targets(folder: &Path) -> Result<Vec<String>> {
    let folder = folder.join("targets");
    let files = fs::read_dir(&folder).map_err(|e| format!("cannot look into {}: {e}", folder.display()))?;
    let stem = |path: PathBuf| path.file_stem().map(|stem| stem.to_string_lossy().into_owned());
    let mut names: Vec<String> = files.flatten().filter_map(|file| stem(file.path())).collect();
    names.sort();
    Ok(names)
}

/// Cargo of the nightly toolchain in `fuzz/libfuzzer`, where `.cargo/config.toml` has the flags. What this one was started with would
/// keep it to its own toolchain.
fn nightly(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new("cargo");
    command.arg("+nightly").args(arguments).current_dir(folder);
    command.env_remove("RUSTFLAGS").env_remove("CARGO_TARGET_DIR");
    command
}

/// A target over its seeds. What it learns goes to the corpus, findings to the artifacts.
fn one(programs: &Path, target: &str, seconds: u32) -> Result<Command> {
    let folder = root().join("fuzz");
    let artifacts = folder.join("artifacts").join(target);
    fs::create_dir_all(&artifacts).map_err(|e| format!("cannot make {}: {e}", artifacts.display()))?;
    let mut command = Command::new(programs.join("target/x86_64-unknown-linux-gnu/release").join(target));
    command.current_dir(&folder).args([PATIENCE, MEMORY, LONGEST, "-dict=dictionary.txt", "-print_final_stats=1"]);
    command.arg(format!("-max_total_time={seconds}")).arg(format!("-artifact_prefix={}/", artifacts.display()));
    command.arg(Path::new("corpus").join(target));
    Ok(command)
}
