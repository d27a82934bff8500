//! `[kafka]`: where the brokers are, how they are reached, and what comes in from them.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::unsafe_setting::{UnsafeSetting, between};

/// Apache Kafka.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KafkaSettings {
    /// `host:port`, comma separated; empty: none, and the bus is inside the process.
    pub brokers: String,
    /// Group of the nodes that share the inbound topics.
    pub group_id: String,
    /// Before every topic's name.
    pub topic_prefix: String,
    /// `plaintext` or `tls`.
    pub security: String,
    /// Authorities that are trusted.
    pub ca_file: PathBuf,
    /// Client certificate.
    pub certificate_file: PathBuf,
    /// Its key.
    pub key_file: PathBuf,
    /// `scram-sha-256` or `scram-sha-512`.
    pub sasl_mechanism: String,
    /// User of SASL.
    pub sasl_username: String,
    /// File with its password.
    pub sasl_password_file: PathBuf,
    /// Make missing topics.
    pub create_topics: bool,
    /// Partitions of a made topic.
    pub partitions: i32,
    /// Copies of each.
    pub replicas: i32,
    /// Copies that confirm.
    pub min_insync_replicas: i32,
    /// Until a message is confirmed.
    pub message_timeout_ms: u64,
    /// That a message waits for others.
    pub linger_ms: u64,
    /// Waiting to be sent.
    pub send_queue_kib_max: u64,
    /// Fetched ahead.
    pub fetch_queue_kib_max: u64,
    /// The feed.
    pub feed: KafkaFeed,
    /// Requests for verifications.
    pub requests: KafkaRequests,
}

/// The feed.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KafkaFeed {
    /// Client in whose name records come in; empty: none come in.
    pub agency: String,
    /// Messages of one commit.
    pub batch_messages_max: usize,
    /// Keys that are remembered behind a message that could not be taken in.
    pub parked_keys_max: usize,
}

/// Requests for verifications.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KafkaRequests {
    /// Whether they are answered.
    pub enabled: bool,
    /// Items of one request.
    pub items_max: usize,
}

impl KafkaSettings {
    /// Whether there are brokers.
    pub fn is_configured(&self) -> bool {
        !self.brokers.is_empty()
    }

    /// Whether TLS is asked for.
    pub fn wants_tls(&self) -> bool {
        self.security == "tls"
    }
}

/// Whether every broker is on this machine.
fn is_loopback(brokers: &str) -> bool {
    brokers.split(',').all(|broker| {
        let host = broker.trim().rsplit_once(':').map_or(broker, |(host, _)| host);
        let host = host.trim_start_matches('[').trim_end_matches(']');
        host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback())
    })
}

/// What the section may not say.
pub(super) fn check(kafka: &KafkaSettings, found: &mut Vec<UnsafeSetting>) {
    let mut refuse = |wrong: bool, key: &'static str, remedy: &str| {
        if wrong {
            found.push(UnsafeSetting {
                key,
                remedy: remedy.to_owned(),
            });
        }
    };
    let plain = |text: &str| {
        text.bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b".-_".contains(&byte))
    };
    refuse(
        !matches!(kafka.security.as_str(), "plaintext" | "tls"),
        "kafka.security",
        "must be plaintext or tls",
    );
    refuse(
        kafka.is_configured() && !kafka.wants_tls() && !is_loopback(&kafka.brokers),
        "kafka.security",
        "must be tls for brokers on other machines: messages contain who asked about whom",
    );
    refuse(
        kafka.wants_tls() && !cfg!(feature = "kafka-tls"),
        "kafka.security",
        "this program was built without TLS for Kafka: build it with `--features kafka-tls`, as deploy/ does",
    );
    refuse(
        !kafka.sasl_username.is_empty() && !kafka.wants_tls(),
        "kafka.sasl_username",
        "needs kafka.security = \"tls\": a password is never sent unencrypted",
    );
    refuse(
        kafka.sasl_username.is_empty() != kafka.sasl_password_file.as_os_str().is_empty(),
        "kafka.sasl_password_file",
        "must be set together with kafka.sasl_username",
    );
    refuse(
        !matches!(kafka.sasl_mechanism.as_str(), "scram-sha-256" | "scram-sha-512"),
        "kafka.sasl_mechanism",
        "must be scram-sha-256 or scram-sha-512",
    );
    refuse(
        kafka.certificate_file.as_os_str().is_empty() != kafka.key_file.as_os_str().is_empty(),
        "kafka.key_file",
        "must be set together with kafka.certificate_file",
    );
    refuse(
        kafka.group_id.is_empty() || !plain(&kafka.group_id) || !plain(&kafka.topic_prefix),
        "kafka.group_id",
        "must be a name of letters, digits, dots, dashes and underscores, and so must kafka.topic_prefix",
    );
    refuse(
        kafka.min_insync_replicas > kafka.replicas,
        "kafka.min_insync_replicas",
        "must not be greater than kafka.replicas: no message would ever be confirmed",
    );
    limits(kafka, found);
}

fn limits(kafka: &KafkaSettings, found: &mut Vec<UnsafeSetting>) {
    let as_u64 = |number: usize| u64::try_from(number).unwrap_or(u64::MAX);
    let signed = |number: i32| u64::try_from(number).unwrap_or_default();
    between(
        found,
        &[
            ("kafka.partitions", signed(kafka.partitions), 1, 1_024),
            ("kafka.replicas", signed(kafka.replicas), 1, 15),
            ("kafka.min_insync_replicas", signed(kafka.min_insync_replicas), 1, 15),
            ("kafka.message_timeout_ms", kafka.message_timeout_ms, 1_000, 900_000),
            ("kafka.linger_ms", kafka.linger_ms, 0, 1_000),
            ("kafka.send_queue_kib_max", kafka.send_queue_kib_max, 1_024, 2_097_151),
            ("kafka.fetch_queue_kib_max", kafka.fetch_queue_kib_max, 1_024, 2_097_151),
            // One commit takes no more.
            (
                "kafka.feed.batch_messages_max",
                as_u64(kafka.feed.batch_messages_max),
                1,
                3_000,
            ),
            (
                "kafka.feed.parked_keys_max",
                as_u64(kafka.feed.parked_keys_max),
                1,
                1_000_000,
            ),
            ("kafka.requests.items_max", as_u64(kafka.requests.items_max), 1, 1_000),
        ],
    );
}
