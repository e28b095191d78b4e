//! What hostile bytes are tried on: a function for each thing of ours that reads what others send.
//!
//! The same functions run under `libFuzzer` (`fuzz/libfuzzer`, `cargo xtask fuzz`) and for a few seconds in `cargo test`. A panic
//! that leaves a function is a finding, and so is one that takes too long.

#![allow(clippy::unwrap_used, clippy::missing_panics_doc, reason = "a panic is how a finding is told")]

mod capture;
mod container;
mod gateway;
mod manifest;
mod network;
mod ogg;
mod packets;
mod read;
mod seed;
mod stream;
mod telephony;
mod wav;

use std::cell::RefCell;
use std::panic::{catch_unwind, set_hook, take_hook};
use std::sync::Once;

pub use capture::capture;
pub use container::container;
pub use gateway::gateway;
pub use manifest::manifest;
pub use packets::packets;
pub use seed::{Seed, crashes};
pub use stream::stream;
pub use telephony::telephony;
pub use wav::wav;

/// What bytes are tried on.
#[derive(Debug, Clone, Copy)]
pub struct Target {
    /// That of its function and of its program.
    pub name: &'static str,
    /// What it does with bytes.
    pub run: fn(&[u8]),
    /// What to start from: inputs that lead far into its code.
    pub seeds: fn() -> Vec<Seed>,
}

/// All of them, in the order of the alphabet.
pub const TARGETS: [Target; 8] = [
    Target { name: "capture", run: capture, seeds: capture::seeds },
    Target { name: "container", run: container, seeds: container::seeds },
    Target { name: "gateway", run: gateway, seeds: gateway::seeds },
    Target { name: "manifest", run: manifest, seeds: manifest::seeds },
    Target { name: "packets", run: packets, seeds: packets::seeds },
    Target { name: "stream", run: stream, seeds: stream::seeds },
    Target { name: "telephony", run: telephony, seeds: telephony::seeds },
    Target { name: "wav", run: wav, seeds: wav::seeds },
];

thread_local! {
    /// The last panic of this thread, in words, while it tries something.
    static HEARD: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// Tries bytes on a target. Panics that the library catches, as it does around the decoders of others, are no findings.
///
/// # Errors
/// The words and the place of a panic that came out.
pub fn tried(target: fn(&[u8]), bytes: &[u8]) -> Result<(), String> {
    static HEAR: Once = Once::new();
    HEAR.call_once(|| {
        let otherwise = take_hook();
        set_hook(Box::new(move |panic| {
            let is_trial =
                HEARD.with_borrow_mut(|heard| heard.as_mut().map(|words| *words = panic.to_string()).is_some());
            if !is_trial {
                otherwise(panic);
            }
        }));
    });
    HEARD.set(Some(String::new()));
    let ended = catch_unwind(|| target(bytes));
    let heard = HEARD.take().unwrap_or_default();
    ended.map_err(|_| heard)
}
