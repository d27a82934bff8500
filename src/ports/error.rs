//! Why a store call failed.

/// Why a store call failed.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// A compare-and-set found another version than the decision was made on: read again and decide again.
    #[error("a record or row changed since it was read")]
    Conflict,
    /// Too many lists are being read already: one may be asked for again in a moment.
    #[error("too many lists are being read")]
    Busy,
    /// The engine failed; the text names the statement, never a value.
    #[error("store failed in {statement}")]
    Engine {
        /// Name of the statement's file.
        statement: &'static str,
        /// The engine's error.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// A row holds what its column must not.
    #[error("bad row in {table}, column {column}")]
    BadRow {
        /// Table.
        table: &'static str,
        /// Column.
        column: &'static str,
    },
}
