//! A model's manifest, as it lies beside its graph: refused with a reason, or a detector.
#![no_main]

use std::path::PathBuf;
use std::sync::LazyLock;

use veravox::Detector;

/// A folder of this process, where there is no graph: what is asked for it ends at the graph.
static FOLDER: LazyLock<PathBuf> = LazyLock::new(|| {
    let folder = std::env::temp_dir().join(format!("veravox-fuzz-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    folder
});

veravox_fuzz::target!(|text: &[u8]| {
    std::fs::write(FOLDER.join("manifest.json"), text).unwrap();
    if let Err(error) = Detector::open(FOLDER.as_path()) {
        assert!(!error.to_string().is_empty());
    }
});
