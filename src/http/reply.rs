//! Answers that no cache on the way may keep.

use actix_web::{
    HttpResponse,
    body::BoxBody,
    http::{
        StatusCode,
        header::{self, HeaderValue},
    },
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde::Serialize;

use heyan_api as api;
use heyan_app::node::hub::Hub;
use heyan_app::verification::{answer_json as json, verify};

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

/// A written answer with further members, which are those of `more`.
pub(super) fn with_more(origin: &str, answer: &verify::VerificationAnswer<'_>, more: &impl Serialize) -> Vec<u8> {
    let mut out = Vec::with_capacity(1_024);
    out.push(b'{');
    json::put_answer(&mut out, origin, answer);
    let more = serde_json::to_vec(more).unwrap_or_default();
    if let Some(members) = more.strip_prefix(b"{").filter(|members| *members != b"}") {
        out.push(b',');
        out.extend_from_slice(members);
    } else {
        out.push(b'}');
    }
    out
}

/// An answer that is written already; its head is made of constants.
pub(super) fn answered(json: Vec<u8>) -> HttpResponse {
    let mut response = HttpResponse::with_body(StatusCode::OK, BoxBody::new(json));
    let head = response.headers_mut();
    head.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    head.insert(header::CACHE_CONTROL, HeaderValue::from_static(NO_STORE.1));
    response
}

/// Answers hold what someone asked about someone: no cache may keep them.
pub(super) const NO_STORE: (&str, &str) = ("cache-control", "no-store");
