//! `telephony` under libFuzzer.
#![no_main]

veravox_libfuzzer::target!(telephony);
