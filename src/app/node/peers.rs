//! The other nodes: their identity, what this node shows them, and how to read entries of their ledgers, which only they have.
//! Nodes ask each other through the shared store: they need no connection to each other and trust no additional party.

use std::{
    collections::BTreeMap,
    sync::{Arc, PoisonError},
    time::Duration,
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde::{Deserialize, Serialize};
use tokio::sync::oneshot;

use super::hub::Hub;
use crate::{foundation::error::AppError, traces::own};
use heyan_auth::secret;
use heyan_ledger::{
    CosignatureRule, LedgerError, VerifierKey,
    receipt::Receipt,
    witness::{LedgerWitness, WitnessError, is_file_name},
};
use heyan_ports::{
    nodes::{CosignedRow, NodeRow},
    supervision::AlertRow,
};

/// Longest wait for the answer of a node that has what was asked for.
const ANSWER_WAIT: Duration = Duration::from_millis(2_500);

/// Longest wait for the look of a node: its index may first have to catch up.
const LOOK_WAIT: Duration = Duration::from_millis(5_000);

/// Questions of this node that may be open.
const OPEN_MAX: usize = 1_000;

/// An entry of some node's ledger.
pub struct HeldEntry {
    /// Its bytes.
    pub entry: Vec<u8>,
    /// Its proof; `None`: no checkpoint covers it yet.
    pub receipt: Option<Receipt>,
}

/// What one node wants to know of another's ledger.
#[derive(Serialize, Deserialize)]
#[serde(tag = "of", rename_all = "snake_case")]
enum PeerQuestion {
    /// An entry, with its proof if a checkpoint covers it in time.
    Entry { index: u64, wait_ms: u64 },
    /// That the tree of `new` entries extends the tree of `old`.
    Consistency { old: u64, new: u64 },
    /// What its index knows of a key.
    Look { look: own::TraceQuestion },
}

#[derive(Default, Serialize, Deserialize)]
struct PeerAnswer {
    #[serde(default)]
    entry: Option<String>,
    #[serde(default)]
    receipt: Option<String>,
    /// Hashes of a proof, base64.
    #[serde(default)]
    proof: Vec<String>,
    #[serde(default)]
    look: Option<own::TraceAnswer>,
}

/// What the database says the time is; `None` where this node has it for itself. Asked for right after [`show`].
///
/// # Errors
/// The store could not be asked.
pub async fn database_time(hub: &Hub) -> Result<Option<i64>, AppError> {
    let nodes = hub.store.nodes().await?;
    let own = nodes.iter().find(|node| node.origin == hub.node.settings.origin);
    Ok(own.map(|node| node.seen_at))
}

/// Shows this node to the others, and learns who they are.
///
/// # Errors
/// `Conflict`: another node has this one's number, or its name with another key. Else the store could not be asked.
pub async fn show(hub: &Hub) -> Result<(), AppError> {
    let own = NodeRow {
        origin: hub.node.settings.origin.clone(),
        number: hub.node.settings.node,
        url: hub.node.settings.public_url.clone(),
        ledger_key: hub.ledger.vkey().to_owned(),
        checkpoint: Some(hub.ledger.checkpoint()),
        seen_at: 0,
    };
    hub.store.show_node(&own).await?;
    hub.node.peers.nodes.store(Arc::new(hub.store.nodes().await?));
    if hub.node.witness.is_some() {
        hub.node.peers.cosigned.store(Arc::new(hub.store.cosigned().await?));
    }
    Ok(())
}

/// The origin of the node with a number.
pub fn origin_of(hub: &Hub, number: u16) -> Option<String> {
    if number == hub.node.settings.node {
        return Some(hub.node.settings.origin.clone());
    }
    let nodes = hub.node.peers.nodes.load();
    let node = nodes.iter().find(|node| node.number == number)?;
    Some(node.origin.clone())
}

/// The entry of a node's ledger, with its proof when a checkpoint covers it within `wait`. `None`: no such node or entry.
///
/// # Errors
/// The ledger failed, or the node that has the entry does not answer.
pub async fn entry_of(hub: &Hub, origin: &str, index: u64, wait: Duration) -> Result<Option<HeldEntry>, AppError> {
    if origin == hub.node.settings.origin {
        return own_entry(hub, index, wait).await;
    }
    let known = hub.node.peers.nodes.load().iter().any(|node| node.origin == origin);
    if !known {
        return Ok(None);
    }
    let question = PeerQuestion::Entry {
        index,
        wait_ms: u64::try_from(wait.as_millis()).unwrap_or_default(),
    };
    let answer = ask(hub, origin, &question, wait + ANSWER_WAIT).await?;
    let Some(entry) = answer.entry else { return Ok(None) };
    let receipt = answer.receipt.map(|text| Receipt::parse(text.as_bytes())).transpose();
    Ok(Some(HeldEntry {
        entry: STANDARD.decode(entry).map_err(|_why| unreadable())?,
        receipt: receipt.map_err(|_why| unreadable())?,
    }))
}

/// Every node's ledger and number, this one's first; read anew, for a node that came a moment ago may have answered already.
///
/// # Errors
/// Returns an error if the store cannot be reached.
pub async fn all(hub: &Hub) -> Result<Vec<(String, u16)>, AppError> {
    let own = (hub.node.settings.origin.clone(), hub.node.settings.node);
    let nodes = Arc::new(hub.store.nodes().await?);
    hub.node.peers.nodes.store(Arc::clone(&nodes));
    let others = nodes.iter().filter(|node| node.origin != own.0);
    let others = others.map(|node| (node.origin.clone(), node.number));
    Ok(std::iter::once(own.clone()).chain(others).collect())
}

/// The verifier key of every node's ledger, by its name.
pub fn keys(hub: &Hub) -> BTreeMap<String, String> {
    let nodes = hub.node.peers.nodes.load();
    let others = nodes.iter().map(|node| (node.origin.clone(), node.ledger_key.clone()));
    let own = (hub.node.settings.origin.clone(), hub.ledger.vkey().to_owned());
    others.chain(std::iter::once(own)).collect()
}

/// What the index of a node knows of a key.
///
/// # Errors
/// The ledger failed, or the node does not answer.
pub async fn look(hub: &Arc<Hub>, origin: &str, look: own::TraceQuestion) -> Result<own::TraceAnswer, AppError> {
    if origin == hub.node.settings.origin {
        return own::own(hub, look).await;
    }
    let answer = ask(hub, origin, &PeerQuestion::Look { look }, LOOK_WAIT).await?;
    answer.look.ok_or(AppError::NodeSilent)
}

/// Countersigns the checkpoints that other nodes show, as long as each extends what this node saw of it. Returns their number.
///
/// # Errors
/// The store could not be asked. A ledger that shows two histories is an alert, and is not countersigned any more.
pub async fn witness(hub: &Hub) -> Result<usize, AppError> {
    let Some(witness) = &hub.node.witness else { return Ok(0) };
    let mut countersigned = 0;
    for node in hub.node.peers.nodes.load_full().iter() {
        let Some(checkpoint) = node
            .checkpoint
            .as_deref()
            .filter(|_| node.origin != hub.node.settings.origin)
        else {
            continue;
        };
        match witness_one(hub, witness, node, checkpoint).await {
            Ok(true) => countersigned += 1,
            Ok(false) | Err(PeerWatch::NotNow(AppError::NodeSilent)) => {}
            Err(PeerWatch::NotNow(error)) => return Err(error),
            Err(PeerWatch::Refused(why)) => {
                tracing::error!(node = node.origin, error = %why, "the ledger of another node is not countersigned");
                raise(hub, node, &why).await?;
            }
        }
    }
    Ok(countersigned)
}

enum PeerWatch {
    NotNow(AppError),
    Refused(WitnessError),
}

impl From<WitnessError> for PeerWatch {
    fn from(error: WitnessError) -> Self {
        Self::Refused(error)
    }
}

impl From<AppError> for PeerWatch {
    fn from(error: AppError) -> Self {
        Self::NotNow(error)
    }
}

async fn witness_one(hub: &Hub, witness: &LedgerWitness, node: &NodeRow, checkpoint: &str) -> Result<bool, PeerWatch> {
    if !is_file_name(&node.origin) {
        return Ok(false);
    }
    let key = VerifierKey::parse(&node.ledger_key).map_err(WitnessError::from)?;
    let head = key
        .open(checkpoint.as_bytes(), CosignatureRule::Refused)
        .map_err(WitnessError::from)?;
    let seen = witness.seen(&key)?;
    if head.size == 0 || seen.as_ref() == Some(&head) {
        return Ok(false);
    }
    let proof = match &seen {
        Some(seen) if seen.size < head.size => {
            let question = PeerQuestion::Consistency {
                old: seen.size,
                new: head.size,
            };
            let answer = ask(hub, &node.origin, &question, ANSWER_WAIT).await?;
            answer
                .proof
                .iter()
                .filter_map(|hash| STANDARD.decode(hash).ok()?.try_into().ok())
                .collect()
        }
        _ => Vec::new(),
    };
    let now_us = hub.clock.now_us();
    let now_s = u64::try_from(now_us.div_euclid(1_000_000)).unwrap_or_default();
    let countersigned = witness.countersign(&key, checkpoint, &proof, now_s)?;
    let row = CosignedRow {
        origin: node.origin.clone(),
        witness: hub.node.settings.origin.clone(),
        witness_key: witness.vkey(),
        checkpoint: countersigned,
        at: now_us,
    };
    hub.store.keep_cosigned(&row).await.map_err(AppError::from)?;
    Ok(true)
}

async fn raise(hub: &Hub, node: &NodeRow, why: &WitnessError) -> Result<(), AppError> {
    let now_us = hub.clock.now_us();
    let once = format!("ledger_forked:{}:{}", node.origin, hub.node.settings.origin);
    let alert = AlertRow {
        facts: serde_json::json!({"origin": node.origin, "why": why.to_string()}).to_string(),
        ..crate::supervision::alert(hub, "ledger_forked", once, now_us)?
    };
    super::raise::raise(hub, vec![alert]).await
}

async fn own_entry(hub: &Hub, index: u64, wait: Duration) -> Result<Option<HeldEntry>, AppError> {
    let Some(entry) = hub.ledger.entry(index)? else {
        return Ok(None);
    };
    let receipt = match hub.ledger.wait_sealed(index, wait).await {
        Err(LedgerError::NotSealed) => None,
        waited => {
            waited?;
            Some(hub.ledger.inclusion_proof(index)?)
        }
    };
    Ok(Some(HeldEntry { entry, receipt }))
}

/// A question of this node; forgotten when it is answered or given up.
struct OpenQuestion<'h> {
    hub: &'h Hub,
    id: String,
}

impl Drop for OpenQuestion<'_> {
    fn drop(&mut self) {
        let mut open = self.hub.node.peers.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.remove(&self.id);
    }
}

async fn ask(hub: &Hub, origin: &str, question: &PeerQuestion, patience: Duration) -> Result<PeerAnswer, AppError> {
    let question =
        serde_json::to_string(question).map_err(|_never| AppError::Internal("a question cannot be written"))?;
    let id = secret::random_id().map_err(|_unavailable| AppError::Internal("the random source failed"))?;
    let (told, answered) = oneshot::channel();
    {
        let mut open = hub.node.peers.open.lock().unwrap_or_else(PoisonError::into_inner);
        if open.len() >= OPEN_MAX {
            return Err(AppError::NodeSilent);
        }
        open.insert(id.clone(), told);
    }
    let open = OpenQuestion { hub, id };
    hub.store.ask(&open.id, origin, &question, hub.clock.now_us()).await?;
    // A notice that was missed is made up for by one look at the end.
    let _told = tokio::time::timeout(patience, answered).await;
    let answer = hub.store.take_answer(&open.id).await?.ok_or(AppError::NodeSilent)?;
    serde_json::from_slice(&answer).map_err(|_why| unreadable())
}

fn unreadable() -> AppError {
    AppError::Internal("another node's answer cannot be read")
}

/// Another node has answered.
pub(crate) fn told(hub: &Hub, id: &str) {
    let mut open = hub.node.peers.open.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(told) = open.remove(id) {
        // The caller may have given up.
        let _gone = told.send(());
    }
}

/// Answers what other nodes ask this one.
///
/// # Errors
/// Returns an error if the store cannot be reached.
pub async fn answer_all(hub: &Arc<Hub>) -> Result<(), AppError> {
    for (id, question) in hub.store.asks().await? {
        let hub = Arc::clone(hub);
        // Each waits for its own checkpoint.
        tokio::spawn(async move {
            if let Err(error) = answer(&hub, &id, &question).await {
                tracing::warn!(error = %error, "another node's question could not be answered");
            }
        });
    }
    Ok(())
}

async fn answer(hub: &Arc<Hub>, id: &str, question: &str) -> Result<(), AppError> {
    let unreadable = |_why| AppError::Internal("another node's question cannot be read");
    let question: PeerQuestion = serde_json::from_str(question).map_err(unreadable)?;
    let answer = match question {
        PeerQuestion::Entry { index, wait_ms } => {
            let held = own_entry(hub, index, Duration::from_millis(wait_ms)).await?;
            PeerAnswer {
                receipt: held.as_ref().and_then(|held| Some(held.receipt.as_ref()?.to_text())),
                entry: held.map(|held| STANDARD.encode(held.entry)),
                ..PeerAnswer::default()
            }
        }
        PeerQuestion::Consistency { old, new } => PeerAnswer {
            // A ledger that no longer has what it showed has no proof either: an empty one proves nothing.
            proof: match hub.ledger.consistency_proof(old, new) {
                Ok(proof) => proof.iter().map(|hash| STANDARD.encode(hash)).collect(),
                Err(_no_such_tree) => Vec::new(),
            },
            ..PeerAnswer::default()
        },
        PeerQuestion::Look { look } => PeerAnswer {
            look: Some(own::own(hub, look).await?),
            ..PeerAnswer::default()
        },
    };
    let answer = serde_json::to_vec(&answer).map_err(|_never| AppError::Internal("an answer cannot be written"))?;
    Ok(hub.store.answer(id, &answer).await?)
}

/// What a node that starts must not find: that its name or number is another's, or that it has shown more of its ledger than it has.
///
/// # Errors
/// What was found, or the store could not be asked.
pub async fn check_node_identity(hub: &Hub) -> Result<(), String> {
    let nodes = hub.store.nodes().await.map_err(|error| error.to_string())?;
    let (own, number) = (&hub.node.settings.origin, hub.node.settings.node);
    if let Some(other) = nodes.iter().find(|node| node.number == number && node.origin != *own) {
        return Err(format!(
            "node.id {number} belongs to {}: give every node its own",
            other.origin
        ));
    }
    let Some(shown) = nodes.iter().find(|node| node.origin == *own) else {
        return Ok(());
    };
    if shown.ledger_key != hub.ledger.vkey() {
        return Err(format!("node.origin {own} belongs to a ledger with another key"));
    }
    let size = shown
        .checkpoint
        .as_deref()
        .and_then(|note| note.lines().nth(1)?.parse::<u64>().ok());
    let has = hub.ledger.stats().durable;
    match size.filter(|size| *size > has) {
        Some(size) => Err(format!(
            "the ledger of {own} has shown {size} entries to the other nodes, and here are {has}: its data is elsewhere"
        )),
        None => Ok(()),
    }
}
