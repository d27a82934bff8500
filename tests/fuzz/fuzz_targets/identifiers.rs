//! Every kind of identifier on arbitrary text, the resident number above all: no panic, and the canonical form is final.
//! A canonical form that parsed to another one would be kept under two keys.

#![no_main]

use heyan::domain::identifier::IdentifierKind;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    for kind in IdentifierKind::ALL {
        if let Ok(first) = kind.parse(text) {
            match kind.parse(&first.canonical) {
                Ok(second) => assert!(
                    first.canonical == second.canonical,
                    "{}: canonical twice is another",
                    kind.as_str()
                ),
                Err(_) => panic!("{}: its own canonical form is refused", kind.as_str()),
            }
        }
    }
});
