//! Fuzzes an archive's pack: see `pack` in `../src/lib.rs`.

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| heyan_fuzz::pack(input));
