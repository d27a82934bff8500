//! Answers that nobody on the way may keep.

use actix_web::HttpResponse;
use serde::Serialize;

use super::verifications::NO_STORE;

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
