//! Actions with an `Idempotency-Key`: the first answer to a key is given again byte for byte, refusals that were decided included.
//! An action runs on its own task: a caller that resets the connection cannot stop it half-way.

use std::rc::Rc;

use actix_web::{HttpRequest, HttpResponse};

use super::{
    call::HandlerCall,
    problem::{ProblemCode, ProblemDocument},
    state::OfWorker,
    verifications::{NO_STORE, locale_of},
};
use heyan_app::node::caller::Caller;
use heyan_app::node::idempotency::{self, KEY_BYTES_MAX, KeySlot, KeyState};
use heyan_auth::sha256;

/// One action on what the path names.
pub(super) struct PathAction {
    /// What the server's worker has.
    pub(super) state: Rc<OfWorker>,
    /// Who acts.
    pub(super) caller: Rc<Caller>,
    /// What the path names.
    pub(super) id: String,
    /// The body as it came.
    pub(super) bytes: actix_web::web::Bytes,
    /// Where the answer is saved.
    pub(super) slot: KeySlot,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum ReplayedAnswer {
    No,
    Yes,
    Refused,
}

/// Runs `decide`, once for a key; `operation` keeps the keys of two routes apart.
pub(super) async fn act(
    call: &mut HandlerCall,
    operation: &'static str,
    decide: impl AsyncFn(&PathAction) -> Result<Vec<u8>, ProblemDocument> + 'static,
) -> Result<HttpResponse, ProblemDocument> {
    let key = idempotency_key(&call.request)?;
    let bytes = call.json_body(call.state.limits.body_bytes_max).await?;
    let id = call.path("id");
    let fingerprint = sha256(&[operation.as_bytes(), b"\0", id.as_bytes(), b"\0", &bytes].concat());
    let (state, caller) = (call.state.clone(), call.caller.clone());
    let locale = locale_of(call);
    let mark = call.entered_mark();
    let work = actix_web::rt::spawn(async move {
        let slot = match idempotency::begin(&state.hub, &caller.client.row.id, &key, fingerprint).await? {
            KeyState::New(slot) => slot,
            KeyState::Answered(status, body) => return Ok((status, body, ReplayedAnswer::Yes)),
        };
        let deed = PathAction {
            state,
            caller,
            id,
            bytes,
            slot,
        };
        match decide(&deed).await {
            Ok(body) => Ok((200, body, ReplayedAnswer::No)),
            Err(problem) if is_decided(&problem) => {
                let problem = problem.trace_id(uuid::Uuid::now_v7().simple().to_string());
                let body = problem.to_json(locale).into_bytes();
                deed.slot.refuse(&deed.state.hub, problem.status(), &body).await?;
                Ok((problem.status(), body, ReplayedAnswer::Refused))
            }
            Err(problem) => Err(problem),
        }
    });
    let done: Result<_, ProblemDocument> = work
        .await
        .map_err(|_panicked| ProblemDocument::new(ProblemCode::Internal))?;
    let (status, body, replayed) = done?;
    if replayed == ReplayedAnswer::No {
        mark.mark();
    }
    Ok(answer(status, body, replayed))
}

/// Whether a refusal is the answer to this very request, whenever it is sent; others may end otherwise next time.
fn is_decided(problem: &ProblemDocument) -> bool {
    (400..500).contains(&problem.status()) && !matches!(problem.status(), 401 | 408 | 429)
}

fn answer(status: u16, body: Vec<u8>, replayed: ReplayedAnswer) -> HttpResponse {
    let status = actix_web::http::StatusCode::from_u16(status).unwrap_or(actix_web::http::StatusCode::OK);
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

/// The key of a request: a structured-field string or bare, printable, of bounded length.
fn idempotency_key(request: &HttpRequest) -> Result<String, ProblemDocument> {
    let mut values = request.headers().get_all("idempotency-key");
    let invalid = || ProblemDocument::new(ProblemCode::InvalidHeader).detail("Idempotency-Key");
    let value = values
        .next()
        .ok_or_else(|| ProblemDocument::new(ProblemCode::PreconditionRequired).detail("Idempotency-Key"))?;
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
    Ok(bare.to_owned())
}
