//! Everything with a header, as it is found by its content: symphonia's containers and what we put around them.
#![no_main]

veravox_fuzz::target!(|bytes: &[u8]| veravox_fuzz::read(bytes, None, None));
