//! The hub of one node: the parts that use cases need, made once and shared by all workers.
//! It holds no request state. A part that changes is swapped whole (`access.table`) or made for concurrent use (cache, ledger).
//! This file imports state only, never a use case: every use case imports it.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicBool, Ordering},
};

use arc_swap::ArcSwap;
use heyan_auth::{keys::SecretBytes, seal::PurposeSealer};
use heyan_catalog::{Catalog, item::ServiceItem};
use heyan_domain::{budget::BudgetLimits, calendar::WorkingCalendar, schedule::RetrySchedule};
use heyan_ledger::{Ledger, index::LedgerIndex, witness::LedgerWitness};
use heyan_ports::{
    bus::Bus,
    outward::{OutsideSystems, WebhookSender},
    store::Store,
    time::Clock,
};
use heyan_telemetry::HubMetrics;

use super::{
    health::NodeHealth, peer_table::PeerTable, settings::NodeSettings, standing::ChangeCounter, under_way::UnderWay,
    wakeups::Wakeups,
};
use crate::{
    access::part::AccessPart,
    delivery::table::SubscriptionTable,
    foundation::{trust::LineTrust, vault::ColumnVault},
    items::register::ItemRegister,
    licences::state::LicenceState,
    mismatch::pending::PendingTable,
    supervision::state::SupervisionState,
    verification::{caches::RecordCaches, record::RecordLoad},
};

/// One node.
pub struct Hub {
    /// Datasets.
    pub catalog: Arc<Catalog>,
    /// The system of record.
    pub store: Arc<dyn Store>,
    /// The ledger of this node.
    pub ledger: Ledger,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Who may call and what they may do.
    pub access: AccessPart,
    /// Records in memory.
    pub records: RecordsPart,
    /// What is pending about subjects.
    pub mismatches: MismatchPart,
    /// What applicants must prove: service items and licences.
    pub materials: MaterialsPart,
    /// Systems outside the hub.
    pub outward: OutwardPart,
    /// The rules of supervision.
    pub supervision: SupervisionState,
    /// Keys that seal columns and purposes.
    pub secrets: SecretsPart,
    /// The node itself.
    pub node: NodePart,
}

/// Records in memory, and what loads them.
pub struct RecordsPart {
    /// The caches, one for the store and one for each live dataset.
    pub caches: RecordCaches,
    /// Loads what the caches lack.
    pub loader: Arc<RecordLoad>,
}

/// Open mismatches and counted guesses, with the rules that apply to them.
pub struct MismatchPart {
    /// By subject.
    pub pending: PendingTable,
    /// Limits of the guess budget.
    pub guess_limits: BudgetLimits,
    /// Working days.
    pub calendar: ArcSwap<WorkingCalendar>,
}

/// Service items, and what licences need.
pub struct MaterialsPart {
    /// Service items in force.
    pub items: ArcSwap<ItemRegister>,
    /// Items that ship with the binary, and those of the folder.
    pub shipped: Box<[Arc<ServiceItem>]>,
    /// One change of items at a time.
    pub item_changes: Arc<tokio::sync::Mutex<()>>,
    /// Licences.
    pub licences: LicenceState,
}

/// Systems outside the hub, and who of them listens.
pub struct OutwardPart {
    /// Sources, feeds and sinks.
    pub connectors: Arc<dyn OutsideSystems>,
    /// The bus.
    pub bus: Arc<dyn Bus>,
    /// Signed attempts at webhooks.
    pub webhooks: Arc<dyn WebhookSender>,
    /// Seed of `v1a` signatures, where webhooks get them.
    pub webhook_seed: Option<SecretBytes>,
    /// When a delivery is tried again.
    pub schedule: RetrySchedule,
    /// Subscriptions.
    pub subscriptions: ArcSwap<SubscriptionTable>,
    /// One change of subscriptions at a time.
    pub subscription_changes: Arc<tokio::sync::Mutex<()>>,
}

/// Keys that seal columns of the store and purposes of the ledger.
pub struct SecretsPart {
    /// Seals columns of the store.
    pub vault: ColumnVault,
    /// Seals application numbers and clerks in ledger entries.
    pub sealer: PurposeSealer,
}

/// The node itself: its limits, metrics and neighbours.
pub struct NodePart {
    /// Limits and names.
    pub settings: NodeSettings,
    /// Metrics.
    pub metrics: HubMetrics,
    /// Index of the ledger.
    pub index: LedgerIndex,
    /// Whether what is in memory may be used.
    pub trust: Arc<LineTrust>,
    /// The other nodes.
    pub peers: PeerTable,
    /// Countersigns checkpoints of other nodes; `None` on a node alone.
    pub witness: Option<LedgerWitness>,
    /// Idempotency keys whose first request is under way.
    pub under_way: UnderWay,
    /// Wakes the workers.
    pub wakeups: Wakeups,
    /// Numbers its changes.
    pub changes: ChangeCounter,
    /// What is known of the machine.
    pub health: NodeHealth,
    /// Whether the node is about to stop: it still answers, but wants no new connections.
    pub draining: AtomicBool,
    /// Threads for work that would hold up the thread of a call.
    pub pool: tokio::runtime::Handle,
    /// Held while subscriptions or items are read or changed in memory.
    pub table_reads: tokio::sync::Mutex<()>,
    /// Outbox rows whose entries are durable, to be deleted soon.
    pub done_entries: Mutex<Vec<i64>>,
}

impl Hub {
    /// Wakes the relay and the publisher: there are new events.
    pub fn wake_relay(&self) {
        self.node.wakeups.relay.notify_one();
        self.node.wakeups.publisher.notify_one();
    }

    /// Wakes the courier: there may be deliveries to attempt at any target.
    pub fn wake_courier(&self) {
        self.node.wakeups.touch_any();
        self.node.wakeups.courier.notify_one();
    }

    /// Wakes the closer: deliveries have ended.
    pub fn wake_closer(&self) {
        self.node.wakeups.closer.notify_one();
    }

    /// Whether the node is about to stop.
    pub fn is_draining(&self) -> bool {
        self.node.draining.load(Ordering::Relaxed)
    }
}
