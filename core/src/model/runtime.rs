//! The inference runtime: ONNX Runtime where one is found, the built-in one otherwise.
//!
//! A process has one runtime for its life. The first model that is loaded decides which, or an explicit
//! [`Runtime::select`] before it:
//!
//! 1. the library that `ORT_DYLIB_PATH` names; if it does not load that is an error, since somebody asked for it;
//! 2. the one inside the `onnxruntime` wheel of an active Python environment (`VIRTUAL_ENV`, `CONDA_PREFIX`);
//! 3. the built-in one, [rten](https://docs.rs/rten), which is compiled in.
//!
//! Without the crate's feature `onnxruntime` there is the third alone, and who names a library is told so.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, OnceLock};

#[cfg(feature = "onnxruntime")]
use ort::environment::Environment;

#[cfg(feature = "onnxruntime")]
use super::graph::onnx_runtime;

pub use super::provider::Provider;
use crate::error::{Error, ErrorKind, Result};

/// The runtime that is compiled in.
const BUILT_IN: (&str, &str) = ("rten", "0.27");

/// Which runtime to use.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum RuntimeChoice {
    /// ONNX Runtime where one is found, the built-in one otherwise.
    #[default]
    Auto,
    /// The built-in one, whatever else is there.
    BuiltIn,
    /// The ONNX Runtime library at this path.
    OnnxRuntime(PathBuf),
}

/// How the runtime works.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuntimeOptions {
    /// Execution providers of ONNX Runtime, the first that can is taken for each part of a graph; the CPU does the rest. None by default.
    pub providers: Vec<Provider>,
    /// Largest model that is read, graph and weights together: 4 GiB by default.
    pub max_model_bytes: u64,
}

impl Default for RuntimeOptions {
    fn default() -> Self {
        Self { providers: Vec::new(), max_model_bytes: 4 << 30 }
    }
}

/// The runtime in use by this process.
pub struct Runtime {
    options: RuntimeOptions,
    /// The providers that were wanted and load.
    providers: Vec<Provider>,
    backend: Backend,
    name: &'static str,
    version: String,
    library: Option<PathBuf>,
    note: Option<String>,
}

/// What runs graphs.
pub(crate) enum Backend {
    BuiltIn,
    #[cfg(feature = "onnxruntime")]
    OnnxRuntime(Environment),
}

static RUNTIME: OnceLock<Runtime> = OnceLock::new();
static SELECTING: Mutex<()> = Mutex::new(());
/// Why a library did not load. There is no second try in a process: ort 2.0.0-rc.14 would take it for loaded and read memory
/// that was never written.
#[cfg(feature = "onnxruntime")]
static NOT_LOADED: OnceLock<String> = OnceLock::new();

impl Runtime {
    /// The runtime in use; chooses one if none is yet.
    ///
    /// # Errors
    /// [`Runtime`](ErrorKind::Runtime) when the library that `ORT_DYLIB_PATH` names does not load.
    pub fn get() -> Result<&'static Self> {
        match RUNTIME.get() {
            Some(runtime) => Ok(runtime),
            None => Self::select(&RuntimeChoice::Auto),
        }
    }

    /// Chooses the runtime. Must come before the first model is loaded; afterwards only the same choice is accepted.
    ///
    /// # Errors
    /// [`Runtime`](ErrorKind::Runtime) when the library does not load, or when another runtime is already in use.
    pub fn select(choice: &RuntimeChoice) -> Result<&'static Self> {
        Self::select_with(choice, &RuntimeOptions::default())
    }

    /// Chooses the runtime and how it works. Execution providers that do not load are left out, and [`note`](Self::note) says why.
    ///
    /// # Errors
    /// As [`select`](Self::select).
    pub fn select_with(choice: &RuntimeChoice, options: &RuntimeOptions) -> Result<&'static Self> {
        let _one_at_a_time = SELECTING.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some(runtime) = RUNTIME.get() {
            let same =
                runtime.matches(choice) && (runtime.options == *options || *options == RuntimeOptions::default());
            return same.then_some(runtime).ok_or_else(|| {
                let message = format!("{runtime} is already in use by this process and cannot be changed");
                Error::new(ErrorKind::Runtime, message)
            });
        }
        let runtime = match choice {
            RuntimeChoice::BuiltIn => Self::built_in(None),
            RuntimeChoice::OnnxRuntime(library) => Self::onnx_runtime(library)?,
            RuntimeChoice::Auto => match named_library() {
                Some(library) => Self::onnx_runtime(&library)?,
                None => Self::found_or_built_in(),
            },
        };
        Ok(RUNTIME.get_or_init(|| runtime.with(options)))
    }

    /// With what was wanted of it. A provider that does not load is said, and the CPU computes.
    fn with(mut self, options: &RuntimeOptions) -> Self {
        let mut missing = Vec::new();
        for provider in &options.providers {
            match self.loads(*provider) {
                Ok(()) => self.providers.push(*provider),
                Err(reason) => missing.push(format!("{provider} does not load, the CPU computes: {reason}")),
            }
        }
        self.note = self.note.into_iter().chain(missing).reduce(|a, b| format!("{a}; {b}"));
        self.options = options.clone();
        self
    }

    /// Whether an execution provider loads here, and if not, why.
    ///
    /// # Errors
    /// [`Runtime`](ErrorKind::Runtime), with the reason in words.
    pub fn loads(&self, provider: Provider) -> Result<()> {
        match &self.backend {
            Backend::BuiltIn => {
                let message = format!("{self}, the built-in runtime, has no execution providers, {provider} neither");
                Err(Error::new(ErrorKind::Runtime, message))
            }
            #[cfg(feature = "onnxruntime")]
            Backend::OnnxRuntime(environment) => onnx_runtime::loads(environment, provider)
                .map_err(|e| Error::new(ErrorKind::Runtime, e.to_string()).with_source(e)),
        }
    }

    /// The execution providers in use.
    #[must_use]
    pub fn providers(&self) -> &[Provider] {
        &self.providers
    }

    /// How it was told to work.
    #[must_use]
    pub fn options(&self) -> &RuntimeOptions {
        &self.options
    }

    /// Uses the ONNX Runtime inside an installed `onnxruntime` wheel, given the package's folder, unless `ORT_DYLIB_PATH`
    /// names another. Says whether it is in use: a wheel without a library that loads leaves the choice open.
    #[must_use]
    pub fn select_wheel(package: &Path) -> bool {
        Self::select_wheel_with(package, &RuntimeOptions::default())
    }

    /// The same, with how it works.
    #[must_use]
    pub fn select_wheel_with(package: &Path, options: &RuntimeOptions) -> bool {
        named_library().is_none()
            && library_in_wheel(package)
                .is_some_and(|library| Self::select_with(&RuntimeChoice::OnnxRuntime(library), options).is_ok())
    }

    /// `"onnxruntime"`, or the name of the built-in one, `"rten"`.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// Its version.
    #[must_use]
    pub fn version(&self) -> &str {
        &self.version
    }

    /// Whether it is the one that is compiled in.
    #[must_use]
    pub fn is_built_in(&self) -> bool {
        matches!(self.backend, Backend::BuiltIn)
    }

    /// The ONNX Runtime library that was loaded.
    #[must_use]
    pub fn library(&self) -> Option<&Path> {
        self.library.as_deref()
    }

    /// Why an ONNX Runtime that was found is not in use, or an execution provider that was wanted.
    #[must_use]
    pub fn note(&self) -> Option<&str> {
        self.note.as_deref()
    }

    pub(crate) fn backend(&self) -> &Backend {
        &self.backend
    }

    fn matches(&self, choice: &RuntimeChoice) -> bool {
        match choice {
            RuntimeChoice::Auto => true,
            RuntimeChoice::BuiltIn => self.is_built_in(),
            RuntimeChoice::OnnxRuntime(library) => self.library.as_ref() == Some(library),
        }
    }

    fn found_or_built_in() -> Self {
        if cfg!(not(feature = "onnxruntime")) {
            return Self::built_in(None);
        }
        let Some(library) = library_of_python_environment() else { return Self::built_in(None) };
        Self::onnx_runtime(&library).unwrap_or_else(|error| Self::built_in(Some(error.to_string())))
    }

    fn built_in(note: Option<String>) -> Self {
        let (name, version) = BUILT_IN;
        Self::of(Backend::BuiltIn, name, version.to_owned(), None, note)
    }

    #[cfg(not(feature = "onnxruntime"))]
    fn onnx_runtime(library: &Path) -> Result<Self> {
        let message =
            format!("cannot load {}: this build of veravox has its built-in runtime alone", library.display());
        Err(Error::new(ErrorKind::Runtime, message))
    }

    #[cfg(feature = "onnxruntime")]
    fn onnx_runtime(library: &Path) -> Result<Self> {
        if let Some(reason) = NOT_LOADED.get() {
            return Err(Error::new(ErrorKind::Runtime, reason.as_str()));
        }
        let builder = ort::init_from(library).map_err(|e| {
            let reason = NOT_LOADED.get_or_init(|| format!("cannot load ONNX Runtime from {}: {e}", library.display()));
            Error::new(ErrorKind::Runtime, reason.as_str()).with_source(e)
        })?;
        let environment = builder
            .with_telemetry(false)
            .build()
            .map_err(|e| Error::new(ErrorKind::Runtime, format!("cannot start ONNX Runtime: {e}")).with_source(e))?;
        let version = version_in_name(library).unwrap_or_else(|| "of unknown version".to_owned());
        let (backend, library) = (Backend::OnnxRuntime(environment), Some(library.to_owned()));
        Ok(Self::of(backend, "onnxruntime", version, library, None))
    }

    fn of(
        backend: Backend,
        name: &'static str,
        version: String,
        library: Option<PathBuf>,
        note: Option<String>,
    ) -> Self {
        let (options, providers) = (RuntimeOptions::default(), Vec::new());
        Self { options, providers, backend, name, version, library, note }
    }
}

impl fmt::Display for Runtime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.name, self.version)?;
        if self.providers.is_empty() {
            return Ok(());
        }
        let names: Vec<_> = self.providers.iter().map(|provider| provider.as_str()).collect();
        write!(f, " ({})", names.join(", "))
    }
}

fn named_library() -> Option<PathBuf> {
    std::env::var_os("ORT_DYLIB_PATH").filter(|path| !path.is_empty()).map(PathBuf::from)
}

/// `<environment>/lib/python3.*/site-packages/onnxruntime/capi/libonnxruntime.so.*`.
fn library_of_python_environment() -> Option<PathBuf> {
    ["VIRTUAL_ENV", "CONDA_PREFIX"].iter().find_map(|variable| {
        let root = std::env::var_os(variable).filter(|root| !root.is_empty())?;
        entries(&PathBuf::from(root).join("lib"), "python3")
            .into_iter()
            .find_map(|python| library_in_wheel(&python.join("site-packages/onnxruntime")))
    })
}

/// The library inside an installed `onnxruntime` wheel, given the package's folder.
fn library_in_wheel(package: &Path) -> Option<PathBuf> {
    let library = format!("{}onnxruntime{}", std::env::consts::DLL_PREFIX, std::env::consts::DLL_SUFFIX);
    // On macOS the version stands before the suffix.
    let stem = library.trim_end_matches(std::env::consts::DLL_SUFFIX).to_owned();
    let is_it = |path: &PathBuf| {
        let name = path.file_name().and_then(|n| n.to_str()).unwrap_or_default();
        !name.contains("providers") && name.contains(std::env::consts::DLL_SUFFIX)
    };
    entries(&package.join("capi"), &stem).into_iter().find(is_it)
}

fn entries(folder: &Path, prefix: &str) -> Vec<PathBuf> {
    let Ok(listing) = std::fs::read_dir(folder) else { return Vec::new() };
    let mut found: Vec<PathBuf> = listing
        .filter_map(|entry| entry.ok().map(|e| e.path()))
        .filter(|path| path.file_name().and_then(|n| n.to_str()).is_some_and(|n| n.starts_with(prefix)))
        .collect();
    found.sort();
    found
}

/// `libonnxruntime.so.1.32.0` is version 1.32.0; the library itself tells its build, not its version.
#[cfg(feature = "onnxruntime")]
fn version_in_name(library: &Path) -> Option<String> {
    let library = library.canonicalize().unwrap_or_else(|_| library.to_owned());
    let name = library.file_name()?.to_str()?;
    let version: String = name.trim_start_matches(|c: char| !c.is_ascii_digit()).to_owned();
    let version = version.trim_end_matches(|c: char| !c.is_ascii_digit()).to_owned();
    (!version.is_empty()).then_some(version)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_library_of_a_wheel_is_found_by_its_name() {
        let folder = tempfile::tempdir().unwrap();
        let capi = folder.path().join("capi");
        std::fs::create_dir(&capi).unwrap();
        assert_eq!(library_in_wheel(folder.path()), None);
        for name in ["libonnxruntime_providers_shared.so", "libonnxruntime.so.1.32.0", "onnxruntime_pybind11_state.so"]
        {
            std::fs::write(capi.join(name), b"").unwrap();
        }
        if cfg!(target_os = "linux") {
            let library = library_in_wheel(folder.path()).unwrap();
            assert_eq!(library, capi.join("libonnxruntime.so.1.32.0"));
            #[cfg(feature = "onnxruntime")]
            assert_eq!(version_in_name(&library).as_deref(), Some("1.32.0"));
        }
    }
}
