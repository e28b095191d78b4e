//! `stream` under libFuzzer.
#![no_main]

veravox_libfuzzer::target!(stream);
