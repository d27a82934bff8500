//! Fuzzes an answer in XML: see `xml` in `../src/lib.rs`.

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| heyan_fuzz::xml(input));
