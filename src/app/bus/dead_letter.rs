//! What could not be taken in goes to the dead-letter topic, with the reason in the clear and the message itself sealed: it may
//! hold anything. The position goes on only after the letter's delivery report.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{
    envelope::{self, EventAttributes},
    outbox,
};
use crate::{
    foundation::{
        error::AppError,
        vault::{ColumnVault, SealPlace},
    },
    node::hub::Hub,
};
use heyan_domain::fault::MemberFault;
use heyan_ports::bus::{BusFault, BusMessage, BusTopic, ReceivedMessage};

/// What kind of fault it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LetterClass {
    /// The message is no CloudEvent of its topic.
    Envelope,
    /// Its data is not of the topic's schema.
    Schema,
    /// It is no record of its dataset.
    Record,
    /// The feed's agency may not contribute to the dataset.
    NotPermitted,
    /// It is good, but states no version, and an earlier message of its key could not be taken in.
    Parked,
    /// The hub failed on it several times, and on nothing else.
    Internal,
}

impl LetterClass {
    /// The wire word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Envelope => "envelope",
            Self::Schema => "schema",
            Self::Record => "record",
            Self::NotPermitted => "not_permitted",
            Self::Parked => "parked",
            Self::Internal => "internal",
        }
    }
}

/// Why a message could not be taken in.
pub struct LetterReason {
    /// What kind of fault.
    pub class: LetterClass,
    /// Its code.
    pub code: &'static str,
    /// Where, when it is known. Names of members may be anybody's: they are sealed with the message.
    pub faults: Vec<MemberFault>,
}

impl LetterReason {
    /// A reason without places.
    pub fn new(class: LetterClass, code: &'static str) -> Self {
        Self {
            class,
            code,
            faults: Vec::new(),
        }
    }

    /// The reason of faults: the code of the first.
    pub fn of(class: LetterClass, faults: Vec<MemberFault>) -> Self {
        Self {
            class,
            code: faults.first().map_or("invalid_request", |fault| fault.code),
            faults,
        }
    }
}

/// What a letter holds sealed. Holds personal data: no `Debug`.
#[derive(Serialize, Deserialize)]
pub struct SealedLetter {
    /// Key of the message, base64.
    pub key: Option<String>,
    /// Names and values of its headers, values in base64; without credentials.
    pub headers: Vec<(String, String)>,
    /// Its body, base64.
    pub payload: Option<String>,
    /// Pointers and codes of what is wrong.
    pub faults: Vec<(String, String)>,
}

/// Publishes letters and waits for their delivery reports.
///
/// # Errors
/// One is not confirmed: nothing may go on past its message.
pub async fn bury(hub: &Hub, topic: BusTopic, letters: &[(&ReceivedMessage, &LetterReason)]) -> Result<(), AppError> {
    let mut messages = Vec::with_capacity(letters.len());
    for (received, reason) in letters {
        let sealed = seal(hub, topic, received, reason)?;
        messages.push(message(hub, topic, received, reason, Some(sealed)));
    }
    let reports = hub.outward.bus.publish(messages).await;
    for ((received, reason), report) in letters.iter().zip(reports) {
        match report {
            Ok(()) => {}
            Err(BusFault::TooLarge) => {
                // Its place is told; the message stands there as long as its topic keeps it.
                let short = vec![message(hub, topic, received, reason, None)];
                if let Some(fault) = hub.outward.bus.publish(short).await.into_iter().find_map(Result::err) {
                    return Err(outbox::not_taken(&fault));
                }
            }
            Err(fault) => return Err(outbox::not_taken(&fault)),
        }
    }
    for (received, reason) in letters {
        hub.node.metrics.bus.dead_letter(reason.class.as_str());
        let (partition, offset) = (received.partition, received.offset);
        let (class, code) = (reason.class.as_str(), reason.code);
        tracing::warn!(
            topic = topic.name(),
            partition,
            offset,
            class,
            code,
            "a message could not be taken in"
        );
    }
    Ok(())
}

fn row(topic: &str, partition: i64, offset: i64) -> String {
    format!("{topic}/{partition}/{offset}")
}

fn place(row: &str) -> SealPlace<'_> {
    SealPlace {
        table: "dead_letters",
        column: "sealed",
        row,
    }
}

fn seal(hub: &Hub, topic: BusTopic, received: &ReceivedMessage, reason: &LetterReason) -> Result<String, AppError> {
    let kept = |name: &str| !name.eq_ignore_ascii_case("authorization");
    let headers = received.headers.iter().filter(|(name, _)| kept(name));
    let sealed = SealedLetter {
        key: received.key.as_ref().map(|key| STANDARD.encode(key)),
        headers: headers
            .map(|(name, value)| (name.clone(), STANDARD.encode(value)))
            .collect(),
        payload: received.payload.as_ref().map(|payload| STANDARD.encode(payload)),
        faults: reason
            .faults
            .iter()
            .map(|fault| (fault.pointer.clone(), fault.code.to_owned()))
            .collect(),
    };
    let row = row(topic.name(), received.partition.into(), received.offset);
    Ok(STANDARD.encode(hub.secrets.vault.seal_json(place(&row), &sealed)?))
}

fn message(
    hub: &Hub,
    topic: BusTopic,
    received: &ReceivedMessage,
    reason: &LetterReason,
    sealed: Option<String>,
) -> BusMessage {
    let id = format!("dead_{}_{}_{}", topic.name(), received.partition, received.offset);
    let now_us = hub.clock.now_us();
    let data = json!({
        "reason": reason.code,
        "class": reason.class.as_str(),
        "topic": topic.name(),
        "partition": received.partition,
        "offset": received.offset,
        "at": heyan_ports::time::rfc3339(now_us),
        "payload_bytes": received.payload.as_ref().map_or(0, Vec::len),
        "sealed": sealed,
    });
    let key = match &received.key {
        Some(key) => super::key_of(&hub.secrets.vault.of_bus(b"key", key)),
        None => id.clone().into_bytes(),
    };
    let attributes = EventAttributes {
        id: &id,
        subject: None,
        at_us: now_us,
        traceparent: None,
    };
    envelope::message(hub, BusTopic::DeadLetter, key, &attributes, &data)
}

/// Opens the data of a dead letter with the keys that sealed it.
///
/// # Errors
/// It is no letter of ours, or was changed.
pub fn open(vault: &ColumnVault, letter: &Value) -> Result<SealedLetter, AppError> {
    let number = |name: &str| letter.get(name).and_then(Value::as_i64);
    let text = |name: &str| letter.get(name).and_then(Value::as_str);
    let (Some(topic), Some(partition), Some(offset), Some(sealed)) =
        (text("topic"), number("partition"), number("offset"), text("sealed"))
    else {
        return Err(AppError::fault("", "missing_member"));
    };
    let sealed = STANDARD
        .decode(sealed)
        .map_err(|_no_base64| AppError::fault("/sealed", "invalid_value"))?;
    vault.open_json(place(&row(topic, partition, offset)), &sealed)
}
