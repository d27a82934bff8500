//! CloudEvents 1.0 on Kafka: binary mode out (attributes are headers, the body is the data); binary or structured mode in.
//! `ce_id` stays the same however often a message is sent: it is what a reader tells repeats apart by.

use serde_json::Value;

use crate::node::hub::Hub;
use heyan_domain::json::{self, JsonRules};
use heyan_ports::bus::{BusMessage, BusTopic, ReceivedMessage};
use heyan_ports::time;

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
    pub traceparent: Option<String>,
    /// The data.
    pub data: Value,
}

/// Why a message is no event of its topic: a code of the problem catalogue.
pub struct NoEvent(pub &'static str);

/// Reads a message as an event of `topic`.
///
/// # Errors
/// It is none.
pub fn read(topic: BusTopic, received: &ReceivedMessage) -> Result<ArrivedEvent, NoEvent> {
    let payload = received.payload.as_deref().ok_or(NoEvent("missing_payload"))?;
    let media = received.header("content-type").unwrap_or("application/json");
    let media = media.split(';').next().unwrap_or_default().trim();
    let event = if media.eq_ignore_ascii_case("application/cloudevents+json") {
        structured(payload)?
    } else if media.eq_ignore_ascii_case("application/json") {
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
        traceparent: received
            .header("traceparent")
            .filter(|parent| is_traceparent(parent))
            .map(str::to_owned),
        id: event.id,
        data: event.data,
    })
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
    let data = event
        .get_mut("data")
        .map(Value::take)
        .ok_or(NoEvent("missing_payload"))?;
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

/// Whether a text is a `traceparent` of version 00 (W3C Trace Context): nothing else goes on to others.
pub fn is_traceparent(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    let hex = |text: &str, length: usize| {
        text.len() == length && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
    };
    matches!(parts.as_slice(), ["00", trace, span, flags] if hex(trace, 32) && hex(span, 16) && hex(flags, 2))
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

    #[test]
    fn only_a_trace_context_is_passed_on() {
        assert!(is_traceparent(
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
        ));
        assert!(!is_traceparent(
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-王"
        ));
        assert!(!is_traceparent("11010519491231002X"));
    }
}
