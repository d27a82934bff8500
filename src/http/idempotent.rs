//! Actions with an `Idempotency-Key`: the first answer to a key is given again byte for byte, refusals that were decided included.
//! An action runs on its own task: a caller that resets the connection cannot stop it half-way.

use std::rc::Rc;

use actix_web::{HttpRequest, HttpResponse};

use super::{
    call::{Call, locale_of, state::OfWorker},
    problem::{Problem, ProblemCode},
    reply::NO_STORE,
};
use heyan_app::node::caller::Caller;
use heyan_app::node::idempotency::{self, Begun, KEY_BYTES_MAX, Slot};
use heyan_auth::sha256;

/// One action on what the path names.
pub(super) struct Deed {
    /// What the server's worker has.
    pub(super) state: Rc<OfWorker>,
    /// Who acts.
    pub(super) caller: Rc<Caller>,
    /// What the path names.
    pub(super) id: String,
    /// The body as it came.
    pub(super) bytes: actix_web::web::Bytes,
    /// Where the answer is saved.
    pub(super) slot: Slot,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Replayed {
    No,
    Yes,
    Refused,
}

/// Runs `decide`, once for a key; `operation` keeps the keys of two routes apart.
pub(super) async fn act(
    call: &mut Call,
    operation: &'static str,
    decide: impl AsyncFn(&Deed) -> Result<Vec<u8>, Problem> + 'static,
) -> Result<HttpResponse, Problem> {
    let key = idempotency_key(&call.request)?;
    let bytes = call.json_body(call.state.limits.body_bytes_max).await?;
    let id = call.path("id");
    let fingerprint = sha256(&[operation.as_bytes(), b"\0", id.as_bytes(), b"\0", &bytes].concat());
    let (state, caller) = (call.state.clone(), call.caller.clone());
    let locale = locale_of(call);
    let mark = call.entered_mark();
    let work = actix_web::rt::spawn(async move {
        let slot = match idempotency::begin(&state.hub, &caller.client.row.id, &key, fingerprint).await? {
            Begun::New(slot) => slot,
            Begun::Answered(status, body) => return Ok((status, body, Replayed::Yes)),
        };
        let deed = Deed {
            state,
            caller,
            id,
            bytes,
            slot,
        };
        match decide(&deed).await {
            Ok(body) => Ok((200, body, Replayed::No)),
            Err(problem) if is_decided(&problem) => {
                let problem = problem.trace_id(uuid::Uuid::now_v7().simple().to_string());
                let body = problem.to_json(locale).into_bytes();
                deed.slot.refuse(&deed.state.hub, problem.status(), &body).await?;
                Ok((problem.status(), body, Replayed::Refused))
            }
            Err(problem) => Err(problem),
        }
    });
    let done: Result<_, Problem> = work.await.map_err(|_panicked| Problem::new(ProblemCode::Internal))?;
    let (status, body, replayed) = done?;
    if replayed == Replayed::No {
        mark.mark();
    }
    Ok(answer(status, body, replayed))
}

/// Whether a refusal is the answer to this very request, whenever it is sent; others may end otherwise next time.
fn is_decided(problem: &Problem) -> bool {
    (400..500).contains(&problem.status()) && !matches!(problem.status(), 401 | 408 | 429)
}

fn answer(status: u16, body: Vec<u8>, replayed: Replayed) -> HttpResponse {
    let status = actix_web::http::StatusCode::from_u16(status).unwrap_or(actix_web::http::StatusCode::OK);
    let mut response = HttpResponse::build(status);
    response.insert_header(NO_STORE);
    if replayed == Replayed::Yes {
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
fn idempotency_key(request: &HttpRequest) -> Result<String, Problem> {
    let mut values = request.headers().get_all("idempotency-key");
    let invalid = || Problem::new(ProblemCode::InvalidHeader).detail("Idempotency-Key");
    let value = values
        .next()
        .ok_or_else(|| Problem::new(ProblemCode::PreconditionRequired).detail("Idempotency-Key"))?;
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
