//! The project's own chores.
//!
//! `cargo xtask test` sets up what the tests need and runs all of them; `.ci/run` adds the checks of form.

mod c;
mod circles;
mod first_minute;
mod fuzz;
mod mobile;
mod package;
mod process;
mod python;
mod scratch;

use std::env;
use std::process::ExitCode;

use process::{Result, cargo, cargo_all, example, in_root, missing, root, run, run_quietly, say, target};
use python::{install_once, onnxruntime_library, python};

const HELP: &str = "\
cargo xtask test       set up and run every test: Rust, C, Kotlin, command, Python, recipe, gateway, examples
cargo xtask lint       circles of imports, rustfmt, clippy, documentation, packing, cargo-deny, dependencies' MSRV
cargo xtask python     set up .venv with the Python parts and the extension built from this tree
cargo xtask docs       the documentation, strictly: its examples and figures are tested, the site lies in target/site
cargo xtask drill [--seconds N] [--seed N] [--write PAGE]
                       odd headers, outputs that must not be lost, damaged files for N seconds: one table (see drill/)
cargo xtask fuzz [--seconds N] [TARGET ...]
                       the targets of fuzz/ with AddressSanitizer, each for N seconds (60) over its seeds; needs a nightly toolchain
cargo xtask package    the crates and the Python package's sources are packed; what was packed is built and run
cargo xtask first-minute
                       from a fresh clone to the first verdict: seconds, the slowest crates, crates in two versions
cargo xtask features   features side by side with librosa: speed ratio and largest difference
cargo xtask false-alarms
                       what is no machine's voice and is called one: sounds, lines, kinds of people, languages; the tables
                       of docs/false-alarms.md are written anew
cargo xtask reference  how people and machines of the corpus's dev score, for `veravox explain`: core/reference
cargo xtask bench-models [DIR ...]
                       the models that ship, and those in the folders, side by side on the corpus's dev:
                       accuracy, size, speed with both runtimes; the scores of published detectors beside them";

const DOCS_PACKAGES: &str = "docs/requirements.txt";

fn main() -> ExitCode {
    let chore = env::args().nth(1).unwrap_or_default();
    let done = match chore.as_str() {
        "test" => test(),
        "lint" => lint(),
        "python" => python().map(|_| ()),
        "docs" => docs(),
        "drill" => drill(env::args().skip(2)),
        "fuzz" => fuzz::fuzz(env::args().skip(2)),
        "package" => package::check(),
        "first-minute" => first_minute::measure(),
        "features" => features(),
        "false-alarms" => with_corpus("models/training/false_alarms.py", &["--markdown", "docs/false-alarms.md"]),
        "reference" => with_corpus("models/training/reference.py", &["phone", "wide"]),
        "bench-models" => bench_models(env::args().skip(2)),
        _ => Err(HELP.to_owned()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(words) => {
            say(&words);
            ExitCode::FAILURE
        }
    }
}

fn test() -> Result<()> {
    let python = python()?;
    // Tests run optimised: the same build as the command's, and signal processing without optimisation crawls.
    let library = onnxruntime_library(&python)?;
    let mut tests = cargo_all("test");
    tests.env("VERAVOX_TEST_ONNXRUNTIME", &library).env_remove("ORT_DYLIB_PATH");
    // The tests choose the runtime themselves.
    tests.env_remove("VIRTUAL_ENV").env_remove("CONDA_PREFIX");
    run(tests)?;
    c::test()?;
    mobile::test()?;
    run(in_root(&python, &["-m", "pytest", "-q", "bindings/python/tests", "bindings/cli/tests", "models"]))?;
    run(in_root(&python, &["drill/run.py"]))?;
    // The codecs beside their peers; with `--clips` and verdicts it takes longer than a change can wait.
    example("decode")?;
    run(in_root(&python, &["drill/codecs.py", "--samples"]))?;
    if cfg!(unix) {
        // Four at a time: they wait for calls, which take the time that speech takes.
        run(in_root(&python, &["-m", "pytest", "-q", "-n", "4", "bindings/gateway/tests"]))?;
    }
    // A run of its own: the command's tests import from their conftest, and only one can have that name.
    run(in_root(&python, &["-m", "pytest", "-q", "examples"]))?;
    // The examples in the documentation, which a run of its own looks for in no other Python files.
    let package = ["bindings/python/python", "bindings/python/README.md"];
    let examples = ["-m", "pytest", "-q", "--doctest-modules", "--doctest-glob=README.md"];
    run(in_root(&python, &[examples.as_slice(), &package].concat()))
}

/// What people in telephony meet, tried on the command as it is built.
fn drill(more: impl Iterator<Item = String>) -> Result<()> {
    let python = python()?;
    let mut drill = in_root(&python, &["drill/run.py"]);
    drill.args(more);
    run(drill)
}

fn lint() -> Result<()> {
    circles::check(&root())?;
    run(cargo(&["fmt", "--all", "--check"]))?;
    run(cargo(&["clippy", "--release", "--workspace", "--all-targets", "--", "-D", "warnings"]))?;
    // As it is on a phone: without all that can be left out.
    run(cargo(&["clippy", "--release", "-pveravox", "--no-default-features", "--", "-D", "warnings"]))?;
    // The library in C has the name of the one in Rust; its documentation is its header.
    let mut docs = cargo(&["doc", "--release", "--no-deps", "--lib", "--workspace", "--exclude", "veravox-c"]);
    docs.env("RUSTDOCFLAGS", "-D warnings");
    run(docs)?;
    package::pack()?;
    msrv()?;
    if run_quietly(cargo(&["deny", "--version"])).is_err() {
        say("cargo-deny is not installed; installing it");
        // Without optimisation: it has little to do, and compiles in half the time.
        run(cargo(&["install", "--debug", "--locked", "cargo-deny"]))?;
    }
    // Advisories need the advisory database; where it cannot be fetched the other checks still hold.
    run(cargo(&["deny", "check", "licenses", "bans", "sources"]))?;
    if run(cargo(&["deny", "check", "advisories"])).is_err() {
        say("advisories were not checked, or there are some: see above");
    }
    Ok(())
}

/// No dependency may ask for a newer Rust than the workspace states. What our own code uses is clippy's business
/// (`incompatible_msrv`).
fn msrv() -> Result<()> {
    let mut metadata = cargo(&["metadata", "--format-version", "1", "--locked"]);
    let output = metadata.output().map_err(|e| missing("cargo", &e))?;
    let text = String::from_utf8_lossy(&output.stdout);
    let ours = version(env!("CARGO_PKG_RUST_VERSION"));
    let newer: Vec<_> = text
        .split("\"rust_version\":\"")
        .skip(1)
        .filter_map(|rest| rest.split('"').next())
        .filter(|stated| version(stated) > ours)
        .collect();
    if !output.status.success() || !newer.is_empty() {
        return Err(format!(
            "rust-version {} is too low: dependencies ask for {newer:?}",
            env!("CARGO_PKG_RUST_VERSION")
        ));
    }
    Ok(())
}

/// The numbers of a version; zeros at the end say nothing.
fn version(text: &str) -> Vec<u32> {
    let mut numbers: Vec<u32> = text.split('.').filter_map(|part| part.parse().ok()).collect();
    while numbers.last() == Some(&0) {
        numbers.pop();
    }
    numbers
}

/// The pages' code is run and its output compared; then the site is built, where every warning is an error.
fn docs() -> Result<()> {
    let python = python()?;
    install_once(&python, "docs-packages", &[], &[DOCS_PACKAGES])?;
    run(in_root(&python, &["-m", "pytest", "-q", "docs"]))?;
    let mut build = in_root(&python, &["-m", "mkdocs", "build", "--strict", "--site-dir"]);
    build.arg(target().with_file_name("site")).env("NO_MKDOCS_2_WARNING", "1");
    run(build)
}

fn features() -> Result<()> {
    let python = python()?;
    run(in_root(&python, &["bindings/python/tests/bench_features.py"]))
}

/// A program of the recipe that measures on the corpus.
fn with_corpus(program: &str, arguments: &[&str]) -> Result<()> {
    let python = python()?;
    let corpus = root().join("../shared/corpus");
    if !corpus.join("index.tsv").exists() {
        return Err(format!("{program} measures on the corpus, which is expected in {}", corpus.display()));
    }
    let mut measure = in_root(&python, &[program]);
    measure.args(arguments).arg("--corpus").arg(&corpus);
    run(measure)
}

/// Options that `side_by_side.py` knows may stand among the folders.
fn bench_models(more: impl Iterator<Item = String>) -> Result<()> {
    let python = python()?;
    let corpus = root().join("../shared/corpus");
    if !corpus.join("index.tsv").exists() {
        return Err(format!("the models are measured on the corpus, which is expected in {}", corpus.display()));
    }
    let command = target().join(if cfg!(windows) { "veravox.exe" } else { "veravox" });
    let mut compare = in_root(&python, &["models/training/side_by_side.py", "models/phone", "models/wide"]);
    // Folders are named from where the user stands; the rest are options of side_by_side.py.
    compare
        .args(more.map(|word| std::fs::canonicalize(&word).map_or(word, |path| path.to_string_lossy().into_owned())))
        .arg("--corpus")
        .arg(&corpus)
        .arg("--command")
        .arg(&command);
    compare.env("ORT_DYLIB_PATH", onnxruntime_library(&python)?);
    run(compare)
}
