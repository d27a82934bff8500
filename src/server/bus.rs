//! Makes the bus from the settings: Kafka where there are brokers, and the one inside the process otherwise.

use std::{fs::File, sync::Arc};

use anyhow::Context as _;

use super::outward;
use crate::worker::BusWork;
use heyan_app::bus::feed::FeedSettings;
use heyan_config::Config;
use heyan_http::problems::HttpProblems;
use heyan_kafka::{
    client::{ConnectionSecurity, KafkaBus, KafkaConfig, MissingTopics, ScramLogin},
    local::LocalBus,
};
use heyan_ports::bus::Bus;

/// The bus of the settings. Called within the runtime that it shall use.
pub(super) fn bus(config: &Config) -> anyhow::Result<Arc<dyn Bus>> {
    let kafka = &config.kafka;
    if !kafka.is_configured() {
        return Ok(Arc::new(LocalBus::default()));
    }
    let settings = KafkaConfig {
        brokers: kafka.brokers.clone(),
        client_id: config.node.origin.clone(),
        group_id: kafka.group_id.clone(),
        topic_prefix: kafka.topic_prefix.clone(),
        security: security(config)?,
        message_timeout_ms: kafka.message_timeout_ms,
        linger_ms: kafka.linger_ms,
        queue_kib_max: kafka.send_queue_kib_max,
        fetch_kib_max: kafka.fetch_queue_kib_max,
        topics: match kafka.create_topics {
            true => MissingTopics::Made {
                partitions: kafka.partitions,
                replicas: kafka.replicas,
                in_sync_min: kafka.min_insync_replicas,
            },
            false => MissingTopics::Expected,
        },
        reads_feed: !kafka.feed.agency.is_empty(),
        reads_requests: kafka.requests.enabled,
    };
    Ok(Arc::new(
        KafkaBus::new(settings).context("invalid [kafka] in the settings")?,
    ))
}

/// Refuses files that a client of Kafka could not read.
pub(super) fn check(config: &Config) -> anyhow::Result<()> {
    match config.kafka.is_configured() {
        true => security(config).map(drop),
        false => Ok(()),
    }
}

/// What comes in over the bus.
pub(super) fn work(config: &Config) -> BusWork {
    let kafka = &config.kafka;
    let feed = Some(&kafka.feed).filter(|feed| !feed.agency.is_empty());
    BusWork {
        feed: feed.map(|feed| FeedSettings {
            agency: feed.agency.clone(),
            batch_messages_max: feed.batch_messages_max,
            parked_keys_max: feed.parked_keys_max,
        }),
        requests: kafka
            .requests
            .enabled
            .then(|| (Arc::new(HttpProblems) as _, kafka.requests.items_max)),
    }
}

fn security(config: &Config) -> anyhow::Result<ConnectionSecurity> {
    let kafka = &config.kafka;
    if !kafka.wants_tls() {
        return Ok(ConnectionSecurity::Plaintext);
    }
    for (key, file) in [
        ("ca_file", &kafka.ca_file),
        ("certificate_file", &kafka.certificate_file),
        ("key_file", &kafka.key_file),
    ] {
        // The client library says neither which file it could not read nor why.
        if !file.as_os_str().is_empty() {
            File::open(file).with_context(|| format!("kafka.{key}: cannot read {}", file.display()))?;
        }
    }
    let scram = match kafka.sasl_username.as_str() {
        "" => None,
        username => {
            let file = &kafka.sasl_password_file;
            let files = outward::secret_files(config)?;
            let password = files
                .read(file)
                .with_context(|| format!("kafka.sasl_password_file: cannot read {}", file.display()))?;
            Some(ScramLogin {
                mechanism: kafka.sasl_mechanism.to_uppercase(),
                username: username.to_owned(),
                password: password.trim_end_matches(['\r', '\n']).to_owned(),
            })
        }
    };
    Ok(ConnectionSecurity::Tls {
        ca_file: kafka.ca_file.clone(),
        certificate_file: kafka.certificate_file.clone(),
        key_file: kafka.key_file.clone(),
        scram,
    })
}
