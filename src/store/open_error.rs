//! Why a database was not opened.

use std::path::PathBuf;

use heyan_ports::error::StoreError;

/// Why a database file was not opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another account of the machine could read or replace the data.
    #[error("{path} has mode {mode:o}, must be {wanted:o}: chmod {wanted:o} it, or choose another data directory")]
    OpenToOthers {
        /// File or directory.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
        /// The bits it may have.
        wanted: u32,
    },
    /// The file system refused.
    #[error("cannot create or inspect {path}")]
    Files {
        /// File or directory.
        path: PathBuf,
        /// The system's error.
        #[source]
        source: std::io::Error,
    },
    /// The linked SQLite has a known defect that can lose committed data.
    #[error("sqlite {found} is older than 3.51.3")]
    EngineTooOld {
        /// Version as the engine gives it.
        found: String,
    },
    /// A setting that durability rests on did not take.
    #[error("setting {setting} did not take effect: the file system may not allow it")]
    Setting {
        /// Name of the setting.
        setting: &'static str,
    },
    /// The connection URL of the store cannot be read.
    #[error("the connection URL of the store cannot be read: postgres://USER:PASSWORD@HOST:PORT/DATABASE is expected")]
    BadUrl,
    /// The server is set up so that it can lose what it acknowledged, or cannot hold every name.
    #[error("the database server has {setting} = {value}, which it must not have")]
    UnsafeServer {
        /// Name of the server's setting.
        setting: String,
        /// Its value.
        value: String,
    },
    /// The server is older than what this program is tested with.
    #[error("the database server has version {found}, at least 140000 (PostgreSQL 14) is needed")]
    ServerTooOld {
        /// As the server counts it: 150004 is 15.4.
        found: i64,
    },
    /// The file has tables, but none of this program.
    #[error("the file is a database of another program")]
    NotOurs,
    /// The file was written by a newer program.
    #[error("the file has schema version {found}, this program knows {known}: use the newer program")]
    SchemaNewer {
        /// Newest version in the file.
        found: i64,
        /// Newest version of this program.
        known: usize,
    },
    /// The database lacks steps of the schema, and this node may not take them.
    #[error("the database has schema version {found}, this program needs {known}: run `heyan store migrate`")]
    SchemaOlder {
        /// Newest version in the database.
        found: usize,
        /// Newest version of this program.
        known: usize,
    },
    /// The file has another text of a schema version than this program.
    #[error("schema version {version} of the file is not the one of this program")]
    SchemaDiffers {
        /// The version.
        version: i64,
    },
}

impl From<OpenError> for StoreError {
    fn from(error: OpenError) -> Self {
        Self::Engine {
            statement: "open",
            source: Box::new(error),
        }
    }
}
