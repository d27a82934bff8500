//! Requests made of templates: each value is escaped for the place it stands in, so none can add a header, a parameter,
//! a member, an element or a path segment of its own.
//! JSON is built as a value and written by the library; nothing is pasted into JSON text.

use std::collections::BTreeMap;

use reqwest::{
    Method as Verb,
    header::{HeaderName, HeaderValue},
};
use serde_json::{Map, Value};

use super::{
    config::{BodyKind, HttpMethod, RequestConfig},
    template::{PlaceScope, PlaceTemplate, PlaceValues, TemplatePiece, UnmadeRequest},
};

/// A request, ready but for who asks. Holds values: no `Debug`.
pub struct PreparedRequest {
    /// Method.
    pub method: Verb,
    /// URL with its query.
    pub url: String,
    /// Headers.
    pub headers: Vec<(HeaderName, HeaderValue)>,
    /// Body.
    pub body: Option<Vec<u8>>,
}

impl PreparedRequest {
    /// Adds a parameter to the query.
    ///
    /// # Errors
    /// Never for text; the same as for places.
    pub(crate) fn add_parameter(&mut self, name: &str, value: &str) -> Result<(), UnmadeRequest> {
        self.url.push(if self.url.contains('?') { '&' } else { '?' });
        percent(name, &mut self.url)?;
        self.url.push('=');
        percent(value, &mut self.url)
    }
}

/// The templates of a request, compiled.
pub struct RequestTemplate {
    method: Verb,
    url: Vec<PlaceTemplate>,
    query: Vec<(String, PlaceTemplate)>,
    headers: Vec<(HeaderName, PlaceTemplate)>,
    body: BodyTemplate,
}

enum BodyTemplate {
    None,
    Json(BodyNode),
    Xml(PlaceTemplate),
    Form(Vec<(String, PlaceTemplate)>),
}

enum BodyNode {
    Fixed(Value),
    Text(PlaceTemplate),
    Whole(WholeMember),
    Array(Vec<BodyNode>),
    Object(Vec<(String, BodyNode)>),
}

/// A place that is a whole member and no text.
#[derive(Clone, Copy)]
enum WholeMember {
    Subject,
    Fields,
    NowMs,
    NowS,
    AtMs,
    Version,
}

/// Headers that the connection itself decides.
const KEPT: [&str; 6] = [
    "host",
    "content-length",
    "transfer-encoding",
    "connection",
    "upgrade",
    "te",
];

impl RequestTemplate {
    /// Compiles the templates.
    ///
    /// # Errors
    /// The key and what is wrong with it.
    pub fn compile(config: &RequestConfig, scope: &PlaceScope) -> Result<Self, (String, String)> {
        let under = |key: &'static str, name: &str| format!("request.{key}.{name}");
        let parse = |key: String, text: &str| PlaceTemplate::parse(text, scope).map_err(|reason| (key, reason));
        let many = |key: &'static str, all: &BTreeMap<String, String>| {
            let each = all
                .iter()
                .map(|(name, text)| Ok((name.clone(), parse(under(key, name), text)?)));
            each.collect::<Result<Vec<_>, (String, String)>>()
        };
        let mut headers = Vec::new();
        for (name, template) in many("headers", &config.headers)? {
            let key = under("headers", &name);
            match HeaderName::from_bytes(name.as_bytes()) {
                Ok(header) if KEPT.contains(&header.as_str()) => {
                    return Err((key, "is set by the connection itself".to_owned()));
                }
                Ok(header) => headers.push((header, template)),
                Err(_) => return Err((key, "is no name of a header".to_owned())),
            }
        }
        Ok(Self {
            method: match config.method {
                HttpMethod::Get => Verb::GET,
                HttpMethod::Post => Verb::POST,
                HttpMethod::Put => Verb::PUT,
            },
            url: url(&config.url, scope).map_err(|reason| ("request.url".to_owned(), reason))?,
            query: many("query", &config.query)?,
            headers,
            body: match &config.body {
                None if config.form.is_empty() => BodyTemplate::None,
                None => BodyTemplate::Form(many("form", &config.form)?),
                Some(text) => {
                    body(text, config.body_kind, scope).map_err(|reason| ("request.body".to_owned(), reason))?
                }
            },
        })
    }

    /// Makes a request.
    ///
    /// # Errors
    /// A value is missing or cannot stand in its place.
    pub fn make(&self, values: &PlaceValues<'_>) -> Result<PreparedRequest, UnmadeRequest> {
        let mut url = String::new();
        for (at, segment) in self.url.iter().enumerate() {
            let made = segment.fill(values, percent)?;
            // Encoded dots are dots to a parser of URLs: such a segment would climb.
            let dots = made.to_ascii_lowercase().replace("%2e", ".");
            if segment.pieces().any(|piece| matches!(piece, TemplatePiece::Place))
                && ["", ".", ".."].contains(&dots.as_str())
            {
                return Err(UnmadeRequest("a value that is no segment of a path"));
            }
            if at > 0 {
                url.push('/');
            }
            url.push_str(&made);
        }
        let query = pairs(&self.query, values)?;
        if !query.is_empty() {
            url.push('?');
            url.push_str(&query);
        }
        let mut headers = Vec::with_capacity(self.headers.len() + 1);
        for (name, template) in &self.headers {
            let value = HeaderValue::from_str(&template.fill(values, header)?);
            headers.push((
                name.clone(),
                value.map_err(|_| UnmadeRequest("a value that no header can hold"))?,
            ));
        }
        let (content_type, body) = match &self.body {
            BodyTemplate::None => (None, None),
            BodyTemplate::Json(node) => {
                let text = serde_json::to_vec(&node.fill(values)?).map_err(|_| UnmadeRequest("no JSON"))?;
                (Some("application/json; charset=utf-8"), Some(text))
            }
            BodyTemplate::Xml(template) => {
                let text = template.fill(values, xml)?;
                (Some("text/xml; charset=utf-8"), Some(text.into_bytes()))
            }
            BodyTemplate::Form(form) => {
                let text = pairs(form, values)?;
                (Some("application/x-www-form-urlencoded"), Some(text.into_bytes()))
            }
        };
        let name = reqwest::header::CONTENT_TYPE;
        if let (Some(content_type), false) = (content_type, headers.iter().any(|(header, _)| *header == name)) {
            headers.push((name, HeaderValue::from_static(content_type)));
        }
        Ok(PreparedRequest {
            method: self.method.clone(),
            url,
            headers,
            body,
        })
    }

    /// The URL with a letter in each place: for a check against the rules before anything is sent.
    pub(crate) fn sample_url(&self) -> String {
        let segments = self.url.iter().map(|segment| {
            let pieces = segment.pieces().map(|piece| match piece {
                TemplatePiece::Text(text) => text.to_owned(),
                TemplatePiece::Place => "x".to_owned(),
            });
            pieces.collect::<String>()
        });
        segments.collect::<Vec<_>>().join("/")
    }
}

/// Segments of the URL; scheme and authority are the first three.
fn url(text: &str, scope: &PlaceScope) -> Result<Vec<PlaceTemplate>, String> {
    if text.contains(['?', '#']) {
        return Err("has a query or a fragment: parameters stand in request.query".to_owned());
    }
    let segments: Result<Vec<_>, _> = text
        .split('/')
        .map(|segment| PlaceTemplate::parse(segment, scope))
        .collect();
    let segments = segments?;
    let fixed = |segment: &PlaceTemplate| !segment.pieces().any(|piece| matches!(piece, TemplatePiece::Place));
    if segments.len() < 4 || !segments.iter().take(3).all(fixed) {
        return Err("is not https://host/path with places in the path alone".to_owned());
    }
    Ok(segments)
}

fn body(text: &str, kind: BodyKind, scope: &PlaceScope) -> Result<BodyTemplate, String> {
    match kind {
        BodyKind::Json => {
            let value: Value = serde_json::from_str(text).map_err(|error| {
                format!(
                    "is no JSON with places inside strings (line {}, column {})",
                    error.line(),
                    error.column()
                )
            })?;
            BodyNode::parse(value, scope).map(BodyTemplate::Json)
        }
        BodyKind::Xml => {
            let template = PlaceTemplate::parse(text, scope)?;
            places_of_xml(&template)?;
            Ok(BodyTemplate::Xml(template))
        }
    }
}

impl BodyNode {
    fn parse(value: Value, scope: &PlaceScope) -> Result<Self, String> {
        match value {
            Value::String(text) => match WholeMember::parse(&text, scope)? {
                Some(whole) => Ok(Self::Whole(whole)),
                None => PlaceTemplate::parse(&text, scope).map(Self::Text),
            },
            Value::Array(items) => {
                let items: Result<_, _> = items.into_iter().map(|item| Self::parse(item, scope)).collect();
                items.map(Self::Array)
            }
            Value::Object(members) => {
                let mut nodes = Vec::with_capacity(members.len());
                for (name, value) in members {
                    if name.contains(['{', '}']) {
                        return Err("has a place in the name of a member".to_owned());
                    }
                    nodes.push((name, Self::parse(value, scope)?));
                }
                Ok(Self::Object(nodes))
            }
            fixed => Ok(Self::Fixed(fixed)),
        }
    }

    fn fill(&self, values: &PlaceValues<'_>) -> Result<Value, UnmadeRequest> {
        match self {
            Self::Fixed(value) => Ok(value.clone()),
            Self::Text(template) => template.fill(values, plain).map(Value::String),
            Self::Whole(whole) => whole.value(values),
            Self::Array(items) => {
                let items: Result<Vec<_>, _> = items.iter().map(|item| item.fill(values)).collect();
                items.map(Value::Array)
            }
            Self::Object(members) => {
                let mut object = Map::with_capacity(members.len());
                for (name, node) in members {
                    object.insert(name.clone(), node.fill(values)?);
                }
                Ok(Value::Object(object))
            }
        }
    }
}

impl WholeMember {
    fn parse(text: &str, scope: &PlaceScope) -> Result<Option<Self>, String> {
        let sink = scope.role == super::config::ConnectorRole::Sink;
        Ok(Some(match text {
            "{subject:object}" if scope.role != super::config::ConnectorRole::Feed => Self::Subject,
            "{fields:object}" if sink => Self::Fields,
            "{now_ms:number}" => Self::NowMs,
            "{now_s:number}" => Self::NowS,
            "{at_ms:number}" if sink => Self::AtMs,
            "{version:number}" if sink => Self::Version,
            _ => return Ok(None),
        }))
    }

    fn value(self, values: &PlaceValues<'_>) -> Result<Value, UnmadeRequest> {
        let told = values.change.ok_or(UnmadeRequest("a place of a sink outside of one"));
        Ok(match self {
            Self::Subject => Value::Object(values.subject.clone()),
            Self::Fields => Value::Object(values.fields.clone()),
            Self::NowMs => values.now_us.div_euclid(1_000).into(),
            Self::NowS => values.now_us.div_euclid(1_000_000).into(),
            Self::AtMs => told?.at_us.div_euclid(1_000).into(),
            Self::Version => told?.version.into(),
        })
    }
}

/// Refuses places outside of text and attribute values, and whatever would change what text is (CDATA, comments, DTD).
fn places_of_xml(template: &PlaceTemplate) -> Result<(), String> {
    let (mut tag, mut quote, mut before) = (false, None::<char>, ' ');
    for piece in template.pieces() {
        let TemplatePiece::Text(text) = piece else {
            if tag && quote.is_none() {
                return Err("has a place inside a tag that is no attribute value".to_owned());
            }
            before = ' ';
            continue;
        };
        for c in text.chars() {
            if before == '<' && c == '!' {
                return Err("has a comment, CDATA or a document type".to_owned());
            }
            match (tag, quote, c) {
                (true, Some(open), c) if c == open => quote = None,
                (true, Some(_), _) => {}
                (true, None, '"' | '\'') => quote = Some(c),
                (true, None, '>') => tag = false,
                (false, _, '<') => tag = true,
                _ => {}
            }
            before = c;
        }
    }
    if tag {
        Err("ends inside a tag".to_owned())
    } else {
        Ok(())
    }
}

fn pairs(all: &[(String, PlaceTemplate)], values: &PlaceValues<'_>) -> Result<String, UnmadeRequest> {
    let mut text = String::new();
    for (name, template) in all {
        if !text.is_empty() {
            text.push('&');
        }
        percent(name, &mut text)?;
        text.push('=');
        // Encoded as a whole: the template's own text is a value too.
        percent(&template.fill(values, plain)?, &mut text)?;
    }
    Ok(text)
}

fn plain(text: &str, made: &mut String) -> Result<(), UnmadeRequest> {
    made.push_str(text);
    Ok(())
}

/// Everything but the unreserved characters of RFC 3986 §2.3.
fn percent(text: &str, made: &mut String) -> Result<(), UnmadeRequest> {
    const HEX: [char; 16] = [
        '0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'A', 'B', 'C', 'D', 'E', 'F',
    ];
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
            made.push(char::from(byte));
        } else {
            made.push('%');
            made.extend(
                [byte >> 4, byte & 15]
                    .iter()
                    .filter_map(|half| HEX.get(usize::from(*half))),
            );
        }
    }
    Ok(())
}

fn header(text: &str, made: &mut String) -> Result<(), UnmadeRequest> {
    if !text.bytes().all(|byte| (0x20..0x7f).contains(&byte)) {
        return Err(UnmadeRequest("a value that no header can hold"));
    }
    made.push_str(text);
    Ok(())
}

/// For text and attribute values; characters that XML 1.0 §2.2 has not are refused.
fn xml(text: &str, made: &mut String) -> Result<(), UnmadeRequest> {
    for c in text.chars() {
        match c {
            '&' => made.push_str("&amp;"),
            '<' => made.push_str("&lt;"),
            '>' => made.push_str("&gt;"),
            '"' => made.push_str("&quot;"),
            '\'' => made.push_str("&#39;"),
            '\t' => made.push_str("&#9;"),
            '\n' => made.push_str("&#10;"),
            '\r' => made.push_str("&#13;"),
            c if c < ' ' || c == '\u{fffe}' || c == '\u{ffff}' => {
                return Err(UnmadeRequest("a character that XML has not"));
            }
            c => made.push(c),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
