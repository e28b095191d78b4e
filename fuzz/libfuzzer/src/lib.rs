//! The targets of `veravox-fuzz` under libFuzzer: `cargo xtask fuzz`.

/// The program of a target, by its name.
#[macro_export]
macro_rules! target {
    ($name:ident) => {
        libfuzzer_sys::fuzz_target!(|bytes: &[u8]| $crate::hold(veravox_fuzz::$name, bytes));
    };
}

/// Tries bytes on a target, and ends the process where that is a finding. libFuzzer's own hook would end it at every panic, and
/// so at those that the library catches.
pub fn hold(target: fn(&[u8]), bytes: &[u8]) {
    if let Err(words) = veravox_fuzz::tried(target, bytes) {
        eprintln!("{words}");
        std::process::abort();
    }
}
