//! CloudEvents 1.0 on Kafka: binary mode out (attributes are headers, the body is the data); binary or structured mode in.
//! A message keeps its `ce_id` however often it is sent, so that a reader can recognise repetitions.

use std::sync::Arc;

use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use serde_json::Value;

use crate::node::hub::Hub;
use heyan_domain::json::{self, JsonRules};
use heyan_ports::bus::{BusMessage, BusTopic, ReceivedMessage};
use heyan_ports::{time, trace};

/// Longest attribute that is believed, bytes.
const ATTRIBUTE_BYTES_MAX: usize = 200;

/// What an event says of itself.
pub struct EventAttributes<'a> {
    /// Names what happened.
    pub id: &'a str,
    /// Whom or what it is about, as a pseudonym or another id of ours.
    pub subject: Option<&'a str>,
    /// When, Unix microseconds.
    pub at_us: i64,
    /// W3C trace context of what caused it.
    pub traceparent: Option<&'a str>,
}

/// A message in binary mode.
pub fn message(hub: &Hub, topic: BusTopic, key: Vec<u8>, attributes: &EventAttributes<'_>, data: &Value) -> BusMessage {
    message_of(hub, topic, key, attributes, data.to_string().into_bytes())
}

/// A message in binary mode whose body is JSON already.
pub fn message_of(
    hub: &Hub,
    topic: BusTopic,
    key: Vec<u8>,
    attributes: &EventAttributes<'_>,
    payload: Vec<u8>,
) -> BusMessage {
    let mut headers = vec![
        ("ce_specversion", "1.0".to_owned()),
        ("ce_id", attributes.id.to_owned()),
        ("ce_source", format!("//{}", hub.node.settings.origin)),
        ("ce_type", topic.name().to_owned()),
        ("ce_time", time::rfc3339(attributes.at_us)),
        ("ce_partitionkey", String::from_utf8_lossy(&key).into_owned()),
        ("content-type", "application/json".to_owned()),
    ];
    headers.extend(attributes.subject.map(|subject| ("ce_subject", subject.to_owned())));
    let parent = attributes.traceparent;
    headers.extend(parent.map(|parent| ("traceparent", parent.to_owned())));
    BusMessage {
        topic,
        key,
        headers,
        payload,
    }
}

/// A received event. May hold personal data: no `Debug`.
pub struct ArrivedEvent {
    /// `ce_id`.
    pub id: String,
    /// W3C trace context, when it is one.
    pub traceparent: Option<Arc<str>>,
    /// The data.
    pub data: Value,
}

/// Why a message is no event of its topic: a code of the problem catalogue.
pub struct NoEvent(pub &'static str);

/// Reads a message as an event of `topic`.
///
/// # Errors
/// Returns an error with its reason if the message is not an event of this topic.
pub fn read(topic: BusTopic, received: &ReceivedMessage) -> Result<ArrivedEvent, NoEvent> {
    let payload = received.payload.as_deref().ok_or(NoEvent("missing_payload"))?;
    let media = received.header("content-type").unwrap_or("application/json");
    let event = if essence(media).eq_ignore_ascii_case("application/cloudevents+json") {
        structured(payload)?
    } else if is_json(media) {
        binary(received, payload)?
    } else {
        return Err(NoEvent("unsupported_media_type"));
    };
    if event.version != "1.0" {
        return Err(NoEvent("unknown_specversion"));
    }
    if event.kind != topic.name() {
        return Err(NoEvent("unknown_event_type"));
    }
    if event.id.is_empty() || event.id.len() > ATTRIBUTE_BYTES_MAX || event.id.chars().any(char::is_control) {
        return Err(NoEvent("invalid_event_id"));
    }
    Ok(ArrivedEvent {
        traceparent: received.header(trace::HEADER).and_then(trace::read),
        id: event.id,
        data: event.data,
    })
}

/// A media type without its parameters.
fn essence(media: &str) -> &str {
    media.split(';').next().unwrap_or_default().trim()
}

/// Whether data of a media type is JSON: `application/json`, `text/json`, and every type that ends in `+json` (RFC 6839).
fn is_json(media: &str) -> bool {
    let media = essence(media).to_ascii_lowercase();
    media == "application/json" || media == "text/json" || media.ends_with("+json")
}

struct HeaderWords {
    version: String,
    kind: String,
    id: String,
    data: Value,
}

fn binary(received: &ReceivedMessage, payload: &[u8]) -> Result<HeaderWords, NoEvent> {
    let attribute = |name| {
        received
            .header(name)
            .ok_or(NoEvent("missing_attribute"))
            .map(str::to_owned)
    };
    Ok(HeaderWords {
        version: attribute("ce_specversion")?,
        kind: attribute("ce_type")?,
        id: attribute("ce_id")?,
        data: json::parse(payload, JsonRules::REQUEST).map_err(|refused| NoEvent(refused.code()))?,
    })
}

fn structured(payload: &[u8]) -> Result<HeaderWords, NoEvent> {
    let mut event = json::parse(payload, JsonRules::REQUEST).map_err(|refused| NoEvent(refused.code()))?;
    let data = data_of(&mut event)?;
    let attribute = |name| {
        let value = event.get(name).and_then(Value::as_str);
        value.ok_or(NoEvent("missing_attribute")).map(str::to_owned)
    };
    Ok(HeaderWords {
        version: attribute("specversion")?,
        kind: attribute("type")?,
        id: attribute("id")?,
        data,
    })
}

/// The data of a structured event: JSON as it stands, or JSON in base64 (CloudEvents JSON format §3.1).
fn data_of(event: &mut Value) -> Result<Value, NoEvent> {
    let media = event.get("datacontenttype").and_then(Value::as_str);
    if !media.is_none_or(is_json) {
        return Err(NoEvent("unsupported_media_type"));
    }
    let data = event.get_mut("data").map(Value::take);
    match (data, event.get("data_base64")) {
        (Some(data), None) => Ok(data),
        (None, Some(Value::String(text))) => {
            let bytes = BASE64
                .decode(text.as_bytes())
                .map_err(|_malformed| NoEvent("invalid_json"))?;
            json::parse(&bytes, JsonRules::REQUEST).map_err(|refused| NoEvent(refused.code()))
        }
        // Both, or a text that is none: two readers could take either.
        (Some(_), Some(_)) | (None, Some(_)) => Err(NoEvent("invalid_value")),
        (None, None) => Err(NoEvent("missing_payload")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn received(headers: &[(&str, &str)], payload: &str) -> ReceivedMessage {
        ReceivedMessage {
            partition: 0,
            offset: 0,
            key: None,
            headers: headers
                .iter()
                .map(|(name, value)| ((*name).to_owned(), value.as_bytes().to_vec()))
                .collect(),
            payload: Some(payload.as_bytes().to_vec()),
            remade: false,
        }
    }

    const BINARY: [(&str, &str); 3] = [("ce_specversion", "1.0"), ("ce_type", "heyan.feed.v1"), ("ce_id", "1")];

    #[test]
    fn both_modes_say_the_same() {
        let one = read(BusTopic::Feed, &received(&BINARY, r#"{"a":1}"#)).ok().unwrap();
        let body = r#"{"specversion":"1.0","type":"heyan.feed.v1","id":"1","source":"x","data":{"a":1}}"#;
        let headers = [("content-type", "application/cloudevents+json; charset=utf-8")];
        let other = read(BusTopic::Feed, &received(&headers, body)).ok().unwrap();
        assert_eq!((one.id, one.data), (other.id, other.data));
    }

    #[test]
    fn data_in_base64_and_other_media_types_of_json_are_read() {
        let base64 = r#"{"specversion":"1.0","type":"heyan.feed.v1","id":"1","datacontenttype":"application/vnd.gov+json","data_base64":"eyJhIjoxfQ=="}"#;
        let headers = [("content-type", "application/cloudevents+json")];
        let arrived = read(BusTopic::Feed, &received(&headers, base64)).ok().unwrap();
        assert_eq!(arrived.data["a"], 1);
        for media in [
            "application/vnd.gov+json; charset=utf-8",
            "text/json",
            "Application/JSON",
        ] {
            let headers = [BINARY.to_vec(), vec![("content-type", media)]].concat();
            assert_eq!(
                read(BusTopic::Feed, &received(&headers, r#"{"a":1}"#))
                    .ok()
                    .unwrap()
                    .data["a"],
                1,
                "{media}"
            );
        }
        for (members, code) in [
            (r#""data":{},"data_base64":"e30=""#, "invalid_value"),
            (r#""data_base64":7"#, "invalid_value"),
            (r#""data_base64":"e3""#, "invalid_json"),
            (r#""data_base64":"e3sK""#, "invalid_json"),
            (
                r#""data_base64":"e30=","datacontenttype":"text/xml""#,
                "unsupported_media_type",
            ),
            (r#""source":"x""#, "missing_payload"),
        ] {
            let body = format!(r#"{{"specversion":"1.0","type":"heyan.feed.v1","id":"1",{members}}}"#);
            let refused = read(BusTopic::Feed, &received(&headers, &body)).err().unwrap();
            assert_eq!(refused.0, code, "{members}");
        }
    }

    #[test]
    fn what_is_no_event_of_the_topic_is_named() {
        let without = |name: &str| -> Vec<(&str, &str)> {
            BINARY.iter().filter(|(header, _)| *header != name).copied().collect()
        };
        let with = |name, value| -> Vec<(&str, &str)> { [without(name), vec![(name, value)]].concat() };
        for (headers, payload, code) in [
            (without("ce_id"), "{}", "missing_attribute"),
            (with("ce_type", "heyan.mismatch.v1"), "{}", "unknown_event_type"),
            (with("ce_specversion", "0.3"), "{}", "unknown_specversion"),
            (with("ce_id", ""), "{}", "invalid_event_id"),
            (with("content-type", "text/plain"), "{}", "unsupported_media_type"),
            (BINARY.to_vec(), "{", "invalid_json"),
            (BINARY.to_vec(), r#"{"a":1,"a":2}"#, "duplicate_member"),
            (BINARY.to_vec(), "\u{feff}{}", "invalid_json"),
        ] {
            let refused = read(BusTopic::Feed, &received(&headers, payload)).err().unwrap();
            assert_eq!(refused.0, code, "{payload} {headers:?}");
        }
    }
}
