//! What a client is for.

/// What a client is for. Manager, operator and auditor are disjoint: a client has one role (CONTRACT §3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ClientRole {
    /// Verifies, and works mismatches of its own.
    Agency,
    /// Owns datasets: contributes records, decides corrections.
    Authority,
    /// Runs the hub.
    Operator,
    /// Administers agencies and grants.
    Manager,
    /// Reads the ledger and traces.
    Auditor,
}

impl ClientRole {
    /// Every role.
    pub const ALL: [Self; 5] = [
        Self::Agency,
        Self::Authority,
        Self::Operator,
        Self::Manager,
        Self::Auditor,
    ];

    /// The wire word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Agency => "agency",
            Self::Authority => "authority",
            Self::Operator => "operator",
            Self::Manager => "manager",
            Self::Auditor => "auditor",
        }
    }

    /// The role of a wire word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.as_str() == word)
    }
}
