//! What this node's ledger holds goes out, signed, and what it countersigned of the others: whoever keeps the topic can prove a
//! history that was rewritten. A checkpoint covers all before it, so one that was not sent in time is not sent after a newer one.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::json;

use super::{
    envelope::{self, EventAttributes},
    outbox,
};
use crate::{foundation::error::AppError, node::hub::Hub};
use heyan_ledger::{CosignatureRule, TreeHead, VerifierKey};
use heyan_ports::bus::{BusMessage, BusTopic};
use heyan_ports::nodes::CosignedRow;
use heyan_ports::time;

/// What was sent in this run.
#[derive(Default)]
pub struct SentCheckpoints {
    /// The newest checkpoint of this node.
    own: String,
    /// When the newest countersignature of this node was made, Unix microseconds.
    countersigned_at: i64,
}

/// Publishes what is newer than what was sent; answers how many messages that were.
///
/// # Errors
/// The bus did not take something: then it is sent again, or a newer one in its place.
pub async fn publish(hub: &Hub, shown: &mut SentCheckpoints) -> Result<usize, AppError> {
    let (mut messages, mut next) = (Vec::new(), shown.countersigned_at);
    let own = hub.ledger.checkpoint();
    if own != shown.own {
        messages.extend(message(hub, hub.ledger.vkey(), &own, None));
    }
    let cosigned = hub.node.peers.cosigned();
    let newer = |row: &&CosignedRow| row.witness == hub.node.settings.origin && row.at > shown.countersigned_at;
    for row in cosigned.iter().filter(newer) {
        next = next.max(row.at);
        let key = hub.node.peers.key_of(&row.origin);
        messages.extend(key.and_then(|key| message(hub, &key, &row.checkpoint, Some(row))));
    }
    let sent = messages.len();
    let reports = hub.outward.bus.publish(messages).await;
    if let Some(fault) = reports.into_iter().find_map(Result::err) {
        return Err(outbox::not_taken(&fault));
    }
    shown.own = own;
    shown.countersigned_at = next;
    Ok(sent)
}

/// A checkpoint as an event; `None` for one that its ledger did not sign, or that covers nothing.
fn message(hub: &Hub, key: &str, checkpoint: &str, countersigned: Option<&CosignedRow>) -> Option<BusMessage> {
    let ledger = VerifierKey::parse(key).ok()?;
    let TreeHead { size, root } = ledger.open(checkpoint.as_bytes(), CosignatureRule::Allowed).ok()?;
    let origin = countersigned.map_or(&*hub.node.settings.origin, |row| &*row.origin);
    let witness = countersigned.map(|row| json!({"origin": row.witness, "key": row.witness_key}));
    let id = match countersigned {
        Some(row) => format!("{origin}/{size}/{}", row.witness),
        None => format!("{origin}/{size}"),
    };
    let at_us = countersigned.map_or_else(|| hub.clock.now_us(), |row| row.at);
    let data = json!({
        "origin": origin,
        "size": size,
        "root": STANDARD.encode(root),
        "checkpoint": checkpoint,
        "key": key,
        "witness": witness,
        "at": time::rfc3339(at_us),
    });
    let attributes = EventAttributes {
        id: &id,
        subject: Some(origin),
        at_us,
        traceparent: None,
    };
    let key = origin.as_bytes().to_vec();
    (size > 0).then(|| envelope::message(hub, BusTopic::Checkpoint, key, &attributes, &data))
}
