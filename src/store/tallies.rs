//! How many rows there are of each word. The appliers of a transaction say what they change; it is written as its last statement, so that
//! no other transaction waits for it longer than the sync.

use std::collections::BTreeMap;

use super::{
    apply::run,
    batch::json_text,
    engine::{StatementCall, StoreEngine},
    fault::StoreFault,
    pool::{ConnectionLease, ConnectionPool},
    rows::{RowResult, column, fetch, number},
    statement::{self, SqlStatement},
};
use heyan_ports::error::StoreError;

/// What is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum TallyKind {
    Mismatch,
    Due,
    Delivery,
    Alert,
    Unpublished,
}

impl TallyKind {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Mismatch => "mismatch",
            Self::Due => "due",
            Self::Delivery => "delivery",
            Self::Alert => "alert",
            Self::Unpublished => "unpublished",
        }
    }

    fn parse(word: &str) -> Option<Self> {
        let all = [
            Self::Mismatch,
            Self::Due,
            Self::Delivery,
            Self::Alert,
            Self::Unpublished,
        ];
        all.into_iter().find(|kind| kind.as_str() == word)
    }
}

/// What one transaction changes, by kind and word.
#[derive(Default)]
pub(super) struct TallyChanges(BTreeMap<(TallyKind, String), i64>);

impl TallyChanges {
    pub(super) fn add(&mut self, kind: TallyKind, word: &str, rows: i64) {
        *self.0.entry((kind, word.to_owned())).or_default() += rows;
    }

    /// JSON array of `[kind, word, rows]`; `None`: nothing changes.
    fn to_json(&self) -> Option<String> {
        let changes = self.0.iter().filter(|(_, rows)| **rows != 0);
        let changes: Vec<_> = changes
            .map(|((kind, word), rows)| (kind.as_str(), word, rows))
            .collect();
        (!changes.is_empty()).then(|| json_text(&changes))
    }
}

/// Writes what the transaction changed.
pub(super) async fn flush<E: StoreEngine>(conn: &mut ConnectionLease<'_, E>) -> Result<(), StoreFault> {
    match conn.take_tallies().to_json() {
        Some(changes) => run(conn, statement::ADD_TALLIES, |query| query.bind(changes)).await,
        None => Ok(()),
    }
}

/// Takes off what `statement` tells of rows that are about to be deleted: kind, word, rows. `before_us`: Unix microseconds.
pub(super) async fn take_off<E: StoreEngine>(
    conn: &mut ConnectionLease<'_, E>,
    statement: SqlStatement,
    before_us: i64,
) -> Result<(), StoreFault> {
    const TABLE: &str = "tallies";
    let call = E::call(E::text(statement)).bind(before_us);
    for row in conn.rows(statement.name, call).await? {
        let bad = |column| move |_bad: StoreError| StoreFault::BadRow { table: TABLE, column };
        let kind: String = column(&row, 0, TABLE, "kind").map_err(bad("kind"))?;
        let word: String = column(&row, 1, TABLE, "word").map_err(bad("word"))?;
        let rows: i64 = number(&row, 2, TABLE, "count").map_err(bad("count"))?;
        if let Some(kind) = TallyKind::parse(&kind) {
            conn.count(kind, &word, -rows);
        }
    }
    Ok(())
}

/// Every count: kind, word, rows.
pub(super) async fn read<E: StoreEngine>(pool: &ConnectionPool<E>) -> RowResult<Vec<(String, String, u64)>> {
    const TABLE: &str = "tallies";
    let read = |row: &E::Row| {
        let rows: i64 = number(row, 2, TABLE, "count")?;
        let (kind, word) = (column(row, 0, TABLE, "kind")?, column(row, 1, TABLE, "word")?);
        Ok((kind, word, u64::try_from(rows).unwrap_or_default()))
    };
    fetch(pool, statement::SELECT_TALLIES, |query| query, read).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_are_added_up_and_those_that_cancel_are_left_out() {
        let mut changes = TallyChanges::default();
        changes.add(TallyKind::Mismatch, "open", 2);
        changes.add(TallyKind::Mismatch, "open", -1);
        changes.add(TallyKind::Delivery, "pending", 1);
        changes.add(TallyKind::Delivery, "pending", -1);
        assert_eq!(changes.to_json().unwrap(), r#"[["mismatch","open",1]]"#);
        assert!(TallyChanges::default().to_json().is_none());
    }
}
