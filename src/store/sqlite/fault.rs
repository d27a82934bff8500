//! Why work on the engine failed, in a form that several waiting callers can each be given.
//! The text of an engine error names tables and columns; it must never name a value, so nothing is formatted into it here.

use std::sync::Arc;

use crate::app::ports::StoreError;

/// SQLite primary result codes (low byte of the extended code) that one commit can cause by what it holds.
const TOO_BIG: i32 = 18;
const CONSTRAINT: i32 = 19;
/// Extended codes of a primary key or a unique column that is already taken.
const PRIMARY_KEY_TAKEN: i32 = 1555;
const UNIQUE_TAKEN: i32 = 2067;

/// Why a piece of work was not applied.
#[derive(Clone)]
pub(super) enum Fault {
    /// What the decision was made on no longer stands.
    Conflict,
    /// The engine refused or failed.
    Engine {
        statement: &'static str,
        source: Arc<sqlx::Error>,
    },
    /// The store is closed, or its runtime is ending.
    Closed,
}

/// The store was closed before the call could be carried out.
#[derive(Debug, thiserror::Error)]
#[error("the store is closed")]
struct Closed;

/// An engine error that several callers share.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
struct SharedEngineError(Arc<sqlx::Error>);

impl Fault {
    /// For `map_err`: names the statement that failed.
    pub(super) fn in_statement(statement: &'static str) -> impl FnOnce(sqlx::Error) -> Self {
        move |error| match extended_code(&error) {
            // Two callers took the same new number or id: one of them has to read and decide again.
            Some(PRIMARY_KEY_TAKEN | UNIQUE_TAKEN) => Self::Conflict,
            _ => Self::Engine {
                statement,
                source: Arc::new(error),
            },
        }
    }

    /// Whether the fault is that of what one commit holds: then others of its group may still stand.
    /// Everything else (disk, memory, lock) is the engine's, and trying again at once would only hide it.
    pub(super) fn is_of_one_commit(&self) -> bool {
        match self {
            Self::Conflict => true,
            Self::Engine { source, .. } => {
                extended_code(source).is_some_and(|code| matches!(code & 0xff, TOO_BIG | CONSTRAINT))
            }
            Self::Closed => false,
        }
    }
}

impl From<Fault> for StoreError {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Conflict => Self::Conflict,
            Fault::Engine { statement, source } => Self::Engine {
                statement,
                source: Box::new(SharedEngineError(source)),
            },
            Fault::Closed => Self::Engine {
                statement: "closed",
                source: Box::new(Closed),
            },
        }
    }
}

/// For `map_err` on the read path: names the statement that failed.
pub(super) fn engine(statement: &'static str) -> impl FnOnce(sqlx::Error) -> StoreError {
    move |error| StoreError::Engine {
        statement,
        source: Box::new(error),
    }
}

fn extended_code(error: &sqlx::Error) -> Option<i32> {
    error.as_database_error()?.code()?.parse().ok()
}
