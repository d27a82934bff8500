//! Connectors against real servers on loopback that are down, slow, broken or lie.

mod auth;
mod load;
mod server;
mod sinks;
mod sources;
mod verdicts;

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
};

use super::{
    ConnectorSet, DatasetFacts, SignedSink, config::ConnectorError, exchange::SharedSurroundings, set::ColumnNames,
};

/// A hub's folder of connectors, with a clock that tests move.
pub(super) struct House {
    pub folder: tempfile::TempDir,
    pub now_us: Arc<AtomicI64>,
}

pub(super) fn facts(dataset: &str) -> Option<DatasetFacts> {
    let named = |names: &[&str]| {
        let each = names.iter().map(|name| ColumnNames {
            name: (*name).to_owned(),
            labels: Vec::new(),
        });
        each.collect()
    };
    match dataset {
        "natural-person" => Some(DatasetFacts {
            subject: named(&["id_number"]),
            fields: named(&["name", "sex"]),
        }),
        "legal-entity" => Some(DatasetFacts {
            subject: named(&["uscc"]),
            fields: named(&["name", "status"]),
        }),
        _ => None,
    }
}

pub(super) fn person() -> Vec<(String, String)> {
    vec![("id_number".to_owned(), "34020719970530521X".to_owned())]
}

impl House {
    pub(super) fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
            now_us: Arc::new(AtomicI64::new(1_700_000_000_000_000)),
        }
    }

    pub(super) fn write(&self, name: &str, text: &str) -> &Self {
        fs::write(self.folder.path().join(name), text).unwrap();
        self
    }

    pub(super) fn secret(&self, name: &str, text: &str) -> &Self {
        let path = self.folder.path().join(name);
        let _ = fs::remove_file(&path);
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o400)).unwrap();
        self
    }

    pub(super) fn path(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn pass_ms(&self, ms: i64) {
        self.now_us.fetch_add(ms * 1_000, Ordering::SeqCst);
    }

    pub(super) fn load(&self) -> Result<ConnectorSet, ConnectorError> {
        self.load_with(None)
    }

    pub(crate) fn load_with(&self, signed: Option<Arc<dyn SignedSink>>) -> Result<ConnectorSet, ConnectorError> {
        let now_us = Arc::clone(&self.now_us);
        let around = SharedSurroundings::new(Arc::new(move || now_us.load(Ordering::SeqCst)));
        ConnectorSet::load(self.path(), around, &facts, signed)
    }
}

/// The tables that every connector to loopback has.
pub(super) fn loopback(port: u16) -> String {
    format!(
        "title = {{ zh = \"测试\", en = \"Test\" }}\n\
         [targets]\nnetworks = [\"127.0.0.0/8\"]\nliteral_networks = [\"127.0.0.0/8\"]\n\
         plain_http_networks = [\"127.0.0.0/8\"]\nports = [{port}]\n"
    )
}

/// A source of persons on `port`; `more` are further tables.
pub(super) fn source(port: u16, more: &str) -> String {
    format!(
        "role = \"source\"\nkind = \"http\"\ndataset = \"natural-person\"\n{}\
         [request]\nurl = \"http://127.0.0.1:{port}/ask\"\nbody = '{{\"id\": \"{{subject.id_number}}\"}}'\n\
         [answer]\ncode_pointer = \"/code\"\nsuccess = [\"0\"]\nnot_found = [\"1\"]\nrefused = [\"E-106\"]\n\
         records_pointer = \"/data\"\nfields = {{ name = \"/xm\" }}\n{more}",
        loopback(port)
    )
}
