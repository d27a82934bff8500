//! What a crash, a disk or a hand can do to the files, and that each is repaired, refused or found.

use super::*;
use crate::disk::scan;

/// Leaves the state of a killed process: everything durable, the newest entries unsealed.
fn killed(sealed: u64, all: u64) -> BTreeMap<String, Vec<u8>> {
    let dir = tempfile::tempdir().unwrap();
    let ledger = Ledger::open(config(dir.path())).unwrap();
    fill(&ledger, 0, sealed);
    ledger.close().unwrap();
    let old = load(dir.path());
    drop(ledger);
    let ledger = Ledger::open(config(dir.path())).unwrap();
    fill(&ledger, sealed, all);
    ledger.close().unwrap();
    let mut files = load(dir.path());
    for (name, bytes) in old {
        if !name.starts_with("journal/") {
            files.insert(name, bytes);
        }
    }
    files.remove("journal/spare");
    files
}

#[test]
fn every_truncation_of_the_unsealed_tail_reopens_with_what_is_whole() {
    let files = killed(300, 306);
    let segment = files.keys().rfind(|k| k.starts_with("journal/")).unwrap().clone();
    let bytes = files[&segment].clone();
    let end = bytes.iter().rposition(|b| *b != 0).unwrap() + 1;
    let tail: usize = (300..306).map(|i| HEADER + entry(i).len()).sum();
    let (mut cuts, mut wholes) = (0, std::collections::BTreeSet::new());
    for cut in end - tail..=end {
        for keep_length in [true, false] {
            let mut torn = bytes[..cut].to_vec();
            if keep_length {
                torn.resize(bytes.len(), 0);
            }
            let mut files = files.clone();
            files.insert(segment.clone(), torn);
            let report = verify_files(&files, None, None).unwrap();
            let dir = tempfile::tempdir().unwrap();
            store(&files, dir.path());
            let ledger = Ledger::open(config(dir.path())).unwrap();
            let stats = ledger.stats();
            assert_eq!((stats.durable, stats.sealed), (report.entries, report.entries));
            assert!((300..=306).contains(&report.entries));
            fill(&ledger, report.entries, report.entries + 2);
            ledger.close().unwrap();
            assert_eq!(verify_dir(dir.path(), None).unwrap().torn_tail_bytes, 0);
            (cuts, _) = (cuts + 1, wholes.insert(report.entries));
        }
    }
    println!("truncations reopened: {cuts}");
    assert_eq!(wholes.len(), 7);
}

#[test]
fn truncating_what_the_checkpoint_covers_is_refused() {
    let files = killed(300, 300);
    let segment = files.keys().rfind(|k| k.starts_with("journal/")).unwrap().clone();
    let end = files[&segment].iter().rposition(|b| *b != 0).unwrap() + 1;
    for cut in (0..end).rev().step_by(7).take(60) {
        let mut files = files.clone();
        files.get_mut(&segment).unwrap()[cut..].fill(0);
        assert!(verify_files(&files, None, None).is_err());
        let dir = tempfile::tempdir().unwrap();
        store(&files, dir.path());
        assert!(
            matches!(Ledger::open(config(dir.path())), Err(LedgerError::Damaged(_))),
            "cut {cut}"
        );
    }
}

#[test]
fn a_bad_entry_with_a_later_group_behind_it_is_damage_even_when_unsealed() {
    let mut files = killed(300, 306);
    let segment = files.keys().rfind(|k| k.starts_with("journal/")).unwrap().clone();
    let bytes = files.get_mut(&segment).unwrap();
    let end = bytes.iter().rposition(|b| *b != 0).unwrap() + 1;
    let at = end - (303..306).map(|i| HEADER + entry(i).len()).sum::<usize>() + HEADER;
    bytes[at] ^= 1;
    assert_eq!(verify_files(&files, None, None).unwrap_err().first_bad_index, Some(303));
    let dir = tempfile::tempdir().unwrap();
    store(&files, dir.path());
    let Err(LedgerError::Damaged(damage)) = Ledger::open(config(dir.path())) else {
        panic!("opened")
    };
    assert_eq!(damage.first_bad_index, Some(303));
}

#[test]
fn every_single_bit_of_a_ledger_counts() {
    // Time grows with the square; 264 entries make a second bundle and a tile of the next level already.
    let entries = if std::env::var_os("HEYAN_LONG").is_some() {
        500
    } else {
        264
    };
    let files = sample(entries);
    verify_files(&files, None, None).unwrap();
    let names: Vec<String> = files.keys().cloned().collect();
    let bits: usize = files.values().map(|b| b.len() * 8).sum();
    let half = |worker: usize| {
        let (mut files, mut found) = (files.clone(), 0usize);
        for name in &names {
            for byte in (worker..files[name].len()).step_by(2) {
                for bit in 0..8 {
                    files.get_mut(name).unwrap()[byte] ^= 1 << bit;
                    assert!(
                        verify_files(&files, None, None).is_err(),
                        "{name} byte {byte} bit {bit}"
                    );
                    files.get_mut(name).unwrap()[byte] ^= 1 << bit;
                    found += 1;
                }
            }
        }
        found
    };
    let started = Instant::now();
    let found: usize = thread::scope(|s| {
        [0, 1]
            .map(|w| s.spawn(move || half(w)))
            .map(|h| h.join().unwrap())
            .iter()
            .sum()
    });
    println!("bits flipped: {bits}, found: {found}, in {:?}", started.elapsed());
    assert_eq!(found, bits);
}

#[test]
fn a_deleted_swapped_or_doubled_entry_and_a_missing_file_are_found() {
    let files = sample(120);
    let name = "journal/00000000000000000000.log".to_owned();
    let bytes = files[&name].clone();
    let mut starts = Vec::new();
    let rules = scan::ScanRules {
        sealed: 120,
        place: scan::SegmentPlace::Last,
        torn: scan::TornTail::Begun,
    };
    scan::segment(&bytes, (0, 0), rules, |_, at, frame| {
        starts.push((at, frame.next));
        Ok(())
    })
    .unwrap();
    let found = |new: Vec<u8>| {
        let mut files = files.clone();
        let mut new = new;
        new.resize(bytes.len().max(new.len()), 0);
        files.insert(name.clone(), new);
        verify_files(&files, None, None).is_err()
    };
    for (i, (from, to)) in starts.iter().copied().enumerate() {
        assert!(found([&bytes[..from], &bytes[to..]].concat()), "deleted {i}");
        assert!(found([&bytes[..to], &bytes[from..]].concat()), "doubled {i}");
        if let Some((_, next)) = starts.get(i + 1) {
            assert!(
                found([&bytes[..from], &bytes[to..*next], &bytes[from..to], &bytes[*next..]].concat()),
                "swapped {i}"
            );
        }
    }
    for gone in files.keys() {
        let mut files = files.clone();
        files.remove(gone);
        assert!(verify_files(&files, None, None).is_err(), "{gone}");
        let dir = tempfile::tempdir().unwrap();
        store(&files, dir.path());
        assert!(Ledger::open(config(dir.path())).is_err(), "{gone}");
    }
}

#[test]
fn a_fork_and_a_rollback_are_seen_against_a_checkpoint_held_elsewhere() {
    let dirs = [(); 2].map(|()| tempfile::tempdir().unwrap());
    let mut held = Vec::new();
    for (n, dir) in dirs.iter().enumerate() {
        let ledger = Ledger::open(config(dir.path())).unwrap();
        fill(&ledger, 0, 40);
        ledger.append_blocking(vec![u8::try_from(n).unwrap()]).unwrap();
        ledger.close().unwrap();
        held.push(ledger.checkpoint());
    }
    assert!(extends(dirs[0].path(), &held[0]));
    assert!(!extends(dirs[0].path(), &held[1]));
    let ledger = Ledger::open(config(dirs[1].path())).unwrap();
    ledger.append_blocking(vec![9]).unwrap();
    ledger.close().unwrap();
    assert!(extends(dirs[1].path(), &held[1]));
    assert!(!extends(dirs[0].path(), &ledger.checkpoint()), "shrunk");
    // The other log's checkpoint on this journal: right key, wrong tree.
    fs::write(dirs[0].path().join("checkpoint"), &held[1]).unwrap();
    assert!(verify_dir(dirs[0].path(), None).is_err());
    assert!(matches!(
        Ledger::open(config(dirs[0].path())),
        Err(LedgerError::Damaged(_))
    ));
}

#[tokio::test]
async fn a_checkpoint_replaced_under_a_running_ledger_stops_it() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = Ledger::open(config(dir.path())).unwrap();
    ledger.append(vec![1]).await.unwrap();
    ledger.wait_sealed(0, Duration::from_secs(10)).await.unwrap();
    let signer = NoteSigner::from_seed("hub-1.test", &[42; 32]).unwrap();
    let other = signer.checkpoint(&TreeHead { size: 1, root: [9; 32] }).unwrap();
    fs::write(dir.path().join("checkpoint"), other).unwrap();
    let _ = ledger.append(vec![2]).await;
    assert!(matches!(ledger.close(), Err(LedgerError::Failed)));
}

#[test]
fn a_segment_cut_by_a_crash_while_rolling_is_filled_up_again() {
    let mut files = sample(120);
    let name = "journal/00000000000000000000.log";
    let end = files[name].iter().rposition(|b| *b != 0).unwrap() + 1;
    files.get_mut(name).unwrap().truncate(end);
    let dir = tempfile::tempdir().unwrap();
    store(&files, dir.path());
    let ledger = Ledger::open(config(dir.path())).unwrap();
    fill(&ledger, 120, 400);
    ledger.close().unwrap();
    assert_eq!(verify_dir(dir.path(), None).unwrap().sealed, 400);
    assert!(
        File::open(dir.path().join(name))
            .unwrap()
            .read_at(&mut [0; 1], 16 * 1024)
            .unwrap()
            == 0
    );
}
