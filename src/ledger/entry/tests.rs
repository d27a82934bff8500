//! Entries read back as they were written, and no part of one is taken for a whole.

use super::*;
use heyan_domain::verdict::MatchBasis;

fn item() -> EntryItem {
    EntryItem {
        rules: "natural-person@1".to_owned(),
        subject: [7; 16],
        record_version: 3,
        outcome: Outcome::Mismatched,
        fields: vec![(0, Verdict::Match(MatchBasis::Normalized)), (4, Verdict::Mismatch)],
    }
}

fn bodies() -> Vec<(EntryKind, EntryBody)> {
    let mut bodies = vec![
        (EntryKind::Verification, EntryBody::Items(vec![item()])),
        (EntryKind::Chunk, EntryBody::Items(vec![item(), item()])),
    ];
    bodies.extend(others());
    bodies
}

fn others() -> [(EntryKind, EntryBody); 6] {
    [
        (
            EntryKind::Call,
            EntryBody::Call {
                operation: "verify".into(),
                status: 403,
                problem: "not_granted".into(),
            },
        ),
        (
            EntryKind::Records,
            EntryBody::Records {
                rules: "e-licence@1".into(),
                records: vec![([1; 16], 2)],
            },
        ),
        (
            EntryKind::Access,
            EntryBody::Access {
                action: "grant.add".into(),
                target: "grt_1".into(),
            },
        ),
        (
            EntryKind::Mismatch,
            EntryBody::Mismatch {
                id: "mis_1".into(),
                action: "approve".into(),
                state: "corrected".into(),
                dataset: "natural-person".into(),
                subject: [3; 16],
                step: 4,
            },
        ),
        (
            EntryKind::Delivery,
            EntryBody::Delivery {
                id: "dlv_1".into(),
                event: "evt_1".into(),
                target: "sub_1".into(),
                state: "delivered".into(),
                attempts: 2,
            },
        ),
        (
            EntryKind::Read,
            EntryBody::Read {
                operation: "query_record".into(),
                rules: "natural-person@1".into(),
                subject: [5; 16],
                record_version: 7,
                fields: vec![0, 3],
            },
        ),
    ]
}

#[test]
fn every_kind_of_entry_reads_back_as_it_was_written() {
    for (kind, body) in bodies() {
        let entry = LedgerEntry {
            kind,
            at_us: 1_795_363_200_000_000,
            agency: 4,
            body,
            sealed: vec![1, 2, 3],
        };
        let bytes = entry.encode();
        assert_eq!(LedgerEntry::decode(&bytes).as_ref(), Some(&entry));
        for length in 0..bytes.len() {
            assert_eq!(LedgerEntry::decode(&bytes[..length]), None, "a cut entry is no entry");
        }
    }
}

#[test]
fn an_entry_of_one_verification_fits_two_blocks_of_sha_256_without_its_seal() {
    let entry = LedgerEntry {
        kind: EntryKind::Verification,
        at_us: 0,
        agency: 1,
        body: EntryBody::Items(vec![item()]),
        sealed: vec![],
    };
    assert!(entry.encode().len() <= 118, "{}", entry.encode().len());
}
