//! `/v1/verifications`: one, a batch, and why one was answered as it was.

use actix_web::{
    HttpResponse,
    body::BoxBody,
    http::{
        StatusCode,
        header::{self, HeaderValue},
    },
};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::{
    call::HandlerCall,
    extract,
    problem::{ProblemCode, ProblemDocument},
    reply::ok,
};
use heyan_api as api;
use heyan_app::{
    foundation::error::AppError,
    verification::{
        answer_json as json,
        chunk::{self, ChunkAnswer, ChunkItem, ItemResult},
        explain,
        question::{self, AskedPurposeElements, ItemBody, StrictObject, VerificationBody},
        verify,
    },
};
use heyan_domain::fault::LengthLimit;
use heyan_texts::Locale;

/// `POST /v1/verifications`.
#[utoipa::path(
    post, path = "/v1/verifications", operation_id = "verify", tag = "verification",
    params(("Accept-Language" = Option<String>, Header)),
    request_body = api::VerificationRequest,
    responses((status = 200, body = api::Verification)),
)]
pub(super) async fn verify(mut call: HandlerCall) -> Result<HttpResponse, ProblemDocument> {
    let bytes = call.json_body(call.state.limits.body_bytes_max).await?;
    let body: VerificationBody<'_> = extract::parse(&bytes)?;
    let answer = verify::verify(call.hub(), &call.state.lane, &call.caller, &body, call.now_us);
    let answer = if verify::asks_outside(call.hub(), &body.dataset) {
        Box::pin(call.outside(answer)).await?
    } else {
        answer.await?
    };
    call.entered();
    let mut out = Vec::with_capacity(512);
    out.push(b'{');
    json::put_answer(&mut out, &call.hub().node.settings.origin, &answer);
    out.push(b'}');
    Ok(answered(out))
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

/// `POST /v1/verifications/batch`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct BatchBody<'a> {
    #[serde(borrow, deserialize_with = "question::object")]
    purpose: AskedPurposeElements<'a>,
    #[serde(borrow)]
    items: Vec<&'a RawValue>,
}

/// The same, all of whose items can be read.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WholeBatch<'a> {
    #[serde(borrow, deserialize_with = "question::object")]
    purpose: AskedPurposeElements<'a>,
    #[serde(borrow)]
    items: Vec<StrictObject<ItemBody<'a>>>,
}

/// What was read of an item, or its problem and its reference, when at least that can be read.
pub(super) type ReadItem<'a> = Result<ItemBody<'a>, (ProblemDocument, Option<String>)>;

/// Reads one item.
pub(super) fn read_item(bytes: &[u8]) -> ReadItem<'_> {
    extract::parse(bytes).map_err(|problem| (problem, reference_of(bytes)))
}

/// The caller's own name for an item.
pub(super) fn reference<'a>(item: &'a ReadItem<'_>) -> Option<&'a str> {
    match item {
        Ok(item) => Some(&item.reference),
        Err((_, reference)) => reference.as_deref(),
    }
}

/// Items as questions.
pub(super) fn questions<'a>(items: &'a [ReadItem<'a>]) -> Vec<ChunkItem<'a, ProblemDocument>> {
    let question = |item: &'a ReadItem<'a>| item.as_ref().map_err(|(problem, _)| problem.clone());
    items.iter().map(question).collect()
}

/// Reads a batch. It is read as a whole; only when that fails, each item alone, so that the others can be answered.
fn read_batch(bytes: &[u8]) -> Result<(AskedPurposeElements<'_>, Vec<ReadItem<'_>>), ProblemDocument> {
    if let Some(whole) = extract::try_parse::<WholeBatch<'_>>(bytes) {
        let items = whole.items.into_iter().map(|StrictObject(item)| Ok(item));
        return Ok((whole.purpose, items.collect()));
    }
    let batch: BatchBody<'_> = extract::parse(bytes)?;
    let items = batch.items.iter().map(|item| read_item(item.get().as_bytes()));
    Ok((batch.purpose, items.collect()))
}

/// `POST /v1/verifications/batch`: items are answered one by one, in order, under one ledger entry.
#[utoipa::path(
    post, path = "/v1/verifications/batch", operation_id = "verify_batch", tag = "verification",
    params(("Accept-Language" = Option<String>, Header)),
    request_body = api::BatchRequest,
    responses((status = 200, body = api::Batch)),
)]
pub(super) async fn batch(mut call: HandlerCall) -> Result<HttpResponse, ProblemDocument> {
    let bytes = call.json_body(call.state.limits.batch_bytes_max).await?;
    let (purpose, items) = read_batch(&bytes)?;
    let settings = &call.hub().node.settings;
    if items.len() > settings.batch_items_max {
        return Err(AppError::over("/items", LengthLimit::Items(settings.batch_items_max)).into());
    }
    if items.is_empty() {
        return Err(AppError::fault("/items", "missing_member").into());
    }
    heyan_app::foundation::purpose::check(&purpose)?;
    let locale = locale_of(&call);
    let (lane, questions) = (&call.state.lane, questions(&items));
    let answer = chunk::verify_chunk(call.hub(), lane, &call.caller, &purpose, None, questions);
    let mut datasets = items.iter().flatten().filter_map(|item| item.dataset.as_deref());
    let answer = if datasets.any(|dataset| verify::asks_outside(call.hub(), dataset)) {
        call.outside(answer).await?
    } else {
        answer.await?
    };
    call.entered();
    let mut out = Vec::with_capacity(answer.results.len() * 512);
    out.extend_from_slice(b"{\"results\":[");
    let ChunkAnswer { id, results, entered } = answer;
    let id = id.text();
    for (position, (result, item)) in results.into_iter().zip(&items).enumerate() {
        if position > 0 {
            out.push(b',');
        }
        put_result(&mut out, &id, reference(item), result, locale);
    }
    out.extend_from_slice(b"],");
    json::put_receipt(&mut out, &settings.origin, &entered);
    out.push(b'}');
    Ok(answered(out))
}

/// The language that the caller prefers.
pub(super) fn locale_of(call: &HandlerCall) -> Locale {
    let preferred = call
        .request
        .headers()
        .get("accept-language")
        .and_then(|value| value.to_str().ok());
    Locale::negotiate(preferred)
}

/// The reference of an item that could not be read, when at least that can be.
fn reference_of(item: &[u8]) -> Option<String> {
    #[derive(Deserialize)]
    struct ItemReference {
        #[serde(rename = "ref")]
        reference: String,
    }
    let text = std::str::from_utf8(item).ok()?;
    serde_json::from_str::<ItemReference>(text)
        .ok()
        .map(|item| item.reference)
}

/// Writes the answer of one item.
pub(super) fn put_result(
    out: &mut Vec<u8>,
    id: &[u8],
    reference: Option<&str>,
    result: ItemResult<'_, ProblemDocument>,
    locale: Locale,
) {
    out.push(b'{');
    if let Some(reference) = reference {
        out.extend_from_slice(b"\"ref\":");
        json::put_string(out, reference);
        out.push(b',');
    }
    let problem = match result {
        ItemResult::Answered { position, judgement } => {
            json::put_item(out, id, position, &judgement);
            out.push(b'}');
            return;
        }
        ItemResult::Failed(error) => ProblemDocument::from(error),
        ItemResult::Unreadable(problem) => problem,
    };
    out.extend_from_slice(b"\"problem\":");
    out.extend_from_slice(problem.to_json(locale).as_bytes());
    out.push(b'}');
}

/// `GET /v1/verifications/{id}/explanation`.
#[utoipa::path(
    get, path = "/v1/verifications/{id}/explanation", operation_id = "explain", tag = "verification",
    params(("id" = String, Path)),
    responses((status = 200, body = api::Explanation)),
)]
pub(super) async fn explain(call: HandlerCall) -> Result<HttpResponse, ProblemDocument> {
    let explanation = explain::explain(call.hub(), &call.caller, &call.path("id")).await?;
    call.entered();
    let version = Some(explanation.record_version);
    let field = |field: explain::ExplainedField| {
        let explained = api::ExplainedField {
            verdict: field.verdict.as_str().into(),
            basis: field.verdict.basis().map(Into::into),
            reason: field.verdict.reason().map(Into::into),
            comparator: field.comparator.into(),
            record_masked: field.record_masked,
        };
        (field.name, explained)
    };
    Ok(ok(&api::Explanation {
        id: call.path("id"),
        at: explanation.at,
        outcome: explanation.outcome.as_str().into(),
        rules: explanation.rules,
        record_version: version.filter(|version| *version > 0),
        fields: explanation.fields.into_iter().map(field).collect(),
    }))
}

/// A query string as a known shape.
pub(super) fn query<T: for<'de> Deserialize<'de>>(call: &HandlerCall) -> Result<T, ProblemDocument> {
    actix_web::web::Query::<T>::from_query(call.request.query_string())
        .map(actix_web::web::Query::into_inner)
        .map_err(|_why| ProblemDocument::new(ProblemCode::InvalidParameter))
}
