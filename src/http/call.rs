//! One call of a known caller: who calls is proven before any body is read, the role is checked against the route's
//! row, and no answer leaves before an entry of it is on disk. A handler that enters its own answer says so;
//! for every other answer, problems included, the entry is made here.

use std::{cell::Cell, net::IpAddr, pin::Pin, rc::Rc, time::Instant};

use actix_web::{HttpRequest, HttpResponse, http::header, web};

use super::{
    extract::{self, BodyLimit, MediaType},
    problem::{Problem, ProblemCode},
    refuse,
    routes::Route,
    state::{OfWorker, State},
};
use crate::{
    app::{
        hub::{Caller, Hub},
        purpose,
        token::{self, Unknown},
    },
    ledger::{
        Lane,
        entry::{self, Kind},
    },
};

/// What a handler works with.
pub(super) struct Call {
    /// The hub and the server's limits.
    pub(super) state: web::Data<State>,
    /// Who calls.
    pub(super) caller: Caller,
    /// The request.
    pub(super) request: HttpRequest,
    /// Its body, not yet read.
    pub(super) payload: web::Payload,
    /// When it was proven, Unix microseconds.
    pub(super) now_us: i64,
    /// What the worker has for itself.
    pub(super) own: Rc<OfWorker>,
    entered: Rc<Cell<Entered>>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Entered {
    No,
    Yes,
}

impl Call {
    /// The hub.
    pub(super) fn hub(&self) -> &std::sync::Arc<Hub> {
        &self.state.hub
    }

    /// Says that the answer's entry is on disk.
    pub(super) fn entered(&self) {
        self.entered.set(Entered::Yes);
    }

    /// A mark for an answer that outlives the call.
    pub(super) fn entered_mark(&self) -> EnteredMark {
        EnteredMark(Rc::clone(&self.entered))
    }

    /// Receives a JSON body.
    pub(super) async fn json_body(&mut self, bytes_max: usize) -> Result<web::Bytes, Problem> {
        extract::expect(&self.request, MediaType::Json)?;
        let limit = BodyLimit {
            bytes_max,
            deadline: self.state.limits.body_deadline,
        };
        extract::receive(&self.request, &mut self.payload, limit).await
    }

    /// A part of the path.
    pub(super) fn path(&self, name: &str) -> String {
        self.request.match_info().query(name).to_owned()
    }
}

/// Says later that the answer's entry is on disk.
pub(super) struct EnteredMark(Rc<Cell<Entered>>);

impl EnteredMark {
    /// Says so.
    pub(super) fn mark(&self) {
        self.0.set(Entered::Yes);
    }
}

/// What a handler answers; boxed, so that the path around all handlers is compiled once.
pub(super) type Answer = Pin<Box<dyn Future<Output = Result<HttpResponse, Problem>>>>;

/// Runs `handler` for a call of a known caller on `route`.
pub(super) async fn run(
    route: &'static Route,
    handler: &dyn Fn(Call) -> Answer,
    state: web::Data<State>,
    request: HttpRequest,
    payload: web::Payload,
) -> HttpResponse {
    let started = start();
    let (caller, now_us, own) = match prove(&state.hub, &request) {
        Ok(proven) => proven,
        Err(unknown) => return turn_away(&state.hub, &request, unknown),
    };
    let entered = Rc::new(Cell::new(Entered::No));
    let answer = if route.roles.contains(&caller.role()) {
        let call = Call {
            state: state.clone(),
            caller: caller.clone(),
            request: request.clone(),
            payload,
            now_us,
            own: Rc::clone(&own),
            entered: Rc::clone(&entered),
        };
        handler(call).await
    } else {
        Err(Problem::new(ProblemCode::RoleNotAllowed))
    };
    let (status, code) = match &answer {
        Ok(response) => (response.status().as_u16(), ""),
        Err(problem) => (problem.status(), problem.code.as_str()),
    };
    let answer = if entered.get() == Entered::No {
        match enter(&state.hub, &own.lane, &caller, route.operation, status, code).await {
            Ok(()) => answer,
            Err(problem) => Err(problem),
        }
    } else {
        answer
    };
    if answer
        .as_ref()
        .is_err_and(|problem| problem.code == ProblemCode::Overloaded)
    {
        state.hub.metrics.shed.inc();
    }
    let response = answer.unwrap_or_else(|problem| refuse::respond(&request, problem));
    state.observe(route, response.status(), started);
    response
}

/// Durations of requests are measured; nothing is decided by them.
pub(super) fn start() -> Instant {
    Instant::now()
}

/// Proves who calls by its bearer token.
pub(super) fn prove(hub: &Hub, request: &HttpRequest) -> Result<(Caller, i64, Rc<OfWorker>), Unknown> {
    let mut credentials = request.headers().get_all(header::AUTHORIZATION);
    let (Some(credential), None) = (credentials.next(), credentials.next()) else {
        return Err(Unknown::Missing);
    };
    let (scheme, token) = credential
        .to_str()
        .ok()
        .and_then(|text| text.split_once(' '))
        .ok_or(Unknown::Invalid)?;
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Err(Unknown::Invalid);
    }
    let own = of_worker(hub, request);
    let now_us = hub.clock.now_us();
    let caller = token::prove(hub, &own.tokens, token.trim(), peer(request), now_us)?;
    Ok((caller, now_us, own))
}

/// What the worker has for itself.
pub(super) fn of_worker(hub: &Hub, request: &HttpRequest) -> Rc<OfWorker> {
    let own = request.app_data::<Rc<OfWorker>>();
    own.map_or_else(|| OfWorker::new(hub), Rc::clone)
}

/// Where a call came from: the connection, never a header that anyone may write.
pub(super) fn peer(request: &HttpRequest) -> IpAddr {
    request
        .peer_addr()
        .map_or(IpAddr::from([0, 0, 0, 0]), |address| address.ip())
}

/// Answers someone unknown: counted, never entered, so that nobody unknown can fill the disk.
pub(super) fn turn_away(hub: &Hub, request: &HttpRequest, unknown: Unknown) -> HttpResponse {
    let reason = match unknown {
        Unknown::Missing => "missing",
        Unknown::Invalid => "invalid",
        Unknown::Expired => "expired",
        Unknown::Disabled => "disabled",
        Unknown::Network => "network",
        Unknown::Client => "client",
    };
    if let Ok(counter) = hub.metrics.unknown_callers.get_metric_with_label_values(&[reason]) {
        counter.inc();
    }
    refuse::respond(request, Problem::from(unknown))
}

/// Makes the entry of an answer that has none of its own.
pub(super) async fn enter(
    hub: &Hub,
    lane: &Lane,
    caller: &Caller,
    operation: &str,
    status: u16,
    problem: &str,
) -> Result<(), Problem> {
    let mut bytes = Vec::with_capacity(128);
    entry::begin(&mut bytes, Kind::Call, hub.clock.now_us(), caller.agency_number());
    entry::put_text(&mut bytes, operation);
    bytes.extend_from_slice(&status.to_be_bytes());
    entry::put_text(&mut bytes, problem);
    purpose::seal_caller(hub, caller, &mut bytes)?;
    hub.append_on(lane, bytes).await?;
    Ok(())
}
