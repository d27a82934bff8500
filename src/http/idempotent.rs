//! Actions with an `Idempotency-Key`: a repeated request gets the first answer again, byte for byte; refusals that were decided too.
//! An action runs on its own task: a caller that resets the connection cannot stop it half-way.

use std::rc::Rc;

use actix_web::{HttpRequest, HttpResponse, http::StatusCode};

use super::{
    call::{HandlerCall, locale_of, state::OfWorker},
    problem::{ProblemCode, ProblemDocument},
    reply::NO_STORE,
};
use heyan_app::node::caller::Caller;
use heyan_app::node::idempotency::{self, KEY_BYTES_MAX, KeySlot, KeyState};
use heyan_auth::sha256;
use heyan_ports::trace;

/// One action on the object of the path.
pub(super) struct PathAction {
    /// State of the server's worker.
    pub(super) state: Rc<OfWorker>,
    /// Who acts.
    pub(super) caller: Rc<Caller>,
    /// Id in the path; empty if the path has none.
    pub(super) id: String,
    /// The body as received.
    pub(super) bytes: actix_web::web::Bytes,
    /// Where the answer is saved; `None` if the request has no key.
    slot: Option<KeySlot>,
}

impl PathAction {
    /// Where the answer is saved; `None` if the request has no key.
    pub(super) fn optional_slot(&self) -> Option<&KeySlot> {
        self.slot.as_ref()
    }

    /// Where the answer is saved.
    ///
    /// # Errors
    /// Returns an error if the request has no key.
    pub(super) fn slot(&self) -> Result<&KeySlot, ProblemDocument> {
        self.optional_slot().ok_or_else(key_missing)
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum ReplayedAnswer {
    No,
    Yes,
    Refused,
}

/// Runs `decide`, once for a key. `operation` keeps the keys of two routes apart.
///
/// # Errors
/// Returns an error if the request has no key.
pub(super) async fn act(
    call: &mut HandlerCall,
    operation: &'static str,
    decide: impl AsyncFn(&PathAction) -> Result<Vec<u8>, ProblemDocument> + 'static,
) -> Result<HttpResponse, ProblemDocument> {
    let key = idempotency_key(&call.request)?.ok_or_else(key_missing)?;
    run(call, operation, Some(key), StatusCode::OK, decide).await
}

/// Creates something by `decide`, once for a key; a request without a key creates it anew each time. The key counts for this operation
/// only: a client may use the same key on another route. No client can send the quotation mark that separates the two.
pub(super) async fn create(
    call: &mut HandlerCall,
    operation: &'static str,
    decide: impl AsyncFn(&PathAction) -> Result<Vec<u8>, ProblemDocument> + 'static,
) -> Result<HttpResponse, ProblemDocument> {
    let key = idempotency_key(&call.request)?;
    let key = key.map(|key| format!("{operation}\"{key}"));
    run(call, operation, key, StatusCode::CREATED, decide).await
}

async fn run(
    call: &mut HandlerCall,
    operation: &'static str,
    key: Option<String>,
    success: StatusCode,
    decide: impl AsyncFn(&PathAction) -> Result<Vec<u8>, ProblemDocument> + 'static,
) -> Result<HttpResponse, ProblemDocument> {
    let bytes = call.json_body(call.state.limits.body_bytes_max).await?;
    let id = call.path("id");
    let fingerprint = sha256(&[operation.as_bytes(), b"\0", id.as_bytes(), b"\0", &bytes].concat());
    let (state, caller) = (call.state.clone(), call.caller.clone());
    let locale = locale_of(call);
    let mark = call.entered_mark();
    let work = actix_web::rt::spawn(trace::carried(async move {
        let slot = match key {
            None => None,
            Some(key) => match idempotency::begin(&state.hub, &caller.client.row.id, &key, fingerprint).await? {
                KeyState::New(slot) => Some(slot),
                KeyState::Answered(status, body) => return Ok((status, body, ReplayedAnswer::Yes)),
            },
        };
        let deed = PathAction {
            state,
            caller,
            id,
            bytes,
            slot,
        };
        match decide(&deed).await {
            Ok(body) => Ok((success.as_u16(), body, ReplayedAnswer::No)),
            Err(problem) => {
                let Some(slot) = deed.slot.as_ref().filter(|_| is_decided(&problem)) else {
                    return Err(problem);
                };
                let problem = problem.trace_id(uuid::Uuid::now_v7().simple().to_string());
                let body = problem.to_json(locale).into_bytes();
                slot.refuse(&deed.state.hub, problem.status(), &body).await?;
                Ok((problem.status(), body, ReplayedAnswer::Refused))
            }
        }
    }));
    let done: Result<_, ProblemDocument> = work
        .await
        .map_err(|_panicked| ProblemDocument::new(ProblemCode::Internal))?;
    let (status, body, replayed) = done?;
    if replayed == ReplayedAnswer::No {
        mark.mark();
    }
    Ok(answer(status, body, replayed))
}

/// Whether a refusal is final for this request; after any other, the same request may succeed.
fn is_decided(problem: &ProblemDocument) -> bool {
    (400..500).contains(&problem.status()) && !matches!(problem.status(), 401 | 408 | 429)
}

fn answer(status: u16, body: Vec<u8>, replayed: ReplayedAnswer) -> HttpResponse {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::OK);
    let mut response = HttpResponse::build(status);
    response.insert_header(NO_STORE);
    if replayed == ReplayedAnswer::Yes {
        response.insert_header(("idempotent-replayed", "true"));
    }
    let media = if status.is_success() {
        "application/json"
    } else {
        super::problem::CONTENT_TYPE
    };
    response.content_type(media).body(body)
}

fn key_missing() -> ProblemDocument {
    ProblemDocument::new(ProblemCode::PreconditionRequired).detail("Idempotency-Key")
}

/// The key of a request, if it has one: a structured-field string or bare, printable, of bounded length.
fn idempotency_key(request: &HttpRequest) -> Result<Option<String>, ProblemDocument> {
    let mut values = request.headers().get_all("idempotency-key");
    let invalid = || ProblemDocument::new(ProblemCode::InvalidHeader).detail("Idempotency-Key");
    let Some(value) = values.next() else { return Ok(None) };
    if values.next().is_some() {
        return Err(invalid());
    }
    let text = value.to_str().map_err(|_unprintable| invalid())?.trim();
    let bare = text
        .strip_prefix('"')
        .and_then(|text| text.strip_suffix('"'))
        .unwrap_or(text);
    if bare.is_empty() || bare.len() > KEY_BYTES_MAX || bare.contains(['"', '\\']) {
        return Err(invalid());
    }
    Ok(Some(bare.to_owned()))
}
