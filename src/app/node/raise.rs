//! Raises alerts of supervision.

use super::hub::Hub;
use crate::foundation::error::AppError;
use heyan_ports::{commit::Commit, supervision::AlertRow};

/// Writes alerts, but those of rules that are off; one that is known already only gains evidence.
///
/// # Errors
/// Returns an error if the store cannot be reached.
pub(crate) async fn raise(hub: &Hub, mut alerts: Vec<AlertRow>) -> Result<(), AppError> {
    alerts.retain(|alert| hub.supervision.raises(&alert.rule));
    if alerts.is_empty() {
        return Ok(());
    }
    let commit = Commit::default().with(alerts);
    hub.write(commit).await?;
    Ok(())
}
