//! See `properties::tag_list`.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| properties::tag_list(input));
