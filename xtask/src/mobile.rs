//! The tests in Kotlin, and what can be told of Swift without it: that its C header compiles.

use std::path::Path;

use crate::process::{Result, in_root, run, run_quietly, say, target};

/// What the tests call; `.ci/run` names Debian's packages.
const TOOLS: [(&str, &str); 3] = [("mvn", "--version"), ("javac", "-version"), ("clang", "--version")];

/// For the example: a leg where nobody speaks, and one of a machine.
const CALL: &str = "testdata/calls/12-refund-one-way.alaw.wav";

/// Runs the tests of `bindings/mobile` on what was built, and the example in Kotlin. Where a tool is missing they are skipped
/// aloud; CI must have all.
pub fn test() -> Result<()> {
    let lacking: Vec<_> =
        TOOLS.iter().filter(|(tool, ask)| run_quietly(in_root(tool, &[ask])).is_err()).map(|(tool, _)| *tool).collect();
    if !lacking.is_empty() {
        let words = format!("the tests in Kotlin and of the Swift header need {}", lacking.join(", "));
        if std::env::var("CI").as_deref() == Ok("true") {
            return Err(words);
        }
        say(&format!("SKIPPED: {words}"));
        return Ok(());
    }
    let expected = target().join("mobile-expected.json");
    let mut write = in_root(target().join("examples/expected"), &[]);
    write.arg(&expected);
    run(write)?;
    header()?;
    run(maven("bindings/mobile/kotlin", &["install"], &expected))?;
    let example = format!("-Dexec.args={CALL}");
    let said = run_quietly(maven("examples/kotlin", &["compile", "exec:java", &example], &expected))?;
    run(in_root(target().join("examples/said"), &[CALL, &said]))?;
    run(maven("examples/android/check", &["compile"], &expected))
}

/// The header and the module map that Swift imports, as clang takes them.
fn header() -> Result<()> {
    let folder = "bindings/mobile/swift/Sources/veravoxFFI";
    let map = format!("-fmodule-map-file={folder}/module.modulemap");
    let cache = format!("-fmodules-cache-path={}", target().join("clang-modules").display());
    let check = "bindings/mobile/swift/check_header.c";
    run(in_root(
        "clang",
        &["-std=c11", "-Wall", "-Wextra", "-Werror", "-fsyntax-only", "-fmodules", &cache, &map, "-I", folder, check],
    ))
}

fn maven(project: &str, what: &[&str], expected: &Path) -> std::process::Command {
    let mut maven = in_root("mvn", &["--quiet", "--batch-mode", "--file", project]);
    maven.args(what).arg("-Dcargo.skip=true");
    maven.arg(format!("-Dnative.folder={}", target().display())).arg(format!("-Dexpected={}", expected.display()));
    maven
}
