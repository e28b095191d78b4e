//! The committed Kotlin and Swift are what the crate says.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that fails by a panic is how tests fail")]

use std::path::Path;

use camino::Utf8PathBuf;
use uniffi_bindgen::bindings::{GenerateOptions, TargetLanguage, generate};

const KOTLIN: &str = "kotlin/src/generated/kotlin/io/github/veravox/veravox.kt";
const SWIFT: [&str; 3] = [
    "swift/Sources/Veravox/Generated/Veravox.swift",
    "swift/Sources/veravoxFFI/veravoxFFI.h",
    "swift/Sources/veravoxFFI/module.modulemap",
];

/// What is mended of fresh Kotlin, and how often it stands there.
const MENDED: [(usize, &str, &str); 5] = [
    // Visibilities are not named, which they must be in the rest of the module.
    (
        1,
        r#"@file:Suppress("NAME_SHADOWING")"#,
        r#"@file:Suppress("NAME_SHADOWING", "NO_EXPLICIT_VISIBILITY_IN_API_MODE", "NO_EXPLICIT_RETURN_TYPE_IN_API_MODE")"#,
    ),
    // An object that was closed would be passed as if it were there: its memory is freed.
    (4, "return value.uniffiCloneHandle()", "return value.callWithHandle { it }"),
    // A buffer would be read from its start, whatever its position, and could be collected while it is read.
    (1, "getDirectBufferPointer(value)", "getDirectBufferPointer(value.slice())"),
    (1, "ForeignBytes.ByValue()", "ForeignBytes.ByValue(value)"),
    (
        1,
        "class ByValue : ForeignBytes(), Structure.ByValue",
        "class ByValue(private val held: java.nio.ByteBuffer? = null) : ForeignBytes(), Structure.ByValue",
    ),
];

/// The library that was built for this test; it holds what the generators read.
fn library() -> Utf8PathBuf {
    let name = format!("{}veravox_mobile{}", std::env::consts::DLL_PREFIX, std::env::consts::DLL_SUFFIX);
    let test = Utf8PathBuf::from_path_buf(std::env::current_exe().unwrap()).unwrap();
    test.with_file_name(name)
}

#[test]
fn the_sources_are_those_of_a_fresh_generation() {
    let out = Path::new(env!("CARGO_TARGET_TMPDIR")).join("generated");
    let out_dir = Utf8PathBuf::from_path_buf(out.clone()).unwrap();
    std::fs::create_dir_all(&out).unwrap();
    // Where this crate's uniffi.toml lies.
    let places = out_dir.join("places.toml");
    std::fs::write(&places, format!("[crate-roots]\nveravox_mobile = {:?}\n", env!("CARGO_MANIFEST_DIR"))).unwrap();
    let options = GenerateOptions {
        languages: vec![TargetLanguage::Kotlin, TargetLanguage::Swift],
        source: library(),
        out_dir,
        config_override: Some(places),
        ..GenerateOptions::default()
    };
    generate(options).unwrap();
    let fresh = |name: &str| std::fs::read_to_string(out.join(name)).unwrap();
    compare(KOTLIN, &kotlin(&fresh("io/github/veravox/veravox.kt")));
    for (committed, name) in SWIFT.into_iter().zip(["Veravox.swift", "veravoxFFI.h", "veravoxFFI.modulemap"]) {
        compare(committed, &without_spaces_at_ends(&fresh(name)));
    }
}

fn kotlin(fresh: &str) -> String {
    let mut mended = fresh.to_owned();
    for (times, as_generated, as_it_must_be) in MENDED {
        assert_eq!(mended.matches(as_generated).count(), times, "{as_generated}");
        mended = mended.replace(as_generated, as_it_must_be);
    }
    without_spaces_at_ends(&mended)
}

fn without_spaces_at_ends(text: &str) -> String {
    let mut lines: String = text.lines().flat_map(|line| [line.trim_end(), "\n"]).collect();
    lines.truncate(lines.trim_end().len());
    lines + "\n"
}

fn compare(committed: &str, fresh: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(committed);
    if std::env::var_os("VERAVOX_WRITE").is_some() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, fresh).unwrap();
    }
    let found = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(found == fresh, "{committed} is out of date: VERAVOX_WRITE=1 cargo test --release -p veravox-mobile");
}
