//! Inputs to start from, out of `testdata/`.

use std::fs;
use std::path::{Path, PathBuf};

/// An input with the name of the file that it is of.
pub type Seed = (String, Vec<u8>);

/// Larger files teach no more and take longer.
const LARGEST_BYTES: usize = 72 << 10;

/// A file or folder of the repository.
pub fn at(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path)
}

/// The files of these folders whose names end so, but for large ones.
pub fn files(folders: &[&str], ending: &str) -> Vec<Seed> {
    let all = folders.iter().flat_map(|folder| every_file(folder));
    all.filter(|(name, bytes)| name.ends_with(ending) && bytes.len() < LARGEST_BYTES).collect()
}

/// Every input that was once a finding, here or elsewhere: all targets are held to them.
#[must_use]
pub fn crashes() -> Vec<Seed> {
    every_file("testdata/crashes")
}

/// All files of a folder, in the order of their names.
fn every_file(folder: &str) -> Vec<Seed> {
    let paths = fs::read_dir(at(folder)).unwrap().map(|entry| entry.unwrap().path());
    let name = |path: &Path| path.file_name().unwrap().to_string_lossy().into_owned();
    let mut files: Vec<_> = paths.map(|path| (name(&path), fs::read(path).unwrap())).collect();
    files.sort();
    files
}

/// Files as a target wants them that puts their first `n` bytes there by itself, where its own first byte says so.
pub fn led(first: u8, n: usize, mut files: Vec<Seed>) -> Vec<Seed> {
    for (_, bytes) in &mut files {
        bytes.splice(..n.min(bytes.len()), [first]);
    }
    files
}
