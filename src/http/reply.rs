//! Answers that nobody on the way may keep.

use actix_web::HttpResponse;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde::Serialize;

use super::{state::WorkerState, verifications::NO_STORE};
use heyan_api as api;
use heyan_ledger::AppendedEntry;

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

/// Where an entry stands.
pub(super) fn entry_note(state: &WorkerState, appended: &AppendedEntry) -> api::EntryNote {
    api::EntryNote {
        origin: state.hub.node.settings.origin.to_string(),
        index: appended.index,
        leaf: STANDARD.encode(appended.leaf),
    }
}
