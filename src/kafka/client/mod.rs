//! Apache Kafka behind the port. A delivery report decides whether a message was published; nothing else does, `flush` neither.
//! A broker that is dead costs nobody a verification: what is published waits in the store or the ledger.

mod consumer;
mod health;
mod settings;
mod topics;

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use arc_swap::ArcSwap;
use async_trait::async_trait;
use rdkafka::{
    ClientContext, Statistics,
    config::RDKafkaLogLevel,
    error::{KafkaError, RDKafkaErrorCode},
    message::{Header, OwnedHeaders},
    producer::{FutureProducer, FutureRecord, Producer as _, future_producer::DeliveryFuture},
};

use self::{consumer::ConsumerHandle, health::ConnectionHealth};
use heyan_ports::bus::{Bus, BusFault, BusMessage, BusState, BusTopic, PolledMessages, StartAt};
pub use settings::{ConnectionSecurity, KafkaConfig, MissingTopics, ScramLogin};

/// Between two tries to hand over a message while the producer's queue is full.
const QUEUE_FULL_WAIT: Duration = Duration::from_millis(5);

/// Longest waits at the end.
const FLUSH: Duration = Duration::from_secs(3);
const CONSUMER_STOP: Duration = Duration::from_secs(3);

type KafkaClient = FutureProducer<ClientEvents>;

/// Kafka.
pub struct KafkaBus {
    config: KafkaConfig,
    producer: ArcSwap<KafkaClient>,
    consumers: Mutex<HashMap<BusTopic, Arc<ConsumerHandle>>>,
    starts: Mutex<HashMap<BusTopic, Arc<dyn StartAt>>>,
    health: Arc<ConnectionHealth>,
    ensuring: Mutex<Option<tokio::task::JoinHandle<()>>>,
}

/// Why there is no bus.
#[derive(Debug, thiserror::Error)]
#[error("Kafka cannot be used")]
pub struct KafkaSetupError(#[from] KafkaError);

impl KafkaBus {
    /// A bus of these settings. It connects by itself, now or later: a broker that is dead is no error.
    ///
    /// # Errors
    /// The library refuses the settings.
    pub fn new(config: KafkaConfig) -> Result<Self, KafkaSetupError> {
        let health = Arc::new(ConnectionHealth::default());
        let producer = producer(&config, &health)?;
        let ensuring = tokio::spawn(topics::ensure(config.clone(), Arc::clone(&health)));
        Ok(Self {
            config,
            producer: ArcSwap::from_pointee(producer),
            consumers: Mutex::default(),
            starts: Mutex::default(),
            health,
            ensuring: Mutex::new(Some(ensuring)),
        })
    }

    fn consumer(&self, topic: BusTopic) -> Option<Arc<ConsumerHandle>> {
        let consumers = self.consumers.lock().unwrap_or_else(PoisonError::into_inner);
        consumers.get(&topic).map(Arc::clone)
    }

    /// Hands one message to the library; while its queue is full this waits, and so does who publishes.
    async fn hand_over(&self, producer: &KafkaClient, message: &BusMessage) -> Result<DeliveryFuture, BusFault> {
        let topic = topics::name(&self.config, message.topic);
        let mut headers = OwnedHeaders::new_with_capacity(message.headers.len());
        for (key, value) in &message.headers {
            headers = headers.insert(Header {
                key,
                value: Some(value),
            });
        }
        let mut record = FutureRecord::to(&topic)
            .key(&message.key)
            .payload(&message.payload)
            .headers(headers);
        let begun = now();
        let patience = Duration::from_millis(self.config.message_timeout_ms);
        loop {
            match producer.send_result(record) {
                Ok(report) => return Ok(report),
                Err((error, back))
                    if error.rdkafka_error_code() == Some(RDKafkaErrorCode::QueueFull)
                        && begun.elapsed() < patience =>
                {
                    record = back;
                    tokio::time::sleep(QUEUE_FULL_WAIT).await;
                }
                Err((error, _)) => return Err(fault_of(&error)),
            }
        }
    }

    /// After a fatal error a producer takes nothing more: another one takes its place.
    fn replace_if_dead(&self, dead: &Arc<KafkaClient>) {
        if dead.client().fatal_error().is_none() {
            return;
        }
        match producer(&self.config, &self.health) {
            Ok(new) => {
                tracing::error!("the producer of Kafka had a fatal error; another one takes its place");
                self.producer.compare_and_swap(dead, Arc::new(new));
            }
            Err(error) => tracing::error!(error = %error, "no producer of Kafka can be made"),
        }
    }
}

fn producer(config: &KafkaConfig, health: &Arc<ConnectionHealth>) -> Result<KafkaClient, KafkaError> {
    config.producer().create_with_context(ClientEvents(Arc::clone(health)))
}

/// Waits are measured; nothing is decided by them but how long to be patient.
fn now() -> Instant {
    Instant::now()
}

fn fault_of(error: &KafkaError) -> BusFault {
    match error.rdkafka_error_code() {
        Some(RDKafkaErrorCode::MessageSizeTooLarge | RDKafkaErrorCode::InvalidMessageSize) => BusFault::TooLarge,
        Some(
            code @ (RDKafkaErrorCode::TopicAuthorizationFailed
            | RDKafkaErrorCode::ClusterAuthorizationFailed
            | RDKafkaErrorCode::InvalidTopic
            | RDKafkaErrorCode::PolicyViolation
            | RDKafkaErrorCode::InvalidRecord),
        ) => BusFault::Refused(format!("{code:?}")),
        _ => BusFault::Unavailable,
    }
}

#[async_trait]
impl Bus for KafkaBus {
    fn hears(&self, topic: BusTopic) -> bool {
        !topic.is_inbound()
    }

    fn brings(&self, topic: BusTopic) -> bool {
        match topic {
            BusTopic::Feed => self.config.reads_feed,
            BusTopic::VerifyRequest => self.config.reads_requests,
            _ => false,
        }
    }

    async fn publish(&self, messages: Vec<BusMessage>) -> Vec<Result<(), BusFault>> {
        if !messages.is_empty() && !self.health.has_topics() {
            return messages.iter().map(|_| Err(BusFault::Unavailable)).collect();
        }
        let producer = self.producer.load_full();
        let mut reports = Vec::with_capacity(messages.len());
        let mut handed = Vec::with_capacity(messages.len());
        for message in &messages {
            // Behind one that was not taken nothing is sent: the order of a key is kept.
            let stuck = matches!(handed.last(), Some(Err(BusFault::Unavailable)));
            handed.push(match stuck {
                true => Err(BusFault::Unavailable),
                false => self.hand_over(&producer, message).await,
            });
        }
        for report in handed {
            reports.push(match report {
                Ok(report) => match report.await {
                    Ok(Ok(_delivered)) => Ok(()),
                    Ok(Err((error, _))) => Err(fault_of(&error)),
                    Err(_dropped) => Err(BusFault::Unavailable),
                },
                Err(fault) => Err(fault),
            });
        }
        if reports.iter().any(Result::is_ok) {
            self.health.connected(true);
        }
        for (message, report) in messages.iter().zip(&reports) {
            match report {
                Ok(()) => self.health.taken(message.topic.name()),
                Err(BusFault::Unavailable) => {}
                Err(fault) => self.health.refused(message.topic.name(), &fault.to_string()),
            }
        }
        if reports.iter().any(Result::is_err) {
            self.replace_if_dead(&producer);
        }
        reports
    }

    fn subscribe(&self, topic: BusTopic, start: Arc<dyn StartAt>) -> Result<(), BusFault> {
        let group = match topic {
            BusTopic::Feed => "feed",
            BusTopic::VerifyRequest => "verify",
            _ => return Err(BusFault::Refused("the topic does not come in".to_owned())),
        };
        let name = topics::name(&self.config, topic);
        let mut starts = self.starts.lock().unwrap_or_else(PoisonError::into_inner);
        starts.insert(topic, Arc::clone(&start));
        drop(starts);
        let consumer = ConsumerHandle::start(&self.config, group, name, start, Arc::clone(&self.health))?;
        let mut consumers = self.consumers.lock().unwrap_or_else(PoisonError::into_inner);
        consumers.insert(topic, Arc::new(consumer));
        Ok(())
    }

    async fn receive(&self, topic: BusTopic, max: usize) -> Result<PolledMessages, BusFault> {
        let none = || BusFault::Refused("the topic was not subscribed to".to_owned());
        let consumer = self.consumer(topic).ok_or_else(none)?;
        let received = consumer.receive(max).await;
        if received.is_err() && consumer.is_dead() {
            tracing::error!(
                topic = topic.name(),
                "a consumer of Kafka ended; another one takes its place"
            );
            let starts = self.starts.lock().unwrap_or_else(PoisonError::into_inner);
            let start = starts.get(&topic).map(Arc::clone);
            drop(starts);
            self.subscribe(topic, start.ok_or_else(none)?)?;
        }
        received
    }

    async fn done(&self, topic: BusTopic, next: &[(i32, i64)]) {
        if let Some(consumer) = self.consumer(topic) {
            consumer.done(next);
        }
    }

    fn state(&self) -> BusState {
        match self.health.is_connected() && self.health.has_topics() {
            true => BusState::Well,
            false => BusState::Degraded,
        }
    }

    fn lag(&self, topic: BusTopic) -> Option<u64> {
        self.consumer(topic).map(|consumer| consumer.lag())
    }

    async fn close(&self) {
        let ensuring = self.ensuring.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(ensuring) = ensuring {
            ensuring.abort();
        }
        let consumers: Vec<Arc<ConsumerHandle>> = {
            let mut consumers = self.consumers.lock().unwrap_or_else(PoisonError::into_inner);
            consumers.drain().map(|(_, consumer)| consumer).collect()
        };
        for consumer in consumers {
            consumer.stop(CONSUMER_STOP).await;
        }
        let producer = self.producer.load_full();
        let flushed = tokio::task::spawn_blocking(move || producer.flush(FLUSH)).await;
        if !matches!(flushed, Ok(Ok(()))) {
            tracing::warn!("not all that was handed to Kafka is confirmed; it is published again after the next start");
        }
    }
}

struct ClientEvents(Arc<ConnectionHealth>);

impl ClientContext for ClientEvents {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        self.0.log(level, facility, message);
    }

    fn error(&self, error: KafkaError, _reason: &str) {
        self.0.failed(&error);
    }

    fn stats(&self, statistics: Statistics) {
        let mut is_up = false;
        for broker in statistics.brokers.values().filter(|broker| broker.state == "UP") {
            is_up = true;
            self.0.reached(health::address(&broker.name));
        }
        self.0.connected(is_up);
    }
}
