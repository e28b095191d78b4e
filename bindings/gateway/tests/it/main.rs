//! The gateway as a whole, by its sockets: calls of every protocol, and what befalls them.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that fails by a panic is how tests fail")]

mod asterisk;
mod audiosocket;
mod doors;
mod program;
mod rtp;
mod websockets;
mod world;
