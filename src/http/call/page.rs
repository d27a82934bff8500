//! Texts that stay the same while the hub runs: rendered, hashed and compressed once, and sent without a copy of their own.

use std::io::Write as _;

use actix_web::{
    HttpRequest, HttpResponse,
    http::{
        StatusCode,
        header::{self, ContentEncoding, EntityTag, Header as _, HeaderValue},
    },
    web::Bytes,
};
use flate2::{Compression, write::GzEncoder};

use heyan_app::foundation::hex::hex;
use heyan_auth::sha256;

/// How long a copy may be used without asking; a new version of the hub may bring another text.
const CACHING: &str = "public, max-age=300";

/// A text in both of the codings in which it is sent.
pub(crate) struct FixedPage {
    media: &'static str,
    tag: String,
    identity: Bytes,
    gzip: Bytes,
    /// Further headers of it.
    headers: Vec<(header::HeaderName, HeaderValue)>,
}

impl FixedPage {
    /// A page of so much text.
    pub(crate) fn new(media: &'static str, text: impl Into<Bytes>) -> Self {
        let identity = text.into();
        Self {
            media,
            tag: hex(&sha256(&identity)),
            gzip: gzip(&identity).unwrap_or_default(),
            identity,
            headers: Vec::new(),
        }
    }

    /// The page with one more header.
    #[must_use]
    pub(crate) fn with(mut self, name: header::HeaderName, value: &'static str) -> Self {
        self.headers.push((name, HeaderValue::from_static(value)));
        self
    }

    /// Answers `request`: `304` where the caller has the page already, gzip where the caller takes it.
    pub(crate) fn answer(&self, request: &HttpRequest, status: StatusCode) -> HttpResponse {
        let is_gzip = !self.gzip.is_empty() && takes_gzip(request);
        // A strong tag names the bytes, so each coding has its own.
        let tag = EntityTag::new_strong(match is_gzip {
            true => format!("{}-gzip", self.tag),
            false => self.tag.clone(),
        });
        let is_held = status == StatusCode::OK && is_held(request, &tag);
        let mut response = match is_held {
            true => HttpResponse::NotModified(),
            false => HttpResponse::build(status),
        };
        response.insert_header(header::ETag(tag));
        response.insert_header((header::CACHE_CONTROL, CACHING));
        response.append_header((header::VARY, "accept-encoding"));
        for (name, value) in &self.headers {
            response.append_header((name.clone(), value.clone()));
        }
        if is_held {
            return response.finish();
        }
        response.content_type(self.media);
        match is_gzip {
            true => response.insert_header(ContentEncoding::Gzip).body(self.gzip.clone()),
            false => response.body(self.identity.clone()),
        }
    }
}

fn gzip(text: &[u8]) -> std::io::Result<Bytes> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(text)?;
    let packed = encoder.finish()?;
    Ok(match packed.len() < text.len() {
        true => packed.into(),
        false => Bytes::new(),
    })
}

/// Whether `Accept-Encoding` names gzip (or all) with a weight above 0, RFC 9110 §12.5.3.
fn takes_gzip(request: &HttpRequest) -> bool {
    let values = request.headers().get_all(header::ACCEPT_ENCODING);
    let codings = values
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','));
    let (mut named, mut all) = (None, None);
    for coding in codings {
        let mut parts = coding.split(';').map(str::trim);
        let name = parts.next().unwrap_or_default();
        let weight = parts.find_map(|part| part.strip_prefix("q=").or(part.strip_prefix("Q=")));
        let is_wanted = weight.is_none_or(|weight| weight.parse::<f32>().is_ok_and(|weight| weight > 0.0));
        if name.eq_ignore_ascii_case("gzip") || name.eq_ignore_ascii_case("x-gzip") {
            named = Some(is_wanted);
        } else if name == "*" {
            all = Some(is_wanted);
        }
    }
    named.or(all).unwrap_or(false)
}

/// Whether `If-None-Match` names the page that would be sent; the comparison is weak, RFC 9110 §13.1.2.
fn is_held(request: &HttpRequest, tag: &EntityTag) -> bool {
    match header::IfNoneMatch::parse(request) {
        Ok(header::IfNoneMatch::Items(held)) => held.iter().any(|held| held.weak_eq(tag)),
        Ok(header::IfNoneMatch::Any) => request.headers().contains_key(header::IF_NONE_MATCH),
        Err(_unreadable) => false,
    }
}

#[cfg(test)]
mod tests {
    use actix_web::{body::MessageBody as _, test::TestRequest};

    use super::*;

    fn page() -> FixedPage {
        FixedPage::new("text/html; charset=utf-8", "heyan ".repeat(1_000))
    }

    fn asked(headers: &[(&'static str, &str)]) -> HttpResponse {
        let mut request = TestRequest::get();
        for (name, value) in headers {
            request = request.insert_header((*name, *value));
        }
        page().answer(&request.to_http_request(), StatusCode::OK)
    }

    #[test]
    fn a_page_is_sent_in_the_coding_that_the_caller_takes() {
        for (accepts, is_gzip) in [
            ("gzip", true),
            ("br, gzip;q=0.5", true),
            ("*", true),
            ("gzip;q=0, *", false),
            ("identity", false),
            ("", false),
            ("gzip;q=x", false),
        ] {
            let answer = asked(&[("accept-encoding", accepts)]);
            let coding = answer.headers().get("content-encoding");
            assert_eq!(coding.is_some(), is_gzip, "{accepts}");
            let bytes = answer.into_body().try_into_bytes().unwrap();
            assert_eq!(bytes.starts_with(&[0x1f, 0x8b]), is_gzip);
        }
    }

    #[test]
    fn a_caller_that_has_the_page_is_told_so_for_each_coding() {
        let tag_of = |answer: &HttpResponse| answer.headers().get("etag").unwrap().to_str().unwrap().to_owned();
        let (plain, packed) = (tag_of(&asked(&[])), tag_of(&asked(&[("accept-encoding", "gzip")])));
        assert_ne!(plain, packed);
        assert!(plain.starts_with('"'), "strong");
        assert_eq!(asked(&[("if-none-match", &plain)]).status(), 304);
        assert_eq!(asked(&[("if-none-match", "*")]).status(), 304);
        assert_eq!(asked(&[("if-none-match", &format!("W/{plain}, \"x\""))]).status(), 304);
        assert_eq!(asked(&[("if-none-match", &packed)]).status(), 200);
        let both = [("if-none-match", packed.as_str()), ("accept-encoding", "gzip")];
        let answer = asked(&both);
        assert_eq!(
            (answer.status().as_u16(), answer.into_body().size()),
            (304, actix_web::body::BodySize::Sized(0))
        );
    }
}
