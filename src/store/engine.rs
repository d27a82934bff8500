//! What the store asks of an engine, so that one code serves SQLite and PostgreSQL: bind, run, read, and say what an error means.
//! Both engines hold the same types: integers of 64 bits (times in µs, flags 0 or 1), text (JSON too) and bytes.

use std::sync::Arc;

use async_trait::async_trait;
use sqlx::Database;

use super::batch::RecordRow;
use super::statement::SqlStatement;
use heyan_ports::{error::StoreError, nodes::NodeNews};

/// Which of the two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum EngineName {
    Sqlite,
    Postgres,
}

/// One value to bind.
pub(super) enum BindValue {
    Integer(Option<i64>),
    Text(Option<String>),
    Shared(Option<Arc<str>>),
    Bytes(Option<Vec<u8>>),
}

/// A statement that takes its values one by one.
pub(super) trait StatementCall: Sized + Send {
    fn bind(self, value: impl Into<BindValue>) -> Self;
}

/// What an error of the engine means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ErrorKind {
    /// Somebody else was first: a key is taken, or the engine chose this one of two that waited for each other.
    Conflict,
    /// One commit holds what the engine refuses; others may still stand.
    OfOneCommit,
    /// Disk, memory, lock, network: trying again at once would only hide it.
    Engine,
}

/// A connection that the pool makes, and what runs on it.
pub(super) trait StoreEngine: Database<Row: RowColumns> + Sized {
    type Call: StatementCall;
    type Line: OpenLine;
    const ENGINE: EngineName;

    fn call(text: &'static str) -> Self::Call;

    /// Answers how many rows were changed.
    fn execute(conn: &mut Self::Connection, call: Self::Call) -> impl Future<Output = Result<u64, sqlx::Error>> + Send;

    fn rows(
        conn: &mut Self::Connection,
        call: Self::Call,
    ) -> impl Future<Output = Result<Vec<Self::Row>, sqlx::Error>> + Send;

    /// Runs a text of several statements, without values.
    fn script(conn: &mut Self::Connection, text: &'static str) -> impl Future<Output = Result<(), sqlx::Error>> + Send;

    /// Runs an insert of `rows` rows into a table that numbers them itself; answers the numbers, in their order.
    fn numbered(
        conn: &mut Self::Connection,
        call: Self::Call,
        rows: usize,
    ) -> impl Future<Output = Result<Vec<i64>, sqlx::Error>> + Send;

    /// Inserts records that must not exist yet by the engine's bulk path; `None`: it has none, or not for so few.
    fn copy_records(
        _conn: &mut Self::Connection,
        _rows: &[&RecordRow],
    ) -> impl Future<Output = Result<Option<u64>, sqlx::Error>> + Send {
        async { Ok(None) }
    }

    /// Reads the error's code.
    fn kind(error: &sqlx::Error) -> ErrorKind;

    /// The statement's text in this engine's words.
    fn text(statement: SqlStatement) -> &'static str {
        match Self::ENGINE {
            EngineName::Sqlite => statement.sqlite,
            EngineName::Postgres => statement.postgres,
        }
    }
}

/// How the line to other nodes is opened, where an engine has one.
#[async_trait]
pub(super) trait OpenLine: Send + Sync + 'static {
    async fn listen(&self, run: &Arc<str>) -> Result<Box<dyn NodeNews>, StoreError>;
}

/// An engine that one process has for itself.
pub(super) enum NoLine {}

#[async_trait]
impl OpenLine for NoLine {
    async fn listen(&self, _run: &Arc<str>) -> Result<Box<dyn NodeNews>, StoreError> {
        match *self {}
    }
}

/// A row whose columns are known by their places. `Err`: the column holds another type, or is not there.
pub(super) trait RowColumns: Send + Sync {
    fn integer(&self, place: usize) -> Result<Option<i64>, BadColumn>;
    fn text(&self, place: usize) -> Result<Option<&str>, BadColumn>;
    fn bytes(&self, place: usize) -> Result<Option<&[u8]>, BadColumn>;
}

/// A column does not hold what it must. The engine's own error could quote the value; it is dropped.
pub(super) struct BadColumn;

/// What a column is read as.
pub(super) trait ColumnCell<'r>: Sized {
    fn read<R: RowColumns>(row: &'r R, place: usize) -> Result<Self, BadColumn>;
}

macro_rules! cells {
    ($($of:ty, $by:ident, $make:expr;)*) => {$(
        impl<'r> Cell<'r> for Option<$of> {
            fn read<R: Columns>(row: &'r R, place: usize) -> Result<Self, BadColumn> {
                Ok(row.$by(place)?.map($make))
            }
        }
        impl<'r> Cell<'r> for $of {
            fn read<R: Columns>(row: &'r R, place: usize) -> Result<Self, BadColumn> {
                row.$by(place)?.map($make).ok_or(BadColumn)
            }
        }
    )*};
}

cells! {
    i64, integer, |value| value;
    &'r str, text, |value| value;
    String, text, str::to_owned;
    &'r [u8], bytes, |value| value;
    Vec<u8>, bytes, <[u8]>::to_vec;
}

macro_rules! values {
    ($($of:ty => $kind:ident;)*) => {$(
        impl From<$of> for Value {
            fn from(value: $of) -> Self {
                Self::$kind(Some(value))
            }
        }
        impl From<Option<$of>> for Value {
            fn from(value: Option<$of>) -> Self {
                Self::$kind(value)
            }
        }
    )*};
}

values! {
    i64 => Integer;
    String => Text;
    Arc<str> => Shared;
    Vec<u8> => Bytes;
}

impl From<&'static str> for BindValue {
    fn from(value: &'static str) -> Self {
        Self::Text(Some(value.to_owned()))
    }
}

/// What the drivers of both engines do alike.
macro_rules! of_driver {
    ($engine:ty, $row:ty) => {
        impl $crate::engine::Call for sqlx::query::Query<'static, $engine, <$engine as sqlx::Database>::Arguments> {
            fn bind(self, value: impl Into<$crate::engine::Value>) -> Self {
                use $crate::engine::Value;
                match value.into() {
                    Value::Integer(value) => self.bind(value),
                    Value::Text(value) => self.bind(value),
                    Value::Shared(value) => self.bind(value),
                    Value::Bytes(value) => self.bind(value),
                }
            }
        }

        impl $crate::engine::Columns for $row {
            fn integer(&self, place: usize) -> Result<Option<i64>, $crate::engine::BadColumn> {
                sqlx::Row::try_get(self, place).map_err(|_quotes_values| $crate::engine::BadColumn)
            }
            fn text(&self, place: usize) -> Result<Option<&str>, $crate::engine::BadColumn> {
                sqlx::Row::try_get(self, place).map_err(|_quotes_values| $crate::engine::BadColumn)
            }
            fn bytes(&self, place: usize) -> Result<Option<&[u8]>, $crate::engine::BadColumn> {
                sqlx::Row::try_get(self, place).map_err(|_quotes_values| $crate::engine::BadColumn)
            }
        }
    };
}

pub(super) use of_driver;
