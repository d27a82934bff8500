//! Copies of a ledger that is being written.

use super::*;
use crate::copy::{copy_to, settled_checkpoint};
use crate::verify::verify_dir_holding;

const PATIENCE: Duration = Duration::from_secs(5);

#[test]
fn a_copy_of_a_live_ledger_holds_all_that_was_there_and_is_sound() {
    let dir = tempfile::tempdir().unwrap();
    let copies = tempfile::tempdir().unwrap();
    let ledger = Arc::new(Ledger::open(config(dir.path())).unwrap());
    let stop = Arc::new(AtomicBool::new(false));
    let writers: Vec<_> = (0..2)
        .map(|_| {
            let (ledger, stop) = (Arc::clone(&ledger), Arc::clone(&stop));
            thread::spawn(move || {
                let mut n = 0;
                while !stop.load(Ordering::Acquire) {
                    ledger
                        .append_many_blocking((0..7).map(|i| entry(n + i)).collect())
                        .unwrap();
                    n += 7;
                }
            })
        })
        .collect();
    for round in 0..12 {
        let acknowledged = ledger.append_blocking(entry(round)).unwrap().index;
        let settled = settled_checkpoint(dir.path(), PATIENCE).unwrap();
        assert!(settled.head.size > acknowledged, "{} {acknowledged}", settled.head.size);
        let copy = copies.path().join(round.to_string());
        let entries = copy_to(dir.path(), &settled, &copy).unwrap();
        let report = verify_dir_holding(&copy, Some(&settled.vkey), settled.head.clone()).unwrap();
        assert_eq!((report.sealed, report.entries), (settled.head.size, entries));
        assert_eq!(report.torn_tail_bytes, 0);
        // It opens, and signs what lay behind the checkpoint: the same tree that the first ledger has there.
        let opened = Ledger::open(config(&copy)).unwrap();
        assert_eq!(opened.sealed_head().size, entries);
        while ledger.sealed_head().size < entries {
            thread::park_timeout(Duration::from_millis(5));
        }
        assert_eq!(ledger.root_at(entries).unwrap(), opened.sealed_head().root);
    }
    stop.store(true, Ordering::Release);
    writers.into_iter().for_each(|writer| writer.join().unwrap());
}

#[test]
fn a_copy_needs_a_signature_over_all_and_a_tree_that_is_there() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = Ledger::open(config(dir.path())).unwrap();
    fill(&ledger, 0, 300);
    ledger.close().unwrap();
    drop(ledger);
    let settled = settled_checkpoint(dir.path(), PATIENCE).unwrap();
    let copy = dir.path().join("copy");
    assert_eq!(copy_to(dir.path(), &settled, &copy).unwrap(), 300);
    assert!(
        copy_to(dir.path(), &settled, &copy).is_err(),
        "a copy is never overwritten"
    );
    let longer = TreeHead {
        size: 301,
        root: settled.head.root,
    };
    assert!(verify_dir_holding(&copy, None, longer).is_err());
    let other = TreeHead {
        size: 299,
        root: settled.head.root,
    };
    assert!(verify_dir_holding(&copy, None, other).is_err());
    // Entries behind the checkpoint, and no hub that signs: as after a crash.
    let older = dir.path().join("older");
    let ledger = Ledger::open(LedgerConfig {
        seal_interval_ms: 1_000,
        ..config(&older)
    })
    .unwrap();
    fill(&ledger, 0, 3);
    let crashed = dir.path().join("crashed");
    copy_dir(&older, &crashed);
    let refused = settled_checkpoint(&crashed, Duration::from_millis(50));
    assert!(matches!(refused, Err(LedgerError::NotSealed)));
}
