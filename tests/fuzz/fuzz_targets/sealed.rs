//! Fuzzes sealed bytes: see `sealed` in `../src/lib.rs`.

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| heyan_fuzz::sealed(input));
