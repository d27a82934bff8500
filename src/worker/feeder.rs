//! Drives one feed: polls, takes the records in by the one path that all records take, then stores how far it came, then tells
//! the feed. A crash in between takes the same records again, which changes nothing.

use std::{sync::Arc, time::Duration};

use crate::app::{feed, hub::Hub, outward::FeedInfo};

/// Runs for ever.
pub(super) async fn run(hub: Arc<Hub>, info: FeedInfo) {
    loop {
        match feed::take(&hub, &info).await {
            Ok(feed::Took::More) => continue,
            Ok(feed::Took::All) => {}
            Err(error) => {
                tracing::warn!(feed = info.name, error = %error, "a feed could not be taken in; it is tried again");
            }
        }
        tokio::time::sleep(Duration::from_secs(info.interval_s.max(1))).await;
    }
}
