//! Why work on the engine failed, in a form that several waiting callers can each be given.
//! The text of an engine error names tables and columns; it must never name a value, so nothing is formatted into it here.

use std::sync::Arc;

use super::engine::{ErrorKind, StoreEngine};
use heyan_ports::error::StoreError;

/// Why a piece of work was not applied.
#[derive(Clone)]
pub(super) enum StoreFault {
    /// What the decision was made on no longer stands.
    Conflict,
    /// The engine refused or failed.
    Engine {
        statement: &'static str,
        kind: ErrorKind,
        source: Arc<sqlx::Error>,
    },
    /// Too many lists wait already.
    Busy,
    /// It did not answer in time.
    Late { statement: &'static str },
    /// A row that was written or read holds what its column must not.
    BadRow { table: &'static str, column: &'static str },
    /// The store is closed, or its runtime is ending.
    Closed,
}

/// The store was closed before the call could be carried out.
#[derive(Debug, thiserror::Error)]
#[error("the store is closed")]
struct StoreClosed;

/// An engine error that several callers share.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
struct SharedEngineError(Arc<sqlx::Error>);

/// The engine did not answer in time: what became of the call is unknown.
#[derive(Debug, thiserror::Error)]
#[error("no answer in time")]
struct StoreTimeout;

impl StoreFault {
    /// For `map_err`: names the statement that failed.
    pub(super) fn in_statement<E: StoreEngine>(statement: &'static str) -> impl FnOnce(sqlx::Error) -> Self {
        move |error| {
            let kind = E::kind(&error);
            match kind {
                // Two callers took the same new number or id: one of them has to read and decide again.
                ErrorKind::Conflict => Self::Conflict,
                kind => Self::Engine {
                    statement,
                    kind,
                    source: Arc::new(error),
                },
            }
        }
    }

    /// The engine did not answer in time.
    pub(super) fn late(statement: &'static str) -> Self {
        Self::Late { statement }
    }

    /// Whether the fault is that of what one commit holds: then others of its group may still stand.
    /// Everything else (disk, memory, lock, network) is the engine's, and trying again at once would only hide it.
    pub(super) fn is_of_one_commit(&self) -> bool {
        match self {
            Self::Conflict => true,
            Self::Engine { kind, .. } => *kind == ErrorKind::OfOneCommit,
            Self::Busy | Self::Late { .. } | Self::BadRow { .. } | Self::Closed => false,
        }
    }
}

/// Whether an error of opening the store says that the server is away or not ready yet: then it is worth waiting for.
pub fn is_away(error: &StoreError) -> bool {
    /// Starting, shutting down, recovering; too many connections.
    const NOT_READY: [&str; 4] = ["57P03", "57P01", "57P02", "53300"];
    let StoreError::Engine { source, .. } = error else {
        return false;
    };
    if source.is::<StoreTimeout>() {
        return true;
    }
    match source.downcast_ref::<SharedEngineError>().map(|shared| &*shared.0) {
        Some(sqlx::Error::Io(_) | sqlx::Error::PoolTimedOut) => true,
        Some(sqlx::Error::Database(error)) => error.code().is_some_and(|code| NOT_READY.contains(&&*code)),
        _ => false,
    }
}

impl From<StoreFault> for StoreError {
    fn from(fault: StoreFault) -> Self {
        match fault {
            StoreFault::Conflict => Self::Conflict,
            StoreFault::Busy => Self::Busy,
            StoreFault::Engine { statement, source, .. } => Self::Engine {
                statement,
                source: Box::new(SharedEngineError(source)),
            },
            StoreFault::Late { statement } => Self::Engine {
                statement,
                source: Box::new(StoreTimeout),
            },
            StoreFault::BadRow { table, column } => Self::BadRow { table, column },
            StoreFault::Closed => Self::Engine {
                statement: "closed",
                source: Box::new(StoreClosed),
            },
        }
    }
}
