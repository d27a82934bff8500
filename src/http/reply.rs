//! Answers as JSON that nobody on the way may keep.

use actix_web::HttpResponse;
use serde_json::Value;

use super::verifications::NO_STORE;

/// `200` with a body.
pub(super) fn ok(body: &Value) -> HttpResponse {
    HttpResponse::Ok().insert_header(NO_STORE).json(body)
}

/// `201` with a body.
pub(super) fn created(body: &Value) -> HttpResponse {
    HttpResponse::Created().insert_header(NO_STORE).json(body)
}
