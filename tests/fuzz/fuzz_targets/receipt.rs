//! Receipts (C2SP tlog-proof), checkpoints and ledger entries from anybody: read or refused, never a panic.
//! No receipt that was made up here may verify, for nobody here has the log's key.

#![no_main]

use heyan::ledger::receipt;
use libfuzzer_sys::fuzz_target;

/// A key whose private half does not exist anywhere in this repository.
const KEY: &str = "hub.fuzz+00000000+AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

fuzz_target!(|text: &str| {
    assert!(receipt::verify(text, KEY).is_err(), "a made-up receipt was taken");
});
