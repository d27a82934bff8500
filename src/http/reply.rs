//! Answers that no cache on the way may keep.

use actix_web::HttpResponse;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde::Serialize;

use super::verifications::NO_STORE;
use heyan_api as api;
use heyan_app::node::hub::Hub;

/// `200` with a body.
pub(super) fn ok(body: &impl Serialize) -> HttpResponse {
    HttpResponse::Ok().insert_header(NO_STORE).json(body)
}

/// `201` with a body.
pub(super) fn created(body: &impl Serialize) -> HttpResponse {
    HttpResponse::Created().insert_header(NO_STORE).json(body)
}

/// `202` with a body.
pub(super) fn accepted(body: &impl Serialize) -> HttpResponse {
    HttpResponse::Accepted().insert_header(NO_STORE).json(body)
}

/// `204`.
pub(super) fn no_content() -> HttpResponse {
    HttpResponse::NoContent().insert_header(NO_STORE).finish()
}

/// The position of an entry in this node's ledger.
pub(super) fn entry_note(hub: &Hub, index: u64, leaf: &[u8; 32]) -> api::EntryNote {
    api::EntryNote {
        origin: hub.node.settings.origin.to_string(),
        index,
        leaf: STANDARD.encode(leaf),
    }
}

/// `value` as one line of NDJSON.
pub(super) fn json_line(value: &impl Serialize) -> Vec<u8> {
    let mut line = serde_json::to_vec(value).unwrap_or_default();
    line.push(b'\n');
    line
}
