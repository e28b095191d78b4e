//! Everything with a header, as it is found by its content: symphonia's containers and what we put around them.

use crate::read::read;
use crate::seed::{Seed, files};

/// A file without a name.
pub fn container(bytes: &[u8]) {
    read(bytes, None, None);
}

pub fn seeds() -> Vec<Seed> {
    files(&["testdata/formats", "testdata/bad", "testdata/crashes"], "")
}
