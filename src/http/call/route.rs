//! One row of the route table. The table itself is in `routes`, with the handlers that it names.

use heyan_app::access::table::ClientRole;

/// What a route leaves in the ledger for a known caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LedgerRow {
    /// An entry of its own kind when it succeeds; a `call` entry otherwise.
    Own,
    /// A `call` entry.
    Call,
    /// Nothing: the route knows no caller.
    Open,
}

/// One row.
#[derive(Debug)]
pub struct Route {
    /// Operation id in OpenAPI and in ledger entries.
    pub operation: &'static str,
    /// HTTP method.
    pub method: &'static str,
    /// Path template.
    pub path: &'static str,
    /// Who may call it; empty: anyone.
    pub roles: &'static [ClientRole],
    /// What it leaves in the ledger.
    pub ledger: LedgerRow,
}
