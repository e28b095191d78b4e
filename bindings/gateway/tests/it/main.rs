//! The gateway as a whole, by its sockets: calls of every protocol, and what befalls them.

mod asterisk;
mod audiosocket;
mod doors;
mod rtp;
mod websockets;
mod world;
