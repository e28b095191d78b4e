//! The tests in C: the library, what is made on it, and its packages.

use crate::process::{Result, in_root, run, run_quietly, say};

/// What the Makefiles call besides a compiler; Debian's packages have these names or are named in `.ci/run`.
const TOOLS: [(&str, &str); 5] = [
    ("make", "--version"),
    ("cmake", "--version"),
    ("valgrind", "--version"),
    ("gst-inspect-1.0", "--version"),
    ("dpkg-deb", "--version"),
];

/// Runs the tests of `bindings/c` on what was built. They need Linux and its tools; elsewhere they are skipped aloud, and CI must
/// have them.
pub fn test() -> Result<()> {
    let lacking: Vec<_> =
        TOOLS.iter().filter(|(tool, ask)| run_quietly(in_root(tool, &[ask])).is_err()).map(|(tool, _)| *tool).collect();
    if !cfg!(target_os = "linux") || !lacking.is_empty() {
        let words = format!("the tests in C need Debian with {}", lacking.join(", "));
        if std::env::var("CI").as_deref() == Ok("true") {
            return Err(words);
        }
        say(&format!("SKIPPED: {words}"));
        return Ok(());
    }
    run(in_root("make", &["--no-print-directory", "-C", "bindings/c/tests", "check"]))
}
