//! `capture` under libFuzzer.
#![no_main]

veravox_libfuzzer::target!(capture);
