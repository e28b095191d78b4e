//! The gateway: one process beside a phone system, or in front of cloud telephony, that watches the calls they bring.
//!
//! It speaks the protocols that are there, hands the audio to the library's [engine](veravox::engine), and tells the verdicts.
//! What a call means is decided in the library.
//!
//! ```text
//! socket -> protocol -> call (its legs in the engine) -> hub -> whoever is to be told
//! ```
//!
//! No verdict is never "human": a leg that cannot be watched has the status ERROR, with its cause, and the call goes on.

#![forbid(unsafe_code)]

pub mod ami;
pub mod api;
mod args;
pub mod call;
pub mod config;
pub mod feed;
pub mod gateway;
pub mod hub;
pub mod id;
pub mod journal;
mod loadtest;
pub mod origin;
pub mod outlets;
pub mod protocol;
pub mod rtp_ports;
mod run;
pub mod scans;
pub mod scorer;
pub mod secrets;
pub mod serve;
pub mod signatures;
pub mod webhook;
pub mod words;

pub use gateway::Gateway;
pub use run::run;
