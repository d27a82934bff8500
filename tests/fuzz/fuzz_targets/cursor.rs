//! Fuzzes a page's cursor: see `cursor` in `../src/lib.rs`.

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| heyan_fuzz::cursor(input));
