//! See `properties::content`.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| properties::content(input));
