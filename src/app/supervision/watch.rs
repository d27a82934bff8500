//! Watches: reads entries as they come, lets the rules judge them, and raises what they find. On a node alone the entries come from its
//! ledger. Among several, each node posts what its ledger says into the store, and the one that has the duty takes all of it in: a rule
//! about one operator, or one subject, holds over all nodes.
//!
//! Findings are raised first, and what the rules have seen is kept a little later, with how far each ledger was taken in. A crash in
//! between reads the same again and finds the same again: alerts have one key for one cause, and evidence only grows.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use super::{
    alert,
    facts::{self, FactReader, KeptFacts},
};
use crate::{
    foundation::{error::AppError, lease::ClusterDuty, vault::SealPlace},
    node::{hub::Hub, peers, raise::raise},
};
use heyan_domain::supervision::{LedgerFact, SeenEntry, SupervisionFinding, Supervisor};
use heyan_ledger::{Ledger, entry};
use heyan_ports::{commit::Commit, positions::ReadPosition};
use heyan_ports::{
    positions::{BusWrites, PositionAdvance},
    subject::SubjectKey,
    supervision::{AlertRow, PostedEntries, SupervisionWrites},
};

/// Entries of a ledger, or rows of other nodes' entries, that are taken in at once.
pub const ENTRIES_MAX: u64 = 256;
const ROWS_MAX: u32 = 8;

/// Entries without a fact after which it is stored that they were posted.
const STORE_AFTER: u64 = 50_000;

/// How often what the rules have seen is kept: so much is read again after a crash.
const KEEP: Duration = Duration::from_secs(300);

/// A ledger that was never read is read from so long ago on, microseconds: as long as the rules look back.
const LOOK_BACK_US: i64 = 31 * 86_400_000_000;

/// Name of the position that is compared and set whenever what was seen is kept.
const REVISION: &str = "supervision:state";

/// Where the watching stands.
#[derive(Default)]
pub struct LedgerWatcher {
    known: Option<WatchKnowledge>,
    /// What of this node's ledger was posted, and what of that is stored.
    posted: Option<(u64, u64)>,
}

/// What this node has seen while it has the duty.
struct WatchKnowledge {
    supervisor: Supervisor,
    /// How far each ledger was taken in, by its name.
    taken: BTreeMap<String, u64>,
    revision: Option<String>,
    kept_at: Instant,
    /// Entries that were taken in since.
    since_kept: u64,
    /// Of the reader of entries.
    reader: Option<KeptFacts>,
}

impl LedgerWatcher {
    /// Takes in some of what came. Returns the number of entries read; 0 when there are no more.
    ///
    /// # Errors
    /// The ledger or the store cannot be asked: the next round goes on from what was kept.
    pub async fn round(&mut self, hub: &Hub, duty: &mut ClusterDuty) -> Result<u64, AppError> {
        let is_among_others = hub.node.trust.is_among_others();
        let posted = match is_among_others {
            true => self.post(hub).await?,
            false => 0,
        };
        if !duty.is_ours(hub).await? {
            if self.known.take().is_some() {
                hub.supervision.stand(Vec::new());
            }
            return Ok(posted);
        }
        // Taken out: after an error it is loaded anew.
        let mut known = match self.known.take() {
            Some(known) => known,
            None => WatchKnowledge::load(hub).await?,
        };
        let taken = match is_among_others {
            true => known.take_posted(hub).await?,
            false => known.take_own(hub).await?,
        };
        known.keep_if_due(hub).await?;
        hub.supervision.stand(known.supervisor.standings());
        self.known = Some(known);
        Ok(posted + taken)
    }

    /// Posts what this node's ledger says since the last time.
    async fn post(&mut self, hub: &Hub) -> Result<u64, AppError> {
        let origin = &hub.node.settings.origin;
        let name = format!("supervision:posted:{origin}");
        let (first, stored) = match self.posted {
            Some(posted) => posted,
            None => {
                let stored = hub.store.position(&name).await?;
                let first = beginning(hub, stored.and_then(|text| text.parse().ok()))?;
                (first, first)
            }
        };
        let (mut next, mut body) = (first, Vec::new());
        hub.ledger.tail(first, ENTRIES_MAX, |index, bytes| {
            if facts::concerns(bytes) {
                body.extend_from_slice(&index.to_be_bytes());
                body.extend_from_slice(&u16::try_from(bytes.len()).unwrap_or(u16::MAX).to_be_bytes());
                body.extend_from_slice(bytes);
            }
            next = index + 1;
        })?;
        if body.is_empty() && next - stored < STORE_AFTER {
            self.posted = Some((next, stored));
            return Ok(next - first);
        }
        self.posted = None;
        let posted = (!body.is_empty()).then(|| PostedEntries {
            origin: origin.clone(),
            node: hub.node.settings.node,
            first,
            next,
            body,
        });
        let commit = Commit::at(hub.clock.now_us())
            .with(ReadPosition {
                name,
                value: next.to_string(),
            })
            .with(SupervisionWrites {
                posted,
                ..SupervisionWrites::default()
            });
        hub.write(commit).await?;
        self.posted = Some((next, next));
        Ok(next - first)
    }
}

/// Where the reading of this node's ledger begins.
fn beginning(hub: &Hub, stored: Option<u64>) -> Result<u64, AppError> {
    let durable = hub.ledger.stats().durable;
    match stored {
        // A copy of the ledger that is older than the store's: what comes now stands at indexes that were read before.
        Some(stored) => Ok(stored.min(durable)),
        None => first_since(&hub.ledger, hub.clock.now_us() - LOOK_BACK_US),
    }
}

/// The first entry that is not older than a time; entries stand in the order of their times, but for a moment.
///
/// # Errors
/// Returns an error if the ledger cannot be read.
pub fn first_since(ledger: &Ledger, since_us: i64) -> Result<u64, AppError> {
    let (mut low, mut high) = (0, ledger.stats().durable);
    while low < high {
        let middle = low + (high - low) / 2;
        let at_us = ledger.entry(middle)?.and_then(|bytes| entry::time_of(&bytes));
        if at_us.is_some_and(|at_us| at_us < since_us) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    Ok(low)
}

fn place() -> SealPlace<'static> {
    SealPlace {
        table: "supervision_state",
        column: "body",
        row: "rules",
    }
}

impl WatchKnowledge {
    async fn load(hub: &Hub) -> Result<Self, AppError> {
        // The position first: when somebody keeps something in between, keeping it here is a conflict.
        let revision = hub.store.position(REVISION).await?;
        let kept = hub.store.supervision_state().await?;
        let rules = &hub.supervision.rules;
        let mut known = Self {
            supervisor: Supervisor::new(rules),
            taken: BTreeMap::new(),
            revision,
            kept_at: Instant::now(),
            since_kept: 0,
            reader: None,
        };
        let Some(kept) = kept else { return Ok(known) };
        let plain = hub.secrets.vault.open(place(), &kept)?;
        let (taken, seen) = plain.split_at(plain.iter().position(|byte| *byte == b'\n').unwrap_or_default());
        match (serde_json::from_slice(taken), serde_json::from_slice(seen)) {
            (Ok(taken), Ok(snapshot)) => {
                known.taken = taken;
                known.supervisor = Supervisor::restore(rules, snapshot);
            }
            (Ok(taken), Err(_of_another_version)) => {
                known.taken = taken;
                tracing::warn!(
                    "the saved state of supervision is of another version: the rules start from an empty state"
                );
            }
            (Err(_), _) => return Err(AppError::Internal("the saved state of supervision cannot be read")),
        }
        Ok(known)
    }

    /// Takes in entries of this node's own ledger.
    async fn take_own(&mut self, hub: &Hub) -> Result<u64, AppError> {
        let origin = &hub.node.settings.origin;
        let first = beginning(hub, self.taken.get(origin).copied())?;
        let mut reader = FactReader::with(hub, self.reader.take());
        let (mut next, mut eaten) = (first, Vec::new());
        hub.ledger.tail(first, ENTRIES_MAX, |index, bytes| {
            let node = hub.node.settings.node;
            reader.visit(SeenEntry { node, index }, bytes, |fact| eaten.push(fact));
            next = index + 1;
        })?;
        self.judge(hub, reader.kept, eaten, next == first).await?;
        self.taken.insert(origin.clone(), next);
        self.since_kept += next - first;
        Ok(next - first)
    }

    /// Takes in what all nodes have posted.
    async fn take_posted(&mut self, hub: &Hub) -> Result<u64, AppError> {
        let mut reader = FactReader::with(hub, self.reader.take());
        let (mut eaten, mut read) = (Vec::new(), 0);
        for origin in hub.store.posted_origins().await? {
            let taken = self.taken.entry(origin.clone()).or_default();
            for posted in hub.store.posted_entries(&origin, *taken, ROWS_MAX).await? {
                visit_posted(&posted, |seen, bytes| {
                    reader.visit(seen, bytes, |fact| eaten.push(fact))
                });
                *taken = posted.next;
                read += posted.next - posted.first;
            }
        }
        // What happened on several nodes at once is judged in the order in which it happened.
        eaten.sort_by_key(|fact| (fact.at_us, fact.seen));
        self.judge(hub, reader.kept, eaten, read == 0).await?;
        self.since_kept += read;
        Ok(read)
    }

    /// Lets the rules judge, and raises what they find. When there was nothing to read, time goes by all the same.
    async fn judge(
        &mut self,
        hub: &Hub,
        reader: KeptFacts,
        eaten: Vec<LedgerFact>,
        is_idle: bool,
    ) -> Result<(), AppError> {
        let mut found = Vec::new();
        for fact in &eaten {
            self.supervisor.eat(fact, &reader.calendar, &mut found);
        }
        if is_idle {
            self.supervisor
                .advance(hub.clock.now_us(), &reader.calendar, &mut found);
        }
        // Of one cause only the last counts.
        let last: BTreeMap<String, SupervisionFinding> = found
            .into_iter()
            .filter(|finding| hub.supervision.raises(&finding.rule))
            .map(|finding| (finding.once.clone(), finding))
            .collect();
        let alerts: Result<Vec<AlertRow>, AppError> = last
            .into_values()
            .map(|finding| alert_of(hub, &reader, finding))
            .collect();
        self.reader = Some(reader);
        let alerts = alerts?;
        if !alerts.is_empty() {
            raise(hub, alerts).await?;
            hub.node.wakeups.publisher.notify_one();
        }
        Ok(())
    }

    async fn keep_if_due(&mut self, hub: &Hub) -> Result<(), AppError> {
        if self.since_kept == 0 || self.kept_at.elapsed() < KEEP {
            return Ok(());
        }
        self.keep(hub).await
    }

    async fn keep(&mut self, hub: &Hub) -> Result<(), AppError> {
        let unwritable = |_why| AppError::Internal("the state of supervision cannot be written");
        let mut plain = serde_json::to_vec(&self.taken).map_err(unwritable)?;
        plain.push(b'\n');
        plain.extend(self.supervisor.kept().map_err(unwritable)?);
        let before: u64 = self
            .revision
            .as_deref()
            .and_then(|text| text.parse().ok())
            .unwrap_or_default();
        let revision = (before + 1).to_string();
        let commit = Commit::at(hub.clock.now_us())
            .with(BusWrites {
                advances: vec![PositionAdvance {
                    name: REVISION.to_owned(),
                    from: self.revision.clone(),
                    to: revision.clone(),
                }],
                ..BusWrites::default()
            })
            .with(SupervisionWrites {
                kept: Some(hub.secrets.vault.seal(place(), &plain)?),
                taken: self
                    .taken
                    .iter()
                    .map(|(origin, next)| (origin.clone(), *next))
                    .collect(),
                ..SupervisionWrites::default()
            });
        hub.write(commit).await?;
        self.revision = Some(revision);
        self.kept_at = Instant::now();
        self.since_kept = 0;
        Ok(())
    }
}

impl LedgerWatcher {
    /// Keeps what was seen now, whenever it is due: a stop that comes in time leaves nothing to be read again.
    ///
    /// # Errors
    /// The store cannot be asked, or another node has the duty.
    pub async fn keep(&mut self, hub: &Hub) -> Result<(), AppError> {
        match &mut self.known {
            Some(known) => known.keep(hub).await,
            None => Ok(()),
        }
    }
}

/// Visits posted entries; what is cut short has those that are whole.
fn visit_posted(posted: &PostedEntries, mut visit: impl FnMut(SeenEntry, &[u8])) {
    let mut rest = posted.body.as_slice();
    while let Some((index, tail)) = rest.split_first_chunk()
        && let Some((length, tail)) = tail.split_first_chunk()
        && let Some((bytes, tail)) = tail.split_at_checked(usize::from(u16::from_be_bytes(*length)))
    {
        let seen = SeenEntry {
            node: posted.node,
            index: u64::from_be_bytes(*index),
        };
        visit(seen, bytes);
        rest = tail;
    }
}

/// The alert of a finding.
fn alert_of(hub: &Hub, reader: &KeptFacts, finding: SupervisionFinding) -> Result<AlertRow, AppError> {
    let about = finding.about;
    let mut facts = serde_json::Map::new();
    for (name, count) in finding.counts {
        facts.insert(name.to_owned(), count.into());
    }
    if let Some(operator) = about.operator {
        facts.insert("operator".to_owned(), format!("{operator:016x}").into());
    }
    if let Some(item) = about.item {
        facts.insert("item_code".to_owned(), (*item).into());
    }
    let place = |seen: &SeenEntry| {
        let origin = peers::origin_of(hub, seen.node).unwrap_or_default();
        serde_json::json!({"origin": origin, "index": seen.index})
    };
    let evidence: Vec<serde_json::Value> = finding.evidence.seen.iter().map(place).collect();
    let agency = about.agency.and_then(|number| reader.agencies.get(&number));
    Ok(AlertRow {
        dataset: about.dataset.map(String::from),
        subject: about.subject.map(|subject| SubjectKey(subject.to_be_bytes())),
        mismatch: about.mismatch,
        agency: agency.map(|id| id.to_string()),
        facts: serde_json::Value::Object(facts).to_string(),
        entries: finding.evidence.entries,
        evidence: serde_json::Value::Array(evidence).to_string(),
        at: finding.at_us,
        ..alert(hub, &finding.rule, finding.once, finding.at_us)?
    })
}
