//! One inbound topic, read by a thread of its own: the client library blocks where it likes, and it is dropped there, where it
//! may take its time. Offsets that Kafka keeps are a hint; each partition is begun where the store says that it was left.
//! While nobody asks for messages the partitions are paused and polled, so that the group keeps its member.

use std::{
    collections::{HashMap, VecDeque},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender};
use rdkafka::{
    ClientContext, Message as _, Offset, Statistics, TopicPartitionList,
    config::RDKafkaLogLevel,
    consumer::{BaseConsumer, CommitMode, Consumer as _, ConsumerContext},
    error::{KafkaError, KafkaResult},
    message::{BorrowedMessage, Headers as _},
    types::RDKafkaRespErr,
};
use tokio::sync::oneshot;

use super::{health::ConnectionHealth, settings::KafkaConfig};
use heyan_ports::bus::{BusFault, PolledMessages, ReceivedMessage, StartAt};

/// Longest wait for messages, and bytes after which no more are collected.
const WAIT: Duration = Duration::from_millis(200);
const BYTES_MAX: usize = 16 * 1024 * 1024;

/// Between two looks for somebody who asks, and the time after which the partitions are paused.
const TICK: Duration = Duration::from_millis(200);
const IDLE: Duration = Duration::from_secs(5);

/// Before the store is asked again where to begin.
const START_AGAIN: Duration = Duration::from_millis(500);

/// What the thread is asked.
enum ConsumerAsk {
    Receive(usize, oneshot::Sender<PolledMessages>),
    Done(Vec<(i32, i64)>),
}

/// What the thread and the others know.
struct ConsumerShared {
    topic: String,
    start: Arc<dyn StartAt>,
    generation: AtomicU64,
    lag: AtomicU64,
    is_stopping: AtomicBool,
    /// Where each partition was begun, until its first message came.
    begun: Mutex<HashMap<i32, i64>>,
    health: Arc<ConnectionHealth>,
}

/// The handle of the thread.
pub(super) struct ConsumerHandle {
    asks: Sender<ConsumerAsk>,
    shared: Arc<ConsumerShared>,
    ended: Mutex<Option<oneshot::Receiver<()>>>,
}

impl ConsumerHandle {
    /// Starts the thread; it subscribes once `health` says that the topics are there.
    pub(super) fn start(
        config: &KafkaConfig,
        name: &str,
        topic: String,
        start: Arc<dyn StartAt>,
        health: Arc<ConnectionHealth>,
    ) -> Result<Self, BusFault> {
        let (asks, asked) = crossbeam_channel::bounded(64);
        let (ends, ended) = oneshot::channel();
        let shared = Arc::new(ConsumerShared {
            topic,
            start,
            generation: AtomicU64::new(1),
            lag: AtomicU64::new(0),
            is_stopping: AtomicBool::new(false),
            begun: Mutex::default(),
            health,
        });
        let (settings, of_thread) = (config.consumer(name), Arc::clone(&shared));
        let spawned = std::thread::Builder::new()
            .name(format!("kafka-{name}"))
            .spawn(move || {
                let consumer: KafkaResult<BaseConsumer<ConsumerEvents>> =
                    settings.create_with_context(ConsumerEvents(Arc::clone(&of_thread)));
                match consumer {
                    Ok(consumer) => TopicReader::new(consumer, of_thread).run(&asked),
                    Err(error) => tracing::error!(error = %error, "a consumer of Kafka cannot be made"),
                }
                let _nobody_waits = ends.send(());
            });
        spawned.map_err(|error| BusFault::Refused(error.to_string()))?;
        Ok(Self {
            asks,
            shared,
            ended: Mutex::new(Some(ended)),
        })
    }

    pub(super) async fn receive(&self, max: usize) -> Result<PolledMessages, BusFault> {
        let (reply, polled) = oneshot::channel();
        self.asks
            .try_send(ConsumerAsk::Receive(max, reply))
            .map_err(|_ended_or_full| BusFault::Unavailable)?;
        polled.await.map_err(|_ended| BusFault::Unavailable)
    }

    /// Whether its thread has ended, though nobody told it to.
    pub(super) fn is_dead(&self) -> bool {
        let mut ended = self.ended.lock().unwrap_or_else(PoisonError::into_inner);
        !matches!(
            ended.as_mut().map(oneshot::Receiver::try_recv),
            None | Some(Err(oneshot::error::TryRecvError::Empty))
        )
    }

    pub(super) fn done(&self, next: &[(i32, i64)]) {
        // Only a hint: when the thread is busy, the next one says more.
        let _full = self.asks.try_send(ConsumerAsk::Done(next.to_vec()));
    }

    pub(super) fn lag(&self) -> u64 {
        self.shared.lag.load(Ordering::Relaxed)
    }

    /// Tells the thread to end and waits a little: it may hang in the library, and then ends with the process.
    pub(super) async fn stop(&self, deadline: Duration) {
        self.shared.is_stopping.store(true, Ordering::Release);
        let ended = self.ended.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(ended) = ended
            && tokio::time::timeout(deadline, ended).await.is_err()
        {
            tracing::warn!(
                topic = self.shared.topic,
                "a consumer of Kafka does not end; it is left behind"
            );
        }
    }
}

struct TopicReader {
    consumer: BaseConsumer<ConsumerEvents>,
    shared: Arc<ConsumerShared>,
    /// Messages that came while nobody asked.
    early: VecDeque<ReceivedMessage>,
    is_paused: bool,
    /// After a fatal error the library gives nothing more.
    is_dead: bool,
    asked_at: Instant,
}

impl TopicReader {
    fn new(consumer: BaseConsumer<ConsumerEvents>, shared: Arc<ConsumerShared>) -> Self {
        Self {
            consumer,
            shared,
            early: VecDeque::new(),
            is_paused: false,
            is_dead: false,
            asked_at: now(),
        }
    }

    fn run(mut self, asked: &Receiver<ConsumerAsk>) {
        let mut is_subscribed = false;
        while !self.shared.is_stopping.load(Ordering::Acquire) && !self.is_dead {
            if !is_subscribed && self.shared.health.has_topics() {
                let topic = self.shared.topic.clone();
                match self.consumer.subscribe(&[&topic]) {
                    Ok(()) => is_subscribed = true,
                    Err(error) => tracing::error!(error = %error, topic, "a topic cannot be subscribed to"),
                }
            }
            match asked.recv_timeout(TICK) {
                Ok(ConsumerAsk::Receive(max, reply)) => {
                    self.asked_at = now();
                    self.pause_or_resume(false);
                    let polled = self.collect(max);
                    if let Err(polled) = reply.send(polled) {
                        // Whoever asked is gone; the next one gets them.
                        self.early.extend(polled.messages);
                    }
                }
                Ok(ConsumerAsk::Done(next)) => self.commit(&next),
                Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) if is_subscribed && self.asked_at.elapsed() > IDLE => self.idle(),
                Err(RecvTimeoutError::Timeout) => {}
            }
        }
        self.consumer.unsubscribe();
    }

    /// Polls so that the library does its duties; a message that comes all the same is kept.
    fn idle(&mut self) {
        self.pause_or_resume(true);
        if let Some(Ok(message)) = self.consumer.poll(Duration::ZERO) {
            let received = self.received(&message);
            self.early.push_back(received);
            // Of a partition that was assigned after the pause.
            self.is_paused = false;
            self.pause_or_resume(true);
        }
    }

    fn pause_or_resume(&mut self, pause: bool) {
        if self.is_paused == pause {
            return;
        }
        let done = self.consumer.assignment().and_then(|assigned| match pause {
            true => self.consumer.pause(&assigned),
            false => self.consumer.resume(&assigned),
        });
        match done {
            Ok(()) => self.is_paused = pause,
            Err(error) => tracing::warn!(error = %error, "partitions cannot be paused or resumed"),
        }
    }

    fn collect(&mut self, max: usize) -> PolledMessages {
        let (begun, generation) = (now(), self.shared.generation.load(Ordering::Acquire));
        let mut messages: Vec<ReceivedMessage> = Vec::new();
        let mut bytes = 0;
        while let Some(early) = self.early.pop_front() {
            messages.push(early);
        }
        while messages.len() < max && bytes < BYTES_MAX && !self.shared.is_stopping.load(Ordering::Acquire) {
            let wait = match messages.is_empty() {
                true => WAIT.saturating_sub(begun.elapsed()),
                false => Duration::ZERO,
            };
            match self.consumer.poll(wait) {
                Some(Ok(message)) => {
                    bytes += message.payload_len() + message.key_len();
                    let received = self.received(&message);
                    messages.push(received);
                }
                Some(Err(error)) => {
                    self.shared.health.failed(&error);
                    self.is_dead |= matches!(error, KafkaError::MessageConsumptionFatal(_));
                    break;
                }
                // Nothing yet, or something that was no message.
                None if messages.is_empty() && begun.elapsed() < WAIT => {}
                None => break,
            }
            if !messages.is_empty() && self.shared.generation.load(Ordering::Acquire) != generation {
                break;
            }
        }
        // What came before a change of partitions is told as of the one after it: whoever takes it in compares and sets.
        PolledMessages {
            messages,
            generation: self.shared.generation.load(Ordering::Acquire),
        }
    }

    fn received(&self, message: &BorrowedMessage<'_>) -> ReceivedMessage {
        let mut begun = self.shared.begun.lock().unwrap_or_else(PoisonError::into_inner);
        let begun = begun.remove(&message.partition());
        let remade = begun.is_some_and(|begun| message.offset() < begun);
        if let Some(begun) = begun.filter(|begun| message.offset() > *begun) {
            let (topic, partition, offset) = (&self.shared.topic, message.partition(), message.offset());
            tracing::error!(
                topic,
                partition,
                begun,
                offset,
                "messages are gone that were not taken in: the topic keeps them for too short a time"
            );
        }
        let headers = message.headers().map_or_else(Vec::new, |headers| {
            let owned = |header: rdkafka::message::Header<'_, &[u8]>| {
                (header.key.to_owned(), header.value.unwrap_or_default().to_vec())
            };
            headers.iter().map(owned).collect()
        });
        ReceivedMessage {
            partition: message.partition(),
            offset: message.offset(),
            key: message.key().map(<[u8]>::to_vec),
            headers,
            payload: message.payload().map(<[u8]>::to_vec),
            remade,
        }
    }

    fn commit(&self, next: &[(i32, i64)]) {
        let mut list = TopicPartitionList::with_capacity(next.len());
        for (partition, offset) in next {
            let added = list.add_partition_offset(&self.shared.topic, *partition, Offset::Offset(*offset));
            if added.is_err() {
                return;
            }
        }
        if let Err(error) = self.consumer.commit(&list, CommitMode::Async) {
            tracing::debug!(error = %error, "offsets were not committed; the store has the positions");
        }
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the thread is the bus's own, and waits for the store before it may read on"
)]
fn wait_a_little() {
    std::thread::sleep(START_AGAIN);
}

/// Waits are measured; nothing is decided by them.
fn now() -> Instant {
    Instant::now()
}

struct ConsumerEvents(Arc<ConsumerShared>);

impl ClientContext for ConsumerEvents {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        self.0.health.log(level, facility, message);
    }

    fn error(&self, error: KafkaError, _reason: &str) {
        self.0.health.failed(&error);
    }

    fn stats(&self, statistics: Statistics) {
        let partitions = statistics.topics.get(&self.0.topic);
        let partitions = partitions.into_iter().flat_map(|topic| topic.partitions.values());
        let lag: i64 = partitions
            .filter(|partition| partition.partition >= 0 && partition.fetch_state == "active")
            .map(|partition| {
                let read = partition.app_offset.max(partition.lo_offset).max(0);
                (partition.ls_offset.max(partition.hi_offset) - read).max(0)
            })
            .sum();
        self.0
            .lag
            .store(u64::try_from(lag).unwrap_or_default(), Ordering::Relaxed);
    }
}

impl ConsumerContext for ConsumerEvents {
    fn rebalance(&self, consumer: &BaseConsumer<Self>, event: RDKafkaRespErr, list: &mut TopicPartitionList) {
        self.0.generation.fetch_add(1, Ordering::AcqRel);
        let done = match event {
            RDKafkaRespErr::RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS => {
                self.begin(list);
                consumer.incremental_assign(list)
            }
            _ => consumer.incremental_unassign(list),
        };
        if let Err(error) = done {
            tracing::error!(error = %error, topic = self.0.topic, "partitions cannot be taken or given up");
        }
    }
}

impl ConsumerEvents {
    /// Sets where each partition is begun; waits until the store says so, for to begin elsewhere could skip something.
    fn begin(&self, list: &mut TopicPartitionList) {
        let partitions: Vec<i32> = list.elements().iter().map(|element| element.partition()).collect();
        for partition in partitions {
            let offset = loop {
                match self.0.start.start_at(partition) {
                    Ok(offset) => break offset,
                    Err(_) if self.0.is_stopping.load(Ordering::Acquire) => return,
                    Err(fault) => {
                        tracing::warn!(fault = %fault, partition, "it is not known where to begin; the store is asked again");
                        wait_a_little();
                    }
                }
            };
            let mut begun = self.0.begun.lock().unwrap_or_else(PoisonError::into_inner);
            begun.remove(&partition);
            if let Some(offset) = offset {
                begun.insert(partition, offset);
                if let Err(error) = list.set_partition_offset(&self.0.topic, partition, Offset::Offset(offset)) {
                    tracing::error!(error = %error, partition, "a partition cannot be begun where it was left");
                }
            }
        }
    }
}
