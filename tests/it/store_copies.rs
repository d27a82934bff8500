//! What backups and accepted losses need of the embedded store.

use std::sync::Arc;

use crate::store_kit::*;
use heyan::ports::commit::Commit;
use heyan::store::{SqliteConfig, SqliteFile, SqliteStore};

#[tokio::test]
async fn a_copy_taken_under_writes_is_whole_and_private() {
    use std::os::unix::fs::PermissionsExt;
    let folder = Folder::new("copy");
    let store = Arc::new(open(&folder).await);
    let dataset: Arc<str> = "persons".into();
    store.commit(Arc::new(first_load(&dataset, 0..2_000))).await.unwrap();
    let writes = tokio::spawn({
        let (store, dataset) = (Arc::clone(&store), Arc::clone(&dataset));
        async move {
            for n in 0..50 {
                store
                    .commit(Arc::new(first_load(&dataset, 2_000 + n * 10..2_010 + n * 10)))
                    .await
                    .unwrap();
            }
        }
    });
    let copies = Folder::new("copies");
    let file = SqliteFile::at(folder.database());
    let bytes = file.copy_to(&copies.database()).await.unwrap();
    writes.await.unwrap();
    let metadata = std::fs::metadata(copies.database()).unwrap();
    assert_eq!((metadata.len(), metadata.permissions().mode() & 0o777), (bytes, 0o600));
    assert!(
        file.copy_to(&copies.database()).await.is_err(),
        "a copy is never overwritten"
    );
    assert_eq!(
        std::fs::read_dir(&copies.0).unwrap().count(),
        1,
        "no partial file stays"
    );
    let copied = SqliteFile::at(copies.database());
    assert!(copied.integrity_check().await.unwrap().is_empty());
    assert!(copied.quick_check().await.unwrap().is_empty());
    let copy = open(&copies).await;
    let count = copy.record_counts().await.unwrap()[0].1;
    assert!((2_000..=2_500).contains(&count) && count % 10 == 0, "{count}");
}

#[tokio::test]
async fn the_outbox_of_a_ledger_that_was_set_aside_is_taken_over() {
    let folder = Folder::new("adopted");
    let of = |origin: &str| SqliteConfig {
        origin: origin.into(),
        ..SqliteConfig::new(folder.database())
    };
    let store = SqliteStore::open(of("hub")).await.unwrap();
    let entries = Commit::default().entries(vec![vec![1], vec![2]]);
    store.commit(Arc::new(entries)).await.unwrap();
    store.close().await;
    let store = SqliteStore::open(of("hub-r1")).await.unwrap();
    assert!(store.pending_entries(10).await.unwrap().is_empty());
    store.take_over("another").await.unwrap();
    assert!(store.pending_entries(10).await.unwrap().is_empty());
    store.take_over("hub").await.unwrap();
    let rows = store.pending_entries(10).await.unwrap();
    assert_eq!(
        rows.into_iter().map(|row| row.entry).collect::<Vec<_>>(),
        [vec![1], vec![2]]
    );
    store.close().await;
}
