//! One call of an authenticated caller: the caller is authenticated before any body is read, the role is checked against the route's
//! row, and no answer is sent before its ledger entry is on disk. A handler that makes its own entry says so; for every other answer,
//! problems included, the entry is made here.

pub(crate) mod admission;
pub(crate) mod open;
pub(crate) mod page;
pub(crate) mod route;
pub(crate) mod state;
pub(crate) mod stranger;
pub(crate) mod turn;

use std::{cell::Cell, net::IpAddr, pin::Pin, rc::Rc, sync::Arc, time::Instant};

use actix_web::{
    FromRequest, HttpRequest, HttpResponse,
    http::{ConnectionType, header},
    web,
};

use self::{admission::CallPlace, route::Route, state::OfWorker, stranger::StrangerCharge};
use crate::{
    extract::{self, BodyLimit, MediaType, ReceivedBody},
    problem::{ProblemCode, ProblemDocument},
    refuse,
};
use heyan_app::node::caller::Caller;
use heyan_app::{
    access::token::{self, UnknownCaller},
    foundation::{error::AppError, purpose},
    node::hub::Hub,
};
use heyan_ledger::{
    AppendLane,
    entry::{self, EntryKind},
};
use heyan_ports::trace;
use heyan_texts::Locale;

/// What a handler works with.
pub(super) struct HandlerCall {
    /// The hub, the server's limits, and what the worker has for itself.
    pub(super) state: Rc<OfWorker>,
    /// Who calls.
    pub(super) caller: Rc<Caller>,
    /// The request.
    pub(super) request: HttpRequest,
    /// Its body, not yet read.
    pub(super) payload: web::Payload,
    /// Bytes of body that its head states.
    stated: Option<usize>,
    /// When it was proven, Unix microseconds.
    pub(super) now_us: i64,
    progress: Rc<AnswerProgress>,
}

/// How far the answer is, known to the handler and to the path around it.
struct AnswerProgress {
    entered: Cell<EntryState>,
    place: CallPlace,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum EntryState {
    No,
    Yes,
}

impl HandlerCall {
    /// The hub.
    pub(super) fn hub(&self) -> &Arc<Hub> {
        &self.state.hub
    }

    /// Says that the answer's entry is on disk.
    pub(super) fn entered(&self) {
        self.progress.entered.set(EntryState::Yes);
    }

    /// A mark for an answer that outlives the call.
    pub(super) fn entered_mark(&self) -> EnteredMark {
        EnteredMark(Rc::clone(&self.progress))
    }

    /// Says that the rest goes on at its caller's pace.
    pub(super) fn step_out(&self) {
        self.progress.place.step_out();
    }

    /// Waits for something that takes none of the worker's time.
    pub(super) async fn outside<T>(&self, wait: impl Future<Output = T>) -> T {
        self.progress.place.outside(wait).await
    }

    /// Receives a JSON body.
    pub(super) async fn json_body(&mut self, bytes_max: usize) -> Result<web::Bytes, ProblemDocument> {
        extract::expect(&self.request, MediaType::Json)?;
        let limit = BodyLimit {
            bytes_max,
            deadline: self.state.limits.body_deadline,
        };
        let turn = self.state.turns.next();
        let place = &self.progress.place;
        let body = match extract::begin(self.stated, &mut self.payload, limit, turn).await? {
            ReceivedBody::Whole(body) => body,
            ReceivedBody::Begun(body) => place.outside(extract::rest(&mut self.payload, body, limit)).await?,
        };
        if self.stated.is_none() {
            place.weigh(body.len());
        }
        Ok(body)
    }

    /// The body as a JSON object of a known shape.
    pub(super) async fn body<T: serde::de::DeserializeOwned>(&mut self) -> Result<T, ProblemDocument> {
        let bytes = self.json_body(self.state.limits.body_bytes_max).await?;
        extract::parse(&bytes)
    }

    /// Takes the body out, for a reader of its own.
    pub(super) fn take_payload(&mut self) -> Result<web::Payload, ProblemDocument> {
        let none = web::Payload::from_request(&self.request, &mut actix_web::dev::Payload::None).into_inner();
        let none = none.map_err(|_never| ProblemDocument::new(ProblemCode::Internal))?;
        Ok(std::mem::replace(&mut self.payload, none))
    }

    /// Bytes of body that the head states.
    pub(super) fn stated_bytes(&self) -> Option<u64> {
        self.stated.and_then(|bytes| u64::try_from(bytes).ok())
    }

    /// A part of the path.
    pub(super) fn path(&self, name: &str) -> String {
        self.request.match_info().query(name).to_owned()
    }
}

/// Says later that the answer's entry is on disk.
pub(super) struct EnteredMark(Rc<AnswerProgress>);

impl EnteredMark {
    /// Says so.
    pub(super) fn mark(&self) {
        self.0.entered.set(EntryState::Yes);
    }
}

/// What a handler answers; boxed, so that the path around all handlers is compiled once.
pub(super) type HandlerAnswer = Pin<Box<dyn Future<Output = Result<HttpResponse, ProblemDocument>>>>;

/// Runs `handler` for a call of a known caller on `route`.
pub(super) async fn run(
    route: &'static Route,
    handler: &dyn Fn(HandlerCall) -> HandlerAnswer,
    request: HttpRequest,
    payload: web::Payload,
) -> HttpResponse {
    let started = start();
    let Some(state) = of_worker(&request) else {
        return refuse::respond(&request, ProblemDocument::new(ProblemCode::Internal));
    };
    let stated = extract::stated_length(&request);
    let Some(place) = CallPlace::take(&state, stated.unwrap_or_default()) else {
        return unavailable(&state, &request, refuse::busy(ProblemCode::Overloaded));
    };
    // Every answer is entered: while the ledger accepts nothing, nothing is begun.
    if let Err(error) = state.hub.ledger.ensure_accepting() {
        return unavailable(&state, &request, AppError::from(error).into());
    }
    // A token is believed by who may do what as it is now.
    if let Err(error) = state.hub.know_access().await {
        return unavailable(&state, &request, error.into());
    }
    let (caller, now_us) = match prove(&state, &request) {
        Ok(proven) => proven,
        Err(unknown) => {
            drop(place);
            return turn_away(&state, &request, unknown).await;
        }
    };
    let progress = Rc::new(AnswerProgress {
        entered: Cell::new(EntryState::No),
        place,
    });
    let answer = if !route.roles.contains(&caller.role()) {
        Err(ProblemDocument::new(ProblemCode::RoleNotAllowed))
    } else if !progress.place.give_to(caller.agency_number()) {
        state.hub.node.metrics.shed.inc();
        Err(refuse::busy(ProblemCode::RateLimited))
    } else {
        let call = HandlerCall {
            state: Rc::clone(&state),
            caller: Rc::clone(&caller),
            request: request.clone(),
            payload,
            stated,
            now_us,
            progress: Rc::clone(&progress),
        };
        trace::under(parent_of(&request), handler(call)).await
    };
    let (status, code) = match &answer {
        Ok(response) => (response.status().as_u16(), ""),
        Err(problem) => (problem.status(), problem.code.as_str()),
    };
    let answer = if progress.entered.get() == EntryState::No {
        // What is left to do is the entry: a flood of refusals must not keep places from the others.
        progress.place.step_out();
        match enter(&state.hub, &state.lane, &caller, route.operation, status, code).await {
            Ok(()) => answer,
            Err(problem) => Err(problem),
        }
    } else {
        answer
    };
    let response = answer.unwrap_or_else(|problem| unavailable(&state, &request, problem));
    let response = with_farewell(&state, response);
    state.observe(route, response.status(), started);
    response
}

/// Answers a problem, and counts it when a part of the hub could not be used or was full.
fn unavailable(state: &OfWorker, request: &HttpRequest, problem: ProblemDocument) -> HttpResponse {
    let counts = &state.hub.node.metrics.unavailable;
    match problem.code {
        ProblemCode::LedgerUnavailable => counts.count("ledger"),
        ProblemCode::StoreUnavailable => counts.count("store"),
        ProblemCode::Overloaded => state.hub.node.metrics.shed.inc(),
        _ => {}
    }
    refuse::respond(request, problem)
}

/// From a node that is about to stop, the caller's next request should go to another.
fn with_farewell(state: &OfWorker, mut response: HttpResponse) -> HttpResponse {
    if state.hub.is_draining() {
        response.head_mut().set_connection_type(ConnectionType::Close);
    }
    response
}

/// The caller's `traceparent`, which goes on with what is asked and told because of the call.
fn parent_of(request: &HttpRequest) -> Option<Arc<str>> {
    trace::read(request.headers().get(trace::HEADER)?.to_str().ok()?)
}

/// Durations of requests are measured; nothing is decided by them.
pub(super) fn start() -> Instant {
    Instant::now()
}

/// Proves who calls by its bearer token.
pub(super) fn prove(state: &OfWorker, request: &HttpRequest) -> Result<(Rc<Caller>, i64), UnknownCaller> {
    const SCHEME: &[u8] = b"bearer ";
    let mut credentials = request.headers().get_all(header::AUTHORIZATION);
    let (Some(credential), None) = (credentials.next(), credentials.next()) else {
        return Err(UnknownCaller::Missing);
    };
    let (scheme, token) = credential
        .as_bytes()
        .split_at_checked(SCHEME.len())
        .ok_or(UnknownCaller::Invalid)?;
    if !scheme.eq_ignore_ascii_case(SCHEME) {
        return Err(UnknownCaller::Invalid);
    }
    let now_us = state.hub.clock.now_us();
    let caller = token::prove(&state.hub, &state.tokens, token.trim_ascii(), peer(request), now_us)?;
    Ok((caller, now_us))
}

/// What the worker works with; every worker of the server was given it.
pub(super) fn of_worker(request: &HttpRequest) -> Option<Rc<OfWorker>> {
    request.app_data::<Rc<OfWorker>>().map(Rc::clone)
}

/// Where a call came from: the connection, never a header that anyone may write.
pub(super) fn peer(request: &HttpRequest) -> IpAddr {
    request
        .peer_addr()
        .map_or(IpAddr::from([0, 0, 0, 0]), |address| address.ip())
}

/// Answers a caller that is not authenticated: counted, and not entered in the ledger, so that unknown callers cannot fill the disk.
/// What unknown callers of one address may ask in a second is bounded.
async fn turn_away(state: &OfWorker, request: &HttpRequest, unknown: UnknownCaller) -> HttpResponse {
    count_unknown(&state.hub, unknown);
    let problem = match open::pace(state, request, StrangerCharge::All).await {
        Ok(()) => ProblemDocument::from(unknown),
        Err(refused) => refused,
    };
    refuse::respond(request, problem)
}

/// Counts a caller that is not authenticated.
pub(super) fn count_unknown(hub: &Hub, unknown: UnknownCaller) {
    let reason = match unknown {
        UnknownCaller::Missing => "missing",
        UnknownCaller::Invalid => "invalid",
        UnknownCaller::Expired => "expired",
        UnknownCaller::Disabled => "disabled",
        UnknownCaller::Network => "network",
        UnknownCaller::Client => "client",
    };
    if let Ok(counter) = hub.node.metrics.unknown_callers.get_metric_with_label_values(&[reason]) {
        counter.inc();
    }
}

/// Makes the entry of an answer that has none of its own.
pub(super) async fn enter(
    hub: &Hub,
    lane: &AppendLane,
    caller: &Caller,
    operation: &str,
    status: u16,
    problem: &str,
) -> Result<(), ProblemDocument> {
    let mut bytes = Vec::with_capacity(128);
    entry::begin(&mut bytes, EntryKind::Call, hub.clock.now_us(), caller.agency_number());
    entry::put_text(&mut bytes, operation);
    bytes.extend_from_slice(&status.to_be_bytes());
    entry::put_text(&mut bytes, problem);
    purpose::seal_caller(hub, caller, &mut bytes)?;
    hub.append_on(lane, bytes).await?;
    Ok(())
}

/// A query string as a known shape.
pub(super) fn query<T: for<'de> serde::Deserialize<'de>>(call: &HandlerCall) -> Result<T, ProblemDocument> {
    web::Query::<T>::from_query(call.request.query_string())
        .map(web::Query::into_inner)
        .map_err(|_why| ProblemDocument::new(ProblemCode::InvalidParameter))
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

/// Runs a change on its own task: a caller that resets the connection cannot stop it half-way.
pub(super) async fn change<T: 'static, E: From<AppError> + 'static>(
    work: impl Future<Output = Result<T, E>> + 'static,
) -> Result<T, E> {
    let done = actix_web::rt::spawn(trace::carried(work)).await;
    done.unwrap_or_else(|_panicked| Err(AppError::Internal("a change panicked").into()))
}
