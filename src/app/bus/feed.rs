//! Takes in records from the feed topic, by the same path as all records. The position advances in the same commit:
//! `stored position = first message that was not taken in`. So after any crash no message is applied twice and none is skipped.
//! A message that cannot be taken in becomes a dead letter before the position advances. After that, of the same key, a record that
//! states a version is taken in, because versions decide the order. A record without a version becomes a dead letter too, until one
//! with a version arrives: so the order is never broken.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use super::{
    dead_letter::{self, LetterClass, LetterReason},
    envelope, outbox,
};
use crate::node::{caller::Caller, write::CommitAttempts};
use crate::records::{self, IncomingRecord, IntakeOrigin, KeptFields};
use crate::{foundation::error::AppError, node::hub::Hub, records::feed};
use heyan_catalog::Dataset;
use heyan_ports::bus::{BusFault, BusTopic, ReceivedMessage, StartAt};
use heyan_ports::{commit::Commit, store::Store};
use heyan_ports::{
    error::StoreError,
    positions::{BusWrites, PositionAdvance},
};

/// Times that a batch is tried before it is tried message by message, and a message before it is buried.
const TRIES_MAX: u32 = 3;

const TOPIC: BusTopic = BusTopic::Feed;

/// Limits of the feed, and who speaks.
#[derive(Clone, Debug)]
pub struct FeedSettings {
    /// Agency in whose name the records come in.
    pub agency: String,
    /// Messages of one commit.
    pub batch_messages_max: usize,
    /// Keys that are remembered; beyond them every record without a version is buried.
    pub parked_keys_max: usize,
}

/// The reader of the feed topic.
pub struct FeedReader {
    settings: FeedSettings,
    generation: u64,
    /// What the store says of each partition that was met.
    positions: HashMap<i32, Option<String>>,
    /// Keys behind which records without a version wait; `None`: to be read.
    parked: Option<HashSet<[u8; 16]>>,
    /// Received and not yet taken in.
    held: Vec<ReceivedMessage>,
    /// How many of `held` are tried together.
    together: usize,
    tries: u32,
}

/// Where the reading of each partition begins: at its position in the store.
struct FeedStarts {
    store: Arc<dyn Store>,
    runtime: tokio::runtime::Handle,
}

impl StartAt for FeedStarts {
    fn start_at(&self, partition: i32) -> Result<Option<i64>, BusFault> {
        let position = self.runtime.block_on(self.store.position(&position_name(partition)));
        let position = position.map_err(|_store_fault| BusFault::Unavailable)?;
        Ok(position.and_then(|text| text.parse().ok()))
    }
}

/// The name of a partition's position.
pub fn position_name(partition: i32) -> String {
    format!("kafka:{}:{partition}", TOPIC.name())
}

/// What is to be done with one batch.
#[derive(Default)]
struct FeedPlan {
    incoming: Vec<IncomingRecord>,
    letters: Vec<(usize, LetterReason)>,
    bus: BusWrites,
    /// Partition and next offset.
    next: HashMap<i32, i64>,
    /// What the batch changes in `parked`: key, and whether it is parked after.
    parking: HashMap<[u8; 16], bool>,
}

impl FeedReader {
    /// Begins to read the topic.
    ///
    /// # Errors
    /// Returns an error if the settings of the bus do not allow it.
    pub fn start(hub: &Arc<Hub>, settings: FeedSettings) -> Result<Self, BusFault> {
        let starts = FeedStarts {
            store: Arc::clone(&hub.store),
            runtime: tokio::runtime::Handle::current(),
        };
        hub.outward.bus.subscribe(TOPIC, Arc::new(starts))?;
        let together = settings.batch_messages_max;
        Ok(Self {
            settings,
            generation: 0,
            positions: HashMap::new(),
            parked: None,
            held: Vec::new(),
            together,
            tries: 0,
        })
    }

    /// Takes in the messages that have arrived. Returns their number.
    ///
    /// # Errors
    /// Returns an error if the bus, the store or the ledger cannot be reached, or if the feed's agency is not known. What was received
    /// is kept, and the next call tries it again.
    pub async fn take(&mut self, hub: &Hub) -> Result<usize, AppError> {
        if self.held.is_empty() {
            let max = self.settings.batch_messages_max.min(records::RECORDS_MAX);
            let polled = hub
                .outward
                .bus
                .receive(TOPIC, max)
                .await
                .map_err(|fault| unread(&fault))?;
            if polled.generation != self.generation {
                self.generation = polled.generation;
                self.forget();
            }
            self.held = polled.messages;
            self.together = self.settings.batch_messages_max;
            self.tries = 0;
        }
        if let Some(lag) = hub.outward.bus.lag(TOPIC) {
            let lag = lag.saturating_add(u64::try_from(self.held.len()).unwrap_or_default());
            hub.node
                .metrics
                .bus
                .lag(TOPIC.name(), i64::try_from(lag).unwrap_or(i64::MAX));
        }
        let (mut taken, mut attempts) = (0, CommitAttempts::none());
        while !self.held.is_empty() {
            let count = self.together.clamp(1, self.held.len());
            match self.take_batch(hub, count).await {
                Ok(()) => {
                    self.held.drain(..count);
                    (self.tries, attempts) = (0, CommitAttempts::none());
                    taken += count;
                }
                // Another writer changed a record meanwhile, or another node has the partition now. Reading the positions
                // again tells which.
                Err(error) if attempts.again(&error) => self.forget(),
                Err(error) => {
                    // Whatever it was, what is remembered may be out of date.
                    self.forget();
                    self.tries += 1;
                    if self.tries >= TRIES_MAX && is_of_message(hub, &error).await {
                        self.alone(hub).await?;
                    }
                    return Err(error);
                }
            }
        }
        Ok(taken)
    }

    fn forget(&mut self) {
        self.positions.clear();
        self.parked = None;
    }

    /// Handles a batch that keeps failing while the hub is well: one of its messages must be the cause. Each message is tried alone,
    /// and one that still fails becomes a dead letter.
    async fn alone(&mut self, hub: &Hub) -> Result<(), AppError> {
        self.tries = 0;
        if self.together > 1 {
            self.together = 1;
            return Ok(());
        }
        let Some(received) = self.held.first().cloned() else {
            return Ok(());
        };
        let reason = LetterReason::new(LetterClass::Internal, "internal");
        let mut plan = FeedPlan::default();
        self.count_in(hub, &received, &mut plan).await?;
        let keys = keys_of(hub, &received, None);
        self.bury(&mut plan, 0, reason, &keys);
        self.carry_out(hub, std::slice::from_ref(&received), plan).await?;
        self.held.remove(0);
        Ok(())
    }

    async fn take_batch(&mut self, hub: &Hub, count: usize) -> Result<(), AppError> {
        let caller = feed::caller_of(hub, &self.settings.agency)?;
        if self.parked.is_none() {
            let limit = u32::try_from(self.settings.parked_keys_max).unwrap_or(u32::MAX);
            let keys = hub.store.parked_keys(TOPIC.name(), limit).await?;
            self.parked = Some(keys.into_iter().collect());
        }
        let batch: Vec<ReceivedMessage> = self.held.iter().take(count).cloned().collect();
        let now_us = hub.clock.now_us();
        let mut plan = FeedPlan::default();
        for (place, received) in batch.iter().enumerate() {
            if self.count_in(hub, received, &mut plan).await? {
                self.decide(hub, &caller, place, received, now_us, &mut plan);
            }
        }
        self.carry_out(hub, &batch, plan).await
    }

    /// Counts a message into the positions. Returns whether it still has to be taken in.
    async fn count_in(&mut self, hub: &Hub, received: &ReceivedMessage, plan: &mut FeedPlan) -> Result<bool, AppError> {
        let partition = received.partition;
        if let std::collections::hash_map::Entry::Vacant(vacant) = self.positions.entry(partition) {
            vacant.insert(hub.store.position(&position_name(partition)).await?);
        }
        let stored = self.positions.get(&partition).and_then(Option::as_ref);
        let stored: Option<i64> = stored.and_then(|text| text.parse().ok());
        let next = plan.next.get(&partition).copied().or(stored).unwrap_or(i64::MIN);
        if received.remade {
            tracing::error!(
                topic = TOPIC.name(),
                partition,
                offset = received.offset,
                "the topic was recreated: its messages are read from the beginning"
            );
        } else if received.offset < next {
            return Ok(false);
        }
        plan.next.insert(partition, received.offset + 1);
        Ok(true)
    }

    /// Decides what one message becomes.
    fn decide(
        &self,
        hub: &Hub,
        caller: &Caller,
        place: usize,
        received: &ReceivedMessage,
        now_us: i64,
        plan: &mut FeedPlan,
    ) {
        let (record, subject) = match read(hub, caller, received, now_us) {
            Ok(record) => {
                let subject = record.key.subject.0;
                (Ok(record), Some(subject))
            }
            Err((reason, subject)) => (Err(reason), subject),
        };
        let keys = keys_of(hub, received, subject);
        let record = match record {
            Ok(record) => record,
            Err(reason) => return self.bury(plan, place, reason, &keys),
        };
        let full = self.parked_now(plan) >= self.settings.parked_keys_max;
        let waits = full || keys.iter().any(|key| self.is_parked(plan, key));
        if record.stored.source_version.is_none() && waits {
            plan.letters
                .push((place, LetterReason::new(LetterClass::Parked, "parked")));
            return;
        }
        if record.stored.source_version.is_some() {
            for key in keys
                .iter()
                .filter(|key| self.is_parked(plan, key))
                .copied()
                .collect::<Vec<_>>()
            {
                plan.parking.insert(key, false);
            }
        }
        plan.incoming.push(record);
    }

    fn bury(&self, plan: &mut FeedPlan, place: usize, reason: LetterReason, keys: &[[u8; 16]]) {
        plan.letters.push((place, reason));
        for key in keys {
            // Beyond the limit no key need be known: all that states no version waits then.
            if self.parked_now(plan) < self.settings.parked_keys_max {
                plan.parking.insert(*key, true);
            }
        }
    }

    fn is_parked(&self, plan: &FeedPlan, key: &[u8; 16]) -> bool {
        let before = || self.parked.as_ref().is_some_and(|parked| parked.contains(key));
        plan.parking.get(key).copied().unwrap_or_else(before)
    }

    fn parked_now(&self, plan: &FeedPlan) -> usize {
        let before = self.parked.as_ref().map_or(0, HashSet::len);
        before + plan.parking.values().filter(|parked| **parked).count()
    }

    /// Letters first, then the one commit, then what is only remembered.
    async fn carry_out(&mut self, hub: &Hub, batch: &[ReceivedMessage], mut plan: FeedPlan) -> Result<(), AppError> {
        let letters: Vec<(&ReceivedMessage, &LetterReason)> = plan
            .letters
            .iter()
            .filter_map(|(place, reason)| Some((batch.get(*place)?, reason)))
            .collect();
        if !letters.is_empty() {
            dead_letter::bury(hub, TOPIC, &letters).await?;
        }
        for (partition, next) in &plan.next {
            plan.bus.advances.push(PositionAdvance {
                name: position_name(*partition),
                from: self.positions.get(partition).cloned().flatten(),
                to: next.to_string(),
            });
        }
        for (key, parked) in &plan.parking {
            let list = if *parked {
                &mut plan.bus.parked
            } else {
                &mut plan.bus.released
            };
            list.push((TOPIC.name(), *key));
        }
        if plan.next.is_empty() {
            return Ok(());
        }
        let now_us = hub.clock.now_us();
        if plan.incoming.is_empty() {
            let commit = Commit::at(now_us).with(plan.bus);
            hub.write(commit).await?;
        } else {
            let caller = feed::caller_of(hub, &self.settings.agency)?;
            let taken = records::take(hub, &caller, &plan.incoming, now_us, (&KeptFields::None, &plan.bus)).await?;
            feed::count(hub, &taken.results);
        }
        for (partition, next) in &plan.next {
            self.positions.insert(*partition, Some(next.to_string()));
        }
        if let Some(parked) = &mut self.parked {
            for (key, is_parked) in &plan.parking {
                if *is_parked {
                    parked.insert(*key);
                } else {
                    parked.remove(key);
                }
            }
            hub.node
                .metrics
                .bus
                .parked(i64::try_from(parked.len()).unwrap_or(i64::MAX));
        }
        let next: Vec<(i32, i64)> = plan.next.into_iter().collect();
        hub.outward.bus.done(TOPIC, &next).await;
        Ok(())
    }
}

/// Whether a failure is of what was sent: the store is well, so it would take something else.
async fn is_of_message(hub: &Hub, error: &AppError) -> bool {
    match error {
        AppError::Store(StoreError::Conflict)
        | AppError::NotFound(_)
        | AppError::Ledger(_)
        | AppError::SpaceLow
        | AppError::Load(_) => false,
        error if outbox::is_not_taken(error) => false,
        _ => hub.store.ping().await.is_ok(),
    }
}

fn unread(fault: &BusFault) -> AppError {
    tracing::warn!(fault = %fault, topic = TOPIC.name(), "the feed cannot be read; it is tried again");
    AppError::Internal("the feed cannot be read")
}

/// Keyed hashes that name a message: of its key, and of its subject.
fn keys_of(hub: &Hub, received: &ReceivedMessage, subject: Option<[u8; 16]>) -> Vec<[u8; 16]> {
    let of_key = received.key.as_ref().map(|key| hub.secrets.vault.of_bus(b"key", key));
    let of_subject = subject.map(|subject| hub.secrets.vault.of_bus(b"subject", &subject));
    of_key.into_iter().chain(of_subject).collect()
}

type RefusedMessage = (LetterReason, Option<[u8; 16]>);

/// Reads the record of a message. An error says why it cannot be read, with the subject if that much was readable.
fn read(hub: &Hub, caller: &Caller, received: &ReceivedMessage, now_us: i64) -> Result<IncomingRecord, RefusedMessage> {
    let arrived = envelope::read(TOPIC, received)
        .map_err(|envelope::NoEvent(code)| (LetterReason::new(LetterClass::Envelope, code), None))?;
    let mut data = arrived.data;
    let dataset = data.get("dataset").and_then(serde_json::Value::as_str);
    let dataset = dataset.and_then(|name| hub.catalog.get(name)).map(Arc::clone);
    let subject = dataset.as_ref().and_then(|dataset| subject_of(hub, dataset, &data));
    let faults = hub.catalog.events.check(TOPIC.name(), &data);
    if !faults.is_empty() {
        return Err((LetterReason::of(LetterClass::Schema, faults), subject));
    }
    let Some(dataset) = dataset else {
        return Err((LetterReason::new(LetterClass::Record, "unknown_dataset"), None));
    };
    if records::may_contribute(hub, caller, &dataset).is_err() {
        return Err((LetterReason::new(LetterClass::NotPermitted, "not_owner"), subject));
    }
    if let Some(members) = data.as_object_mut() {
        members.remove("dataset");
    }
    IncomingRecord::check(hub, &dataset, data, None, (IntakeOrigin::Bus, now_us)).map_err(|error| {
        let reason = match error {
            AppError::Invalid(faults) => LetterReason::of(LetterClass::Record, faults),
            _ => LetterReason::new(LetterClass::Internal, "internal"),
        };
        (reason, subject)
    })
}

fn subject_of(hub: &Hub, dataset: &Dataset, data: &serde_json::Value) -> Option<[u8; 16]> {
    let members = data.get("subject")?.as_object()?;
    let value_of = |name: &str| members.get(name).and_then(serde_json::Value::as_str);
    let subject = dataset.parse_subject(value_of).ok()?;
    Some(hub.records.loader.subject_key(dataset, &subject.key).0)
}
