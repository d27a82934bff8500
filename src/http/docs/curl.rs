//! A ready `curl` line for an operation, made from its examples.
//! Every example value is quoted for a POSIX shell: a spec can never smuggle a command into the line.

use serde_json::Value;

use super::spec::{ApiOperation, ApiSpec, items, members, string};

/// Base address when the document names no absolute server: the hub's default listener.
const BASE: &str = "http://127.0.0.1:8080";

/// Longest JSON body that stays on one line, in bytes.
const LINE_MAX: usize = 72;

/// The command, over several lines; `$TOKEN`, `$CLIENT_ID` and `$CLIENT_SECRET` are for the reader to set.
pub(super) fn command<'a>(spec: ApiSpec<'a>, operation: &ApiOperation<'a>) -> String {
    let body = request_body(spec, operation.node);
    let mut parts = vec![opening(operation.method, body.is_some())];
    parts.push(quote(&url(spec, operation)));
    if let Some(credential) = credential(spec, operation.node) {
        parts.push(credential);
    }
    for parameter in of_kind(operation, "header") {
        let required = parameter.get("required") == Some(&Value::Bool(true));
        let name = string(parameter, "name").filter(|_| required);
        if let Some(name) = name {
            let value = spec.example(parameter).map(|value| plain(&value));
            parts.push(format!(
                "-H {}",
                quote(&format!("{name}: {}", value.unwrap_or_default()))
            ));
        }
    }
    if let Some((media, example)) = body {
        parts.extend(body_parts(media, &example));
    }
    parts.join(" \\\n  ")
}

fn opening(method: &str, has_body: bool) -> String {
    match (method, has_body) {
        ("get", false) | ("post", true) => "curl -sS".to_owned(),
        ("head", _) => "curl -sSI".to_owned(),
        (method, _) => format!("curl -sS -X {}", method.to_ascii_uppercase()),
    }
}

fn url(spec: ApiSpec<'_>, operation: &ApiOperation<'_>) -> String {
    let server = items(spec.root, "servers")
        .next()
        .and_then(|server| string(server, "url"));
    let base = match server.map(|url| url.trim_end_matches('/')) {
        Some(url) if url.starts_with("http://") || url.starts_with("https://") => url.to_owned(),
        Some(path) => format!("{BASE}{path}"),
        None => BASE.to_owned(),
    };
    let mut path = operation.path.to_owned();
    for parameter in of_kind(operation, "path") {
        if let (Some(name), Some(example)) = (string(parameter, "name"), spec.example(parameter)) {
            path = path.replace(&format!("{{{name}}}"), &percent(&plain(&example)));
        }
    }
    let mut separator = '?';
    for parameter in of_kind(operation, "query") {
        let wanted = parameter.get("required") == Some(&Value::Bool(true)) || parameter.get("example").is_some();
        let name = string(parameter, "name").filter(|_| wanted);
        if let (Some(name), Some(example)) = (name, spec.example(parameter)) {
            path.push(separator);
            path.push_str(&format!("{}={}", percent(name), percent(&plain(&example))));
            separator = '&';
        }
    }
    base + &path
}

fn of_kind<'a, 'o>(
    operation: &'o ApiOperation<'a>,
    place: &'static str,
) -> impl Iterator<Item = &'a Value> + use<'a, 'o> {
    let parameters = operation.parameters.iter().copied();
    parameters.filter(move |parameter| string(parameter, "in") == Some(place))
}

/// Option for the first security scheme that is asked for.
fn credential<'a>(spec: ApiSpec<'a>, operation: &'a Value) -> Option<String> {
    let holder = if operation.get("security").is_some() {
        operation
    } else {
        spec.root
    };
    let requirement = items(holder, "security").next()?.as_object()?;
    let name = requirement.keys().next()?;
    let scheme = spec.root.pointer("/components/securitySchemes")?.get(name)?;
    let scheme = spec.resolve(scheme);
    match (string(scheme, "type"), string(scheme, "scheme")) {
        (Some("http"), Some("basic")) => Some("-u \"$CLIENT_ID:$CLIENT_SECRET\"".to_owned()),
        (Some("mutualTLS"), _) => Some("--cert client.pem --key client.key".to_owned()),
        (Some("http" | "oauth2" | "openIdConnect"), _) => Some("-H \"Authorization: Bearer $TOKEN\"".to_owned()),
        _ => None,
    }
}

/// Media type and example of the body: JSON when it is offered, else the first.
pub(super) fn request_body<'a>(spec: ApiSpec<'a>, operation: &'a Value) -> Option<(&'a str, Value)> {
    let body = spec.resolve(operation.get("requestBody")?);
    let mut media: Vec<(&str, &Value)> = members(body, "content").collect();
    media.sort_by_key(|(name, _)| *name != "application/json");
    let (name, node) = media.first().copied()?;
    Some((name, spec.example(node)?))
}

fn body_parts(media: &str, example: &Value) -> Vec<String> {
    match (media, example) {
        ("application/x-www-form-urlencoded", Value::Object(form)) => form
            .iter()
            .map(|(name, value)| format!("--data-urlencode {}", quote(&format!("{name}={}", plain(value)))))
            .collect(),
        ("multipart/form-data", Value::Object(form)) => form
            .keys()
            .map(|name| format!("-F {}", quote(&format!("{name}=@{name}"))))
            .collect(),
        _ => vec![
            format!("-H {}", quote(&format!("Content-Type: {media}"))),
            format!("--data-binary {}", quote(&body_text(example))),
        ],
    }
}

/// A string as it is, anything else as compact JSON.
pub(super) fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// A body over several lines once it no longer fits on one.
fn body_text(example: &Value) -> String {
    let compact = plain(example);
    if example.is_string() || compact.len() <= LINE_MAX {
        return compact;
    }
    serde_json::to_string_pretty(example).unwrap_or(compact)
}

fn quote(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

fn percent(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_breaks_out_of_the_quotes_or_the_address() {
        assert_eq!(quote("a'; rm -rf / #"), r"'a'\''; rm -rf / #'");
        assert_eq!(percent("a/b?c=核"), "a%2Fb%3Fc%3D%E6%A0%B8");
    }
}
