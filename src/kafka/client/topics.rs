//! The topics: made where they are missing and the settings say so, and missed loudly otherwise. Until they are there nothing is
//! sent and nothing read; a broker that is dead is waited for.

use std::{sync::Arc, time::Duration};

use rdkafka::{
    admin::{AdminClient, AdminOptions, NewTopic, TopicReplication},
    client::DefaultClientContext,
    error::{KafkaError, RDKafkaErrorCode},
};

use super::{
    health::ConnectionHealth,
    settings::{KafkaConfig, MESSAGE_BYTES_MAX, MissingTopics},
};
use heyan_ports::bus::BusTopic;

/// Between two tries, and longest wait for one.
const AGAIN: Duration = Duration::from_secs(1);
const PATIENCE: Duration = Duration::from_secs(10);

/// A topic's name in the cluster.
pub(super) fn name(config: &KafkaConfig, topic: BusTopic) -> String {
    format!("{}{}", config.topic_prefix, topic.name())
}

/// Sees to it that every topic is there, however long that takes.
pub(super) async fn ensure(config: KafkaConfig, health: Arc<ConnectionHealth>) {
    let mut said = String::new();
    loop {
        match once(&config).await {
            Ok(()) => {
                health.found_topics();
                return;
            }
            Err(reason) if reason != said => {
                tracing::warn!(
                    reason,
                    "the topics of Kafka are not there yet; they are looked for again"
                );
                said = reason;
            }
            Err(_) => {}
        }
        tokio::time::sleep(AGAIN).await;
    }
}

async fn once(config: &KafkaConfig) -> Result<(), String> {
    let admin: AdminClient<DefaultClientContext> = config.admin().create().map_err(text)?;
    let admin = Arc::new(admin);
    let missing = missing(config, &admin).await?;
    let MissingTopics::Made {
        partitions,
        replicas,
        in_sync_min,
    } = config.topics
    else {
        return match missing.is_empty() {
            true => Ok(()),
            false => {
                let names: Vec<String> = missing.into_iter().map(|topic| name(config, topic)).collect();
                Err(format!(
                    "missing: {}; make them, or set kafka.create_topics",
                    names.join(", ")
                ))
            }
        };
    };
    if missing.is_empty() {
        return Ok(());
    }
    let names: Vec<(BusTopic, String)> = missing.iter().map(|topic| (*topic, name(config, *topic))).collect();
    let (in_sync, bytes) = (in_sync_min.to_string(), MESSAGE_BYTES_MAX.to_string());
    let new: Vec<NewTopic<'_>> = names
        .iter()
        .map(|(topic, name)| {
            let new = NewTopic::new(name, partitions, TopicReplication::Fixed(replicas))
                .set("min.insync.replicas", &in_sync)
                .set("unclean.leader.election.enable", "false");
            let new = match topic.is_compacted() {
                true => new.set("cleanup.policy", "compact"),
                false => new,
            };
            match topic {
                // They hold a message that came in, and more.
                BusTopic::DeadLetter | BusTopic::VerifyResult => new.set("max.message.bytes", &bytes),
                _ => new,
            }
        })
        .collect();
    let options = AdminOptions::new()
        .request_timeout(Some(PATIENCE))
        .operation_timeout(Some(PATIENCE));
    for made in admin.create_topics(&new, &options).await.map_err(text)? {
        match made {
            Ok(_) | Err((_, RDKafkaErrorCode::TopicAlreadyExists)) => {}
            Err((topic, code)) => return Err(format!("{topic} cannot be made: {code}")),
        }
    }
    Ok(())
}

/// Topics of which the cluster knows nothing.
async fn missing(
    config: &KafkaConfig,
    admin: &Arc<AdminClient<DefaultClientContext>>,
) -> Result<Vec<BusTopic>, String> {
    let of_thread = Arc::clone(admin);
    let asked = tokio::task::spawn_blocking(move || of_thread.inner().fetch_metadata(None, PATIENCE)).await;
    let known = asked.map_err(|_ended| "stopped".to_owned())?.map_err(text)?;
    let is_known = |topic: &BusTopic| {
        let name = name(config, *topic);
        let found = known.topics().iter().find(|known| known.name() == name);
        found.is_some_and(|found| found.error().is_none() && !found.partitions().is_empty())
    };
    Ok(BusTopic::ALL.into_iter().filter(|topic| !is_known(topic)).collect())
}

fn text(error: KafkaError) -> String {
    error.to_string()
}
