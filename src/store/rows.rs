//! Rows as the store reads them: one statement on a read connection, columns by their places.
//! Reads see the last commit and never wait for the writer.

use heyan_ports::{error::StoreError, subject::SubjectKey};
use serde::de::DeserializeOwned;

use super::{
    engine::{ColumnCell, RowColumns, StoreEngine},
    pool::ConnectionPool,
    statement::SqlStatement,
};

/// What a read answers.
pub(super) type RowResult<T> = Result<T, StoreError>;

/// All rows of one statement.
pub(super) async fn fetch<E: StoreEngine, T>(
    pool: &ConnectionPool<E>,
    statement: SqlStatement,
    bind: impl FnOnce(E::Call) -> E::Call,
    read: impl Fn(&E::Row) -> Result<T, StoreError>,
) -> Result<Vec<T>, StoreError> {
    let call = bind(E::call(E::text(statement)));
    let rows = pool.lend().await?.rows(statement.name, call).await?;
    rows.iter().map(read).collect()
}

/// The first row of one statement, if there is one.
pub(super) async fn fetch_one<E: StoreEngine, T>(
    pool: &ConnectionPool<E>,
    statement: SqlStatement,
    bind: impl FnOnce(E::Call) -> E::Call,
    read: impl Fn(&E::Row) -> Result<T, StoreError>,
) -> Result<Option<T>, StoreError> {
    let rows = fetch(pool, statement, bind, read).await?;
    Ok(rows.into_iter().next())
}

pub(super) fn column<'r, R: RowColumns, T: ColumnCell<'r>>(
    row: &'r R,
    place: usize,
    table: &'static str,
    column: &'static str,
) -> Result<T, StoreError> {
    T::read(row, place).map_err(|_bad| StoreError::BadRow { table, column })
}

pub(super) fn number<T: TryFrom<i64>>(
    row: &impl RowColumns,
    place: usize,
    table: &'static str,
    name: &'static str,
) -> Result<T, StoreError> {
    narrow(column(row, place, table, name)?, table, name)
}

pub(super) fn narrow<T: TryFrom<i64>>(value: i64, table: &'static str, column: &'static str) -> Result<T, StoreError> {
    T::try_from(value).map_err(|_| StoreError::BadRow { table, column })
}

pub(super) fn flag(
    row: &impl RowColumns,
    place: usize,
    table: &'static str,
    name: &'static str,
) -> Result<bool, StoreError> {
    let value: i64 = column(row, place, table, name)?;
    match value {
        0 => Ok(false),
        1 => Ok(true),
        _ => Err(StoreError::BadRow { table, column: name }),
    }
}

pub(super) fn list<T: DeserializeOwned>(
    row: &impl RowColumns,
    place: usize,
    table: &'static str,
    name: &'static str,
) -> Result<Vec<T>, StoreError> {
    let text: &str = column(row, place, table, name)?;
    serde_json::from_str(text).map_err(|_| StoreError::BadRow { table, column: name })
}

pub(super) fn bytes_32(
    row: &impl RowColumns,
    place: usize,
    table: &'static str,
    name: &'static str,
) -> Result<Option<[u8; 32]>, StoreError> {
    let bytes: Option<&[u8]> = column(row, place, table, name)?;
    bytes
        .map(|bytes| bytes.try_into().map_err(|_| StoreError::BadRow { table, column: name }))
        .transpose()
}

pub(super) fn bytes_16(
    row: &impl RowColumns,
    place: usize,
    table: &'static str,
    name: &'static str,
) -> Result<[u8; 16], StoreError> {
    let bytes: &[u8] = column(row, place, table, name)?;
    bytes.try_into().map_err(|_| StoreError::BadRow { table, column: name })
}

pub(super) fn subject<R: RowColumns>(row: &R, place: usize, table: &'static str) -> RowResult<Option<SubjectKey>> {
    let bad = || StoreError::BadRow {
        table,
        column: "subject",
    };
    let bytes: Option<&[u8]> = column(row, place, table, "subject")?;
    let subject = |bytes: &[u8]| bytes.try_into().map(SubjectKey).map_err(|_| bad());
    bytes.map(subject).transpose()
}
