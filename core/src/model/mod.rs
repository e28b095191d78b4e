//! The classifier: a manifest, its ONNX graph, and scorers that run it on windows.

mod builtin;
pub mod calibrate;
mod check;
mod graph;
mod loaded;
pub mod manifest;
pub mod runtime;
mod threads;

pub(crate) use builtin::Builtin;
pub use check::{Rule, check};
pub(crate) use loaded::Scorer;
pub use loaded::{Model, RawScore};
pub(crate) use threads::Threads;

/// Bytes as lower-case hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut digits, byte| {
        // Writing to a String cannot fail.
        let _ = write!(digits, "{byte:02x}");
        digits
    })
}
