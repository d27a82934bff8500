//! Fuzzes a sheet: see `csv` in `../src/lib.rs`.

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| heyan_fuzz::csv(input));
