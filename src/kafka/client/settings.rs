//! How the client library is set: what must hold is fixed here, what may differ comes from the settings.

use std::path::PathBuf;

use rdkafka::{ClientConfig, config::RDKafkaLogLevel};

/// Kafka as the settings want it. Holds a password: no `Debug`.
#[derive(Clone)]
pub struct KafkaConfig {
    /// `host:port`, comma separated.
    pub brokers: String,
    /// Name of this client in the brokers' logs and quotas.
    pub client_id: String,
    /// Name of the group whose members share the inbound topics.
    pub group_id: String,
    /// Before every topic's name.
    pub topic_prefix: String,
    /// How connections are protected.
    pub security: ConnectionSecurity,
    /// Longest time until a message is confirmed, milliseconds.
    pub message_timeout_ms: u64,
    /// Longest time that a message waits for others, milliseconds.
    pub linger_ms: u64,
    /// Bytes that wait to be sent.
    pub queue_kib_max: u64,
    /// Bytes that are fetched ahead.
    pub fetch_kib_max: u64,
    /// Whether topics that are missing are made.
    pub topics: MissingTopics,
    /// Whether the feed is read.
    pub reads_feed: bool,
    /// Whether requests are answered.
    pub reads_requests: bool,
}

/// What is done about topics that are missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MissingTopics {
    /// They are made so.
    Made {
        /// Partitions of each.
        partitions: i32,
        /// Copies of each partition.
        replicas: i32,
        /// Copies that must have a message before it is confirmed.
        in_sync_min: i32,
    },
    /// They are missed, loudly.
    Expected,
}

/// How connections are protected.
#[derive(Clone)]
pub enum ConnectionSecurity {
    /// Not at all: for loopback.
    Plaintext,
    /// TLS, with a client certificate where one is named, and with SASL where a user is named.
    Tls {
        /// Authorities that are trusted, PEM; empty: the system's.
        ca_file: PathBuf,
        /// Client certificate, PEM; empty: none.
        certificate_file: PathBuf,
        /// Its key, PEM.
        key_file: PathBuf,
        /// SASL/SCRAM.
        scram: Option<ScramLogin>,
    },
}

/// SASL/SCRAM.
#[derive(Clone)]
pub struct ScramLogin {
    /// `SCRAM-SHA-256` or `SCRAM-SHA-512`.
    pub mechanism: String,
    /// Who.
    pub username: String,
    /// From its file.
    pub password: String,
}

/// Largest message that is sent: a dead letter holds a message of the brokers' default limit, sealed and in base64.
pub(super) const MESSAGE_BYTES_MAX: u32 = 2_097_152;

/// How often the library tells how it is.
const STATISTICS_MS: u32 = 2_000;

impl KafkaConfig {
    fn common(&self) -> ClientConfig {
        let mut client = ClientConfig::new();
        client
            .set("bootstrap.servers", &self.brokers)
            .set("client.id", &self.client_id)
            .set("statistics.interval.ms", STATISTICS_MS.to_string())
            .set("topic.metadata.refresh.interval.ms", "30000")
            .set("reconnect.backoff.max.ms", "2000")
            .set("socket.keepalive.enable", "true")
            // How a connection ended tells who refused what; `health` says which of it is told.
            .set("log.connection.close", "true")
            .set_log_level(RDKafkaLogLevel::Info);
        match &self.security {
            ConnectionSecurity::Plaintext => {
                client.set("security.protocol", "plaintext");
            }
            ConnectionSecurity::Tls {
                ca_file,
                certificate_file,
                key_file,
                scram,
            } => {
                client.set("security.protocol", if scram.is_some() { "sasl_ssl" } else { "ssl" });
                client.set("enable.ssl.certificate.verification", "true");
                client.set("ssl.endpoint.identification.algorithm", "https");
                for (name, file) in [
                    ("ssl.ca.location", ca_file),
                    ("ssl.certificate.location", certificate_file),
                    ("ssl.key.location", key_file),
                ] {
                    if !file.as_os_str().is_empty() {
                        client.set(name, file.to_string_lossy());
                    }
                }
                if let Some(scram) = scram {
                    client
                        .set("sasl.mechanisms", &scram.mechanism)
                        .set("sasl.username", &scram.username)
                        .set("sasl.password", &scram.password);
                }
            }
        }
        client
    }

    /// For the administrator's calls.
    pub(super) fn admin(&self) -> ClientConfig {
        self.common()
    }

    /// A producer whose messages are confirmed by all copies in sync, once and in order for each partition.
    pub(super) fn producer(&self) -> ClientConfig {
        let mut client = self.common();
        client
            .set("enable.idempotence", "true")
            .set("acks", "all")
            .set("compression.type", "zstd")
            .set("linger.ms", self.linger_ms.to_string())
            .set("message.timeout.ms", self.message_timeout_ms.to_string())
            .set("message.max.bytes", MESSAGE_BYTES_MAX.to_string())
            .set("queue.buffering.max.kbytes", self.queue_kib_max.to_string())
            .set("queue.buffering.max.messages", "100000");
        client
    }

    /// A consumer that commits nothing by itself. `name` tells the groups of topics apart.
    pub(super) fn consumer(&self, name: &str) -> ClientConfig {
        let mut client = self.common();
        client
            .set("group.id", format!("{}.{name}", self.group_id))
            .set("enable.auto.commit", "false")
            .set("enable.auto.offset.store", "false")
            .set("auto.offset.reset", "earliest")
            .set("isolation.level", "read_committed")
            .set("partition.assignment.strategy", "cooperative-sticky")
            .set("allow.auto.create.topics", "false")
            .set("enable.partition.eof", "false")
            .set("fetch.wait.max.ms", "100")
            .set("queued.max.messages.kbytes", self.fetch_kib_max.to_string())
            .set("session.timeout.ms", "10000")
            .set("max.poll.interval.ms", "300000");
        client
    }
}
