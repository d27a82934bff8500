//! Drives one feed: polls, takes the records in by the one path that all records take, then stores how far it came, then tells
//! the feed. A crash in between takes the same records again, which changes nothing.

use std::{sync::Arc, time::Duration};

use heyan_app::{
    foundation::{error::AppError, lease::Duty},
    node::hub::Hub,
    records::feed,
};
use heyan_ports::outward::FeedInfo;

/// Runs for ever.
pub(super) async fn run(hub: Arc<Hub>, info: FeedInfo) {
    let mut duty = Duty::new(format!("feed:{}", info.name));
    loop {
        match take_once(&hub, &info, &mut duty).await {
            Ok(feed::Took::More) => continue,
            Ok(feed::Took::All) => {}
            Err(error) => {
                tracing::warn!(feed = info.name, error = %error, "a feed could not be taken in; it is tried again");
            }
        }
        tokio::time::sleep(Duration::from_secs(info.interval_s.max(1))).await;
    }
}

async fn take_once(hub: &Hub, info: &FeedInfo, duty: &mut Duty) -> Result<feed::Took, AppError> {
    match duty.is_ours(hub).await? {
        true => feed::take(hub, info).await,
        false => Ok(feed::Took::All),
    }
}
