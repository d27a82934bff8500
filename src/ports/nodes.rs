//! The nodes that share a store: who they are, what they tell and ask each other, and leases.

use async_trait::async_trait;

use crate::{error::StoreError, subject::SubjectKey};

/// What another node says that it changed in the store, or that the line is alive.
#[derive(Clone, PartialEq, Eq)]
pub enum NodeNotice {
    /// Cached records in these buckets of stamps are stale.
    Stamps(Vec<u16>),
    /// What is pending about these subjects changed.
    Pending(Vec<SubjectKey>),
    /// Agencies, clients or grants changed.
    Access,
    /// Service items changed.
    Items,
    /// Subscriptions changed.
    Subscriptions,
    /// There are new events or deliveries.
    Events,
    /// So much changed that everything must be read again.
    Everything,
    /// Another node asks this one something.
    Asked,
    /// What this node asked under an id is answered.
    Answered(String),
    /// This node's own beat came back: all that was said before it was sent has been heard. Its number, as it was sent.
    Beat(u64),
}

/// One of the nodes that share a store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeRow {
    /// Name of its ledger.
    pub origin: String,
    /// Its number, part of every id that it makes.
    pub number: u16,
    /// Where callers reach it.
    pub url: String,
    /// Verifier key of its checkpoints.
    pub ledger_key: String,
    /// The newest checkpoint that it has shown, a signed note.
    pub checkpoint: Option<String>,
    /// When it was last seen, Unix microseconds by the store's clock.
    pub seen_at: i64,
}

/// A checkpoint of one node's ledger that another has countersigned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CosignedRow {
    /// Whose ledger.
    pub origin: String,
    /// Who countersigned.
    pub witness: String,
    /// The verifier key of the countersignature.
    pub witness_key: String,
    /// The checkpoint with the countersignature, a signed note.
    pub checkpoint: String,
    /// When, Unix microseconds.
    pub at: i64,
}

/// A line on which nodes that share a store hear each other.
#[async_trait]
pub trait NodeNews: Send {
    /// The next notices, in the order of their commits. Of this node's own only its beats, and what makes memory stale: it may never
    /// have learned that a commit of its own stands.
    ///
    /// # Errors
    /// The line is lost, and what was said meanwhile is not known.
    async fn next(&mut self) -> Result<Vec<NodeNotice>, StoreError>;
}

/// The nodes that share a store: who they are, what they tell and ask each other, and leases.
#[async_trait]
pub trait NodeStore: Send + Sync {
    /// A line to the other nodes; `None`: this node has the store for itself.
    async fn listen(&self) -> Result<Option<Box<dyn NodeNews>>, StoreError>;

    /// Sends a beat, which comes back on the line.
    async fn beat(&self, number: u64) -> Result<(), StoreError>;

    /// Takes or renews a lease on a name, for so long by the store's own clock. `false`: another node holds it.
    async fn lease(&self, name: &str, for_ms: u64) -> Result<bool, StoreError>;

    /// Gives a lease back.
    async fn release(&self, name: &str) -> Result<(), StoreError>;

    /// Shows this node to the others. `Conflict`: its number or its name is another's.
    async fn show_node(&self, node: &NodeRow) -> Result<(), StoreError>;

    /// Every node that was ever shown.
    async fn nodes(&self) -> Result<Vec<NodeRow>, StoreError>;

    /// Keeps the newest checkpoint of a ledger that this node has countersigned.
    async fn keep_cosigned(&self, row: &CosignedRow) -> Result<(), StoreError>;

    /// The newest countersigned checkpoints of every ledger, by witness.
    async fn cosigned(&self) -> Result<Vec<CosignedRow>, StoreError>;

    /// Settles what a name stands for, once for all nodes: answers the value that was settled first.
    async fn settle(&self, name: &str, value: &str) -> Result<String, StoreError>;
}
