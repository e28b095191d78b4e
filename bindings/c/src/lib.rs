//! libveravox: the C ABI of veravox. It converts, calls the core, and converts back.
//!
//! What a C program sees is `include/veravox/veravox.h`, which is made of these sources. Rules that every function keeps:
//!
//! - Nothing unwinds into the caller: [`entry::enter`] catches a panic and answers with a code.
//! - Pointers are looked at before they are used: null, misaligned, of another kind, of another version's size.
//! - Functions that the header calls real-time safe allocate nothing, take no lock, write no log and wait for nobody. They
//!   leave the last error alone, too.
//!
//! `unsafe` stands in this crate only, and each use says why it is sound.

#![allow(non_camel_case_types, reason = "the names are those of the C header")]
#![warn(clippy::undocumented_unsafe_blocks)]

mod delivery;
mod detector;
mod engine;
mod entry;
mod event;
mod handle;
mod json;
mod latest;
mod leg;
mod leg_audio;
mod leg_open;
mod leg_verdict;
mod log;
mod scan;
mod sized;
mod status;
mod verdict;

use std::ffi::c_char;

/// The version of the binary interface that this header describes; `vvx_abi_version` gives that of the library. They must be
/// equal: it rises when a function or a field changes its meaning or goes away. New ones may come without.
pub const VVX_ABI_VERSION: u32 = 1;

/// The version of the binary interface of the library that is loaded. Real-time safe.
#[unsafe(no_mangle)]
pub extern "C" fn vvx_abi_version() -> u32 {
    VVX_ABI_VERSION
}

/// The version of the library, as in "0.1.0". Real-time safe; the text is never freed.
#[unsafe(no_mangle)]
pub extern "C" fn vvx_version() -> *const c_char {
    concat!(env!("CARGO_PKG_VERSION"), "\0").as_ptr().cast()
}
