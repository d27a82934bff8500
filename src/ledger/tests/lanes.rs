//! Lanes: many tasks of one thread, answered a group at a time.

use std::{cell::RefCell, rc::Rc, time::Instant};

use super::*;

pub(super) async fn on_local(work: impl Future<Output = ()>) {
    tokio::task::LocalSet::new().run_until(work).await;
}

#[tokio::test]
async fn every_caller_gets_the_index_of_his_own_entry_and_it_is_on_disk() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = Rc::new(Ledger::open(config(dir.path())).unwrap());
    on_local(async {
        let lane = Rc::new(ledger.lane());
        let other = Rc::new(ledger.lane());
        let tasks = (0..2_000).map(|i| {
            let (ledger, lane) = (Rc::clone(&ledger), Rc::clone(if i % 3 == 0 { &other } else { &lane }));
            tokio::task::spawn_local(async move {
                let appended = lane.append(&entry(i), Instant::now()).await.unwrap();
                assert!(appended.index < ledger.stats().durable);
                assert_eq!(appended.leaf, leaf_hash(&entry(i)));
                (appended.index, i)
            })
        });
        let mut answered = Vec::new();
        for task in tasks.collect::<Vec<_>>() {
            let (index, i) = task.await.unwrap();
            answered.push((index, entry(i)));
        }
        answered.sort_unstable();
        // One read of the whole: by single entries it takes minutes.
        assert_eq!(ledger.entries(0, 2_000).unwrap(), answered);
        assert!(ledger.stats().groups < 1_000, "{}", ledger.stats().groups);
    })
    .await;
    drop(ledger);
    assert_eq!(verify_dir(dir.path(), None).unwrap().entries, 2_000);
}

/// A lane on which four callers may wait.
async fn with_room_for_four(work: impl AsyncFnOnce(&Ledger, &AppendLane)) {
    let dir = tempfile::tempdir().unwrap();
    let ledger = Ledger::open(LedgerConfig {
        queue_max: 4,
        ..config(dir.path())
    })
    .unwrap();
    on_local(async { work(&ledger, &ledger.lane()).await }).await;
}

#[tokio::test]
async fn a_caller_who_goes_away_takes_nothing_back_and_leaves_his_place() {
    with_room_for_four(async |_, lane| {
        for round in 0..50 {
            let gone = lane.append(b"gone", Instant::now());
            assert!(futures_util::FutureExt::now_or_never(gone).is_none());
            let appended = lane.append(b"kept", Instant::now()).await.unwrap();
            assert_eq!(appended.index, round * 2 + 1);
        }
    })
    .await;
}

#[tokio::test]
async fn more_callers_than_may_wait_are_turned_away_and_counted() {
    with_room_for_four(async |ledger, lane| {
        let refused = RefCell::new(0);
        let asks = (0..10).map(async |_| match lane.append(b"x", Instant::now()).await {
            Ok(_) => {}
            Err(LedgerError::Busy) => *refused.borrow_mut() += 1,
            Err(other) => panic!("{other}"),
        });
        futures_util::future::join_all(asks).await;
        assert_eq!((refused.into_inner(), ledger.stats().busy), (6, 6));
        lane.append(b"again", Instant::now()).await.unwrap();
        let too_long = lane.append(&vec![0; 60_000], Instant::now()).await;
        assert!(matches!(too_long, Err(LedgerError::BatchSize)));
        let empty = lane.append(b"", Instant::now()).await;
        assert!(matches!(empty, Err(LedgerError::EntrySize)));
    })
    .await;
}

#[tokio::test]
async fn entries_of_any_length_find_room_in_the_segments() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = Rc::new(Ledger::open(config(dir.path())).unwrap());
    on_local(async {
        let lane = Rc::new(ledger.lane());
        let asks = (0..200_usize).map(async |i| {
            let bytes = vec![7; 1 + i * 61 % 12_000];
            let appended = lane.append(&bytes, Instant::now()).await.unwrap();
            assert_eq!(ledger.entry(appended.index).unwrap().unwrap(), bytes);
        });
        futures_util::future::join_all(asks).await;
    })
    .await;
}

#[tokio::test]
async fn a_closed_ledger_leaves_nobody_waiting() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = Rc::new(Ledger::open(config(dir.path())).unwrap());
    on_local(async {
        let lane = Rc::new(ledger.lane());
        let tasks: Vec<_> = (0..500)
            .map(|i| {
                let lane = Rc::clone(&lane);
                tokio::task::spawn_local(async move { lane.append(&entry(i), Instant::now()).await.is_ok() })
            })
            .collect();
        tokio::task::yield_now().await;
        ledger.close().unwrap();
        let mut answered = 0;
        for task in tasks {
            answered += u64::from(task.await.unwrap());
        }
        assert_eq!(answered, ledger.stats().durable);
        let late = lane.append(b"late", Instant::now()).await;
        assert!(matches!(late, Err(LedgerError::Closed)));
    })
    .await;
}
