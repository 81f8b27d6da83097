//! See `properties::session`.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| properties::session(input));
