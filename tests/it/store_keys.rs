//! Keyed hashes under which records are found besides their subjects: part of the story that every engine tells alike.

use std::sync::Arc;

use heyan::ports::{commit::Commit, store::Store};
use heyan::ports::{error::StoreError, records::RecordKeys};

use crate::store_kit::{subject, write};

/// Tells this part of the story to one store.
pub(crate) async fn tell(store: &dyn Store) {
    a_record_is_found_under_the_keys_of_its_newest_version(store).await;
}

async fn a_record_is_found_under_the_keys_of_its_newest_version(store: &dyn Store) {
    let keyed: Arc<str> = "keyed".into();
    let commit = |n: u64, expected: Option<u32>, hashes: &[u8]| {
        Commit::default()
            .with(vec![write(&keyed, n, expected)])
            .with(vec![RecordKeys {
                dataset: Arc::clone(&keyed),
                subject: subject(n),
                replaces: expected.is_some(),
                hashes: hashes.iter().map(|byte| [*byte; 16]).collect(),
            }])
    };
    let under = async |byte: u8| {
        let mut found = store.subjects_of_key("keyed", [byte; 16]).await.unwrap();
        found.sort();
        found
    };
    let both = || {
        let mut both = vec![subject(1), subject(2)];
        both.sort();
        both
    };
    store.commit(Arc::new(commit(1, None, &[7, 8]))).await.unwrap();
    store.commit(Arc::new(commit(2, None, &[7]))).await.unwrap();
    assert!(under(7).await == both() && under(8).await == [subject(1)] && under(9).await.is_empty());
    assert!(store.subjects_of_key("other", [7; 16]).await.unwrap().is_empty());
    // What does not stand leaves no key, and a newer version takes the older one's away.
    assert!(matches!(
        store.commit(Arc::new(commit(1, Some(5), &[9]))).await,
        Err(StoreError::Conflict)
    ));
    assert!(under(9).await.is_empty() && under(7).await == both());
    store.commit(Arc::new(commit(1, Some(1), &[9]))).await.unwrap();
    assert!(under(9).await == [subject(1)] && under(7).await == [subject(2)] && under(8).await.is_empty());
    store.commit(Arc::new(commit(1, Some(2), &[]))).await.unwrap();
    assert!(under(9).await.is_empty());
}
