//! The text that is signed: the signature base of RFC 9421 §2.5.
//! Every value comes from the request as received; nothing is decoded or tidied beyond what the RFC says.

use std::borrow::Cow;

use super::{RequestParts, SignatureError};
use crate::structured::InnerList;

/// The signature base (RFC 9421 §2.5).
pub(super) fn base(request: &RequestParts<'_>, input: &InnerList) -> Result<String, SignatureError> {
    let mut out = String::with_capacity(512);
    for (at, name) in input.items.iter().enumerate() {
        if input.items.iter().take(at).any(|earlier| earlier == name) {
            return Err(SignatureError::Malformed);
        }
        let value = component(request, name)?;
        // A line break in a value would let one component pass for two.
        if !value.bytes().all(|b| b == b'\t' || (0x20..=0x7e).contains(&b)) {
            return Err(SignatureError::Malformed);
        }
        out.push('"');
        out.push_str(name);
        out.push_str("\": ");
        out.push_str(&value);
        out.push('\n');
    }
    out.push_str("\"@signature-params\": ");
    out.push_str(&input.serialize());
    Ok(out)
}

/// Value of one covered component (RFC 9421 §2.1 and §2.2).
pub(super) fn component<'a>(request: &RequestParts<'a>, name: &str) -> Result<Cow<'a, str>, SignatureError> {
    Ok(match name {
        "@method" => Cow::Borrowed(request.method),
        "@authority" => Cow::Owned(authority(request)),
        "@target-uri" => Cow::Borrowed(request.target_uri),
        "@path" if request.path.is_empty() => Cow::Borrowed("/"),
        "@path" => Cow::Borrowed(request.path),
        "@query" => Cow::Owned(format!("?{}", request.query.unwrap_or_default())),
        field if is_field_name(field) => {
            let value = (request.headers)(field).ok_or(SignatureError::AbsentComponent)?;
            Cow::Borrowed(value.trim_matches([' ', '\t']))
        }
        _ => return Err(SignatureError::Unsupported),
    })
}

/// Lower case, without the port that the scheme implies (RFC 9421 §2.2.3).
pub(super) fn authority(request: &RequestParts<'_>) -> String {
    let lower = request.authority.to_ascii_lowercase();
    let implied = match request.target_uri.split_once(':') {
        Some((scheme, _)) if scheme.eq_ignore_ascii_case("https") => ":443",
        Some((scheme, _)) if scheme.eq_ignore_ascii_case("http") => ":80",
        _ => return lower,
    };
    match lower.strip_suffix(implied) {
        Some(host) => host.to_owned(),
        None => lower,
    }
}

fn is_field_name(name: &str) -> bool {
    // The two signature headers cannot cover themselves.
    !name.is_empty()
        && !matches!(name, "signature" | "signature-input")
        && name
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'_')
}
