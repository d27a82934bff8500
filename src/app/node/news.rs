//! What other nodes say that they changed, and what this node does about it. A notice is a hint of what to read again, never the
//! data itself; whoever may have missed one reads everything.
//!
//! Order: the line first, then everything is read, then notices are taken in one after another, and only then is a beat believed:
//! `heard(beat) ⇒ everything that was said before the beat has been taken in`.

use std::sync::Arc;

use super::{hub::Hub, peers};
use crate::foundation::error::AppError;
use heyan_ports::{nodes::NodeNotice, subject::SubjectKey};

/// Takes in one notice.
///
/// # Errors
/// The store could not be asked: what is in memory may be older than what others know, so the line must be begun anew.
pub async fn take(hub: &Arc<Hub>, notice: NodeNotice) -> Result<(), AppError> {
    match notice {
        NodeNotice::Stamps(buckets) => {
            for bucket in buckets {
                hub.records.caches.invalidate_bucket(bucket);
            }
        }
        NodeNotice::Pending(subjects) => {
            for subject in subjects {
                hub.refresh_pending(subject).await?;
            }
        }
        NodeNotice::Access => hub.reload_access().await?,
        NodeNotice::Items => hub.reload_items().await?,
        NodeNotice::Subscriptions => hub.reload_subscriptions().await?,
        NodeNotice::Events => wake(hub),
        NodeNotice::Everything => read_everything(hub).await?,
        NodeNotice::Asked => peers::answer_all(hub).await?,
        NodeNotice::Answered(id) => peers::told(hub, &id),
        NodeNotice::Beat(number) => hub.node.trust.heard(number),
    }
    Ok(())
}

/// Forgets every record in memory and reads the rest again, as after a line that was lost.
///
/// # Errors
/// The store could not be asked.
pub async fn read_everything(hub: &Arc<Hub>) -> Result<(), AppError> {
    hub.records.caches.invalidate_all();
    hub.reload_access().await?;
    hub.reload_items().await?;
    hub.reload_subscriptions().await?;
    let held: Vec<SubjectKey> = hub.reload_pending().await?;
    for subject in held {
        hub.refresh_pending(subject).await?;
    }
    peers::answer_all(hub).await?;
    wake(hub);
    Ok(())
}

/// Whatever there is to do for others may be there to be done.
fn wake(hub: &Hub) {
    hub.wake_relay();
    hub.wake_courier();
    hub.wake_closer();
}
