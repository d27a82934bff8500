//! `/v1/archives`: the pack of one application, as a tar that proves by itself.
//! The number stands in the body, never in a path.

use actix_web::{HttpResponse, http::header};
use serde::Deserialize;

use super::{
    call::HandlerCall,
    extract,
    problem::{ProblemCode, ProblemDocument},
    verifications::NO_STORE,
};
use heyan_api as api;
use heyan_app::archive::{self, PackRequest};
use heyan_app::verification::question::BoundedText;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ArchiveBody<'a> {
    #[serde(borrow)]
    application_no: BoundedText<'a>,
    #[serde(borrow, default)]
    agency: Option<BoundedText<'a>>,
    #[serde(borrow)]
    reason: BoundedText<'a>,
}

/// `POST /v1/archives/query`.
#[utoipa::path(
    post, path = "/v1/archives/query", operation_id = "query_archive", tag = "trace",
    request_body = api::ArchiveQuery,
    responses((status = 200, content((String = "application/octet-stream")))),
)]
pub(super) async fn query(mut call: HandlerCall) -> Result<HttpResponse, ProblemDocument> {
    let bytes = call.json_body(call.state.limits.body_bytes_max).await?;
    let body: ArchiveBody<'_> = extract::parse(&bytes)?;
    let ask = PackRequest {
        application_no: &body.application_no,
        agency: body.agency.as_deref(),
        reason: &body.reason,
    };
    let pack = Box::pin(call.outside(archive::make(call.hub(), &call.caller, &ask))).await?;
    let pack = pack.ok_or_else(|| ProblemDocument::new(ProblemCode::VerificationNotFound))?;
    call.entered();
    Ok(HttpResponse::Ok()
        .insert_header(NO_STORE)
        .insert_header((header::CONTENT_DISPOSITION, "attachment; filename=\"archive.tar\""))
        .content_type("application/octet-stream")
        .body(pack))
}
