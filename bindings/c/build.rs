//! Gives the shared library its name for the linker of programs: it changes when programs must be built anew.

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    // The layout of handles is nobody's business: cbindgen, which does not set this either, sees no `repr(C)` and takes them for
    // opaque.
    println!("cargo:rustc-check-cfg=cfg(cbindgen)");
    if std::env::var("CARGO_CFG_TARGET_OS").is_ok_and(|os| os == "linux" || os == "android") {
        // Before 1.0 the second number is the one that breaks; `vvx_abi_version` follows it.
        println!("cargo:rustc-cdylib-link-arg=-Wl,-soname,libveravox.so.0");
    }
}
