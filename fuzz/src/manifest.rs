//! A model's manifest, as it lies beside its graph: refused with a reason, or a detector.

use std::fs;

use tempfile::TempDir;
use veravox::Detector;

use crate::seed::{Seed, at};

thread_local! {
    /// Where there is no graph: what is asked for it ends at the graph.
    static FOLDER: TempDir = TempDir::new().unwrap();
}

/// The text of one.
pub fn manifest(text: &[u8]) {
    FOLDER.with(|folder| {
        fs::write(folder.path().join("manifest.json"), text).unwrap();
        if let Err(error) = Detector::open(folder.path()) {
            assert!(!error.to_string().is_empty());
        }
    });
}

pub fn seeds() -> Vec<Seed> {
    let folders = fs::read_dir(at("testdata/manifests")).unwrap().map(|entry| entry.unwrap().path());
    let mut folders: Vec<_> = folders.chain([at("models/phone"), at("models/wide")]).collect();
    folders.sort();
    let name = |folder: &std::path::Path| folder.file_name().unwrap().to_string_lossy().into_owned();
    let texts = folders.iter().map(|folder| (name(folder), fs::read(folder.join("manifest.json"))));
    // One of them has no manifest, which is what is bad about it.
    texts.filter_map(|(name, text)| Some((name, text.ok()?))).collect()
}
