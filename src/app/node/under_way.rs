//! Idempotency keys whose first request is under way on this node.

use std::{
    collections::HashSet,
    sync::{Arc, Mutex},
};

/// Keys whose first request is under way on this node.
#[derive(Clone, Default)]
pub struct UnderWay(pub(super) Arc<Mutex<HashSet<(String, String)>>>);
