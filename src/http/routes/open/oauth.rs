//! `/oauth/token`: client credentials by secret or by signed assertion; and the metadata of the issuer.
//! RFC 6749 §4.4, RFC 7523, RFC 8414. Errors are problem documents that also have RFC 6749's members.

use std::collections::HashMap;

use actix_web::{HttpRequest, HttpResponse, http::header, web};

use crate::{
    call::{self, count_unknown, open::OpenCall, peer},
    extract::{self, MediaType},
    problem::{ProblemCode, ProblemDocument},
    reply::ok,
};
use heyan_api as api;
use heyan_app::access::token::{self, UnknownCaller};
use heyan_app::{
    foundation::error::AppError,
    node::{caller::Caller, hub::Hub},
};
use heyan_auth::{
    assertion::ASSERTION_TYPE,
    secret::{self, ClientSecret},
};

/// Longest form, bytes.
const FORM_BYTES_MAX: usize = 16_384;

/// `POST /oauth/token`.
#[utoipa::path(
    post, path = "/oauth/token", operation_id = "issue_token", tag = "token",
    request_body(content = api::TokenForm, content_type = "application/x-www-form-urlencoded"),
    responses((status = 200, body = api::Token)),
)]
pub(crate) async fn token(mut call: OpenCall) -> Result<HttpResponse, ProblemDocument> {
    extract::expect(&call.request, MediaType::Form)?;
    let body = call.receive(FORM_BYTES_MAX).await?;
    let form = parse_form(&body)?;
    let hub = call.hub();
    let caller = match prove(hub, &call.request, &form).await? {
        Ok(caller) => caller,
        Err(unknown) => {
            count_unknown(hub, unknown);
            return Err(unknown.into());
        }
    };
    let answer = answer(hub, &caller, &form);
    let (status, problem) = match &answer {
        Ok(_) => (200, ""),
        Err(problem) => (problem.status(), problem.code.as_str()),
    };
    call::enter(hub, &call.state.lane, &caller, "issue_token", status, problem).await?;
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
    hub: &Hub,
    request: &HttpRequest,
    form: &GrantForm,
) -> Result<Result<Caller, UnknownCaller>, ProblemDocument> {
    let invalid = || ProblemDocument::new(ProblemCode::InvalidOauthRequest);
    let basic = request.headers().get(header::AUTHORIZATION);
    let get = |name: &str| form.get(name).map(String::as_str);
    let peer = peer(request);
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

fn answer(hub: &Hub, caller: &Caller, form: &GrantForm) -> Result<HttpResponse, ProblemDocument> {
    match form.get("grant_type").map(String::as_str) {
        Some("client_credentials") => {}
        Some(_) => return Err(ProblemDocument::new(ProblemCode::UnsupportedGrantType)),
        None => return Err(ProblemDocument::new(ProblemCode::InvalidOauthRequest)),
    }
    if form.get("scope").is_some_and(|scope| !scope.is_empty()) {
        return Err(ProblemDocument::new(ProblemCode::InvalidScope));
    }
    let limit = hub.node.settings.quotas.tokens;
    let counts = &hub.access.quotas;
    counts
        .count_token(&caller.client.row.id, limit, hub.clock.now_us())
        .map_err(AppError::from)?;
    let issued = token::issue(hub, caller)?;
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
pub(crate) async fn jwks(call: OpenCall) -> Result<HttpResponse, ProblemDocument> {
    Ok(HttpResponse::Ok()
        .content_type("application/jwk-set+json")
        .body(call.hub().access.verifier.jwks()))
}

/// `GET /.well-known/oauth-authorization-server`, RFC 8414.
#[utoipa::path(
    get, path = "/.well-known/oauth-authorization-server", operation_id = "get_metadata", tag = "token",
    responses((status = 200, body = api::Metadata)),
)]
pub(crate) async fn metadata(call: OpenCall) -> Result<HttpResponse, ProblemDocument> {
    let settings = &call.hub().node.settings;
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
