//! The port to the bus: Kafka, or what has the same meaning inside the process. What is published is done when its delivery
//! report says so; what is received is done when its position stands in the store, with what it brought.
//! A bus that is down holds up nobody who asks: only the workers here wait for it.

use async_trait::async_trait;

/// Every topic. The names are outward: `schemas/asyncapi.yaml` describes them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum BusTopic {
    /// Records come in.
    Feed,
    /// Verifications are asked for.
    VerifyRequest,
    /// A record has a new version.
    RecordChanged,
    /// A verification was answered, by whatever way it was asked.
    VerificationCompleted,
    /// The answers to requests.
    VerifyResult,
    /// A mismatch took a step.
    Mismatch,
    /// Alerts.
    Supervision,
    /// Checkpoints of every node's ledger, and their countersignatures.
    Checkpoint,
    /// What could not be taken in, sealed.
    DeadLetter,
}

impl BusTopic {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::Feed,
        Self::VerifyRequest,
        Self::RecordChanged,
        Self::VerificationCompleted,
        Self::VerifyResult,
        Self::Mismatch,
        Self::Supervision,
        Self::Checkpoint,
        Self::DeadLetter,
    ];

    /// Its name, and the type of the events that it carries.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Feed => "heyan.feed.v1",
            Self::VerifyRequest => "heyan.verify.request.v1",
            Self::RecordChanged => "heyan.record.changed.v1",
            Self::VerificationCompleted => "heyan.verification.completed.v1",
            Self::VerifyResult => "heyan.verify.result.v1",
            Self::Mismatch => "heyan.mismatch.v1",
            Self::Supervision => "heyan.supervision.v1",
            Self::Checkpoint => "heyan.checkpoint.v1",
            Self::DeadLetter => "heyan.dead-letter.v1",
        }
    }

    /// Whether the hub reads it; it writes the others.
    pub const fn is_inbound(self) -> bool {
        matches!(self, Self::Feed | Self::VerifyRequest)
    }

    /// Whether only the newest message of a key matters.
    pub const fn is_compacted(self) -> bool {
        matches!(self, Self::RecordChanged)
    }
}

/// A message to be published. Its key is a keyed hash, never an identifier.
#[derive(Clone)]
pub struct BusMessage {
    /// Where to.
    pub topic: BusTopic,
    /// Order is kept among messages of one key.
    pub key: Vec<u8>,
    /// Names and values.
    pub headers: Vec<(&'static str, String)>,
    /// The body.
    pub payload: Vec<u8>,
}

/// A message that was received. May hold personal data: no `Debug`.
#[derive(Clone)]
pub struct ReceivedMessage {
    /// Partition of its topic.
    pub partition: i32,
    /// Its place there.
    pub offset: i64,
    /// Its key, as its sender chose it.
    pub key: Option<Vec<u8>>,
    /// Its headers.
    pub headers: Vec<(String, Vec<u8>)>,
    /// Its body.
    pub payload: Option<Vec<u8>>,
    /// Whether it stands before the place at which the reading was begun: then the topic is another one of the same name, whose
    /// offsets say nothing of the positions that are stored.
    pub remade: bool,
}

impl ReceivedMessage {
    /// A header that is text; the last one of the name.
    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self
            .headers
            .iter()
            .rev()
            .find(|(header, _)| header.eq_ignore_ascii_case(name));
        std::str::from_utf8(&found?.1).ok()
    }
}

/// What one look at a topic brought.
#[derive(Default)]
pub struct PolledMessages {
    /// Messages, those of a partition in their order.
    pub messages: Vec<ReceivedMessage>,
    /// Counts changes of who reads which partition. When it differs from the last look, what is known of positions is void.
    pub generation: u64,
}

/// Why the bus did not do something.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BusFault {
    /// It cannot be reached, or did not confirm in time: to be tried again.
    #[error("the bus does not answer")]
    Unavailable,
    /// The message is too large for it, however often it is tried.
    #[error("the message is too large for the bus")]
    TooLarge,
    /// It refused; the word is of the client library.
    #[error("the bus refused: {0}")]
    Refused(String),
}

heyan_domain::words! {
    /// How the bus is.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub enum BusState {
        /// There is none outside the process.
        Local = "local",
        /// It is connected.
        Well = "ok",
        /// It cannot be reached now.
        Degraded = "degraded",
    }
}

/// Where the reading of a partition begins: asked by the bus when it is given the partition. It may block its thread, which is
/// the bus's own, and answers `None` when nothing was taken in of it yet.
pub trait StartAt: Send + Sync + 'static {
    /// The offset of the first message that was not taken in; `Err` when it cannot be told now.
    ///
    /// # Errors
    /// The store could not be asked: the bus asks again.
    fn start_at(&self, partition: i32) -> Result<Option<i64>, BusFault>;
}

/// The bus.
#[async_trait]
pub trait Bus: Send + Sync + 'static {
    /// Whether anybody can hear what is published on a topic; if not, nothing need be made.
    fn hears(&self, topic: BusTopic) -> bool;

    /// Whether messages may come on an inbound topic.
    fn brings(&self, topic: BusTopic) -> bool;

    /// Publishes in order and waits for the delivery reports; the answers are in the order of the messages. When the bus takes
    /// no more for now, this waits.
    async fn publish(&self, messages: Vec<BusMessage>) -> Vec<Result<(), BusFault>>;

    /// Begins to read an inbound topic; once a topic.
    ///
    /// # Errors
    /// The settings do not allow it.
    fn subscribe(&self, topic: BusTopic, start: std::sync::Arc<dyn StartAt>) -> Result<(), BusFault>;

    /// Waits a little for messages of a topic that was subscribed to; at most `max` of them.
    ///
    /// # Errors
    /// The topic is not subscribed to, or its reader has ended.
    async fn receive(&self, topic: BusTopic, max: usize) -> Result<PolledMessages, BusFault>;

    /// Tells the bus how far a topic was taken in: partition and the next offset. A hint for others; nothing depends on it that
    /// stands in the store.
    async fn done(&self, topic: BusTopic, next: &[(i32, i64)]);

    /// How it is.
    fn state(&self) -> BusState;

    /// Messages of an inbound topic that were not received yet.
    fn lag(&self, topic: BusTopic) -> Option<u64>;

    /// Sends what waits, and ends; bounded in time.
    async fn close(&self);
}
