//! What a function answers, and the words for it.

use std::borrow::Cow;
use std::ffi::{CStr, c_char};

use veravox::{Error, ErrorKind};

/// What came of a call. Numbers are never given to another meaning; new ones may come.
#[repr(i32)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum vvx_status {
    /// It was done.
    Ok = 0,
    /// A pointer that must not be null is.
    NullPointer = 1,
    /// A pointer is not aligned for what it points to.
    Misaligned = 2,
    /// `struct_size` is none that this library knows: smaller than in the first version, or larger with bytes set that this
    /// library has no meaning for.
    StructSize = 3,
    /// A pointer is to something else, or to something that was freed (which is seen by luck only).
    BadHandle = 4,
    /// The engine was stopped, or the leg was closed or is over.
    Closed = 5,
    /// Not now: two threads pushed to one leg at once, or a callback called what waits for callbacks.
    Busy = 6,
    /// As many legs as are admitted are open.
    Overloaded = 7,
    /// It took longer than the time given.
    Timeout = 8,
    /// A bug in veravox. Nothing was done to the caller; what the handle is good for from here on is uncertain: free it.
    Panic = 9,
    /// The file or folder does not exist.
    NotFound = 20,
    /// The operating system refused to open it.
    PermissionDenied = 21,
    /// Reading failed for another reason of the operating system's.
    Io = 22,
    /// The bytes are no audio that veravox can read, or a codec that it does not know.
    UnsupportedAudio = 23,
    /// The bytes claim to be audio of a known kind and are broken.
    CorruptAudio = 24,
    /// A limit on duration, channels or sample rate was exceeded.
    LimitExceeded = 25,
    /// The model's `manifest.json` breaks one of its rules.
    InvalidManifest = 26,
    /// The ONNX file is not the one that the manifest names.
    HashMismatch = 27,
    /// The ONNX graph does not load, or does not fit its manifest.
    InvalidModel = 28,
    /// The inference runtime is missing, broken or failed while running.
    Runtime = 29,
    /// An argument can not be.
    InvalidArgument = 30,
    /// The caller asked to stop, or the engine was stopped before the leg ended.
    Cancelled = 31,
    /// An error that is newer than this list.
    Other = 32,
}

/// What went wrong: a code for programs, words for people.
pub(crate) struct Fault {
    pub status: vvx_status,
    pub words: Cow<'static, str>,
}

impl Fault {
    /// Allocates nothing.
    pub const fn new(status: vvx_status, words: &'static str) -> Self {
        Self { status, words: Cow::Borrowed(words) }
    }
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        Self { status: of_kind(error.kind().as_str()), words: Cow::Owned(error.to_string()) }
    }
}

/// The code of a kind of error, by its name in reports.
pub(crate) fn of_kind(name: &str) -> vvx_status {
    const KINDS: [(ErrorKind, vvx_status); 12] = [
        (ErrorKind::NotFound, vvx_status::NotFound),
        (ErrorKind::PermissionDenied, vvx_status::PermissionDenied),
        (ErrorKind::Io, vvx_status::Io),
        (ErrorKind::UnsupportedAudio, vvx_status::UnsupportedAudio),
        (ErrorKind::CorruptAudio, vvx_status::CorruptAudio),
        (ErrorKind::LimitExceeded, vvx_status::LimitExceeded),
        (ErrorKind::InvalidManifest, vvx_status::InvalidManifest),
        (ErrorKind::HashMismatch, vvx_status::HashMismatch),
        (ErrorKind::InvalidModel, vvx_status::InvalidModel),
        (ErrorKind::Runtime, vvx_status::Runtime),
        (ErrorKind::InvalidArgument, vvx_status::InvalidArgument),
        (ErrorKind::Cancelled, vvx_status::Cancelled),
    ];
    KINDS.iter().find(|(kind, _)| kind.as_str() == name).map_or(vvx_status::Other, |(_, status)| *status)
}

/// What a status means, in short. Real-time safe; the text is never freed.
#[unsafe(no_mangle)]
pub extern "C" fn vvx_strerror(status: i32) -> *const c_char {
    words(status).as_ptr()
}

fn words(status: i32) -> &'static CStr {
    match status {
        0 => c"ok",
        1 => c"null pointer",
        2 => c"misaligned pointer",
        3 => c"unknown struct_size",
        4 => c"not a handle of this kind",
        5 => c"closed",
        6 => c"busy",
        7 => c"overloaded",
        8 => c"timeout",
        9 => c"bug in veravox",
        20 => c"not found",
        21 => c"permission denied",
        22 => c"input or output failed",
        23 => c"unsupported audio",
        24 => c"corrupt audio",
        25 => c"limit exceeded",
        26 => c"invalid manifest",
        27 => c"hash mismatch",
        28 => c"invalid model",
        29 => c"runtime failed",
        30 => c"invalid argument",
        31 => c"cancelled",
        32 => c"other error",
        _ => c"unknown status",
    }
}
