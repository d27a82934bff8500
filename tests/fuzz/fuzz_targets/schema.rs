//! Fuzzes a dataset's file: see `schema` in `../src/lib.rs`.

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| heyan_fuzz::schema(input));
