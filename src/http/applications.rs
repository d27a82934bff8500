//! `/v1/applications`: an agency says which application numbers became applications. Numbers stand in bodies only.

use actix_web::HttpResponse;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde::Deserialize;
use serde_json::json;

use super::{access::change, call::Call, extract, openapi::shapes, problem::Problem, verifications::NO_STORE};
use heyan_app::{supervision::applications, verification::question::Text};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ApplicationBody<'a> {
    #[serde(borrow)]
    application_no: Text<'a>,
    #[serde(borrow)]
    item_code: Text<'a>,
    #[serde(borrow)]
    accepted_at: Text<'a>,
}

/// `POST /v1/applications`.
#[utoipa::path(
    post, path = "/v1/applications", operation_id = "report_application", tag = "supervision",
    request_body = shapes::ApplicationReport,
    responses((status = 200, body = shapes::ApplicationReported)),
)]
pub(super) async fn report(mut call: Call) -> Result<HttpResponse, Problem> {
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
    let leaf = STANDARD.encode(appended.leaf);
    let origin = &call.state.hub.node.settings.origin;
    let receipt = json!({"origin": origin, "index": appended.index, "leaf": leaf});
    let body = json!({"status": "reported", "receipt": receipt});
    Ok(HttpResponse::Ok().insert_header(NO_STORE).json(body))
}
