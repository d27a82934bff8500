//! Bodies: received within a limit and a deadline, and parsed strictly.
//! The fast path is one typed parse of borrowed text; only a body that fails it is read again, to say where and why.

use std::time::Duration;

use actix_web::{HttpRequest, http::header, web};
use futures_util::{FutureExt, StreamExt};
use serde::Deserialize;

use super::problem::{ProblemCode, ProblemDocument};
use heyan_app::verification::question::StrictObject;
use heyan_domain::fault::{LengthLimit, MemberFault};

/// What a body may be.
#[derive(Clone, Copy, Debug)]
pub(super) struct BodyLimit {
    /// Longest body, bytes.
    pub(super) bytes_max: usize,
    /// Longest time to receive all of it.
    pub(super) deadline: Duration,
}

/// Media types that a route takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum MediaType {
    /// `application/json`.
    Json,
    /// `application/x-ndjson`.
    Ndjson,
    /// `application/x-www-form-urlencoded`.
    Form,
}

/// The media type of a request; parameters other than `charset=utf-8` are refused.
pub(super) fn media_type(request: &HttpRequest) -> Result<MediaType, ProblemDocument> {
    if request
        .headers()
        .get(header::CONTENT_ENCODING)
        .is_some_and(|coding| coding != "identity")
    {
        return Err(ProblemDocument::new(ProblemCode::InvalidContentEncoding));
    }
    let unsupported = || ProblemDocument::new(ProblemCode::UnsupportedMediaType);
    let text = request
        .headers()
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok());
    let mut parts = text.ok_or_else(unsupported)?.split(';').map(str::trim);
    let media = parts.next().unwrap_or_default();
    let media = if media.eq_ignore_ascii_case("application/json") {
        MediaType::Json
    } else if media.eq_ignore_ascii_case("application/x-ndjson") {
        MediaType::Ndjson
    } else if media.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
        MediaType::Form
    } else {
        return Err(unsupported());
    };
    let utf8 = |parameter: &str| {
        let parameter = parameter.replace('"', "");
        parameter.is_empty() || parameter.eq_ignore_ascii_case("charset=utf-8")
    };
    if parts.all(utf8) { Ok(media) } else { Err(unsupported()) }
}

/// Refuses a request whose media type is not `wanted`.
pub(super) fn expect(request: &HttpRequest, wanted: MediaType) -> Result<(), ProblemDocument> {
    if media_type(request)? == wanted {
        Ok(())
    } else {
        Err(ProblemDocument::new(ProblemCode::UnsupportedMediaType))
    }
}

/// A body, as far as it has come.
pub(super) enum ReceivedBody {
    /// All of it.
    Whole(web::Bytes),
    /// Its sender has more to send.
    Begun(web::BytesMut),
}

/// Bytes of body that the head of a request says will come.
pub(super) fn stated_length(request: &HttpRequest) -> Option<usize> {
    let stated = request.headers().get(header::CONTENT_LENGTH)?;
    stated.to_str().ok()?.parse().ok()
}

/// Receives a whole body.
pub(super) async fn receive(
    request: &HttpRequest,
    payload: &mut web::Payload,
    limit: BodyLimit,
) -> Result<web::Bytes, ProblemDocument> {
    match begin(stated_length(request), payload, limit, std::future::ready(())).await? {
        ReceivedBody::Whole(body) => Ok(body),
        ReceivedBody::Begun(body) => rest(payload, body, limit).await,
    }
}

/// Receives what is there of a body whose head states so many bytes; `turn` ends when the server has read on. A body that came with its head is there then.
pub(super) async fn begin(
    stated: Option<usize>,
    payload: &mut web::Payload,
    limit: BodyLimit,
    turn: impl Future<Output = ()>,
) -> Result<ReceivedBody, ProblemDocument> {
    if stated.is_some_and(|length| length > limit.bytes_max) {
        return Err(ProblemDocument::new(ProblemCode::BodyTooLarge));
    }
    let mut first = payload.next().now_or_never();
    if first.is_none() {
        turn.await;
        first = payload.next().now_or_never();
    }
    let first = match first {
        None => return Ok(ReceivedBody::Begun(web::BytesMut::new())),
        Some(None) => return Ok(ReceivedBody::Whole(web::Bytes::new())),
        Some(Some(first)) => chunk(first)?,
    };
    match payload.next().now_or_never() {
        Some(None) if first.len() <= limit.bytes_max => Ok(ReceivedBody::Whole(first)),
        Some(None) => Err(ProblemDocument::new(ProblemCode::BodyTooLarge)),
        Some(Some(second)) => {
            let mut body = web::BytesMut::from(first);
            body.extend_from_slice(&chunk(second)?);
            Ok(ReceivedBody::Begun(body))
        }
        None => Ok(ReceivedBody::Begun(web::BytesMut::from(first))),
    }
}

/// Receives the rest of a body, within its deadline.
pub(super) async fn rest(
    payload: &mut web::Payload,
    mut body: web::BytesMut,
    limit: BodyLimit,
) -> Result<web::Bytes, ProblemDocument> {
    let gather = async {
        while body.len() <= limit.bytes_max {
            match payload.next().await {
                Some(next) => body.extend_from_slice(&chunk(next)?),
                None => return Ok(body.freeze()),
            }
        }
        Err(ProblemDocument::new(ProblemCode::BodyTooLarge))
    };
    tokio::time::timeout(limit.deadline, gather)
        .await
        .unwrap_or_else(|_elapsed| Err(ProblemDocument::new(ProblemCode::RequestTimeout)))
}

/// One received piece; a broken chunked coding is the sender's fault.
pub(super) fn chunk(
    received: Result<web::Bytes, actix_web::error::PayloadError>,
) -> Result<web::Bytes, ProblemDocument> {
    received.map_err(|_broken| ProblemDocument::new(ProblemCode::InvalidJson))
}

/// Parses a body of a known shape.
pub(super) fn parse<'a, T: Deserialize<'a>>(bytes: &'a [u8]) -> Result<T, ProblemDocument> {
    try_parse(bytes).ok_or_else(|| diagnose::<T>(bytes))
}

/// Parses a body of a known shape; what is wrong with another one nobody asks.
pub(super) fn try_parse<'a, T: Deserialize<'a>>(bytes: &'a [u8]) -> Option<T> {
    // The encoding is checked once for the whole, not string by string.
    let text = simdutf8::basic::from_utf8(bytes).ok()?;
    serde_json::from_str::<StrictObject<T>>(text)
        .ok()
        .map(|object| object.0)
}

/// Says what is wrong with a body that does not parse: first as JSON, then as the shape.
fn diagnose<'a, T: Deserialize<'a>>(bytes: &'a [u8]) -> ProblemDocument {
    if let Err(problem) = super::strict::parse(bytes) {
        return problem;
    }
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    match serde_path_to_error::deserialize::<_, StrictObject<T>>(&mut reader) {
        // The shape is right and something follows it: JSON that is right as a whole cannot come here.
        Ok(_) => ProblemDocument::new(ProblemCode::InvalidJson),
        Err(error) => super::refuse::invalid(&[fault_of(&error)]),
    }
}

fn fault_of(error: &serde_path_to_error::Error<serde_json::Error>) -> MemberFault {
    let mut pointer = pointer_of(error.path());
    let text = error.inner().to_string();
    let quoted = text.split('`').nth(1).unwrap_or_default();
    let code = if text.starts_with("missing field") {
        pointer = format!("{pointer}/{}", heyan_domain::fault::pointer_segment(quoted));
        "missing_member"
    } else if text.starts_with("unknown field") {
        if !pointer.ends_with(quoted) {
            pointer = format!("{pointer}/{}", heyan_domain::fault::pointer_segment(quoted));
        }
        "unknown_member"
    } else if text.starts_with("duplicate") {
        "duplicate_member"
    } else {
        let own = OWN_CODES.into_iter().find(|code| text.starts_with(code));
        own.unwrap_or("invalid_type")
    };
    match (code, limit_of(&text)) {
        ("value_too_long", Some(limit)) => MemberFault::over(pointer, LengthLimit::Bytes(limit)),
        ("too_many_items", Some(limit)) => MemberFault::over(pointer, LengthLimit::Items(limit)),
        _ => MemberFault::new(pointer, code),
    }
}

/// The limit that one of our own deserialisers states behind its code.
fn limit_of(text: &str) -> Option<usize> {
    text.split(' ').nth(1)?.parse().ok()
}

/// Words that our own deserialisers put into their errors.
const OWN_CODES: [&str; 5] = [
    "value_too_long",
    "too_many_items",
    "unsafe_number",
    "invalid_type",
    "invalid_value",
];

fn pointer_of(path: &serde_path_to_error::Path) -> String {
    use serde_path_to_error::Segment;
    let mut pointer = String::new();
    for segment in path.iter() {
        match segment {
            Segment::Seq { index } => pointer.push_str(&format!("/{index}")),
            Segment::Map { key } | Segment::Enum { variant: key } => {
                pointer.push('/');
                pointer.push_str(&heyan_domain::fault::pointer_segment(key));
            }
            Segment::Unknown => {}
        }
    }
    pointer
}
