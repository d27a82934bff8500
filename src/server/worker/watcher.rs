//! Looks at watches that are due, because their record has a new version, a day has come or their time is over.

use std::{sync::Arc, time::Duration};

use super::round::{PAUSE, told};
use heyan_app::watches;
use heyan_app::{
    foundation::{error::AppError, lease::ClusterDuty},
    node::hub::Hub,
};

/// Between two looks.
const TICK: Duration = Duration::from_millis(500);

/// Runs for ever.
pub(super) async fn run(hub: Arc<Hub>) {
    let mut duty = ClusterDuty::new("watcher");
    loop {
        match look_once(&hub, &mut duty).await {
            Ok(0) => tokio::time::sleep(TICK).await,
            Ok(_) => {}
            Err(error) => {
                told("watcher", &error);
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
}

async fn look_once(hub: &Hub, duty: &mut ClusterDuty) -> Result<usize, AppError> {
    match duty.is_ours(hub).await? {
        true => watches::look(hub).await,
        false => Ok(0),
    }
}
