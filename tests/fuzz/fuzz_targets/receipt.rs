//! Receipts (C2SP tlog-proof), ledger entries and tile paths from anybody: read or refused, never a panic.
//! No receipt that was made up here may verify, for nobody here has the log's key.

#![no_main]

use heyan::ledger::{NoteSigner, entry::LedgerEntry, receipt, tile::TilePath};
use libfuzzer_sys::fuzz_target;
use std::sync::LazyLock;

/// The public key of a seed that nobody signs with.
static KEY: LazyLock<String> = LazyLock::new(|| {
    NoteSigner::from_seed("hub.fuzz", &[9; 32])
        .expect("a seed is a key")
        .verifier()
        .encode()
});

fuzz_target!(|bytes: &[u8]| {
    assert!(receipt::verify(bytes, &KEY).is_err(), "a made-up receipt was taken");
    if let Ok(parsed) = receipt::Receipt::parse(bytes) {
        let again =
            receipt::Receipt::parse(parsed.to_text().as_bytes()).expect("what was parsed can be written and parsed");
        assert_eq!(
            (parsed.index, &parsed.proof, &parsed.checkpoint),
            (again.index, &again.proof, &again.checkpoint)
        );
    }
    if let Some(entry) = LedgerEntry::decode(bytes) {
        assert_eq!(entry.encode(), bytes, "an entry has one form");
    }
    if let Ok(text) = std::str::from_utf8(bytes) {
        if let Ok(path) = TilePath::parse(text) {
            assert_eq!(path.encode(), text);
        }
    }
});
