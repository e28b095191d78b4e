//! Our own reader of WAV and its kin, from files and pipes.
#![no_main]

veravox_fuzz::target!(|bytes: &[u8]| veravox_fuzz::read(bytes, Some("wav"), None));
