//! What a store keeps for the bus: what is to be published, positions that are compared and set, parked keys. One story for every
//! engine, as `store_story` is.

use heyan::ports::{commit::Commit, store::Store};
use heyan::ports::{
    error::StoreError,
    positions::{BusWrites, PositionAdvance},
    supervision::AlertRow,
};

use super::store_kit::{Folder, change, first_load, id, open, row_key, subject};

const TOPIC: &str = "heyan.feed.v1";

fn advance(from: Option<&str>, to: &str) -> Commit {
    let advance = PositionAdvance {
        name: format!("kafka:{TOPIC}:0"),
        from: from.map(str::to_owned),
        to: to.to_owned(),
    };
    let bus = BusWrites {
        advances: vec![advance],
        ..BusWrites::default()
    };
    Commit::at(1).with(bus)
}

/// Tells the story to one store.
pub(crate) async fn tell(store: &dyn Store) {
    what_is_published_is_no_longer_waiting(store).await;
    a_position_that_is_not_where_it_was_left_takes_nothing_in(store).await;
    keys_are_parked_once_and_released(store).await;
}

async fn what_is_published_is_no_longer_waiting(store: &dyn Store) {
    let event = |n: u64, is_published: bool| {
        let mut event = change(n);
        event.mismatch = None;
        (event.is_fanned, event.is_published) = (true, is_published);
        event
    };
    let alert = AlertRow {
        id: id("alt_", 1),
        rule: "guess_budget".to_owned(),
        once: "one".to_owned(),
        dataset: None,
        subject: Some(subject(1)),
        mismatch: None,
        agency: None,
        facts: "{}".to_owned(),
        at: 5,
        class: "integrity_risk".to_owned(),
        severity: "medium".to_owned(),
        state: "open".to_owned(),
        revision: 1,
        entries: 0,
        evidence: "[]".to_owned(),
        updated_at: 5,
    };
    let commit = Commit::default()
        .with(vec![event(1, false), event(2, true), event(3, false)])
        .with(vec![alert]);
    store.commit(std::sync::Arc::new(commit)).await.unwrap();
    let waiting = async || -> Vec<String> {
        let events = store.unpublished_events(10).await.unwrap();
        let alerts = store.unpublished_alerts(10).await.unwrap();
        let ids = events.into_iter().map(|event| event.id);
        ids.chain(alerts.into_iter().map(|alert| alert.id)).collect()
    };
    assert_eq!(waiting().await, [id("evt_", 1), id("evt_", 3), id("alt_", 1)]);
    assert!(
        store.new_events(10).await.unwrap().is_empty(),
        "nobody has to be told of them"
    );
    let bus = BusWrites {
        events: vec![row_key("evt_", 1), row_key("evt_", 2)],
        alerts: vec![id("alt_", 1)],
        ..BusWrites::default()
    };
    for _ in 0..2 {
        let marked = Commit::default().with(bus.clone());
        store.commit(std::sync::Arc::new(marked)).await.unwrap();
    }
    assert_eq!(waiting().await, [id("evt_", 3)]);
    let mut counts = store.unpublished_counts().await.unwrap();
    counts.sort();
    assert_eq!(counts, [("alerts".to_owned(), 0), ("events".to_owned(), 1)]);
}

async fn a_position_that_is_not_where_it_was_left_takes_nothing_in(store: &dyn Store) {
    let name = format!("kafka:{TOPIC}:0");
    store.commit(std::sync::Arc::new(advance(None, "10"))).await.unwrap();
    store
        .commit(std::sync::Arc::new(advance(Some("10"), "20")))
        .await
        .unwrap();
    for from in [None, Some("10"), Some("21")] {
        let mut stale = advance(from, "30");
        stale.writes.extend(first_load(&"persons".into(), 900..901).writes);
        let refused = store.commit(std::sync::Arc::new(stale)).await;
        assert!(matches!(refused, Err(StoreError::Conflict)), "{from:?}");
    }
    assert_eq!(store.position(&name).await.unwrap().as_deref(), Some("20"));
    assert!(store.record_counts().await.unwrap().is_empty());
    // A topic that was made anew goes back.
    store
        .commit(std::sync::Arc::new(advance(Some("20"), "1")))
        .await
        .unwrap();
    assert_eq!(store.position(&name).await.unwrap().as_deref(), Some("1"));
}

async fn keys_are_parked_once_and_released(store: &dyn Store) {
    let parked = |keys: &[u8], released: &[u8]| {
        Commit::at(1).with(BusWrites {
            parked: keys.iter().map(|key| (TOPIC, [*key; 16])).collect(),
            released: released.iter().map(|key| (TOPIC, [*key; 16])).collect(),
            ..BusWrites::default()
        })
    };
    store.commit(std::sync::Arc::new(parked(&[1, 2], &[]))).await.unwrap();
    store
        .commit(std::sync::Arc::new(parked(&[2, 3], &[1, 9])))
        .await
        .unwrap();
    let mut keys = store.parked_keys(TOPIC, 10).await.unwrap();
    keys.sort_unstable();
    assert_eq!(keys, [[2; 16], [3; 16]]);
    assert_eq!(store.parked_keys(TOPIC, 1).await.unwrap().len(), 1);
    assert!(store.parked_keys("another", 10).await.unwrap().is_empty());
}

#[tokio::test]
async fn sqlite_keeps_what_the_bus_needs() {
    let folder = Folder::new("bus");
    let store = open(&folder).await;
    tell(&*store).await;
    store.close().await;
}
