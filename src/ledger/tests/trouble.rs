//! A disk that does not answer, refuses a write, or has no room for derived files.

use std::{rc::Rc, task::Poll};

use super::lanes::on_local;
use super::*;

fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !holds() {
        assert!(begun.elapsed() < Duration::from_secs(5), "{what}");
        thread::park_timeout(Duration::from_millis(10));
    }
}

#[tokio::test]
async fn a_sync_that_hangs_refuses_new_callers_and_lets_go_of_those_who_wait() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = Rc::new(Ledger::open(config(dir.path())).unwrap());
    on_local(async {
        let lane = Rc::new(ledger.lane());
        lane.append(b"first", Instant::now()).await.unwrap();
        assert_eq!(
            (ledger.oldest_wait(), ledger.condition()),
            (Duration::ZERO, LedgerCondition::Accepting)
        );
        // As the appender does before a group whose sync does not return.
        ledger
            .shared
            .begin_group(Instant::now().checked_sub(Duration::from_millis(1_100)).unwrap());
        until("stalled", || ledger.condition() == LedgerCondition::Stalled);
        assert!(ledger.oldest_wait() > Duration::from_secs(1));
        assert!(matches!(
            lane.append(b"new", Instant::now()).await,
            Err(LedgerError::Stalled)
        ));
        assert!(matches!(
            ledger.append(b"new".to_vec()).await,
            Err(LedgerError::Stalled)
        ));
        ledger.shared.end_group();
        until("accepting", || ledger.condition() == LedgerCondition::Accepting);
        assert_eq!(lane.append(b"second", Instant::now()).await.unwrap().index, 1);
    })
    .await;
}

#[tokio::test]
async fn those_who_wait_for_a_group_are_told_and_their_slots_come_back() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = Rc::new(
        Ledger::open(LedgerConfig {
            queue_max: 2,
            ..config(dir.path())
        })
        .unwrap(),
    );
    on_local(async {
        let lane = Rc::new(ledger.lane());
        for round in 0..4 {
            let mut waiting = Box::pin(lane.append(b"waits", Instant::now()));
            let asked = std::future::poll_fn(|context| Poll::Ready(waiting.as_mut().poll(context).is_pending()));
            assert!(asked.await);
            // The lane's mailbox, as at a stall; the entry itself goes on.
            ledger.shared.lanes()[0].give_up();
            match waiting.await {
                Err(LedgerError::Stalled) => {}
                Ok(appended) => assert_eq!(appended.index, round, "it was faster"),
                Err(other) => panic!("{other}"),
            }
            until("durable", || ledger.stats().durable == round + 1);
            tokio::task::yield_now().await;
        }
    })
    .await;
}

#[tokio::test]
async fn a_lane_that_was_idle_during_a_stall_appends_its_first_entry_afterwards() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = Rc::new(Ledger::open(config(dir.path())).unwrap());
    on_local(async {
        let lane = ledger.lane();
        until("known", || !ledger.shared.lanes().is_empty());
        ledger.shared.give_up();
        assert_eq!(lane.append(b"first", Instant::now()).await.unwrap().index, 0);
    })
    .await;
}

/// Index at which the first segment of `config` is full, when single entries are appended one by one.
fn first_roll() -> u64 {
    let dir = tempfile::tempdir().unwrap();
    let ledger = Ledger::open(config(dir.path())).unwrap();
    for i in 0..1_000 {
        ledger.append_blocking(entry(i)).unwrap();
        if let [_, next, ..] = ledger.shared.segments()[..] {
            return next;
        }
    }
    panic!("no second segment");
}

#[test]
fn a_write_that_fails_before_its_sync_is_tried_again_and_loses_nothing() {
    let next = first_roll();
    let dir = tempfile::tempdir().unwrap();
    let ledger = Ledger::open(config(dir.path())).unwrap();
    // A folder stands where the next segment goes.
    let taken = dir.path().join("journal").join(journal::segment_name(next));
    fs::create_dir(&taken).unwrap();
    for i in 0..next {
        ledger.append_blocking(entry(i)).unwrap();
    }
    assert!(matches!(ledger.append_blocking(entry(next)), Err(LedgerError::Blocked)));
    assert_eq!(ledger.condition(), LedgerCondition::Blocked);
    assert!(ledger.failure().is_some_and(|words| words.contains("os error")));
    assert!(matches!(ledger.append_blocking(entry(next)), Err(LedgerError::Blocked)));
    assert_eq!(ledger.stats().appended, ledger.stats().durable);
    fs::remove_dir(&taken).unwrap();
    until("accepting", || ledger.condition() == LedgerCondition::Accepting);
    assert_eq!(ledger.append_blocking(entry(next)).unwrap().index, next);
    assert_eq!(ledger.failure(), None);
    ledger.close().unwrap();
    assert_eq!(verify_dir(dir.path(), None).unwrap().sealed, next + 1);
}

#[test]
fn a_checkpoint_that_cannot_be_written_stops_sealing_only() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = Ledger::open(config(dir.path())).unwrap();
    let taken = dir.path().join("checkpoint.tmp");
    until("a folder", || fs::create_dir(&taken).is_ok());
    for i in 0..50 {
        ledger.append_blocking(entry(i)).unwrap();
    }
    until("it is told", || ledger.sealing_failure().is_some());
    ledger.append_blocking(entry(50)).unwrap();
    fs::remove_dir(&taken).unwrap();
    until("sealed", || ledger.stats().sealed == 51);
    until("and told", || ledger.sealing_failure().is_none());
    ledger.close().unwrap();
    assert_eq!(verify_dir(dir.path(), None).unwrap().sealed, 51);
}
