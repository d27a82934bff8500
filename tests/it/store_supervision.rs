//! What a store keeps of supervision: alerts of one cause, their steps, what the rules have seen, entries that wait for the node that
//! watches. One story for every engine, as `store_story` is.

use heyan::ports::{commit::Commit, store::Store};
use heyan::ports::{
    error::StoreError,
    supervision::{AlertFilter, AlertRow, AlertStep, PostedEntries, SupervisionWrites},
};

use super::store_kit::{Folder, id, open};

/// Tells the story to one store.
pub(crate) async fn tell(store: &dyn Store) {
    one_cause_is_one_alert_whose_evidence_grows_until_it_is_closed(store).await;
    alerts_are_listed_newest_first_by_page_and_filter(store).await;
    entries_wait_until_they_are_taken_in(store).await;
}

fn alert(n: u64, once: &str, entries: u64) -> AlertRow {
    AlertRow {
        id: id("alt_", n),
        rule: "repeated_guessing".to_owned(),
        once: once.to_owned(),
        dataset: None,
        subject: None,
        mismatch: None,
        agency: Some("agency".to_owned()),
        facts: format!("{{\"entries\":{entries}}}"),
        at: i64::try_from(n).unwrap(),
        class: "integrity_risk".to_owned(),
        severity: "high".to_owned(),
        state: "open".to_owned(),
        revision: 1,
        entries,
        evidence: "[]".to_owned(),
        updated_at: 1,
    }
}

fn supervised(supervision: SupervisionWrites) -> Commit {
    Commit::at(1).with(supervision)
}

fn step(seq: u32, state: &str) -> Commit {
    supervised(SupervisionWrites {
        steps: vec![AlertStep {
            alert: id("alt_", 101),
            seq,
            at: 9,
            action: "close".to_owned(),
            state: state.to_owned(),
            note: vec![1],
        }],
        ..SupervisionWrites::default()
    })
}

async fn one_cause_is_one_alert_whose_evidence_grows_until_it_is_closed(store: &dyn Store) {
    let raise = async |n, entries| {
        let commit = Commit::default().with(vec![alert(n, "cause", entries)]);
        store.commit(std::sync::Arc::new(commit)).await.unwrap();
        store.alert(&id("alt_", 101)).await.unwrap().unwrap()
    };
    assert_eq!(raise(101, 6).await.entries, 6);
    assert_eq!(raise(102, 12).await.entries, 12, "more evidence");
    let row = raise(103, 3).await;
    assert_eq!(
        (row.entries, row.facts.as_str()),
        (12, "{\"entries\":12}"),
        "never less"
    );
    assert!(store.alert(&id("alt_", 102)).await.unwrap().is_none());
    store
        .commit(std::sync::Arc::new(step(2, "acknowledged")))
        .await
        .unwrap();
    for stale in [2, 4] {
        let refused = store.commit(std::sync::Arc::new(step(stale, "closed"))).await;
        assert!(matches!(refused, Err(StoreError::Conflict)), "{stale}");
    }
    store.commit(std::sync::Arc::new(step(3, "closed"))).await.unwrap();
    let row = raise(104, 50).await;
    assert_eq!(
        (row.state.as_str(), row.revision, row.entries),
        ("closed", 3, 12),
        "it is over"
    );
    let steps = store.alert_steps(&id("alt_", 101)).await.unwrap();
    assert_eq!(steps.iter().map(|step| step.seq).collect::<Vec<_>>(), [2, 3]);
}

async fn alerts_are_listed_newest_first_by_page_and_filter(store: &dyn Store) {
    let more = Commit::default().with(
        (201..206)
            .map(|n| alert(n, &format!("cause {n}"), 1))
            .collect::<Vec<_>>(),
    );
    store.commit(std::sync::Arc::new(more)).await.unwrap();
    let list = async |filter: AlertFilter| -> Vec<i64> {
        let filter = AlertFilter { limit: 3, ..filter };
        let rows = store.alerts(&filter).await.unwrap();
        rows.iter().map(|row| row.at).collect()
    };
    let all = AlertFilter::default;
    assert_eq!(list(all()).await, [205, 204, 203]);
    let before = Some((203, id("alt_", 203)));
    assert_eq!(list(AlertFilter { before, ..all() }).await, [202, 201, 101]);
    let closed = Some("closed".to_owned());
    assert_eq!(list(AlertFilter { state: closed, ..all() }).await, [101]);
    let since = Some(204);
    assert_eq!(list(AlertFilter { since, ..all() }).await, [205, 204]);
    let class = Some("content".to_owned());
    assert!(list(AlertFilter { class, ..all() }).await.is_empty());
    let rule = Some("repeated_guessing".to_owned());
    assert_eq!(list(AlertFilter { rule, ..all() }).await.len(), 3);
}

async fn entries_wait_until_they_are_taken_in(store: &dyn Store) {
    let post = async |first: u64, next: u64| {
        let posted = PostedEntries {
            origin: "hub-2.test".to_owned(),
            node: 2,
            first,
            next,
            body: vec![7; 3],
        };
        let commit = supervised(SupervisionWrites {
            posted: Some(posted),
            ..SupervisionWrites::default()
        });
        store.commit(std::sync::Arc::new(commit)).await
    };
    post(0, 10).await.unwrap();
    post(10, 25).await.unwrap();
    assert!(matches!(post(10, 30).await, Err(StoreError::Conflict)), "posted once");
    assert_eq!(store.posted_origins().await.unwrap(), ["hub-2.test"]);
    let waiting = async |from: u64| -> Vec<(u64, u64)> {
        let rows = store.posted_entries("hub-2.test", from, 10).await.unwrap();
        rows.iter().map(|row| (row.first, row.next)).collect()
    };
    assert_eq!(waiting(0).await, [(0, 10), (10, 25)]);
    assert_eq!(waiting(10).await, [(10, 25)]);
    assert_eq!(store.supervision_state().await.unwrap(), None);
    for kept in [vec![1], vec![2, 3]] {
        let commit = supervised(SupervisionWrites {
            kept: Some(kept.clone()),
            taken: vec![("hub-2.test".to_owned(), 10), ("hub-1.test".to_owned(), 5)],
            ..SupervisionWrites::default()
        });
        store.commit(std::sync::Arc::new(commit)).await.unwrap();
        assert_eq!(store.supervision_state().await.unwrap(), Some(kept));
    }
    assert_eq!(waiting(0).await, [(10, 25)]);
}

#[tokio::test]
async fn sqlite_keeps_what_supervision_needs() {
    let folder = Folder::new("supervision");
    let store = open(&folder).await;
    tell(&*store).await;
    store.close().await;
}
