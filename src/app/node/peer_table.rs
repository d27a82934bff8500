//! The other nodes as this one knows them, and what it has asked of them.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};

use arc_swap::ArcSwap;
use heyan_ports::nodes::{CosignedRow, NodeRow};
use tokio::sync::oneshot;

/// Who there is, and what was asked of them.
#[derive(Default)]
pub struct PeerTable {
    pub(super) nodes: ArcSwap<Vec<NodeRow>>,
    pub(super) cosigned: ArcSwap<Vec<CosignedRow>>,
    pub(super) open: Mutex<HashMap<String, oneshot::Sender<()>>>,
}

impl PeerTable {
    /// The verifier key of a node's ledger.
    pub fn key_of(&self, origin: &str) -> Option<String> {
        let nodes = self.nodes.load();
        let node = nodes.iter().find(|node| node.origin == origin)?;
        Some(node.ledger_key.clone())
    }

    /// The newest checkpoints that nodes have countersigned, at most a second old; none on a node alone.
    pub fn cosigned(&self) -> Arc<Vec<CosignedRow>> {
        self.cosigned.load_full()
    }
}
