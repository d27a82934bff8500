//! How the connections are, as far as the client library tells. It says on every try why one failed, and so does each of its clients,
//! many times a second: here a reason is told once, in words of the settings, until that broker is reached again. It is told
//! before the library's own "all brokers are down", which never says why.

use std::{
    collections::HashSet,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use rdkafka::{
    config::RDKafkaLogLevel,
    error::{KafkaError, RDKafkaErrorCode},
};

/// Reasons that are remembered; with more, all are told anew.
const TOLD_MAX: usize = 256;

/// What the library's words mean for who wrote the settings. The first one that fits is told.
const HINTS: [(&str, &str); 8] = [
    (
        "certificate verify failed",
        "the broker's certificate is of no authority in kafka.ca_file, is not valid at this time, or is for another name than the one that is connected to",
    ),
    (
        "SSL alert number",
        "the broker wants a client certificate, or refuses ours: kafka.certificate_file",
    ),
    (
        "in state SSL_HANDSHAKE",
        "TLS was not agreed on: kafka.brokers may name a listener without TLS",
    ),
    (
        "SaslAuthenticateRequest failed: Local",
        "the connection broke while the user was proven",
    ),
    (
        "SASL authentication error",
        "the broker refuses kafka.sasl_username with this password and kafka.sasl_mechanism",
    ),
    ("SASL", "the broker may have no such mechanism: kafka.sasl_mechanism"),
    (
        "in state APIVERSION_QUERY",
        "this may be no broker, or a listener with TLS: kafka.security",
    ),
    (
        "Disconnected",
        "the broker ended the connection: it stopped, or it wants a user (kafka.sasl_username)",
    ),
];

/// How the connections are.
#[derive(Default)]
pub(super) struct ConnectionHealth {
    is_connected: AtomicBool,
    has_topics: AtomicBool,
    /// Where and why, as it was told.
    told: Mutex<HashSet<(String, String)>>,
}

impl ConnectionHealth {
    /// Whether the topics are there.
    pub(super) fn has_topics(&self) -> bool {
        self.has_topics.load(Ordering::Acquire)
    }

    /// The topics are there.
    pub(super) fn found_topics(&self) {
        self.is_connected.store(true, Ordering::Release);
        self.has_topics.store(true, Ordering::Release);
        tracing::info!("Kafka is reached, and every topic is there");
    }

    /// Whether a broker is reached.
    pub(super) fn is_connected(&self) -> bool {
        self.is_connected.load(Ordering::Acquire)
    }

    /// Some broker is reached, or none is; a change is told.
    pub(super) fn connected(&self, is_up: bool) {
        let was_up = self.is_connected.swap(is_up, Ordering::AcqRel);
        if is_up && !was_up {
            // Errors that named no broker.
            self.forget(str::is_empty);
        }
        match (was_up, is_up) {
            (true, false) => tracing::warn!("no broker of Kafka can be reached; what is to be published waits"),
            // Before the topics were seen, a broker may have shaken hands that refuses everything else.
            (false, true) if self.has_topics() => tracing::info!("Kafka is reached"),
            _ => {}
        }
    }

    /// This broker (`host:port`) is reached: what it fails with from now on is told anew.
    pub(super) fn reached(&self, broker: &str) {
        self.forget(|place| place == broker);
    }

    /// What goes to this topic is taken.
    pub(super) fn taken(&self, topic: &str) {
        self.forget(|place| place == topic);
    }

    /// An error that the library, or a poll, gave.
    pub(super) fn failed(&self, error: &KafkaError) {
        match error.rdkafka_error_code() {
            Some(RDKafkaErrorCode::AllBrokersDown) => self.connected(false),
            // Its line of the log says more.
            Some(
                RDKafkaErrorCode::BrokerTransportFailure
                | RDKafkaErrorCode::Resolve
                | RDKafkaErrorCode::SSL
                | RDKafkaErrorCode::Authentication,
            ) => tracing::debug!(error = %error, "Kafka"),
            _ => {
                if self.is_new("", &error.to_string()) {
                    tracing::warn!(error = %error, "Kafka gives an error");
                }
            }
        }
    }

    /// The bus will never take what goes to this topic, as long as things are as they are.
    pub(super) fn refused(&self, topic: &str, why: &str) {
        if self.is_new(topic, why) {
            tracing::warn!(topic, why, "Kafka refuses a message; it is tried again");
        }
    }

    /// A line of the library's log; it names brokers and topics, never a message or a secret.
    pub(super) fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        match level {
            RDKafkaLogLevel::Debug => tracing::debug!(facility, "librdkafka: {message}"),
            _ if facility == "FAIL" => self.connection_failed(message),
            // Of what is tried again by itself; what is not comes as an error too.
            RDKafkaLogLevel::Warning | RDKafkaLogLevel::Notice | RDKafkaLogLevel::Info => {
                tracing::debug!(facility, "librdkafka: {message}");
            }
            RDKafkaLogLevel::Error => tracing::warn!(facility, "librdkafka: {message}"),
            _ => tracing::error!(facility, "librdkafka: {message}"),
        }
    }

    fn connection_failed(&self, message: &str) {
        let (broker, reason) = parts(message);
        let hint = hint(message);
        // Of one failure the library tells twice, in other words.
        if self.is_new(broker, hint.unwrap_or(reason)) {
            let hint = hint.unwrap_or_default();
            tracing::warn!(broker, reason, hint, "a connection to Kafka failed; it is tried again");
        }
    }

    fn is_new(&self, place: &str, why: &str) -> bool {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        if told.len() >= TOLD_MAX {
            told.clear();
        }
        told.insert((place.to_owned(), why.to_owned()))
    }

    fn forget(&self, is_over: impl Fn(&str) -> bool) {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        told.retain(|(place, _)| !is_over(place));
    }
}

/// `host:port` and reason of `[thrd:…]: ssl://host:port/1: reason (after 5ms in state CONNECT)`.
fn parts(message: &str) -> (&str, &str) {
    let message = match message.strip_prefix("[thrd:") {
        Some(rest) => rest.split_once("]: ").map_or(message, |(_thread, said)| said),
        None => message,
    };
    // The broker of a group has a connection of its own, under this name.
    let message = message.strip_prefix("GroupCoordinator: ").unwrap_or(message);
    let (broker, reason) = message.split_once(": ").unwrap_or(("", message));
    let reason = reason.rsplit_once(" (after ").map_or(reason, |(reason, _)| reason);
    (address(broker), reason)
}

/// `host:port` of `ssl://host:port/1`.
pub(super) fn address(broker: &str) -> &str {
    let broker = broker.split_once("://").map_or(broker, |(_protocol, rest)| rest);
    broker.split_once('/').map_or(broker, |(address, _id)| address)
}

fn hint(message: &str) -> Option<&'static str> {
    let fits = HINTS.iter().find(|(words, _)| message.contains(words));
    fits.map(|(_, hint)| *hint)
}

#[cfg(test)]
mod tests {
    use crate::client::health::*;

    const REFUSED: &str = "[thrd:ssl://[::1]:9093/bootstrap]: ssl://[::1]:9093/bootstrap: SSL handshake failed: \
        error:0A000086:SSL routines::certificate verify failed: broker certificate could not be verified, verify that \
        ssl.ca.location is correctly configured (after 5ms in state SSL_HANDSHAKE, 3 identical error(s) suppressed)";

    #[test]
    fn a_failure_is_told_with_its_broker_and_without_what_differs_on_each_try() {
        let (broker, reason) = parts(REFUSED);
        assert_eq!(broker, "[::1]:9093");
        assert!(reason.starts_with("SSL handshake failed") && reason.ends_with("correctly configured"));
        assert!(hint(REFUSED).is_some_and(|hint| hint.contains("kafka.ca_file")));
        let (broker, reason) = parts("GroupCoordinator: kafka-1:9092: Disconnected (after 3ms in state UP)");
        assert_eq!((broker, reason), ("kafka-1:9092", "Disconnected"));
        assert_eq!(parts("no broker"), ("", "no broker"));
    }

    #[test]
    fn a_reason_is_told_once_until_its_broker_is_reached_again() {
        let health = ConnectionHealth::default();
        assert!(health.is_new("a:1", "refused"));
        assert!(!health.is_new("a:1", "refused"));
        assert!(health.is_new("a:1", "another") && health.is_new("b:1", "refused"));
        health.reached(address("sasl_ssl://a:1/7"));
        assert!(health.is_new("a:1", "refused") && !health.is_new("b:1", "refused"));
    }
}
