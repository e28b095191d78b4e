//! The project's own chores.
//!
//! `cargo xtask test` sets up what the tests need and runs all of them; `.ci/run` adds the checks of form.

mod circles;

use std::env;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

type Result<T> = std::result::Result<T, String>;

const HELP: &str = "\
cargo xtask test       set up and run every test: Rust, command, Python, recipe, examples
cargo xtask lint       circles of imports, rustfmt, clippy, documentation, cargo-deny, dependencies' MSRV
cargo xtask python     set up .venv with the Python parts and the extension built from this tree
cargo xtask docs       the documentation, strictly: its examples and figures are tested, the site lies in target/site
cargo xtask features   features side by side with librosa: speed ratio and largest difference
cargo xtask bench-models [DIR ...]
                       the models that ship, and those in the folders, side by side on the corpus's dev:
                       accuracy, size, speed with both runtimes; the scores of published detectors beside them";

/// What the tests of package and command need; those of recipe and examples bring lists of their own.
const PYTHON_PACKAGES: [&str; 9] =
    ["pytest", "jsonschema", "librosa", "soundfile", "mypy", "pandas", "polars", "matplotlib", "tqdm"];
/// What the recipe and the examples need, as their users read it.
const REQUIREMENTS: [&str; 5] = [
    "models/training/requirements.txt",
    "examples/python/requirements.txt",
    "examples/python/fastapi_app/requirements.txt",
    "examples/spark/requirements.txt",
    "examples/ray/requirements.txt",
];
const DOCS_PACKAGES: &str = "docs/requirements.txt";

fn main() -> ExitCode {
    let chore = env::args().nth(1).unwrap_or_default();
    let done = match chore.as_str() {
        "test" => test(),
        "lint" => lint(),
        "python" => python().map(|_| ()),
        "docs" => docs(),
        "features" => features(),
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

#[expect(clippy::print_stderr, reason = "a program for people")]
fn say(words: &str) {
    eprintln!("{words}");
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().map(Path::to_owned).unwrap_or_default()
}

fn test() -> Result<()> {
    let python = python()?;
    // Tests run optimised: the same build as the command's, and signal processing without optimisation crawls.
    let library = onnxruntime_library(&python)?;
    let mut cargo = cargo(&["test", "--release"]);
    cargo.env("VERAVOX_TEST_ONNXRUNTIME", &library).env_remove("ORT_DYLIB_PATH");
    // The tests choose the runtime themselves.
    cargo.env_remove("VIRTUAL_ENV").env_remove("CONDA_PREFIX");
    run(cargo)?;
    run(in_root(&python, &["-m", "pytest", "-q", "bindings/python/tests", "bindings/cli/tests", "models"]))?;
    // A run of its own: the command's tests import from their conftest, and only one can have that name.
    run(in_root(&python, &["-m", "pytest", "-q", "examples"]))?;
    // The examples in the documentation, which a run of its own looks for in no other Python files.
    let package = ["bindings/python/python", "bindings/python/README.md"];
    let examples = ["-m", "pytest", "-q", "--doctest-modules", "--doctest-glob=README.md"];
    run(in_root(&python, &[examples.as_slice(), &package].concat()))
}

fn lint() -> Result<()> {
    circles::check(&root())?;
    run(cargo(&["fmt", "--all", "--check"]))?;
    run(cargo(&["clippy", "--release", "--workspace", "--all-targets", "--", "-D", "warnings"]))?;
    let mut docs = cargo(&["doc", "--release", "--no-deps", "--lib"]);
    docs.env("RUSTDOCFLAGS", "-D warnings");
    run(docs)?;
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

fn version(text: &str) -> Vec<u32> {
    text.split('.').filter_map(|part| part.parse().ok()).collect()
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

/// A virtual environment in `.venv` with the packages of the tests and the extension of this tree. Returns its Python.
fn python() -> Result<PathBuf> {
    let venv = root().join(".venv");
    let python = venv.join(if cfg!(windows) { "Scripts/python.exe" } else { "bin/python" });
    if !python.exists() {
        let system = env::var_os("PYTHON").unwrap_or_else(|| "python3".into());
        let mut make = Command::new(&system);
        make.args(["-m", "venv"]).arg(&venv);
        run(make)?;
    }
    // PyTorch, for the recipe's tests, and Spark and Ray, for the examples', are large downloads: the compiler works meanwhile.
    std::thread::scope(|scope| {
        let packages = scope.spawn(|| install_once(&python, "packages", &PYTHON_PACKAGES, &REQUIREMENTS));
        let built = run(cargo(&["build", "--release"]));
        let installed = packages.join().unwrap_or_else(|_| Err("the packages were not installed".to_owned()));
        built.and(installed)
    })?;
    install_extension(&python)?;
    Ok(python)
}

/// Installs packages and those of a list into the virtual environment; nothing where they are the same as the last time.
fn install_once(python: &Path, stamp: &str, packages: &[&str], lists: &[&str]) -> Result<()> {
    let stamp = root().join(".venv").join(stamp);
    let mut wanted = packages.join("\n");
    for list in lists {
        let text = std::fs::read_to_string(root().join(list)).map_err(|e| format!("cannot read {list}: {e}"))?;
        wanted = wanted + "\n" + &text;
    }
    if std::fs::read_to_string(&stamp).ok().as_deref() == Some(&wanted) {
        return Ok(());
    }
    say(&format!("setting up .venv with the packages of {}", lists.join(", ")));
    let mut pip = in_root(python, &["-m", "pip", "install", "--quiet", "--disable-pip-version-check"]);
    pip.args(packages).args(lists.iter().flat_map(|list| ["-r", list]));
    run(pip)?;
    std::fs::write(&stamp, &wanted).map_err(|e| format!("cannot write {}: {e}", stamp.display()))
}

/// Puts the extension, which is built along with everything else so that nothing is compiled twice, beside its package. Users
/// get a wheel: `pip install ./bindings/python`.
fn install_extension(python: &Path) -> Result<()> {
    let (built, installed) = match env::consts::OS {
        "windows" => ("_core.dll", "_core.pyd"),
        "macos" => ("lib_core.dylib", "_core.abi3.so"),
        _ => ("lib_core.so", "_core.abi3.so"),
    };
    let package = root().join("bindings/python/python");
    let copy = package.join("veravox").join(installed);
    // Renamed into place: a Python that has the old one open keeps it.
    let part = copy.with_extension("part");
    std::fs::copy(target().join(built), &part).map_err(|e| format!("cannot copy {built}: {e}"))?;
    std::fs::rename(&part, &copy).map_err(|e| format!("cannot put {} in place: {e}", copy.display()))?;
    let code = "import sysconfig; print(sysconfig.get_path('purelib'))";
    let site = PathBuf::from(run_quietly(in_root(python, &["-c", code]))?);
    std::fs::write(site.join("veravox-tree.pth"), package.as_os_str().as_encoded_bytes())
        .map_err(|e| format!("cannot write to {}: {e}", site.display()))
}

/// Where optimised builds lie.
fn target() -> PathBuf {
    env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from).join("release")
}

fn onnxruntime_library(python: &Path) -> Result<String> {
    let code = "import importlib.util, pathlib; \
        p = pathlib.Path(importlib.util.find_spec('onnxruntime').origin).parent / 'capi'; \
        print(next(q for q in sorted(p.iterdir()) if 'onnxruntime.' in q.name and 'pybind' not in q.name))";
    run_quietly(in_root(python, &["-c", code]))
}

fn cargo(arguments: &[&str]) -> Command {
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args(arguments).current_dir(root());
    command
}

fn in_root(program: impl AsRef<OsStr>, arguments: &[&str]) -> Command {
    let mut command = Command::new(program);
    command.args(arguments).current_dir(root());
    command
}

fn run(mut command: Command) -> Result<()> {
    say(&format!("$ {}", in_words(&command)));
    let program = command.get_program().to_string_lossy().into_owned();
    let status = command.status().map_err(|e| missing(&program, &e))?;
    if status.success() { Ok(()) } else { Err(format!("failed: {}", in_words(&command))) }
}

fn run_quietly(mut command: Command) -> Result<String> {
    let program = command.get_program().to_string_lossy().into_owned();
    let output = command.output().map_err(|e| missing(&program, &e))?;
    if !output.status.success() {
        return Err(format!("failed: {}\n{}", in_words(&command), String::from_utf8_lossy(&output.stderr)));
    }
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

fn in_words(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(|word| word.to_string_lossy().into_owned()).collect::<Vec<_>>().join(" ")
}

/// A toolchain that is not there is named, with how to get it.
fn missing(program: &str, error: &std::io::Error) -> String {
    let how = if program.contains("python") {
        "install Python 3.10 or newer with its venv module (Debian: apt install python3 python3-venv; python.org)"
    } else {
        "install Rust by rustup (rustup.rs)"
    };
    format!("cannot run {program}: {error}; {how}")
}
