//! See `properties::verifier`.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| properties::verifier(input));
