//! Fuzzes a message of the bus: see `envelope` in `../src/lib.rs`.

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| heyan_fuzz::envelope(input));
