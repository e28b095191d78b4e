//! The header is what the sources say.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that fails by a panic is how tests fail")]

use std::path::Path;

/// In the order of the header.
const SOURCES: [&str; 14] = [
    "lib.rs",
    "status.rs",
    "entry.rs",
    "log.rs",
    "verdict.rs",
    "detector.rs",
    "scan.rs",
    "event.rs",
    "delivery.rs",
    "engine.rs",
    "leg.rs",
    "leg_open.rs",
    "leg_audio.rs",
    "leg_verdict.rs",
];

#[test]
fn the_header_is_that_of_the_sources() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    let config = cbindgen::Config::from_file(folder.join("cbindgen.toml")).unwrap();
    let builder = SOURCES
        .iter()
        .fold(cbindgen::Builder::new().with_config(config), |b, file| b.with_src(folder.join("src").join(file)));
    let mut fresh = Vec::new();
    builder.generate().unwrap().write(&mut fresh);
    let fresh = String::from_utf8(fresh).unwrap();
    let committed = folder.join("include/veravox/veravox.h");
    if std::env::var_os("VERAVOX_WRITE").is_some() {
        std::fs::write(&committed, &fresh).unwrap();
    }
    let found = std::fs::read_to_string(&committed).unwrap_or_default();
    assert!(found == fresh, "veravox.h is out of date: VERAVOX_WRITE=1 cargo test --release --test header");
}
