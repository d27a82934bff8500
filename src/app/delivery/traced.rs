//! Which call an event comes of: its `traceparent` is sealed with the event, and goes on with every delivery of it. An event whose facts
//! are stored nowhere else has been caused by no call.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::{
    foundation::{error::AppError, vault::SealPlace},
    node::hub::Hub,
};
use heyan_ports::{
    commit::{Commit, Write},
    deliveries::{EventKind, StoredEvent},
    trace,
};

#[derive(Serialize, Deserialize)]
struct TracedFacts {
    traceparent: String,
}

fn place(event: &str) -> SealPlace<'_> {
    SealPlace {
        table: "events",
        column: "facts",
        row: event,
    }
}

/// Gives the events of a commit the `traceparent` of the call that this task works for.
///
/// # Errors
/// The key is used up.
pub(crate) fn mark(hub: &Hub, commit: &mut Commit) -> Result<(), AppError> {
    let Some(parent) = trace::parent() else {
        return Ok(());
    };
    let facts = TracedFacts {
        traceparent: parent.to_string(),
    };
    for write in &mut commit.writes {
        let Write::Events(rows) = write else { continue };
        for row in rows.iter_mut().filter(|row| row.facts.is_none()) {
            row.facts = Some(hub.secrets.vault.seal_json(place(&row.id), &facts)?);
        }
    }
    Ok(())
}

/// The `traceparent` of the call that an event comes of.
pub(crate) fn parent_of(hub: &Hub, event: &StoredEvent) -> Option<Arc<str>> {
    let sealed = event.facts.as_ref().filter(|_| event.kind != EventKind::WouldChange)?;
    let facts: TracedFacts = hub.secrets.vault.open_json(place(&event.id), sealed).ok()?;
    trace::read(&facts.traceparent)
}
