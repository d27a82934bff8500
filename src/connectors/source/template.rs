//! Texts with places: `{subject.id_number}`, `{now:yyyyMMddHHmmss}`. Every `{` begins a place; `{{` and `}}` are braces.
//! A place is known when the file is loaded, or the file is refused. How a value is escaped is decided by where the
//! template stands (`request.rs`), never by the template.
//! Own code: places are checked at load and never evaluated; template engines are languages.

use std::{borrow::Cow, collections::BTreeSet};

use serde_json::{Map, Value};

use super::{config::ConnectorRole, pattern::TimePattern};

/// A value that a request needs is missing, or cannot stand in its place. Names no value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the request cannot be made: {0}")]
pub struct UnmadeRequest(pub &'static str);

/// What places may name, by the role of the connector and its datasets.
#[derive(Clone, Debug)]
pub struct PlaceScope {
    /// The role.
    pub role: ConnectorRole,
    /// Identifiers of the subject in every dataset.
    pub subject: BTreeSet<String>,
    /// Fields in every dataset.
    pub fields: BTreeSet<String>,
    /// Identifiers and fields that only some of the datasets have: for `:or_empty`.
    pub some: BTreeSet<String>,
}

/// What fills the places of one request.
pub struct PlaceValues<'a> {
    /// Now, Unix microseconds.
    pub now_us: i64,
    /// An id of this request.
    pub uuid: uuid::Uuid,
    /// Dataset.
    pub dataset: &'a str,
    /// Identifiers of the subject.
    pub subject: &'a Map<String, Value>,
    /// Fields of the change, or what is claimed.
    pub fields: &'a Map<String, Value>,
    /// What a sink is told beside that.
    pub change: Option<ToldChange<'a>>,
    /// Where a feed goes on.
    pub cursor: Option<&'a str>,
}

/// A change, as places name it.
#[derive(Clone, Copy)]
pub struct ToldChange<'a> {
    /// Delivery.
    pub delivery: &'a str,
    /// Event.
    pub event: &'a str,
    /// Version.
    pub version: u32,
    /// When, Unix microseconds.
    pub at_us: i64,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum PlaceName {
    Subject(String, WhenMissing),
    Field(String, WhenMissing),
    NowMs,
    NowS,
    Now(TimePattern),
    AtMs,
    At(TimePattern),
    Uuid,
    UuidSimple,
    Dataset,
    Delivery,
    Event,
    Version,
    Cursor,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum WhenMissing {
    Unmade,
    Empty,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum TemplatePart {
    Text(String),
    Place(PlaceName),
}

/// A template whose places are all known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlaceTemplate(Vec<TemplatePart>);

/// A piece of a template, for who must know where its places stand.
pub enum TemplatePiece<'a> {
    /// Text.
    Text(&'a str),
    /// A place.
    Place,
}

impl PlaceTemplate {
    /// Reads a template.
    ///
    /// # Errors
    /// What is wrong with it, naming the place.
    pub fn parse(text: &str, scope: &PlaceScope) -> Result<Self, String> {
        let (mut parts, mut plain, mut rest) = (Vec::new(), String::new(), text);
        while let Some(at) = rest.find(['{', '}']) {
            let (before, from) = rest.split_at(at);
            plain.push_str(before);
            if let Some(after) = from.strip_prefix("{{") {
                plain.push('{');
                rest = after;
            } else if let Some(after) = from.strip_prefix("}}") {
                plain.push('}');
                rest = after;
            } else if let Some((name, after)) = from.strip_prefix('{').and_then(|inner| inner.split_once('}')) {
                if !plain.is_empty() {
                    parts.push(TemplatePart::Text(std::mem::take(&mut plain)));
                }
                parts.push(TemplatePart::Place(PlaceName::parse(name, scope)?));
                rest = after;
            } else {
                return Err("has a brace without its other one; write {{ and }} for braces".to_owned());
            }
        }
        plain.push_str(rest);
        if !plain.is_empty() {
            parts.push(TemplatePart::Text(plain));
        }
        Ok(Self(parts))
    }

    /// Its pieces in order.
    pub fn pieces(&self) -> impl Iterator<Item = TemplatePiece<'_>> {
        self.0.iter().map(|part| match part {
            TemplatePart::Text(text) => TemplatePiece::Text(text),
            TemplatePart::Place(_) => TemplatePiece::Place,
        })
    }

    /// Fills the places; `escape` makes of each value what may stand there. Texts are taken as they are.
    ///
    /// # Errors
    /// A value is missing, or `escape` refuses it.
    pub fn fill(
        &self,
        values: &PlaceValues<'_>,
        escape: impl Fn(&str, &mut String) -> Result<(), UnmadeRequest>,
    ) -> Result<String, UnmadeRequest> {
        let mut made = String::new();
        for part in &self.0 {
            match part {
                TemplatePart::Text(text) => made.push_str(text),
                TemplatePart::Place(name) => escape(&name.value(values)?, &mut made)?,
            }
        }
        Ok(made)
    }
}

impl PlaceName {
    fn parse(text: &str, scope: &PlaceScope) -> Result<Self, String> {
        let (name, way) = match text.split_once(':') {
            Some((name, way)) => (name, Some(way)),
            None => (text, None),
        };
        let unknown = || format!("no such place: {{{}}}", text.chars().take(80).collect::<String>());
        if let Some((kind, member)) = name.split_once('.') {
            let when = match way {
                None => WhenMissing::Unmade,
                Some("or_empty") => WhenMissing::Empty,
                Some(_) => return Err(unknown()),
            };
            return scope.member(kind, member, when).ok_or_else(unknown);
        }
        let sink = scope.role == ConnectorRole::Sink;
        let found = match (name, way) {
            ("now_ms", None) => Self::NowMs,
            ("now_s", None) => Self::NowS,
            ("now", Some(pattern)) => Self::Now(TimePattern::parse(pattern)?),
            ("uuid", None) => Self::Uuid,
            ("uuid", Some("simple")) => Self::UuidSimple,
            ("dataset", None) => Self::Dataset,
            ("cursor", None) if scope.role == ConnectorRole::Feed => Self::Cursor,
            ("at_ms", None) if sink => Self::AtMs,
            ("at", Some(pattern)) if sink => Self::At(TimePattern::parse(pattern)?),
            ("delivery", None) if sink => Self::Delivery,
            ("event", None) if sink => Self::Event,
            ("version", None) if sink => Self::Version,
            _ => return Err(unknown()),
        };
        Ok(found)
    }

    fn value<'a>(&self, values: &PlaceValues<'a>) -> Result<Cow<'a, str>, UnmadeRequest> {
        let told = || values.change.ok_or(UnmadeRequest("a place of a sink outside of one"));
        let owned = |text: String| Ok(Cow::Owned(text));
        match self {
            Self::Subject(name, when) => member(values.subject, name, *when),
            Self::Field(name, when) => member(values.fields, name, *when),
            Self::NowMs => owned(values.now_us.div_euclid(1_000).to_string()),
            Self::NowS => owned(values.now_us.div_euclid(1_000_000).to_string()),
            Self::Now(pattern) => pattern.write(values.now_us).map(Cow::Owned),
            Self::AtMs => owned(told()?.at_us.div_euclid(1_000).to_string()),
            Self::At(pattern) => pattern.write(told()?.at_us).map(Cow::Owned),
            Self::Uuid => owned(values.uuid.hyphenated().to_string()),
            Self::UuidSimple => owned(values.uuid.simple().to_string()),
            Self::Dataset => Ok(Cow::Borrowed(values.dataset)),
            Self::Delivery => Ok(Cow::Borrowed(told()?.delivery)),
            Self::Event => Ok(Cow::Borrowed(told()?.event)),
            Self::Version => owned(told()?.version.to_string()),
            Self::Cursor => values.cursor.map(Cow::Borrowed).ok_or(UnmadeRequest("no cursor")),
        }
    }
}

fn member<'a>(all: &'a Map<String, Value>, name: &str, when: WhenMissing) -> Result<Cow<'a, str>, UnmadeRequest> {
    match (all.get(name), when) {
        (Some(Value::String(text)), _) => Ok(Cow::Borrowed(text)),
        (None | Some(Value::Null), WhenMissing::Empty) => Ok(Cow::Borrowed("")),
        (None | Some(Value::Null), WhenMissing::Unmade) => {
            Err(UnmadeRequest("a value that the template needs is missing"))
        }
        _ => Err(UnmadeRequest("a value is no text")),
    }
}

impl PlaceScope {
    fn member(&self, kind: &str, member: &str, when: WhenMissing) -> Option<PlaceName> {
        let some = when == WhenMissing::Empty && self.some.contains(member);
        let name = member.to_owned();
        match (kind, self.role) {
            ("subject", ConnectorRole::Source | ConnectorRole::Sink) if self.subject.contains(member) || some => {
                Some(PlaceName::Subject(name, when))
            }
            ("field", ConnectorRole::Sink) | ("claim", ConnectorRole::Source)
                if self.fields.contains(member) || some =>
            {
                Some(PlaceName::Field(name, when))
            }
            _ => None,
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use crate::source::template::*;

    pub(crate) fn scope(role: ConnectorRole) -> PlaceScope {
        PlaceScope {
            role,
            subject: ["id_number".to_owned()].into(),
            fields: ["name".to_owned()].into(),
            some: ["address".to_owned()].into(),
        }
    }

    pub(crate) fn object(name: &str, value: &str) -> Map<String, Value> {
        [(name.to_owned(), Value::from(value))].into_iter().collect()
    }

    fn raw(text: &str, made: &mut String) -> Result<(), UnmadeRequest> {
        made.push_str(text);
        Ok(())
    }

    #[test]
    fn every_place_of_a_sink_is_filled() {
        let (subject, fields) = (object("id_number", "340207"), object("name", "王"));
        let values = PlaceValues {
            now_us: 1_700_000_000_123_456,
            uuid: uuid::Uuid::from_bytes([7; 16]),
            dataset: "natural-person",
            subject: &subject,
            fields: &fields,
            change: Some(ToldChange {
                delivery: "d1",
                event: "e1",
                version: 3,
                at_us: 0,
            }),
            cursor: None,
        };
        let text = "{subject.id_number} {field.name} {field.address:or_empty}|{now_ms} {now_s} {now:yyyyMMddHHmmss} \
                    {uuid:simple} {dataset} {delivery} {event} {version} {at_ms} {at:yyyy-MM-dd HH:mm:ss.SSS} {{}}";
        let template = PlaceTemplate::parse(text, &scope(ConnectorRole::Sink)).unwrap();
        assert_eq!(
            template.fill(&values, raw).unwrap(),
            "340207 王 |1700000000123 1700000000 20231115061320 07070707070707070707070707070707 natural-person d1 e1 3 \
             0 1970-01-01 08:00:00.000 {}"
        );
    }

    #[test]
    fn what_is_no_place_of_the_role_is_refused_with_its_name() {
        for (role, text) in [
            (ConnectorRole::Source, "{delivery}"),
            (ConnectorRole::Source, "{field.name}"),
            (ConnectorRole::Source, "{subject.name}"),
            (ConnectorRole::Source, "{cursor}"),
            (ConnectorRole::Feed, "{subject.id_number}"),
            (ConnectorRole::Sink, "{field.address}"),
            (ConnectorRole::Sink, "{field.name:or_nothing}"),
            (ConnectorRole::Sink, "{Version}"),
            (ConnectorRole::Sink, "{}"),
            (ConnectorRole::Sink, "{now:yyyyQQ}"),
            (ConnectorRole::Sink, "{ version }"),
        ] {
            let error = PlaceTemplate::parse(text, &scope(role)).unwrap_err();
            assert!(
                error.contains("no such place") || error.contains("pattern"),
                "{text}: {error}"
            );
        }
        for text in ["{version", "version}", "{{version}", "}"] {
            assert!(
                PlaceTemplate::parse(text, &scope(ConnectorRole::Sink))
                    .unwrap_err()
                    .contains("brace"),
                "{text}"
            );
        }
    }
}
