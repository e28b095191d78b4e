//! What can go wrong: the kinds of the core, with its words.

use veravox::ErrorKind;

/// What went wrong. Its message says what was expected and what came, and holds nothing of a call.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Error)]
#[uniffi(flat_error)]
pub enum VeravoxError {
    /// The file or folder does not exist.
    NotFound(String),
    /// The operating system refused to open it.
    PermissionDenied(String),
    /// Reading failed for another reason of the operating system's.
    Io(String),
    /// The bytes are no audio that this build can read.
    UnsupportedAudio(String),
    /// The bytes claim to be audio of a known kind and are broken.
    CorruptAudio(String),
    /// A limit on duration, channels or sample rate was exceeded.
    LimitExceeded(String),
    /// `manifest.json` of a model breaks one of its rules.
    InvalidManifest(String),
    /// The ONNX file is not the one that the manifest names.
    HashMismatch(String),
    /// The ONNX graph does not load, or does not fit its manifest.
    InvalidModel(String),
    /// The inference runtime is missing, broken or failed while running.
    Runtime(String),
    /// The caller passed something that can not be, or used a stream that is over.
    InvalidArgument(String),
    /// The caller asked to stop.
    Cancelled(String),
    /// A kind that is newer than this list.
    Other(String),
}

/// A shorthand.
pub(crate) type Result<T> = std::result::Result<T, VeravoxError>;

impl std::error::Error for VeravoxError {}

impl std::fmt::Display for VeravoxError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (Self::NotFound(message)
        | Self::PermissionDenied(message)
        | Self::Io(message)
        | Self::UnsupportedAudio(message)
        | Self::CorruptAudio(message)
        | Self::LimitExceeded(message)
        | Self::InvalidManifest(message)
        | Self::HashMismatch(message)
        | Self::InvalidModel(message)
        | Self::Runtime(message)
        | Self::InvalidArgument(message)
        | Self::Cancelled(message)
        | Self::Other(message)) = self;
        f.write_str(message)
    }
}

impl From<veravox::Error> for VeravoxError {
    fn from(error: veravox::Error) -> Self {
        let of_kind = match error.kind() {
            ErrorKind::NotFound => Self::NotFound,
            ErrorKind::PermissionDenied => Self::PermissionDenied,
            ErrorKind::Io => Self::Io,
            ErrorKind::UnsupportedAudio => Self::UnsupportedAudio,
            ErrorKind::CorruptAudio => Self::CorruptAudio,
            ErrorKind::LimitExceeded => Self::LimitExceeded,
            ErrorKind::InvalidManifest => Self::InvalidManifest,
            ErrorKind::HashMismatch => Self::HashMismatch,
            ErrorKind::InvalidModel => Self::InvalidModel,
            ErrorKind::Runtime => Self::Runtime,
            ErrorKind::InvalidArgument => Self::InvalidArgument,
            ErrorKind::Cancelled => Self::Cancelled,
            _ => Self::Other,
        };
        of_kind(error.to_string())
    }
}

/// What a caller passed cannot be.
pub(crate) fn refused(message: impl Into<String>) -> VeravoxError {
    VeravoxError::InvalidArgument(message.into())
}
