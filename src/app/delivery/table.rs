//! Every subscription of the hub, in memory.

use std::{collections::HashMap, sync::Arc};

use heyan_ports::rows::SubscriptionRow;

/// Every subscription, swapped whole after each change.
#[derive(Default)]
pub struct SubscriptionTable {
    /// By id.
    pub by_id: HashMap<String, Arc<SubscriptionRow>, ahash::RandomState>,
}
