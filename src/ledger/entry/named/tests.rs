//! Every kind of entry names the subjects that it should.

use super::*;
use crate::entry::{EntryBody, EntryItem, LedgerEntry};
use heyan_domain::verdict::{Outcome, Verdict};

fn item(subject: u8) -> EntryItem {
    EntryItem {
        rules: "natural-person@1".to_owned(),
        subject: [subject; 16],
        record_version: 1,
        outcome: Outcome::Mismatched,
        fields: vec![(0, Verdict::Mismatch)],
    }
}

/// Every body with the subjects that it names.
fn bodies() -> Vec<(EntryKind, EntryBody, Vec<u8>, &'static str)> {
    let text = str::to_owned;
    let access = |action: &str, target: String| EntryBody::Access {
        action: text(action),
        target,
    };
    vec![
        (EntryKind::Verification, EntryBody::Items(vec![item(1)]), vec![1], ""),
        (
            EntryKind::Chunk,
            EntryBody::Items(vec![item(2), item(3), item(2)]),
            vec![2, 3, 2],
            "",
        ),
        (
            EntryKind::Call,
            EntryBody::Call {
                operation: text("verify"),
                status: 403,
                problem: text("not_granted"),
            },
            vec![],
            "",
        ),
        (
            EntryKind::Records,
            EntryBody::Records {
                rules: text("e-licence@1"),
                records: vec![([4; 16], 1), ([5; 16], 2)],
            },
            vec![4, 5],
            "",
        ),
        (EntryKind::Access, access("grant.add", text("grt_1")), vec![], ""),
        (
            EntryKind::Access,
            access("guess_budget.unlocked", "06".repeat(16)),
            vec![6],
            "",
        ),
    ]
    .into_iter()
    .chain(later_bodies())
    .collect()
}

fn later_bodies() -> Vec<(EntryKind, EntryBody, Vec<u8>, &'static str)> {
    let text = str::to_owned;
    vec![
        (
            EntryKind::Mismatch,
            EntryBody::Mismatch {
                id: text("mis_1"),
                action: text("open"),
                state: text("open"),
                dataset: text("natural-person"),
                subject: [7; 16],
                step: 1,
            },
            vec![7],
            "mis_1",
        ),
        (
            EntryKind::Delivery,
            EntryBody::Delivery {
                id: text("dlv_1"),
                event: text("evt_1"),
                target: text("sub_1"),
                state: text("dead"),
                attempts: 8,
            },
            vec![],
            "dlv_1",
        ),
        (
            EntryKind::Read,
            EntryBody::Read {
                operation: text("query_record"),
                rules: text("natural-person@1"),
                subject: [8; 16],
                record_version: 2,
                fields: vec![0, 1],
            },
            vec![8],
            "",
        ),
    ]
}

#[test]
fn every_subject_of_every_kind_is_visited_and_the_sealed_part_found() {
    for (kind, body, subjects, id) in bodies() {
        let entry = LedgerEntry {
            kind,
            at_us: 5,
            agency: 9,
            body,
            sealed: vec![1, 2, 3],
        };
        let bytes = entry.encode();
        let mut seen = Vec::new();
        let rest = visit(&bytes, |subject, position| seen.push((subject[0], position))).unwrap();
        assert_eq!(seen, subjects.into_iter().zip(0..).collect::<Vec<_>>(), "{kind:?}");
        assert_eq!((rest.kind, rest.at_us, rest.agency), (kind, 5, 9));
        assert_eq!((rest.id, rest.sealed), (id.as_bytes(), &[1, 2, 3][..]), "{kind:?}");
        for length in 0..bytes.len() {
            assert_eq!(visit(&bytes[..length], |_, _| {}), None, "a cut entry is no entry");
        }
    }
}
