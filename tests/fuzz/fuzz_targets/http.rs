//! Fuzzes bytes of a connection: see `http` in `../src/lib.rs`.

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| heyan_fuzz::http(input));
