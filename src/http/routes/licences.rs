//! `/v1/licences`: a file against its register, and a licence found by who holds it.

use std::{sync::Arc, time::Duration};

use actix_multipart::Field;
use actix_web::HttpResponse;

use crate::{
    call::{HandlerCall, start},
    extract,
    parts::{BodyParts, UploadForm},
    problem::{ProblemCode, ProblemDocument},
    refuse,
    reply::{answered, with_more},
};
use heyan_api as api;
use heyan_app::licences::{
    StandingValidity,
    file::{self, FileAnswer, FileBody, FileQuestion, SignatureNote, ToVerify},
    hashing::{FileHashing, HashedFile},
    query::{self, QueryAnswer, QueryBody},
};
use heyan_app::{foundation::error::AppError, node::hub::Hub, verification::verify};
use heyan_auth::{
    file_digest::hex,
    signature::{CERTIFICATES_BYTES_MAX, SIGNATURE_BYTES_MAX},
};
use heyan_domain::{identifier::IdentifierFinding, licence::issuer::IssuerPlace, verdict::Verdict};

/// What the parts beside the file may come to in all.
const BESIDE_BYTES_MAX: u64 = 1 << 20;

/// `POST /v1/licences/verify-file`.
#[utoipa::path(
    post, path = "/v1/licences/verify-file", operation_id = "verify_licence_file", tag = "licence",
    params(("Accept-Language" = Option<String>, Header)),
    request_body(content = api::LicenceFile, content_type = "multipart/form-data"),
    responses((status = 200, body = api::LicenceVerification)),
)]
pub(crate) async fn verify_file(mut call: HandlerCall) -> Result<HttpResponse, ProblemDocument> {
    let hub = Arc::clone(call.hub());
    let (licences, limits) = (&hub.materials.licences, call.state.limits.clone());
    if call
        .stated_bytes()
        .is_some_and(|bytes| bytes > licences.settings.file_bytes_max + BESIDE_BYTES_MAX)
    {
        return Err(ProblemDocument::new(ProblemCode::BodyTooLarge));
    }
    let agency = &call.caller.agency()?.row.id;
    let share = (licences.settings.agency_files_max, hub.node.settings.quotas.uploads);
    let turn = hub.access.quotas.begin_upload(agency, share, call.now_us);
    let turn = turn.map_err(AppError::from)?;
    let place = Arc::clone(&licences.places).try_acquire_owned();
    let Ok(_place) = place else {
        turn.came_whole();
        return Err(refuse::busy(ProblemCode::Overloaded));
    };
    let payload = call.take_payload()?;
    let mut parts = BodyParts::begin(&call.request, payload, limits.body_deadline)?;
    let wanted = [
        ("purpose", limits.body_bytes_max),
        ("question", limits.body_bytes_max),
        ("signature", SIGNATURE_BYTES_MAX),
        ("certificate", CERTIFICATES_BYTES_MAX),
    ];
    let received = tokio::time::timeout(limits.body_deadline, parts.form(wanted));
    let received = call.outside(received).await;
    let UploadForm { before, file } =
        received.unwrap_or_else(|_elapsed| Err(ProblemDocument::new(ProblemCode::RequestTimeout)))?;
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
    let hashing = hash(&hub, &mut parts, file, verifier, limits.body_deadline);
    let hashed = tokio::time::timeout(licences.settings.upload_deadline, hashing);
    let hashed = call.outside(hashed).await;
    let hashed = hashed.unwrap_or_else(|_elapsed| Err(ProblemDocument::new(ProblemCode::RequestTimeout)))?;
    turn.came_whole();
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
    Ok(answered(file_answer(&hub, answer)))
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

/// Receives the file, hashing it on its way. A sender that is slower than it may be, after a first while, is not waited for.
async fn hash(
    hub: &Hub,
    parts: &mut BodyParts,
    mut file: Field,
    verifier: ToVerify,
    first: Duration,
) -> Result<HashedFile, ProblemDocument> {
    let mut hashing = FileHashing::begin(hub, verifier);
    let (begun, rate) = (start(), hub.materials.licences.settings.upload_bytes_s_min);
    let mut bytes = 0_u64;
    loop {
        let allowed = first + Duration::from_secs(bytes / rate.max(1));
        let piece = tokio::time::timeout(allowed.saturating_sub(begun.elapsed()), parts.piece(&mut file));
        let piece = piece
            .await
            .unwrap_or_else(|_slow| Err(ProblemDocument::new(ProblemCode::RequestTimeout)))?;
        let Some(piece) = piece else { break };
        bytes += u64::try_from(piece.len()).unwrap_or(u64::MAX);
        if bytes > hub.materials.licences.settings.file_bytes_max {
            return Err(ProblemDocument::new(ProblemCode::BodyTooLarge));
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
    request_body = api::LicenceQuery,
    responses((status = 200, body = api::LicenceFound)),
)]
pub(crate) async fn query(mut call: HandlerCall) -> Result<HttpResponse, ProblemDocument> {
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
    let findings = &answer.judgement.findings;
    let more = api::LicenceFoundNote {
        identifier: place.map(|place| identifier(findings, place)),
        validity: validity_of(validity),
        licence: read.map(|(subject, fields)| api::LicenceRead {
            subject: subject.into_iter().collect(),
            fields: fields.into_iter().collect(),
        }),
    };
    Ok(answered(with_more(&hub.node.settings.origin, &answer, &more)))
}

fn file_answer(hub: &Hub, found: FileAnswer<'_>) -> Vec<u8> {
    let digests = &found.digests;
    let more = api::LicenceFileFound {
        file: api::LicenceFileNote {
            bytes: digests.bytes,
            sha256: digest(&digests.sha256, found.sha256),
            sm3: digest(&digests.sm3, found.sm3),
        },
        identifier: identifier(&found.findings, found.place),
        validity: validity_of(found.validity),
        signature: found.signature.as_ref().map(signature),
    };
    with_more(&hub.node.settings.origin, &found.answer, &more)
}

fn digest(digest: &[u8], verdict: Option<Verdict>) -> api::LicenceDigest {
    api::LicenceDigest {
        digest: hex(digest),
        verdict: verdict.map(|verdict| verdict.as_str().into()),
    }
}

fn identifier(findings: &[IdentifierFinding], place: IssuerPlace) -> api::LicenceIdentifierNote {
    api::LicenceIdentifierNote {
        findings: findings.iter().map(|finding| finding.as_str().into()).collect(),
        place: place.as_str().into(),
    }
}

fn validity_of(validity: StandingValidity) -> api::LicenceValidity {
    api::LicenceValidity {
        on: validity.on.to_string(),
        state: validity.state.as_str().into(),
        reason: validity.reason.map(Into::into),
        valid_from: validity.valid_from,
        valid_until: validity.valid_until,
    }
}

fn signature(note: &SignatureNote) -> api::LicenceSignature {
    api::LicenceSignature {
        verdict: note.verdict.into(),
        algorithm: note.algorithm.map(|algorithm| algorithm.as_str().into()),
        over: note.over.as_str().into(),
        certificate: api::SignerCertificate {
            trust: note.trust.as_str().into(),
            sha256: hex(&note.fingerprint),
        },
    }
}
