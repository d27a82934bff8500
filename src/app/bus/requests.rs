//! Verification over the bus, by the same path as a batch over HTTP: the same authentication, grants, budget and ledger entry
//! before the answer. A client's `ce_id` is answered once: the answer is kept like that of an idempotency key, and sent again for a
//! repeated id. After a crash between the ledger entry and the saving of the answer, the request is answered anew, with a second
//! entry.

use std::sync::Arc;

use futures_util::{StreamExt as _, stream};
use serde::Deserialize;
use serde_json::json;

use super::{
    dead_letter::{self, LetterClass, LetterReason},
    envelope::{self, ArrivedEvent, EventAttributes},
    outbox,
};
use crate::node::{caller::Caller, write::QueueAppender};
use crate::{
    access::{
        table::ClientRole,
        token::{self, RecentTokens, UnknownCaller},
    },
    foundation::{error::AppError, purpose},
    node::{
        hub::Hub,
        idempotency::{self, KeyState},
    },
    verification::{
        answer_json,
        chunk::{self, ChunkAnswer, ItemResult},
        question::{self, AskedPurposeElements, ItemBody, StrictObject},
    },
};
use heyan_auth::sha256;
use heyan_ledger::entry::{self, EntryKind};
use heyan_ports::{
    bus::{BusFault, BusMessage, BusTopic, ReceivedMessage, StartAt},
    trace,
};

/// Requests that are answered at once.
const AT_ONCE: usize = 8;

/// Requests of one round.
const ROUND_MAX: usize = 256;

/// While the first request of an id is under way, between two looks.
const UNDER_WAY_WAIT: std::time::Duration = std::time::Duration::from_millis(20);

/// The operation in the ledger.
const OPERATION: &str = "verify_by_bus";

const TOPIC: BusTopic = BusTopic::VerifyRequest;

/// How refusals are written: as over HTTP.
pub trait ProblemWriter: Send + Sync + 'static {
    /// Status, code and problem document of an error.
    fn refused(&self, error: AppError) -> RequestProblem;
    /// The same of a caller who is not known.
    fn unknown(&self, unknown: UnknownCaller) -> RequestProblem;
}

/// A refusal.
pub struct RequestProblem {
    /// HTTP status.
    pub status: u16,
    /// Code of the problem catalogue.
    pub code: &'static str,
    /// RFC 9457 document.
    pub document: serde_json::Value,
}

/// The reader of the request topic.
pub struct RequestReader {
    answerer: Arc<RequestAnswerer>,
    held: Vec<ReceivedMessage>,
}

struct RequestAnswerer {
    problems: Arc<dyn ProblemWriter>,
    items_max: usize,
}

/// Where the bus left it: an answer that is given twice is one answer.
struct FixedPosition;

impl StartAt for FixedPosition {
    fn start_at(&self, _partition: i32) -> Result<Option<i64>, BusFault> {
        Ok(None)
    }
}

/// Several verifications under one purpose.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RequestBatch<'a> {
    #[serde(borrow, deserialize_with = "question::object")]
    purpose: AskedPurposeElements<'a>,
    #[serde(borrow)]
    items: Vec<StrictObject<ItemBody<'a>>>,
}

/// What becomes of one request.
enum RequestOutcome {
    Result(BusMessage),
    Letter(LetterReason),
}

impl RequestReader {
    /// Begins to read the topic; a request has at most `items_max` items.
    ///
    /// # Errors
    /// Returns an error if the settings of the bus do not allow it.
    pub fn start(hub: &Hub, problems: Arc<dyn ProblemWriter>, items_max: usize) -> Result<Self, BusFault> {
        hub.outward.bus.subscribe(TOPIC, Arc::new(FixedPosition))?;
        Ok(Self {
            answerer: Arc::new(RequestAnswerer { problems, items_max }),
            held: Vec::new(),
        })
    }

    /// Answers what has come. Returns the number of requests.
    ///
    /// # Errors
    /// The bus, the store or the ledger cannot be asked: the next call tries again what was not answered.
    pub async fn answer(&mut self, hub: &Arc<Hub>) -> Result<usize, AppError> {
        if self.held.is_empty() {
            let polled = hub.outward.bus.receive(TOPIC, ROUND_MAX).await;
            self.held = polled.map_err(|fault| outbox::not_taken(&fault))?.messages;
        }
        if let Some(lag) = hub.outward.bus.lag(TOPIC) {
            hub.node
                .metrics
                .bus
                .lag(TOPIC.name(), i64::try_from(lag).unwrap_or(i64::MAX));
        }
        let answers = self
            .held
            .iter()
            .map(|received| answer_one(Arc::clone(&self.answerer), Arc::clone(hub), received.clone()));
        let answers: Vec<_> = answers.collect();
        let outcomes: Vec<Result<RequestOutcome, AppError>> = stream::iter(answers).buffered(AT_ONCE).collect().await;
        let (mut results, mut letters) = (Vec::new(), Vec::new());
        for (received, outcome) in self.held.iter().zip(outcomes) {
            match outcome? {
                RequestOutcome::Result(message) => results.push(message),
                RequestOutcome::Letter(reason) => letters.push((received, reason)),
            }
        }
        let letters: Vec<(&ReceivedMessage, &LetterReason)> =
            letters.iter().map(|(received, reason)| (*received, reason)).collect();
        if !letters.is_empty() {
            dead_letter::bury(hub, TOPIC, &letters).await?;
        }
        let reports = hub.outward.bus.publish(results).await;
        if let Some(fault) = reports.into_iter().find_map(Result::err) {
            return Err(outbox::not_taken(&fault));
        }
        let mut next: std::collections::HashMap<i32, i64> = std::collections::HashMap::new();
        for received in &self.held {
            next.insert(received.partition, received.offset + 1);
        }
        let next: Vec<(i32, i64)> = next.into_iter().collect();
        if !next.is_empty() {
            hub.outward.bus.done(TOPIC, &next).await;
        }
        Ok(std::mem::take(&mut self.held).len())
    }
}

impl RequestAnswerer {
    /// Writes a refusal, and enters it in the ledger before it is told.
    async fn refuse(&self, hub: &Hub, caller: &Caller, error: AppError) -> Result<RequestProblem, AppError> {
        let problem = self.problems.refused(error);
        let mut bytes = Vec::with_capacity(128);
        entry::begin(&mut bytes, EntryKind::Call, hub.clock.now_us(), caller.agency_number());
        entry::put_text(&mut bytes, OPERATION);
        bytes.extend_from_slice(&problem.status.to_be_bytes());
        entry::put_text(&mut bytes, problem.code);
        purpose::seal_caller(hub, caller, &mut bytes)?;
        hub.append(bytes).await?;
        Ok(problem)
    }

    async fn judge(
        &self,
        hub: &Arc<Hub>,
        caller: &Caller,
        arrived: &ArrivedEvent,
        text: &str,
    ) -> Result<Vec<u8>, AppError> {
        if caller.role() != ClientRole::Agency {
            return Err(AppError::RoleNotAllowed);
        }
        let faults = hub.catalog.events.check(TOPIC.name(), &arrived.data);
        if !faults.is_empty() {
            return Err(AppError::Invalid(faults));
        }
        let StrictObject(body) = serde_json::from_str::<StrictObject<RequestBatch<'_>>>(text)
            .map_err(|_other_shape| AppError::fault("", "invalid_request"))?;
        if body.items.len() > self.items_max {
            return Err(AppError::TooManyItems);
        }
        purpose::check(&body.purpose)?;
        let items: Vec<ItemBody<'_>> = body.items.into_iter().map(|StrictObject(item)| item).collect();
        let questions = items.iter().map(Ok::<_, AppError>).collect();
        let answer = chunk::verify_chunk(hub, &QueueAppender, caller, &body.purpose, None, questions);
        let answer = trace::under(arrived.traceparent.clone(), answer).await?;
        let mut out = Vec::with_capacity(256 + items.len() * 512);
        out.extend_from_slice(b"{\"request\":");
        answer_json::put_string(&mut out, &arrived.id);
        out.extend_from_slice(b",\"status\":200,\"results\":[");
        let ChunkAnswer { id, results, entered } = answer;
        for (place, (result, item)) in results.into_iter().zip(&items).enumerate() {
            if place > 0 {
                out.push(b',');
            }
            self.put_result(&mut out, &id.text(), item, result);
        }
        out.extend_from_slice(b"],");
        answer_json::put_receipt(&mut out, &hub.node.settings.origin, &entered);
        out.push(b'}');
        Ok(out)
    }

    fn put_result(&self, out: &mut Vec<u8>, id: &[u8], item: &ItemBody<'_>, result: ItemResult<'_, AppError>) {
        out.extend_from_slice(b"{\"ref\":");
        answer_json::put_string(out, &item.reference);
        let error = match result {
            ItemResult::Answered { position, judgement } => {
                out.push(b',');
                answer_json::put_item(out, id, position, &judgement);
                out.push(b'}');
                return;
            }
            ItemResult::Failed(error) | ItemResult::Unreadable(error) => error,
        };
        let problem = self.problems.refused(error);
        out.extend_from_slice(b",\"problem\":");
        out.extend_from_slice(problem.document.to_string().as_bytes());
        out.push(b'}');
    }
}

/// Answers one message, or says why it is not a request.
async fn answer_one(
    answerer: Arc<RequestAnswerer>,
    hub: Arc<Hub>,
    received: ReceivedMessage,
) -> Result<RequestOutcome, AppError> {
    let arrived = match envelope::read(TOPIC, &received) {
        Ok(arrived) => arrived,
        Err(envelope::NoEvent(code)) => {
            return Ok(RequestOutcome::Letter(LetterReason::new(LetterClass::Envelope, code)));
        }
    };
    let caller = match prove(&hub, &received) {
        Ok(caller) => caller,
        Err(unknown) => {
            let reason = unknown_word(unknown);
            if let Ok(counter) = hub.node.metrics.unknown_callers.get_metric_with_label_values(&[reason]) {
                counter.inc();
            }
            let problem = answerer.problems.unknown(unknown);
            let payload = problem_payload(&arrived.id, &problem);
            return Ok(RequestOutcome::Result(result(&hub, &received, &arrived, "", payload)));
        }
    };
    let client = &caller.client.row.id;
    let text = arrived.data.to_string();
    let (key, fingerprint) = (format!("bus:{}", arrived.id), sha256(text.as_bytes()));
    let slot = loop {
        match idempotency::begin(&hub, client, &key, fingerprint).await {
            Ok(KeyState::New(slot)) => break slot,
            Ok(KeyState::Answered(_, payload)) => {
                return Ok(RequestOutcome::Result(result(
                    &hub, &received, &arrived, client, payload,
                )));
            }
            Err(AppError::InProgress) => tokio::time::sleep(UNDER_WAY_WAIT).await,
            Err(error @ AppError::KeyReused) => {
                let problem = answerer.refuse(&hub, &caller, error).await?;
                let payload = problem_payload(&arrived.id, &problem);
                return Ok(RequestOutcome::Result(result(
                    &hub, &received, &arrived, client, payload,
                )));
            }
            Err(error) => return Err(error),
        }
    };
    let (status, payload) = match answerer.judge(&hub, &caller, &arrived, &text).await {
        Ok(payload) => (200, payload),
        Err(error) if is_of_hub(&error) => return Err(error),
        Err(error) => {
            let problem = answerer.refuse(&hub, &caller, error).await?;
            (problem.status, problem_payload(&arrived.id, &problem))
        }
    };
    // What is refused for now may be asked again under the same id.
    if !matches!(status, 429 | 503) {
        slot.refuse(&hub, status, &payload).await?;
    }
    Ok(RequestOutcome::Result(result(
        &hub, &received, &arrived, client, payload,
    )))
}

/// Whether the hub is to blame: then the request waits, and is not refused.
fn is_of_hub(error: &AppError) -> bool {
    matches!(error, AppError::Store(_) | AppError::Ledger(_) | AppError::Internal(_))
}

/// Authenticates the sender by the bearer token in the header. The sender's network address is not known here, so a client that
/// is bound to networks is not admitted.
fn prove(hub: &Hub, received: &ReceivedMessage) -> Result<Caller, UnknownCaller> {
    const SCHEME: &str = "bearer ";
    let named = |(name, _): &&(String, Vec<u8>)| name.eq_ignore_ascii_case("authorization");
    if received.headers.iter().filter(named).count() > 1 {
        return Err(UnknownCaller::Missing);
    }
    let credential = received.header("authorization").ok_or(UnknownCaller::Missing)?;
    let (scheme, token) = credential
        .split_at_checked(SCHEME.len())
        .ok_or(UnknownCaller::Invalid)?;
    if !scheme.eq_ignore_ascii_case(SCHEME) {
        return Err(UnknownCaller::Invalid);
    }
    let nowhere = std::net::IpAddr::from([0, 0, 0, 0]);
    let recent = RecentTokens::default();
    let caller = token::prove(hub, &recent, token.trim().as_bytes(), nowhere, hub.clock.now_us())?;
    Ok((*caller).clone())
}

fn unknown_word(unknown: UnknownCaller) -> &'static str {
    match unknown {
        UnknownCaller::Missing => "missing",
        UnknownCaller::Invalid => "invalid",
        UnknownCaller::Expired => "expired",
        UnknownCaller::Disabled => "disabled",
        UnknownCaller::Network => "network",
        UnknownCaller::Client => "client",
    }
}

fn problem_payload(request: &str, problem: &RequestProblem) -> Vec<u8> {
    let payload = json!({"request": request, "status": problem.status, "problem": problem.document});
    payload.to_string().into_bytes()
}

/// The message of an answer: keyed as its request where that key is a keyed hash in hexadecimal, and by a hash of it where it
/// may be anything.
fn result(hub: &Hub, received: &ReceivedMessage, arrived: &ArrivedEvent, client: &str, payload: Vec<u8>) -> BusMessage {
    let given = received.key.as_deref().unwrap_or(arrived.id.as_bytes());
    let is_hash = given.len() >= 32 && given.len() <= 64 && given.iter().all(u8::is_ascii_hexdigit);
    let key = match is_hash {
        true => given.to_vec(),
        false => super::key_of(&hub.secrets.vault.of_bus(b"key", given)),
    };
    let of_both = [client.as_bytes(), &[0], arrived.id.as_bytes()].concat();
    let id = format!(
        "res_{}",
        crate::foundation::hex::hex(&hub.secrets.vault.of_bus(b"result", &of_both))
    );
    let attributes = EventAttributes {
        id: &id,
        subject: None,
        at_us: hub.clock.now_us(),
        traceparent: arrived.traceparent.as_deref(),
    };
    let mut message = envelope::message_of(hub, BusTopic::VerifyResult, key, &attributes, payload);
    message.headers.push(("correlation-id", arrived.id.clone()));
    message
}
