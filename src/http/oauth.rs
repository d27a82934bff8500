//! `/oauth/token`: client credentials by secret or by signed assertion; and what a client needs to know of the issuer.
//! RFC 6749 §4.4, RFC 7523, RFC 8414. Errors are problem documents that carry RFC 6749's members beside.

use std::collections::HashMap;

use actix_web::{HttpRequest, HttpResponse, http::header, web};

use super::{
    call::{self, peer, turn_away},
    extract::{self, BodyLimit, MediaType},
    problem::{ProblemCode, ProblemDocument},
    reply::ok,
    state::WorkerState,
};
use heyan_api as api;
use heyan_app::access::token::{self, UnknownCaller};
use heyan_app::node::caller::Caller;
use heyan_auth::{
    assertion::ASSERTION_TYPE,
    secret::{self, ClientSecret},
};

/// Path of the token endpoint.
pub(super) const TOKEN_PATH: &str = "/oauth/token";

/// Longest form, bytes.
const FORM_BYTES_MAX: usize = 16_384;

/// `POST /oauth/token`.
#[utoipa::path(
    post, path = "/oauth/token", operation_id = "issue_token", tag = "token",
    request_body(content = api::TokenForm, content_type = "application/x-www-form-urlencoded"),
    responses((status = 200, body = api::Token)),
)]
pub(super) async fn token(
    state: web::Data<WorkerState>,
    request: HttpRequest,
    mut payload: web::Payload,
) -> Result<HttpResponse, ProblemDocument> {
    extract::expect(&request, MediaType::Form)?;
    let limit = BodyLimit {
        bytes_max: FORM_BYTES_MAX,
        deadline: state.limits.body_deadline,
    };
    let body = extract::receive(&request, &mut payload, limit).await?;
    let form = parse_form(&body)?;
    let caller = match prove(&state, &request, &form).await? {
        Ok(caller) => caller,
        Err(unknown) => return Ok(turn_away(&state.hub, &request, unknown)),
    };
    let answer = answer(&state, &caller, &form);
    let (status, problem) = match &answer {
        Ok(_) => (200, ""),
        Err(problem) => (problem.status(), problem.code.as_str()),
    };
    let own = call::of_worker(&request).ok_or(ProblemDocument::new(ProblemCode::Internal))?;
    call::enter(&state.hub, &own.lane, &caller, "issue_token", status, problem).await?;
    answer
}

type GrantForm = HashMap<String, String>;

fn parse_form(body: &[u8]) -> Result<GrantForm, ProblemDocument> {
    let invalid = || ProblemDocument::new(ProblemCode::InvalidOauthRequest);
    let text = std::str::from_utf8(body).map_err(|_no_text| invalid())?;
    let pairs = web::Query::<Vec<(String, String)>>::from_query(text)
        .map_err(|_no_form| invalid())?
        .into_inner();
    let mut form = GrantForm::new();
    for (name, value) in pairs {
        // RFC 6749 §3.2: a parameter stands at most once.
        if form.insert(name, value).is_some() {
            return Err(invalid());
        }
    }
    Ok(form)
}

/// Proves the client by exactly one method.
async fn prove(
    state: &WorkerState,
    request: &HttpRequest,
    form: &GrantForm,
) -> Result<Result<Caller, UnknownCaller>, ProblemDocument> {
    let invalid = || ProblemDocument::new(ProblemCode::InvalidOauthRequest);
    let basic = request.headers().get(header::AUTHORIZATION);
    let get = |name: &str| form.get(name).map(String::as_str);
    let (hub, peer) = (&state.hub, peer(request));
    hub.know_access().await?;
    match (basic, get("client_secret"), get("client_assertion")) {
        (Some(basic), None, None) => {
            let parsed = basic.to_str().ok().and_then(|text| secret::parse_basic(text).ok());
            let Some(basic) = parsed else {
                return Ok(Err(UnknownCaller::Client));
            };
            if get("client_id").is_some_and(|id| id != basic.client_id) {
                return Err(invalid());
            }
            Ok(token::prove_secret(hub, &basic.client_id, &basic.secret, peer))
        }
        (None, Some(secret), None) => {
            let id = get("client_id").ok_or_else(invalid)?;
            Ok(token::prove_secret(hub, id, &ClientSecret::presented(secret), peer))
        }
        (None, None, Some(assertion)) => {
            if get("client_assertion_type") != Some(ASSERTION_TYPE) {
                return Err(invalid());
            }
            Ok(token::prove_assertion(hub, assertion, get("client_id"), peer).await?)
        }
        (None, None, None) => Ok(Err(UnknownCaller::Client)),
        _ => Err(invalid()),
    }
}

fn answer(state: &WorkerState, caller: &Caller, form: &GrantForm) -> Result<HttpResponse, ProblemDocument> {
    match form.get("grant_type").map(String::as_str) {
        Some("client_credentials") => {}
        Some(_) => return Err(ProblemDocument::new(ProblemCode::UnsupportedGrantType)),
        None => return Err(ProblemDocument::new(ProblemCode::InvalidOauthRequest)),
    }
    if form.get("scope").is_some_and(|scope| !scope.is_empty()) {
        return Err(ProblemDocument::new(ProblemCode::InvalidScope));
    }
    let issued = token::issue(&state.hub, caller)?;
    Ok(ok(&api::Token {
        access_token: issued.access_token,
        token_type: "Bearer".into(),
        expires_in: issued.expires_in.unsigned_abs(),
    }))
}

/// `GET /oauth/jwks`.
#[utoipa::path(
    get, path = "/oauth/jwks", operation_id = "get_jwks", tag = "token",
    responses((status = 200, body = api::Jwks, content_type = "application/jwk-set+json")),
)]
pub(super) async fn jwks(
    state: web::Data<WorkerState>,
    _request: HttpRequest,
    _payload: web::Payload,
) -> Result<HttpResponse, ProblemDocument> {
    Ok(HttpResponse::Ok()
        .content_type("application/jwk-set+json")
        .body(state.hub.access.verifier.jwks()))
}

/// `GET /.well-known/oauth-authorization-server`, RFC 8414.
#[utoipa::path(
    get, path = "/.well-known/oauth-authorization-server", operation_id = "get_metadata", tag = "token",
    responses((status = 200, body = api::Metadata)),
)]
pub(super) async fn metadata(
    state: web::Data<WorkerState>,
    _request: HttpRequest,
    _payload: web::Payload,
) -> Result<HttpResponse, ProblemDocument> {
    let settings = &state.hub.node.settings;
    let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
    let methods = ["client_secret_basic", "client_secret_post", "private_key_jwt"];
    Ok(HttpResponse::Ok().json(api::Metadata {
        issuer: settings.issuer.to_string(),
        token_endpoint: format!("{}/oauth/token", settings.public_url),
        jwks_uri: format!("{}/oauth/jwks", settings.public_url),
        grant_types_supported: vec!["client_credentials".into()],
        response_types_supported: Vec::new(),
        token_endpoint_auth_methods_supported: words(&methods),
        token_endpoint_auth_signing_alg_values_supported: words(&["EdDSA"]),
    }))
}
