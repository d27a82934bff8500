//! `/v1/receipts/{origin}/{index}`: the proof of one answer, for whoever was answered, and for auditors.
//! The plain text is a C2SP tlog-proof: it verifies offline with the ledger's public key alone.

use std::time::Duration;

use actix_web::{HttpResponse, http::header};

use super::{
    call::HandlerCall,
    problem::{ProblemCode, ProblemDocument},
    verifications::NO_STORE,
};
use heyan_api as api;
use heyan_app::{
    access::table::ClientRole,
    foundation::error::{AppError, MissingThing},
    node::peers,
};
use heyan_ledger::entry::LedgerEntry;

/// Longest wait that `Prefer: wait=` may ask for, seconds.
const WAIT_S_MAX: u64 = 10;

/// `GET /v1/receipts/{origin}/{index}`.
#[utoipa::path(
    get, path = "/v1/receipts/{origin}/{index}", operation_id = "get_receipt", tag = "verification",
    params(("origin" = String, Path), ("index" = u64, Path), ("Prefer" = Option<String>, Header)),
    responses(
        (status = 200, content((api::Receipt = "application/json"), (String = "text/plain"))),
        (status = 202, body = api::Pending, headers(("Retry-After" = u32))),
    ),
)]
pub(super) async fn get(call: HandlerCall) -> Result<HttpResponse, ProblemDocument> {
    let missing = || AppError::NotFound(MissingThing::Receipt);
    let plain = wants_text(&call)?;
    let hub = call.hub();
    let index: u64 = call.path("index").parse().map_err(|_no_number| missing())?;
    let wait = wait_of(&call)?;
    // Another node's entry is asked of that node.
    let origin = call.path("origin");
    let held = call.outside(peers::entry_of(hub, &origin, index, wait));
    let held = held.await?.ok_or_else(missing)?;
    let owner = LedgerEntry::decode(&held.entry).is_some_and(|entry| entry.agency == call.caller.agency_number());
    if call.caller.role() != ClientRole::Auditor && !owner {
        // Another agency's receipt is not told apart from none.
        return Err(missing().into());
    }
    let Some(receipt) = held.receipt else {
        return Ok(not_sealed_yet());
    };
    let mut response = HttpResponse::Ok();
    response.insert_header(NO_STORE);
    if plain {
        Ok(response
            .content_type("text/plain; charset=utf-8")
            .body(receipt.to_text()))
    } else {
        Ok(response
            .content_type("application/json")
            .body(receipt.to_json().to_string()))
    }
}

/// The entry is on disk, and the checkpoint that covers it is due within a second.
fn not_sealed_yet() -> HttpResponse {
    HttpResponse::Accepted()
        .insert_header((header::RETRY_AFTER, "1"))
        .insert_header(NO_STORE)
        .json(api::Pending {
            status: "pending".into(),
        })
}

fn wants_text(call: &HandlerCall) -> Result<bool, ProblemDocument> {
    let accept = call
        .request
        .headers()
        .get(header::ACCEPT)
        .and_then(|value| value.to_str().ok())
        .unwrap_or("*/*");
    for range in accept.split(',') {
        match range.split(';').next().unwrap_or_default().trim() {
            "text/plain" | "text/*" => return Ok(true),
            "application/json" | "application/*" | "*/*" | "" => return Ok(false),
            _ => {}
        }
    }
    Err(ProblemDocument::new(ProblemCode::NotAcceptable))
}

/// `Prefer: wait=2`, RFC 7240 §4.3.
fn wait_of(call: &HandlerCall) -> Result<Duration, ProblemDocument> {
    let Some(value) = call.request.headers().get("prefer") else {
        return Ok(Duration::ZERO);
    };
    let text = value
        .to_str()
        .map_err(|_no_text| ProblemDocument::new(ProblemCode::InvalidHeader))?;
    let wait = text
        .split([',', ';'])
        .find_map(|preference| preference.trim().strip_prefix("wait="));
    let seconds = wait
        .and_then(|seconds| seconds.trim_matches('"').parse::<u64>().ok())
        .unwrap_or_default();
    Ok(Duration::from_secs(seconds.min(WAIT_S_MAX)))
}
