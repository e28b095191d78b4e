//! What the command ends with.

/// What the command answers to the shell. Documented in `veravox scan --help`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// Everything asked for was done.
    Done = 0,
    /// Some files could not be scanned, or a checked model is broken.
    SomeFailed = 1,
    /// Nothing was done: wrong arguments, no files, no model, no runtime.
    Refused = 2,
    /// `--fail-on-synthetic` was given and a synthetic voice was found.
    SyntheticFound = 3,
    /// Ctrl-C.
    Interrupted = 130,
}

/// What a subcommand ends with: an exit status, or words for people and [`Exit::Refused`].
pub(crate) type Outcome = Result<Exit, Box<dyn std::error::Error>>;
