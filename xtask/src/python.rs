//! The virtual environment of the Python parts.

use std::env;
use std::path::{Path, PathBuf};

use crate::process::{Result, cargo_all, in_root, root, run, run_quietly, say, target};

/// What the tests of package and command need; those of recipe and examples bring lists of their own.
const PYTHON_PACKAGES: [&str; 9] =
    ["pytest", "jsonschema", "librosa", "soundfile", "mypy", "pandas", "polars", "matplotlib", "tqdm"];
/// What the gateway's tests, the recipe and the examples need, as their users read it.
const REQUIREMENTS: [&str; 6] = [
    "bindings/gateway/tests/requirements.txt",
    "models/training/requirements.txt",
    "examples/python/requirements.txt",
    "examples/python/fastapi_app/requirements.txt",
    "examples/spark/requirements.txt",
    "examples/ray/requirements.txt",
];

/// A virtual environment in `.venv` with the packages of the tests and the extension of this tree. Returns its Python.
pub fn python() -> Result<PathBuf> {
    let venv = root().join(".venv");
    let python = python_of(&venv);
    if !python.exists() {
        make_venv(&venv)?;
    }
    // PyTorch, for the recipe's tests, and Spark and Ray, for the examples', are large downloads: the compiler works meanwhile.
    std::thread::scope(|scope| {
        let packages = scope.spawn(|| install_once(&python, "packages", &PYTHON_PACKAGES, &REQUIREMENTS));
        let built = run(cargo_all("build"));
        let installed = packages.join().unwrap_or_else(|_| Err("the packages were not installed".to_owned()));
        built.and(installed)
    })?;
    install_extension(&python)?;
    Ok(python)
}

/// Makes a virtual environment with the Python of the user's choice.
pub fn make_venv(folder: &Path) -> Result<()> {
    let system = env::var_os("PYTHON").unwrap_or_else(|| "python3".into());
    let mut make = in_root(&system, &["-m", "venv"]);
    make.arg(folder);
    run(make)
}

/// The Python of a virtual environment.
pub fn python_of(venv: &Path) -> PathBuf {
    venv.join(if cfg!(windows) { "Scripts/python.exe" } else { "bin/python" })
}

/// Installs packages and those of a list into the virtual environment; nothing where they are the same as the last time.
pub fn install_once(python: &Path, stamp: &str, packages: &[&str], lists: &[&str]) -> Result<()> {
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

pub fn onnxruntime_library(python: &Path) -> Result<String> {
    let code = "import importlib.util, pathlib; \
        p = pathlib.Path(importlib.util.find_spec('onnxruntime').origin).parent / 'capi'; \
        print(next(q for q in sorted(p.iterdir()) if 'onnxruntime.' in q.name and 'pybind' not in q.name))";
    run_quietly(in_root(python, &["-c", code]))
}
