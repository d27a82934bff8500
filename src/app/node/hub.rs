//! The hub of one node: every part that a use case needs, made once and shared by all workers.
//! It holds no request state; what changes in it swaps whole (`access`) or is made for many hands (cache, ledger).

use std::{
    net::IpAddr,
    sync::{Arc, PoisonError},
    time::Instant,
};

use arc_swap::ArcSwap;
use tokio::sync::{Mutex, Notify};

use super::idempotency::UnderWay;
use crate::{
    access::table::{AccessTable, Client, Counters, Role},
    delivery::subscriptions::Table,
    foundation::{error::AppError, trust::Trust, vault::Vault},
    items::Items,
    licences::{self, Licences},
    mismatch::pending::Pending,
    supervision::Supervision,
    verification::{caches::RecordCaches, record::RecordLoad},
};
use heyan_auth::{
    seal::PurposeSealer,
    token::{TokenSigner, TokenVerifier},
};
use heyan_catalog::{Catalog, item::ServiceItem};
use heyan_domain::{budget::Limits, calendar::WorkingCalendar, schedule::Schedule};
use heyan_ledger::{Appended, Lane, Ledger, LedgerError};
use heyan_ports::{
    bus::Bus,
    commit::Commit,
    outward::{Connectors, Webhooks},
    store::Store,
    time::Clock,
};
use heyan_telemetry::Metrics;

/// Between two looks at a full ledger queue.
const QUEUE_WAIT: std::time::Duration = std::time::Duration::from_millis(2);

/// Outbox rows that are deleted at once.
const FORGET_MAX: usize = 2_000;

/// One node.
pub struct Hub {
    /// What datasets there are.
    pub catalog: Arc<Catalog>,
    /// Who may do what.
    pub access: ArcSwap<AccessTable>,
    /// Daily ceilings.
    pub counters: Counters,
    /// Records in memory.
    pub records: RecordCaches,
    /// Whether what is in memory may be used.
    pub trust: Arc<Trust>,
    /// The outside systems.
    pub connectors: Arc<dyn Connectors>,
    /// Reads what the cache lacks.
    pub loader: Arc<RecordLoad>,
    /// The bus: what is published on it, and what comes from it.
    pub bus: Arc<dyn Bus>,
    /// What was answered.
    pub ledger: Ledger,
    /// Where in it what is found.
    pub index: heyan_ledger::index::Index,
    /// The system of record.
    pub store: Arc<dyn Store>,
    /// What time it is.
    pub clock: Arc<dyn Clock>,
    /// Seals what names a matter or a clerk.
    pub sealer: PurposeSealer,
    /// Signs access tokens.
    pub signer: TokenSigner,
    /// Verifies access tokens.
    pub verifier: TokenVerifier,
    /// Access tokens that were verified, by hash.
    pub tokens: crate::access::token::TokenCache,
    /// `private_key_jwt` assertions that were used.
    pub assertions: heyan_auth::replay::ReplayCache,
    /// What is counted.
    pub metrics: Metrics,
    /// Limits and names of this node.
    pub settings: Settings,
    /// One change of access at a time: read, decide, commit, swap.
    pub access_changes: Arc<Mutex<()>>,
    /// When access was last read; held while it is.
    pub access_read: Mutex<Option<Instant>>,
    /// Whether this node is about to stop: it answers on, and sends nobody away, but wants no new callers.
    pub draining: std::sync::atomic::AtomicBool,
    /// Countersigns what other nodes show of their ledgers; `None` on a node alone.
    pub witness: Option<heyan_ledger::witness::Witness>,
    /// The other nodes.
    pub peers: super::peers::Peers,
    /// Held while subscriptions or items are read or changed in memory.
    pub table_reads: Mutex<()>,
    /// What licences need.
    pub licences: Licences,
    /// Seals columns of the store.
    pub vault: Vault,
    /// What is pending about subjects.
    pub pending: Pending,
    /// Service items.
    pub items: ArcSwap<Items>,
    /// The items that ship, and those of the folder.
    pub shipped_items: Box<[Arc<ServiceItem>]>,
    /// One change of items at a time.
    pub item_changes: Arc<Mutex<()>>,
    /// Where agencies' systems listen.
    pub subscriptions: ArcSwap<Table>,
    /// One change of subscriptions at a time.
    pub subscription_changes: Arc<Mutex<()>>,
    /// Signed attempts at webhooks.
    pub webhooks: Arc<dyn Webhooks>,
    /// Seed of `v1a` signatures, where webhooks get them.
    pub webhook_seed: Option<heyan_auth::keys::SecretBytes>,
    /// When a delivery is tried again.
    pub schedule: Schedule,
    /// Working days.
    pub calendar: ArcSwap<WorkingCalendar>,
    /// How much may be guessed.
    pub guess_limits: Limits,
    /// The rules of supervision.
    pub supervision: Supervision,
    /// Idempotency keys whose first request is under way.
    pub under_way: UnderWay,
    /// What wakes the workers.
    pub bells: Bells,
    /// Outbox rows whose entries are durable, to be deleted soon.
    pub done_entries: std::sync::Mutex<Vec<i64>>,
    /// Threads for work that is too much for the one that took the call.
    pub pool: tokio::runtime::Handle,
}

/// How a task's entries come into the ledger.
pub trait WayIn {
    /// Appends one entry; what returns is on disk.
    ///
    /// # Errors
    /// The ledger takes no entry, so no answer may leave.
    fn append(&self, hub: &Hub, entry: Vec<u8>) -> impl Future<Output = Result<Appended, AppError>>;
}

impl WayIn for Lane {
    fn append(&self, hub: &Hub, entry: Vec<u8>) -> impl Future<Output = Result<Appended, AppError>> {
        hub.append_on(self, entry)
    }
}

/// The way in for a task that is bound to no thread.
pub struct Queue;

impl WayIn for Queue {
    fn append(&self, hub: &Hub, entry: Vec<u8>) -> impl Future<Output = Result<Appended, AppError>> {
        hub.append(entry)
    }
}

/// One bell for each worker; it says that there is something to do, never what.
#[derive(Default)]
pub struct Bells {
    /// New events.
    pub relay: Notify,
    /// New events, for the bus.
    pub publisher: Notify,
    /// New or due deliveries.
    pub courier: Notify,
    /// Deliveries that are over.
    pub closer: Notify,
}

/// What was committed and still has to be entered in the ledger.
pub struct Committed {
    pub(crate) ids: Vec<i64>,
    pub(crate) entries: Vec<Vec<u8>>,
}

/// Limits and names that use cases need.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Number of the node, part of every id it makes.
    pub node: u16,
    /// Name of the node's ledger.
    pub origin: String,
    /// Base address that tokens and documents name.
    pub public_url: String,
    /// Issuer and audience of access tokens.
    pub issuer: String,
    /// Life of an access token, seconds.
    pub token_ttl_s: i64,
    /// How long the secret before a rotation stays good, seconds.
    pub rotation_overlap_s: i64,
    /// Items of one batch.
    pub batch_items_max: usize,
    /// Items of one ledger entry.
    pub chunk_items_max: usize,
    /// Longest validity of a joint case, hours.
    pub case_hours_max: u32,
    /// Watches of one agency that have not ended.
    pub agency_watches_max: u64,
    /// Longest watch, days.
    pub watch_days_max: i32,
}

/// Who calls, proven.
#[derive(Clone)]
pub struct Caller {
    /// Its credential.
    pub client: Arc<Client>,
    /// Where the call came from.
    pub peer: IpAddr,
}

impl Caller {
    /// Its role.
    pub fn role(&self) -> Role {
        self.client.role
    }

    /// Number of its agency in the ledger; 0: the bureau's own people.
    pub fn agency_number(&self) -> u32 {
        self.client.agency.as_ref().map_or(0, |agency| agency.row.number)
    }

    /// Its agency.
    ///
    /// # Errors
    /// The bureau's own people have none.
    pub fn agency(&self) -> Result<&Arc<crate::access::table::Agency>, AppError> {
        self.client.agency.as_ref().ok_or(AppError::RoleNotAllowed)
    }
}

impl Hub {
    /// Appends one entry; what returns is on disk.
    ///
    /// # Errors
    /// The ledger takes no entry, so no answer may leave.
    pub async fn append(&self, entry: Vec<u8>) -> Result<Appended, AppError> {
        let queued = Instant::now();
        let appended = self.ledger.append(entry).await;
        self.metrics.ledger_append_seconds.observe(queued.elapsed());
        Ok(appended?)
    }

    /// Appends one entry by a worker's own way in; what returns is on disk.
    ///
    /// # Errors
    /// The ledger takes no entry, so no answer may leave.
    pub async fn append_on(&self, lane: &Lane, entry: Vec<u8>) -> Result<Appended, AppError> {
        let queued = Instant::now();
        let appended = lane.append(&entry, queued).await;
        self.metrics.ledger_append_seconds.observe(queued.elapsed());
        Ok(appended?)
    }

    /// Commits; the entries have then still to be entered.
    ///
    /// # Errors
    /// The store refuses or cannot be asked.
    pub async fn commit(&self, mut commit: Commit) -> Result<Committed, AppError> {
        commit.record_keys = licences::keys_of(self, &commit.records);
        let ids = self.store.commit(&commit).await?;
        Ok(Committed {
            ids,
            entries: commit.ledger_entries,
        })
    }

    /// Enters what was committed, in order. The outbox forgets it a little later: a crash in between enters it twice, never
    /// not at all.
    ///
    /// # Errors
    /// The ledger has failed; the outbox keeps the entries for the next start.
    pub async fn enter(&self, committed: Committed) -> Result<Vec<Appended>, AppError> {
        let mut appended = Vec::with_capacity(committed.entries.len());
        for together in neighbours(committed.entries) {
            appended.extend(self.append_surely(together).await?);
        }
        let mut done = self.done_entries.lock().unwrap_or_else(PoisonError::into_inner);
        done.extend(committed.ids);
        Ok(appended)
    }

    /// Forgets in the outbox what was entered since the last call.
    ///
    /// # Errors
    /// The store could not be asked: the next call forgets them.
    pub async fn forget_entered(&self) -> Result<(), AppError> {
        let done = || self.done_entries.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            let ids: Vec<_> = done().iter().take(FORGET_MAX).copied().collect();
            if ids.is_empty() {
                return Ok(());
            }
            self.store.forget_entries(&ids).await?;
            // Only now: a call that fails, or that a stop cuts short, leaves them to the next one. New ones come behind them; when they
            // are no longer in front, another call was faster.
            let mut done = done();
            if done.starts_with(&ids) {
                done.drain(..ids.len());
            }
        }
    }

    /// Says that there are new events.
    pub fn wake_relay(&self) {
        self.bells.relay.notify_one();
        self.bells.publisher.notify_one();
    }

    /// Says that there are deliveries to try.
    pub fn wake_courier(&self) {
        self.bells.courier.notify_one();
    }

    /// Says that deliveries are over.
    pub fn wake_closer(&self) {
        self.bells.closer.notify_one();
    }

    /// Appends entries whose state is committed already: a full queue is waited for, since the change stands.
    ///
    /// # Errors
    /// The ledger has failed; the outbox keeps the entries for the next start.
    async fn append_surely(&self, entries: Vec<Vec<u8>>) -> Result<Vec<Appended>, AppError> {
        loop {
            match self.ledger.append_many(entries.clone()).await {
                Err(LedgerError::Busy) => tokio::time::sleep(QUEUE_WAIT).await,
                appended => return Ok(appended?),
            }
        }
    }
}

/// Entries of a commit in pieces that the ledger takes at once: each waits for the disk once, and is no longer than one entry may be.
fn neighbours(entries: Vec<Vec<u8>>) -> Vec<Vec<Vec<u8>>> {
    const BYTES_MAX: usize = 32_768;
    const FRAME_BYTES: usize = 128;
    let (mut pieces, mut bytes): (Vec<Vec<Vec<u8>>>, usize) = (Vec::new(), 0);
    for entry in entries {
        let more = entry.len() + FRAME_BYTES;
        match pieces.last_mut().filter(|_| bytes + more <= BYTES_MAX) {
            Some(piece) => piece.push(entry),
            None => {
                pieces.push(vec![entry]);
                bytes = 0;
            }
        }
        bytes += more;
    }
    pieces
}
