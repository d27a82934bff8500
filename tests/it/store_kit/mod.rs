//! What the store tests share: a private folder, made-up records, commits of them.
//! Nothing here is data of a person: subjects are digests of counters.
#![allow(dead_code)]

use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use heyan::domain::mismatch::MismatchPhase;
use heyan::ports::{
    access::{AgencyRow, ClientRow, GrantRow},
    records::RecordWrite,
};
use heyan::ports::{commit::Commit, deliveries::FannedEvent};
use heyan::ports::{
    deliveries::{DeliveryPhase, DeliveryResult, DeliveryRow, EventKind, EventRow},
    mismatches::{MismatchRow, MismatchWrite, StepRow},
    subject::RowKey,
};
use heyan::ports::{
    records::StoredRecord,
    subject::{RecordKey, SubjectKey},
};
use heyan::store::{SqliteConfig, SqliteStore};

/// A folder with mode 0700 that goes away with the value.
pub(crate) struct Folder(pub PathBuf);

impl Folder {
    pub(crate) fn new(name: &str) -> Self {
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&path);
        std::fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&path)
            .unwrap();
        Self(path)
    }

    pub(crate) fn database(&self) -> PathBuf {
        self.0.join("hub.db")
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

pub(crate) async fn open(folder: &Folder) -> SqliteStore {
    SqliteStore::open(SqliteConfig::new(folder.database())).await.unwrap()
}

/// The `n`-th subject; spread over the key space as pseudonyms are.
pub(crate) fn subject(n: u64) -> SubjectKey {
    let digest = ring::digest::digest(&ring::digest::SHA256, &n.to_le_bytes());
    SubjectKey(digest.as_ref()[..16].try_into().unwrap())
}

pub(crate) fn key(dataset: &Arc<str>, n: u64) -> RecordKey {
    RecordKey {
        dataset: Arc::clone(dataset),
        subject: subject(n),
    }
}

/// About 330 bytes of identifiers and fields, as a natural person has.
pub(crate) fn record(n: u64, version: u32) -> StoredRecord {
    StoredRecord {
        version,
        source_version: n.is_multiple_of(2).then_some(i64::from(version) * 10),
        effective_at: n.is_multiple_of(3).then_some(1_600_000_000_000_000),
        received_at: 1_700_000_000_000_000 + i64::try_from(n).unwrap(),
        source: (!n.is_multiple_of(5)).then(|| "import".to_owned()),
        subject: format!(r#"{{"resident_id":"made-up-{n:010}"}}"#),
        fields: format!(
            r#"{{"name":"测试{n}","version":{version},"gender":"1","birth_date":"1990-03-07","address":"{}","issuer":"某某分局","valid_from":"2015-01-01","valid_until":"2035-01-01"}}"#,
            "某区某街道某路一百二十三号".repeat(2)
        ),
    }
}

pub(crate) fn write(dataset: &Arc<str>, n: u64, expected: Option<u32>) -> RecordWrite {
    RecordWrite {
        dataset: Arc::clone(dataset),
        subject: subject(n),
        expected,
        record: record(n, expected.map_or(1, |version| version + 1)),
    }
}

pub(crate) fn first_load(dataset: &Arc<str>, numbers: std::ops::Range<u64>) -> Commit {
    Commit::default().with(numbers.map(|n| write(dataset, n, None)).collect::<Vec<_>>())
}

pub(crate) fn assert_same(left: &StoredRecord, right: &StoredRecord) {
    assert_eq!(left.version, right.version);
    assert_eq!(left.source_version, right.source_version);
    assert_eq!(left.effective_at, right.effective_at);
    assert_eq!(left.received_at, right.received_at);
    assert_eq!(left.source, right.source);
    assert_eq!(left.subject, right.subject);
    assert_eq!(left.fields, right.fields);
}

pub(crate) fn agency(id: &str, number: u32) -> AgencyRow {
    AgencyRow {
        id: id.to_owned(),
        number,
        name: format!("机构 {id}"),
        credit_code: "11440300MB2C00000X".to_owned(),
        authority_for: vec!["natural-person".to_owned()],
        networks: vec!["10.0.0.0/8".to_owned()],
        disabled: false,
        created_at: 1,
        updated_at: 1,
    }
}

pub(crate) fn client(id: &str, agency: Option<&str>) -> ClientRow {
    ClientRow {
        id: id.to_owned(),
        name: format!("系统 {id}"),
        role: if agency.is_some() { "agency" } else { "auditor" }.to_owned(),
        agency: agency.map(str::to_owned),
        secret_hash: [7; 32],
        previous_secret_hash: Some([8; 32]),
        previous_valid_until: Some(99),
        public_key: None,
        disabled: true,
        appointed_by: Some("li wang".to_owned()),
        created_at: 1,
        updated_at: 2,
    }
}

pub(crate) fn grant(id: &str, agency: &str) -> GrantRow {
    GrantRow {
        id: id.to_owned(),
        agency: agency.to_owned(),
        dataset: "natural-person".to_owned(),
        fields: vec!["name".to_owned(), "birth_date".to_owned()],
        operations: vec!["verify".to_owned()],
        item_codes: vec!["*".to_owned()],
        valid_from: 10,
        valid_until: Some(20),
        daily_ceiling: Some(1_000),
        networks: Vec::new(),
        revoked_at: None,
        created_at: 10,
    }
}

/// An id of the right length.
pub(crate) fn id(prefix: &str, n: u64) -> String {
    format!("{prefix}{n:026}")
}

/// A row about record 1.
pub(crate) fn row_key(prefix: &str, n: u64) -> RowKey {
    RowKey {
        subject: subject(1),
        id: id(prefix, n),
    }
}

/// The change of record 1 that mismatch `n` awaits.
pub(crate) fn change(n: u64) -> EventRow {
    EventRow {
        id: id("evt_", n),
        kind: EventKind::RecordChanged,
        dataset: Some("persons".into()),
        subject: Some(subject(1)),
        version: u32::try_from(n).ok(),
        mismatch: Some(id("mis_", n)),
        agency: None,
        facts: None,
        at: 1,
        is_fanned: false,
        is_published: true,
    }
}

/// A corrected mismatch of agency `housing` whose news is on its way.
pub(crate) fn awaiting(n: u64) -> MismatchWrite {
    MismatchWrite {
        row: MismatchRow {
            id: id("mis_", n),
            dataset: "persons".into(),
            subject: subject(1),
            agency: "housing".to_owned(),
            matter: subject(n).0,
            fields: vec!["name".to_owned()],
            record_version: 1,
            state: MismatchPhase::Corrected,
            is_final: false,
            due_on: None,
            awaits: Some(id("evt_", n)),
            revision: 1,
            opened_at: 1,
            updated_at: 1,
            facts: vec![1],
            expires_at: None,
        },
        step: StepRow {
            seq: 1,
            at: 1,
            action: "approve".to_owned(),
            state: MismatchPhase::Corrected,
            actor: "authority",
            note: vec![1],
        },
        is_first: false,
    }
}

/// Events whose deliveries are all there.
pub(crate) fn fanned(numbers: &[u64]) -> Commit {
    Commit::default().with(
        numbers
            .iter()
            .map(|n| FannedEvent(row_key("evt_", *n)))
            .collect::<Vec<_>>(),
    )
}

/// Delivery `n` of an event; the target `latest` takes only the newest of a record.
pub(crate) fn delivery(n: u64, event: u64, target: &str) -> DeliveryRow {
    DeliveryRow {
        id: id("dlv_", n),
        event: id("evt_", event),
        target: target.to_owned(),
        agency: Some("housing".to_owned()),
        subject: subject(1),
        reason: "subscribed",
        supersedes: target == "latest",
        next_at: 1,
        created_at: 1,
    }
}

/// What an attempt made of delivery `n`.
pub(crate) fn ended(n: u64, state: DeliveryPhase) -> DeliveryResult {
    DeliveryResult {
        key: row_key("dlv_", n),
        state,
        attempts: 1,
        next_at: 2,
        last_result: "timeout",
        last_status: None,
        at: 2,
    }
}
