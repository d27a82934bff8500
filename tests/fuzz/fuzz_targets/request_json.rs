//! Request bodies: whatever bytes come, the strict reader answers or refuses, and what it took is one JSON document.
//! A body that is taken must mean the same after it was read and written by a plain JSON library.

#![no_main]

use heyan::app::verification::question::{ItemBody, VerificationBody};
use libfuzzer_sys::fuzz_target;
use serde_json::Value;

fuzz_target!(|bytes: &[u8]| {
    check(bytes, |b| serde_json::from_slice::<VerificationBody>(b).is_ok());
    check(bytes, |b| serde_json::from_slice::<ItemBody>(b).is_ok());
});

fn check(bytes: &[u8], taken: impl Fn(&[u8]) -> bool) {
    if !taken(bytes) {
        return;
    }
    let value: Value = serde_json::from_slice(bytes).expect("what the strict reader takes is JSON");
    let again = serde_json::to_vec(&value).expect("a JSON value can be written");
    assert!(taken(&again), "taken, but not after a plain library read and wrote it");
    // The plain reader keeps the last of two equal members: a shorter document would have hidden one.
    assert_eq!(
        strings(bytes),
        strings(&again),
        "a member was lost: a duplicate was taken"
    );
}

/// Number of string tokens of a document that is known to be JSON.
fn strings(bytes: &[u8]) -> usize {
    let (mut count, mut inside, mut escaped) = (0, false, false);
    for byte in bytes {
        match (inside, escaped, byte) {
            (true, true, _) => escaped = false,
            (true, false, b'\\') => escaped = true,
            (true, false, b'"') => inside = false,
            (false, _, b'"') => {
                inside = true;
                count += 1;
            }
            _ => {}
        }
    }
    count
}
