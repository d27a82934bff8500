//! `/v1/applications`: an agency says which application numbers became applications. Numbers stand in bodies only.

use actix_web::HttpResponse;
use serde::Deserialize;

use super::{
    access::change,
    call::HandlerCall,
    extract,
    problem::ProblemDocument,
    reply::{entry_note, ok},
};
use heyan_api as api;
use heyan_app::{supervision::applications, verification::question::BoundedText};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ApplicationBody<'a> {
    #[serde(borrow)]
    application_no: BoundedText<'a>,
    #[serde(borrow)]
    item_code: BoundedText<'a>,
    #[serde(borrow)]
    accepted_at: BoundedText<'a>,
}

/// `POST /v1/applications`.
#[utoipa::path(
    post, path = "/v1/applications", operation_id = "report_application", tag = "supervision",
    request_body = api::ApplicationReport,
    responses((status = 200, body = api::ApplicationReported)),
)]
pub(super) async fn report(mut call: HandlerCall) -> Result<HttpResponse, ProblemDocument> {
    let bytes = call.json_body(call.state.limits.body_bytes_max).await?;
    let _read = extract::parse::<ApplicationBody<'_>>(&bytes)?;
    let (state, caller) = (call.state.clone(), call.caller.clone());
    let appended = change(async move {
        let Ok(body) = extract::parse::<ApplicationBody<'_>>(&bytes) else {
            return Err(heyan_app::foundation::error::AppError::Internal(
                "a body was read and is not read again",
            ));
        };
        let (number, item) = (&body.application_no, &body.item_code);
        applications::report(&state.hub, &caller, number, item, &body.accepted_at).await
    });
    let appended = appended.await?;
    call.entered();
    Ok(ok(&api::ApplicationReported {
        status: "reported".into(),
        receipt: entry_note(&call.state, &appended),
    }))
}
