//! How long a newcomer waits: from a fresh clone to the first verdict, with nothing downloaded and nothing compiled.

use std::collections::BTreeMap;
use std::env;
use std::io::{BufRead as _, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::process::{Result, cargo, in_root, missing, root, run, run_quietly, say};
use crate::scratch::Scratch;

/// The README's first command; the report of what took how long comes along.
const COMMAND: [&str; 6] = ["run", "--release", "--timings", "--", "scan", "testdata/calls"];
const N_SLOWEST: usize = 10;

/// When a line came.
type Timed = Vec<(Duration, String)>;

pub fn measure() -> Result<()> {
    let scratch = Scratch::new("first-minute")?;
    let place = Place { checkout: scratch.path().join("veravox"), home: scratch.path().join("cargo") };
    let mut clone = in_root("git", &["clone", "--quiet"]);
    clone.arg(root()).arg(&place.checkout);
    run(clone)?;
    copy_configuration(&place.home)?;

    let before = processor_seconds();
    let mut command = place.cargo(&COMMAND);
    say(&format!("$ cargo {}", COMMAND.join(" ")));
    let started = Instant::now();
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().map_err(|e| missing("cargo", &e))?;
    let (out, err) = (child.stdout.take(), child.stderr.take());
    let (printed, told) = std::thread::scope(|scope| {
        let told = scope.spawn(move || err.map(|err| follow(err, started)).unwrap_or_default());
        let printed = out.map(|out| follow(out, started)).unwrap_or_default();
        (printed, told.join().unwrap_or_default())
    });
    let status = child.wait().map_err(|e| missing("cargo", &e))?;
    let end = started.elapsed();
    if !status.success() {
        return Err("the first command of the README failed".to_owned());
    }

    let first = |lines: &Timed, word: &str| {
        let found = lines.iter().find(|(_, line)| line.split_whitespace().next() == Some(word));
        found.map(|(at, _)| *at).ok_or_else(|| format!("no line begins with {word:?}"))
    };
    // Each leg has a line of its own.
    let verdict = first(&printed, "leg")?;
    let downloaded = first(&told, "Compiling")?;
    let compiled = first(&told, "Finished")?;
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    say(&format!("\nfirst verdict  {:6.1} s  on {cores} cores", verdict.as_secs_f64()));
    say(&format!("  download     {:6.1} s", downloaded.as_secs_f64()));
    say(&format!("  compile      {:6.1} s", (compiled.saturating_sub(downloaded)).as_secs_f64()));
    say(&format!("  scan         {:6.1} s", verdict.saturating_sub(compiled).as_secs_f64()));
    say(&format!("all scanned    {:6.1} s", end.as_secs_f64()));
    // On a machine with other work this says more than the clock.
    if let Some((before, now)) = before.zip(processor_seconds()) {
        say(&format!("processor time {:6.1} s", now - before));
    }
    let report = place.checkout.join("target/cargo-timings/cargo-timing.html");
    let report = std::fs::read_to_string(&report).map_err(|e| format!("cannot read {}: {e}", report.display()))?;
    let crates = slowest(&report);
    say(&format!("\n{} crates, the slowest:", crates.len()));
    for (name, seconds) in crates.iter().take(N_SLOWEST) {
        say(&format!("  {seconds:6.1} s  {name}"));
    }
    let doubled = in_several_versions(&place)?;
    say(&format!("\nin several versions: {}", if doubled.is_empty() { "none".to_owned() } else { doubled.join("; ") }));
    Ok(())
}

/// A clone, and a home of cargo in which no crate lies yet.
struct Place {
    checkout: PathBuf,
    home: PathBuf,
}

impl Place {
    fn cargo(&self, arguments: &[&str]) -> Command {
        let mut command = cargo(arguments);
        command.current_dir(&self.checkout).env("CARGO_HOME", &self.home).env("CARGO_TERM_COLOR", "never");
        command.env("CARGO_TARGET_DIR", self.checkout.join("target"));
        // A cache of compiled crates, cargo's silence, and a runtime that is found elsewhere belong to this machine.
        for variable in ["RUSTC_WRAPPER", "CARGO_BUILD_RUSTC_WRAPPER", "CARGO_TERM_QUIET", "CARGO_TERM_VERBOSE"] {
            command.env_remove(variable);
        }
        for variable in ["ORT_DYLIB_PATH", "VIRTUAL_ENV", "CONDA_PREFIX"] {
            command.env_remove(variable);
        }
        command
    }
}

/// Where crates come from is this machine's business, and stays as it is.
fn copy_configuration(home: &Path) -> Result<()> {
    std::fs::create_dir_all(home).map_err(|e| format!("cannot make {}: {e}", home.display()))?;
    let users = env::var_os("CARGO_HOME")
        .map(PathBuf::from)
        .or_else(|| env::home_dir().map(|home| home.join(".cargo")))
        .unwrap_or_default();
    for name in ["config.toml", "config"] {
        let from = users.join(name);
        if from.exists() {
            std::fs::copy(&from, home.join(name)).map_err(|e| format!("cannot copy {}: {e}", from.display()))?;
        }
    }
    Ok(())
}

/// Passes lines on as they come, and keeps them with their times.
fn follow(lines: impl Read, started: Instant) -> Timed {
    let lines = BufReader::new(lines).lines().map_while(std::result::Result::ok);
    lines.inspect(|line| say(line)).map(|line| (started.elapsed(), line)).collect()
}

/// User and system time of all programs that ended, where Linux tells it: fields 16 and 17 of `stat`, in hundredths of a
/// second.
fn processor_seconds() -> Option<f64> {
    let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
    let after_name = stat.rsplit(')').next()?;
    let ticks = after_name.split_whitespace().skip(13).take(2).map(|field| field.parse::<f64>().ok());
    ticks.sum::<Option<f64>>().map(|ticks| ticks / 100.0)
}

/// Crates by the seconds that their parts took, slowest first, out of the data inside cargo's report. A crate's seconds hold
/// what it waited for a core that others had.
fn slowest(report: &str) -> Vec<(String, f64)> {
    let data = report.split("UNIT_DATA = ").nth(1).and_then(|rest| rest.split("];").next()).unwrap_or_default();
    let mut crates = BTreeMap::new();
    for unit in data.split("\"name\":").skip(1) {
        let name = unit.split('"').nth(1).unwrap_or_default();
        let version = field(unit, "version").trim_matches('"');
        let seconds: f64 = field(unit, "duration").parse().unwrap_or_default();
        *crates.entry(format!("{name} {version}")).or_insert(0.0) += seconds;
    }
    let mut crates: Vec<_> = crates.into_iter().collect();
    crates.sort_by(|(_, a), (_, b)| b.total_cmp(a));
    crates
}

/// The value of a field that is no list, object or text with a comma.
fn field<'a>(object: &'a str, name: &str) -> &'a str {
    let rest = object.split(&format!("\"{name}\":")).nth(1).unwrap_or_default();
    rest.split([',', '}']).next().unwrap_or_default().trim()
}

/// Crates that the command takes in more than one version.
fn in_several_versions(place: &Place) -> Result<Vec<String>> {
    let tree = ["tree", "--duplicates", "--package", "veravox-cli", "--edges", "normal,build"];
    let form = ["--depth", "0", "--prefix", "none", "--locked"];
    let listed = run_quietly(place.cargo(&[tree.as_slice(), &form].concat()))?;
    let mut versions: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for line in listed.lines() {
        let mut words = line.split_whitespace();
        if let (Some(name), Some(version)) = (words.next(), words.next()) {
            let of_name = versions.entry(name).or_default();
            if !of_name.contains(&version) {
                of_name.push(version);
            }
        }
    }
    versions.retain(|_, versions| versions.len() > 1);
    Ok(versions.into_iter().map(|(name, versions)| format!("{name} {}", versions.join(", "))).collect())
}

#[cfg(test)]
mod tests {
    use super::slowest;

    #[test]
    fn seconds_of_a_crate_are_those_of_its_parts() {
        let report = r#"<script>const UNIT_DATA = [
  {"i": 0, "name": "one", "version": "1.0.0", "target": "", "duration": 1.5, "sections": [["frontend", {"start": 0.0}]]},
  {
    "i": 1,
    "name": "two",
    "version": "2.0.0",
    "duration": 4.0,
    "sections": null
  },
  {"i": 2, "name": "one", "version": "1.0.0", "target": " build script", "duration": 0.5}
];
const CONCURRENCY_DATA = [{"name": "none", "duration": 9.0}];"#;
        assert_eq!(slowest(report), [("two 2.0.0".to_owned(), 4.0), ("one 1.0.0".to_owned(), 2.0)]);
    }
}
