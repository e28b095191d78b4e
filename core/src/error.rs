//! The one error type of the library.

use std::error::Error as StdError;
use std::fmt;

/// A shorthand for results of this library.
pub type Result<T> = std::result::Result<T, Error>;

/// What went wrong, for programs. The names are stable; new ones may be added.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ErrorKind {
    /// The file or folder does not exist.
    NotFound,
    /// The operating system refused to open it.
    PermissionDenied,
    /// Reading failed for another reason of the operating system's.
    Io,
    /// The bytes are no audio that veravox can read, or a codec that it does not know.
    UnsupportedAudio,
    /// The bytes claim to be audio of a known kind and are broken.
    CorruptAudio,
    /// A limit on duration, channels or sample rate was exceeded.
    LimitExceeded,
    /// `manifest.json` breaks one of its rules.
    InvalidManifest,
    /// The ONNX file is not the one that the manifest names: its SHA-256 differs.
    HashMismatch,
    /// The ONNX graph does not load, or does not fit its manifest.
    InvalidModel,
    /// The inference runtime is missing, broken or failed while running.
    Runtime,
    /// The caller passed something that can not be: a rate of 0 Hz, chunks of unequal length.
    InvalidArgument,
    /// The caller asked to stop.
    Cancelled,
}

impl ErrorKind {
    /// The name as it stands in reports: `"corrupt_audio"`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NotFound => "not_found",
            Self::PermissionDenied => "permission_denied",
            Self::Io => "io",
            Self::UnsupportedAudio => "unsupported_audio",
            Self::CorruptAudio => "corrupt_audio",
            Self::LimitExceeded => "limit_exceeded",
            Self::InvalidManifest => "invalid_manifest",
            Self::HashMismatch => "hash_mismatch",
            Self::InvalidModel => "invalid_model",
            Self::Runtime => "runtime",
            Self::InvalidArgument => "invalid_argument",
            Self::Cancelled => "cancelled",
        }
    }
}

impl fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// An error: a [kind](ErrorKind) for programs and a message for people.
///
/// The message says what was expected and what came. It never holds audio, file contents or anything of a caller. The
/// error of a library underneath, where there is one, stands behind [`source`](StdError::source).
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct Error {
    kind: ErrorKind,
    message: String,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

impl Error {
    pub(crate) fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), source: None }
    }

    pub(crate) fn with_source(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// Turns an error of the operating system into one of ours; `what` is the act that failed, as in "open the file".
    pub(crate) fn from_io(error: std::io::Error, what: &str) -> Self {
        let (kind, reason) = match error.kind() {
            std::io::ErrorKind::NotFound => (ErrorKind::NotFound, "it does not exist".to_owned()),
            std::io::ErrorKind::PermissionDenied => (ErrorKind::PermissionDenied, "permission denied".to_owned()),
            other => (ErrorKind::Io, other.to_string()),
        };
        Self::new(kind, format!("cannot {what}: {reason}")).with_source(error)
    }

    /// What went wrong, for programs.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_a_kind_is_its_serialised_form() {
        for kind in [
            ErrorKind::NotFound,
            ErrorKind::PermissionDenied,
            ErrorKind::Io,
            ErrorKind::UnsupportedAudio,
            ErrorKind::CorruptAudio,
            ErrorKind::LimitExceeded,
            ErrorKind::InvalidManifest,
            ErrorKind::HashMismatch,
            ErrorKind::InvalidModel,
            ErrorKind::Runtime,
            ErrorKind::InvalidArgument,
            ErrorKind::Cancelled,
        ] {
            assert_eq!(serde_json::to_value(kind).ok(), Some(serde_json::Value::from(kind.as_str())));
        }
    }

    #[test]
    fn errors_of_the_system_keep_their_source() {
        let error = Error::from_io(std::io::Error::from(std::io::ErrorKind::PermissionDenied), "open the file");
        assert_eq!(error.kind(), ErrorKind::PermissionDenied);
        assert_eq!(error.to_string(), "cannot open the file: permission denied");
        assert!(error.source().is_some());
    }
}
