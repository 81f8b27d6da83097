//! See `properties::authentication_results`.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| properties::authentication_results(input));
