//! Drives one feed: polls, takes the records in by the one path that all records take, then stores how far it came, then tells
//! the feed. A crash in between takes the same records again, which changes nothing.

use std::{sync::Arc, time::Duration};

use heyan_app::{
    foundation::{error::AppError, lease::ClusterDuty},
    node::hub::Hub,
    records::feed,
};
use heyan_ports::outward::FeedInfo;

/// Runs for ever.
pub(super) async fn run(hub: Arc<Hub>, info: FeedInfo) {
    let mut duty = ClusterDuty::new(format!("feed:{}", info.name));
    loop {
        match take_once(&hub, &info, &mut duty).await {
            Ok(feed::FeedProgress::More) => continue,
            Ok(feed::FeedProgress::All) => {}
            Err(error) => {
                tracing::warn!(feed = info.name, error = %error, "cannot read the feed; retrying");
            }
        }
        tokio::time::sleep(Duration::from_secs(info.interval_s.max(1))).await;
    }
}

async fn take_once(hub: &Hub, info: &FeedInfo, duty: &mut ClusterDuty) -> Result<feed::FeedProgress, AppError> {
    match duty.is_ours(hub).await? {
        true => feed::take(hub, info).await,
        false => Ok(feed::FeedProgress::All),
    }
}
