//! What stays in the outbox is entered, once.

use std::time::Duration;

use heyan::app::node::outbox::{OrphanedEntries, STRAY_AFTER};
use heyan::ledger::entry::{self, EntryKind};
use heyan::ports::commit::Commit;
use serde_json::json;

use crate::common::{TestHub, person, question};

#[tokio::test(flavor = "multi_thread")]
async fn an_entry_whose_commit_stood_unseen_is_entered_late_and_once() {
    let hub = TestHub::start().await;
    hub.add_parties().await;
    hub.put("natural-person", &person()).await;
    let mut bytes = Vec::new();
    entry::begin(&mut bytes, EntryKind::Access, 1_700_000_000_000_000, 0);
    entry::put_text(&mut bytes, "agency.add");
    let commit = Commit::default().entry(bytes.clone());
    // Whoever committed this never learned that it stands.
    hub.hub.store.commit(std::sync::Arc::new(commit)).await.unwrap();
    let (mut strays, after) = (OrphanedEntries::default(), Duration::from_millis(200));
    assert_eq!(strays.enter(&hub.hub, after).await.unwrap(), 0, "it may be on its way");
    tokio::time::sleep(after).await;
    // Others come and go meanwhile.
    assert_eq!(hub.verify("agency", &question(&json!({"name": "张三"}))).await.0, 200);
    assert_eq!(strays.enter(&hub.hub, after).await.unwrap(), 1);
    assert_eq!(strays.enter(&hub.hub, Duration::ZERO).await.unwrap(), 0);
    assert_eq!(strays.enter(&hub.hub, STRAY_AFTER).await.unwrap(), 0);
    assert!(hub.hub.store.pending_entries(10).await.unwrap().is_empty());
    let durable = hub.hub.ledger.stats().durable;
    let held = hub.hub.ledger.entries(0, durable).unwrap();
    let same = held.iter().filter(|(_, held)| *held == bytes).count();
    assert_eq!(same, 1);
    hub.stop().await;
}
