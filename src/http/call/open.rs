//! One call of a route that knows no caller: within the bound of its address, on a place of the worker, and measured.

use std::{net::IpAddr, pin::Pin, rc::Rc};

use actix_web::{
    HttpRequest, HttpResponse,
    body::{BodySize, MessageBody as _},
    web,
};

use super::{
    admission::CallPlace,
    of_worker, peer,
    route::Route,
    start,
    state::OfWorker,
    stranger::{StrangerAnswer, StrangerCharge},
    unavailable, with_farewell,
};
use crate::{
    extract::{self, BodyLimit},
    problem::{ProblemCode, ProblemDocument},
    refuse,
};
use heyan_app::node::hub::Hub;

/// The agency number under which unknown callers hold places.
const STRANGERS: u32 = u32::MAX;

/// What a handler of an open route works with.
pub(crate) struct OpenCall {
    /// The hub, the server's limits, and what the worker has for itself.
    pub(crate) state: Rc<OfWorker>,
    /// The request.
    pub(crate) request: HttpRequest,
    payload: web::Payload,
    place: CallPlace,
}

impl OpenCall {
    /// The hub.
    pub(crate) fn hub(&self) -> &std::sync::Arc<Hub> {
        &self.state.hub
    }

    /// Receives the body; a slow one takes no place meanwhile.
    pub(crate) async fn receive(&mut self, bytes_max: usize) -> Result<web::Bytes, ProblemDocument> {
        let limit = BodyLimit {
            bytes_max,
            deadline: self.state.limits.body_deadline,
        };
        let receive = extract::receive(&self.request, &mut self.payload, limit);
        self.place.outside(receive).await
    }
}

/// What a handler of an open route answers.
pub(crate) type OpenAnswer = Pin<Box<dyn Future<Output = Result<HttpResponse, ProblemDocument>>>>;

/// Runs `handler` for a call on an open route.
pub(crate) async fn run(
    route: &'static Route,
    handler: &dyn Fn(OpenCall) -> OpenAnswer,
    request: HttpRequest,
    payload: web::Payload,
) -> HttpResponse {
    let started = start();
    let Some(state) = of_worker(&request) else {
        return refuse::respond(&request, ProblemDocument::new(ProblemCode::Internal));
    };
    // A client that fetches its token is not delayed by strangers from elsewhere.
    let charge = match route.method {
        "POST" => StrangerCharge::Address,
        _ => StrangerCharge::All,
    };
    let answer = match admit(&state, &request, charge).await {
        Ok(place) => {
            let call = OpenCall {
                state: Rc::clone(&state),
                request: request.clone(),
                payload,
                place,
            };
            handler(call).await
        }
        Err(refused) => Err(refused),
    };
    let response = answer.unwrap_or_else(|problem| unavailable(&state, &request, problem));
    charge_answer(&state, &request, charge, &response);
    let response = with_farewell(&state, response);
    state.observe(route, response.status(), started);
    response
}

/// Waits until a call of an unknown caller is within the bound of its address.
///
/// # Errors
/// `rate_limited`, and it is counted.
pub(super) async fn pace(
    state: &OfWorker,
    request: &HttpRequest,
    charge: StrangerCharge,
) -> Result<(), ProblemDocument> {
    let (address, charge) = payer(state, request, charge);
    match state.strangers.admit(address, charge, start()).await {
        StrangerAnswer::GoesOn => Ok(()),
        StrangerAnswer::IsRefused => {
            state.hub.node.metrics.shed.inc();
            Err(refuse::busy(ProblemCode::RateLimited))
        }
    }
}

async fn admit(
    state: &Rc<OfWorker>,
    request: &HttpRequest,
    charge: StrangerCharge,
) -> Result<CallPlace, ProblemDocument> {
    pace(state, request, charge).await?;
    let stated = extract::stated_length(request).unwrap_or_default();
    let place = CallPlace::take(state, stated).filter(|place| place.give_to(STRANGERS));
    place.ok_or_else(|| refuse::busy(ProblemCode::Overloaded))
}

/// Counts the length of an answer against the address that asked.
fn charge_answer(state: &OfWorker, request: &HttpRequest, charge: StrangerCharge, response: &HttpResponse) {
    let BodySize::Sized(bytes) = response.body().size() else {
        return;
    };
    let bytes = usize::try_from(bytes).unwrap_or(usize::MAX);
    if bytes > 0 && request.method() != actix_web::http::Method::HEAD {
        let (address, charge) = payer(state, request, charge);
        state.strangers.charge(address, charge, bytes, start());
    }
}

/// Whom a call is charged to.
fn payer(state: &OfWorker, request: &HttpRequest, charge: StrangerCharge) -> (IpAddr, StrangerCharge) {
    let address = peer(request);
    match (state.limits.connections.is_proxy(address), charge) {
        (true, StrangerCharge::All) => (address, StrangerCharge::Proxy),
        (true, _) => (address, StrangerCharge::Free),
        (false, charge) => (address, charge),
    }
}
