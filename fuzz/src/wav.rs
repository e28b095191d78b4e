//! Our own reader of WAV and its kin, from files and pipes.

use crate::read::read;
use crate::seed::{Seed, files};

/// A file that is named `.wav`.
pub fn wav(bytes: &[u8]) {
    read(bytes, Some("wav"), None);
}

pub fn seeds() -> Vec<Seed> {
    let folders = ["testdata/formats", "testdata/bad"];
    [files(&folders, ".wav"), files(&folders, ".rf64")].concat()
}
