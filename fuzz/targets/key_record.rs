//! See `properties::key_record`.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| properties::key_record(input));
