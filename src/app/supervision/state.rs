//! The rules of supervision in force, and how they do on this node.

use std::sync::{Arc, Mutex, PoisonError};

use heyan_auth::sha256;
use heyan_domain::supervision::{Rule, RuleMode, RuleStanding};

/// The rules in force, and how they do.
pub struct SupervisionState {
    /// In the order of the file.
    pub rules: Vec<Arc<Rule>>,
    /// SHA-256 of the file, lower-case hexadecimal.
    pub digest: String,
    pub(super) standings: Mutex<Vec<RuleStanding>>,
    /// One trial of a rule at a time: it reads much.
    pub(super) trials: Arc<tokio::sync::Mutex<()>>,
}

impl SupervisionState {
    /// Of the rules of a file.
    pub fn new(rules: Vec<Arc<Rule>>, text: &str) -> Self {
        let digest = sha256(text.as_bytes());
        Self {
            rules,
            digest: digest.iter().map(|byte| format!("{byte:02x}")).collect(),
            standings: Mutex::default(),
            trials: Arc::default(),
        }
    }

    /// The rule of an id.
    pub fn rule(&self, id: &str) -> Option<&Arc<Rule>> {
        self.rules.iter().find(|rule| rule.id == id)
    }

    /// Whether what a rule finds becomes an alert. What the hub raises itself is raised without a rule too.
    pub fn raises(&self, id: &str) -> bool {
        self.rule(id).is_none_or(|rule| rule.mode == RuleMode::On)
    }

    /// How the rules do on this node; empty while another node watches.
    pub fn standings(&self) -> Vec<RuleStanding> {
        self.standings.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) fn stand(&self, standings: Vec<RuleStanding>) {
        *self.standings.lock().unwrap_or_else(PoisonError::into_inner) = standings;
    }
}
