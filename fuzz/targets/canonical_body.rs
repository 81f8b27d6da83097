//! See `properties::canonical_body`.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| properties::canonical_body(input));
