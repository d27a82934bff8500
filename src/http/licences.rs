//! `/v1/licences`: a file against its register, and a licence found by who holds it.

use std::sync::Arc;

use actix_multipart::Field;
use actix_web::HttpResponse;
use serde_json::{Map, Value, json};

use super::{
    call::Call,
    extract,
    openapi::shapes,
    parts::{Form, Parts},
    problem::{Problem, ProblemCode},
    refuse,
    verifications::answered,
};
use heyan_app::licences::{
    Validity,
    file::{self, FileAnswer, FileBody, FileQuestion, SignatureNote, ToVerify},
    hashing::{Hashed, Hashing},
    query::{self, QueryAnswer, QueryBody},
};
use heyan_app::{
    foundation::error::AppError,
    node::hub::Hub,
    verification::{
        answer_json,
        verify::{self, Answer},
    },
};
use heyan_auth::{
    file_digest::hex,
    signature::{CERTIFICATES_BYTES_MAX, SIGNATURE_BYTES_MAX},
};
use heyan_domain::{identifier::Finding, licence::issuer::Place, verdict::Verdict};

/// What the parts beside the file may come to in all.
const BESIDE_BYTES_MAX: u64 = 1 << 20;

/// `POST /v1/licences/verify-file`.
#[utoipa::path(
    post, path = "/v1/licences/verify-file", operation_id = "verify_licence_file", tag = "licence",
    params(("Accept-Language" = Option<String>, Header)),
    request_body(content = shapes::LicenceFile, content_type = "multipart/form-data"),
    responses((status = 200, body = shapes::LicenceVerification)),
)]
pub(super) async fn verify_file(mut call: Call) -> Result<HttpResponse, Problem> {
    let hub = Arc::clone(call.hub());
    let (licences, limits) = (&hub.materials.licences, call.state.limits.clone());
    if call
        .stated_bytes()
        .is_some_and(|bytes| bytes > licences.settings.file_bytes_max + BESIDE_BYTES_MAX)
    {
        return Err(Problem::new(ProblemCode::BodyTooLarge));
    }
    let place = Arc::clone(&licences.places).try_acquire_owned();
    let _place = place.map_err(|_taken| refuse::busy(ProblemCode::Overloaded))?;
    let payload = call.take_payload()?;
    let mut parts = Parts::begin(&call.request, payload, limits.body_deadline)?;
    let wanted = [
        ("purpose", limits.body_bytes_max),
        ("question", limits.body_bytes_max),
        ("signature", SIGNATURE_BYTES_MAX),
        ("certificate", CERTIFICATES_BYTES_MAX),
    ];
    let received = tokio::time::timeout(limits.body_deadline, parts.form(wanted));
    let received = call.outside(received).await;
    let Form { before, file } = received.unwrap_or_else(|_elapsed| Err(Problem::new(ProblemCode::RequestTimeout)))?;
    let [purpose, question, signature, certificate] = before;
    let body = joined(purpose.as_deref(), question.as_deref());
    let body: FileBody<'_> = extract::parse(&body)?;
    let signed = match (&signature, &certificate) {
        (Some(signature), Some(certificate)) => Some((&**signature, &**certificate)),
        (None, None) => None,
        (None, Some(_)) => return Err(AppError::fault("/signature", "missing_member").into()),
        (Some(_), None) => return Err(AppError::fault("/certificate", "missing_member").into()),
    };
    let (plan, verifier) = file::plan(&hub, &call.caller, &body, signed, call.now_us)?;
    let hashing = hash(&hub, &mut parts, file, verifier);
    let hashed = tokio::time::timeout(licences.settings.upload_deadline, hashing);
    let hashed = call.outside(hashed).await;
    let hashed = hashed.unwrap_or_else(|_elapsed| Err(Problem::new(ProblemCode::RequestTimeout)))?;
    let FileBody { purpose, question } = body;
    let FileQuestion {
        subject,
        claims,
        max_age_s,
        ..
    } = question;
    let claims = plan.claims(claims, &hashed.digests);
    let asks_outside = verify::asks_outside(&hub, &plan.dataset().name);
    let who = (&call.state.lane, &*call.caller);
    let answer = Box::pin(file::verify(
        &hub,
        who,
        (&purpose, &subject, max_age_s),
        &claims,
        plan,
        hashed,
    ));
    let answer = match asks_outside {
        true => call.outside(answer).await?,
        false => answer.await?,
    };
    call.entered();
    Ok(answered(file_json(&hub, &answer)))
}

/// The two parts as one document, so that one strict parse reads both and names places in both.
fn joined(purpose: Option<&[u8]>, question: Option<&[u8]>) -> Vec<u8> {
    let mut body = b"{".to_vec();
    for (name, part) in [("purpose", purpose), ("question", question)] {
        let Some(part) = part else { continue };
        if body.len() > 1 {
            body.push(b',');
        }
        body.extend_from_slice(format!("\"{name}\":").as_bytes());
        body.extend_from_slice(part);
    }
    body.push(b'}');
    body
}

/// Receives the file, hashing it on its way.
async fn hash(hub: &Hub, parts: &mut Parts, mut file: Field, verifier: ToVerify) -> Result<Hashed, Problem> {
    let mut hashing = Hashing::begin(hub, verifier);
    let mut bytes = 0_u64;
    while let Some(piece) = parts.piece(&mut file).await? {
        bytes += u64::try_from(piece.len()).unwrap_or(u64::MAX);
        if bytes > hub.materials.licences.settings.file_bytes_max {
            return Err(Problem::new(ProblemCode::BodyTooLarge));
        }
        hashing.take(piece).await?;
    }
    drop(file);
    parts.end().await?;
    if bytes == 0 {
        return Err(AppError::fault("/file", "invalid_value").into());
    }
    Ok(hashing.finish().await?)
}

/// `POST /v1/licences/query`.
#[utoipa::path(
    post, path = "/v1/licences/query", operation_id = "query_licence", tag = "licence",
    params(("Accept-Language" = Option<String>, Header)),
    request_body = shapes::LicenceQuery,
    responses((status = 200, body = shapes::LicenceFound)),
)]
pub(super) async fn query(mut call: Call) -> Result<HttpResponse, Problem> {
    let bytes = call.json_body(call.state.limits.body_bytes_max).await?;
    let body: QueryBody<'_> = extract::parse(&bytes)?;
    let hub = call.hub();
    let asked = query::ask(hub, &call.caller, body, call.now_us).await?;
    let answer = Box::pin(query::answer(hub, &call.state.lane, &call.caller, &asked));
    let answer = match verify::asks_outside(hub, &asked.dataset().name) {
        true => call.outside(answer).await?,
        false => answer.await?,
    };
    call.entered();
    let QueryAnswer {
        answer,
        place,
        validity,
        read,
    } = answer;
    let mut more = Map::new();
    if let Some(place) = place {
        more.insert("identifier".to_owned(), identifier(&answer.judgement.findings, place));
    }
    more.insert("validity".to_owned(), validity_json(&validity));
    if let Some((subject, fields)) = read {
        more.insert("licence".to_owned(), json!({"subject": subject, "fields": fields}));
    }
    Ok(answered(with(hub, &answer, more)))
}

/// A verification with further members.
fn with(hub: &Hub, answer: &Answer<'_>, more: Map<String, Value>) -> Vec<u8> {
    let mut out = Vec::with_capacity(1_024);
    out.push(b'{');
    answer_json::put_answer(&mut out, &hub.node.settings.origin, answer);
    for (name, value) in more {
        out.push(b',');
        answer_json::put_string(&mut out, &name);
        out.push(b':');
        out.extend_from_slice(value.to_string().as_bytes());
    }
    out.push(b'}');
    out
}

fn file_json(hub: &Hub, found: &FileAnswer<'_>) -> Vec<u8> {
    let mut more = Map::new();
    let file = json!({
        "bytes": found.digests.bytes,
        "sha256": digest_json(&found.digests.sha256, found.sha256),
        "sm3": digest_json(&found.digests.sm3, found.sm3),
    });
    more.insert("file".to_owned(), file);
    more.insert("identifier".to_owned(), identifier(&found.findings, found.place));
    more.insert("validity".to_owned(), validity_json(&found.validity));
    if let Some(signature) = &found.signature {
        more.insert("signature".to_owned(), signature_json(signature));
    }
    with(hub, &found.answer, more)
}

fn digest_json(digest: &[u8], verdict: Option<Verdict>) -> Value {
    match verdict {
        None => json!({"digest": hex(digest)}),
        Some(verdict) => json!({"digest": hex(digest), "verdict": verdict.as_str()}),
    }
}

fn identifier(findings: &[Finding], place: Place) -> Value {
    let findings: Vec<&str> = findings.iter().map(|finding| finding.as_str()).collect();
    json!({"findings": findings, "place": place.as_str()})
}

fn validity_json(validity: &Validity) -> Value {
    let mut members = Map::new();
    members.insert("on".to_owned(), validity.on.to_string().into());
    members.insert("state".to_owned(), validity.state.as_str().into());
    let texts = [
        ("reason", validity.reason),
        ("valid_from", validity.valid_from.as_deref()),
        ("valid_until", validity.valid_until.as_deref()),
    ];
    for (name, text) in texts {
        if let Some(text) = text {
            members.insert(name.to_owned(), text.into());
        }
    }
    Value::Object(members)
}

fn signature_json(signature: &SignatureNote) -> Value {
    let mut members = Map::new();
    members.insert("verdict".to_owned(), signature.verdict.into());
    if let Some(algorithm) = signature.algorithm {
        members.insert("algorithm".to_owned(), algorithm.as_str().into());
    }
    members.insert("over".to_owned(), signature.over.as_str().into());
    let certificate = json!({"trust": signature.trust.as_str(), "sha256": hex(&signature.fingerprint)});
    members.insert("certificate".to_owned(), certificate);
    Value::Object(members)
}
