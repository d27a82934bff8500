//! Keys that begin with the subject: the catalogue of PostgreSQL says so for every table, a store whose tables are split by it tells the
//! story of every store, and a store that was filled before it had such keys keeps every row.
//! PostgreSQL demands of a table in parts what Citus demands of a distributed one: each unique key holds the column that splits it.

use std::{collections::BTreeMap, path::PathBuf, sync::Arc};

use heyan::ports::{commit::Commit, store::Store};
use heyan::ports::{
    deliveries::{DeliveryPhase, DeliveryResult, EventKind, EventRow},
    subject::{RowKey, SubjectKey},
};
use heyan::{
    auth::sha256,
    store::{PostgresConfig, SqliteConfig, SqliteStore, open_postgres},
};
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _, PgConnection, Row as _, sqlite::SqliteConnectOptions};

use crate::{
    postgres_kit::{self, Postgres},
    promise,
    store_kit::{Folder, id},
};

/// Tables that hold rows about a subject, each split by it.
const BY_SUBJECT: [&str; 11] = [
    "answers",
    "deliveries",
    "events",
    "guess_heads",
    "guesses",
    "live_fetches",
    "mismatch_steps",
    "mismatches",
    "record_versions",
    "records",
    "unlock_requests",
];

/// Tables that are looked up by another keyed hash, each split by that.
const BY_HASH: [&str; 2] = ["record_keys", "used_once"];

/// Tables that belong to no subject: small, and whole on every server or on one.
const WHOLE: [&str; 29] = [
    "agency_right",
    "agency_rows",
    "agencies",
    "alert_steps",
    "alerts",
    "asks",
    "case_checks",
    "case_parties",
    "cases",
    "clients",
    "cosigned",
    "grant_usage",
    "grants",
    "items",
    "leases",
    "ledger_outbox",
    "meta",
    "nodes",
    "parked_keys",
    "positions",
    "quality_steps",
    "quality_verdicts",
    "replies",
    "schema_migrations",
    "subscriptions",
    "supervision_entries",
    "supervision_state",
    "tallies",
    "trace_seals",
];

async fn open(url: String) -> Arc<dyn Store> {
    let config = PostgresConfig {
        origin: "hub-1.test".to_owned(),
        statement_timeout_ms: 10_000,
        ..PostgresConfig::new(url)
    };
    open_postgres(&config).await.unwrap()
}

/// The URL of another database of the server.
fn other(server: &Postgres, name: &str) -> String {
    let url = server.url();
    format!("{}/{name}", url.rsplit_once('/').unwrap().0)
}

/// The column that every unique key of a table must begin with; none for a table that stays whole.
fn split_by(table: &str) -> Option<&'static str> {
    let [by_subject, whole] = promise::tables();
    let lists = [
        BY_SUBJECT.contains(&table) || by_subject.contains(&table),
        BY_HASH.contains(&table),
        WHOLE.contains(&table) || whole.contains(&table),
    ];
    match lists {
        [true, false, false] => Some("subject"),
        [false, true, false] => Some("hash"),
        [false, false, true] => None,
        _ => panic!("{table} must stand in one of the lists: does it hold rows about a subject?"),
    }
}

const TABLES: &str = "SELECT relname || ' ' || relkind::text FROM pg_class
    WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') AND NOT relispartition ORDER BY 1";

const UNIQUE_KEYS: &str = "SELECT concat_ws(' ', c.relname, a.attname, n.relname) FROM pg_index AS i
    JOIN pg_class AS c ON c.oid = i.indrelid AND NOT c.relispartition AND c.relnamespace = 'public'::regnamespace
    JOIN pg_class AS n ON n.oid = i.indexrelid
    JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum = i.indkey[0]
    WHERE i.indisunique ORDER BY 1";

const FOREIGN_KEYS: &str = "SELECT concat_ws(' ', c.relname, a.attname, f.relname, b.attname) FROM pg_constraint AS k
    JOIN pg_class AS c ON c.oid = k.conrelid AND NOT c.relispartition AND c.relnamespace = 'public'::regnamespace
    JOIN pg_class AS f ON f.oid = k.confrelid AND NOT f.relispartition
    JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum = k.conkey[1]
    JOIN pg_attribute AS b ON b.attrelid = f.oid AND b.attnum = k.confkey[1]
    WHERE k.contype = 'f' ORDER BY 1";

/// What the catalogue says of every table, key and index.
const SCHEMA: &str = "SELECT concat_ws(' ', c.relname, k.conname, pg_get_constraintdef(k.oid)) FROM pg_constraint AS k
    JOIN pg_class AS c ON c.oid = k.conrelid AND NOT c.relispartition AND c.relnamespace = 'public'::regnamespace
    WHERE k.conparentid = 0
    UNION ALL
    SELECT replace(indexdef, ' ON ONLY ', ' ON ') FROM pg_indexes AS x
    JOIN pg_class AS c ON c.relname = x.tablename AND NOT c.relispartition AND c.relnamespace = 'public'::regnamespace
    WHERE schemaname = 'public'
    UNION ALL
    SELECT concat_ws(' ', table_name, column_name, data_type, is_nullable, column_default) FROM information_schema.columns AS t
    JOIN pg_class AS c ON c.relname = t.table_name AND NOT c.relispartition AND c.relnamespace = 'public'::regnamespace
    WHERE table_schema = 'public'
    UNION ALL
    SELECT pg_get_triggerdef(t.oid) FROM pg_trigger AS t WHERE NOT t.tgisinternal AND t.tgparentid = 0
    ORDER BY 1";

async fn keys_begin_as_they_must(database: &Database) {
    let tables = database.lines(TABLES).await;
    assert_eq!(
        tables.len(),
        BY_SUBJECT.len() + BY_HASH.len() + WHOLE.len() + promise::tables().concat().len(),
        "{tables:?}"
    );
    for line in tables {
        split_by(line.split(' ').next().unwrap());
    }
    let mut unique: BTreeMap<String, usize> = BTreeMap::new();
    for line in database.lines(UNIQUE_KEYS).await {
        let words: Vec<&str> = line.split(' ').collect();
        if let Some(column) = split_by(words[0]) {
            assert_eq!(words[1], column, "a unique key begins otherwise: {line}");
            *unique.entry(words[0].to_owned()).or_default() += 1;
        }
    }
    assert_eq!(
        unique.len(),
        BY_SUBJECT.len() + BY_HASH.len() + promise::tables()[0].len(),
        "a primary key each: {unique:?}"
    );
    let mut between = 0;
    for line in database.lines(FOREIGN_KEYS).await {
        let words: Vec<&str> = line.split(' ').collect();
        let (from, to) = (split_by(words[0]), split_by(words[2]));
        if let Some(column) = to {
            assert_eq!(from, to, "one part would need another: {line}");
            assert_eq!((words[1], words[3]), (column, column), "{line}");
            between += 1;
        }
    }
    assert_eq!(between, 3, "steps and events of mismatches, deliveries of events");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_key_of_a_table_about_subjects_begins_with_the_subject() {
    let Some(server) = Postgres::start().await else { return };
    let database = Database::Postgres(server.url());
    open(server.url()).await.close().await;
    keys_begin_as_they_must(&database).await;
    let whole = database.lines(SCHEMA).await;
    postgres_kit::split_tables(&server.url(), 3).await;
    keys_begin_as_they_must(&database).await;
    for line in database.lines(TABLES).await {
        let (table, kind) = line.split_once(' ').unwrap();
        assert_eq!(kind == "p", split_by(table).is_some(), "{table} is split, or it is not");
    }
    assert_eq!(
        database.lines(SCHEMA).await,
        whole,
        "names and definitions are what they were"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_in_parts_tells_the_store_story() {
    let Some(server) = Postgres::start().await else { return };
    server.run("CREATE DATABASE of_the_bus").await;
    server.run("CREATE DATABASE of_supervision").await;
    let named = |name: &str| other(&server, name);
    for name in ["heyan", "of_the_bus", "of_supervision"] {
        postgres_kit::split(&named(name), 4).await;
    }
    crate::store_story::tell(open(server.url()).await).await;
    crate::store_bus::tell(&*open(named("of_the_bus")).await).await;
    crate::store_supervision::tell(&*open(named("of_supervision")).await).await;
    let filled = "SELECT count(*) FROM (SELECT tableoid FROM records GROUP BY tableoid) AS parts";
    assert_eq!(server.number(filled).await, 4, "records lie in every part");
}

/// A database that is looked at from outside.
enum Database {
    Sqlite(PathBuf),
    Postgres(String),
}

impl Database {
    async fn run(&self, sql: &str) {
        let script = sqlx::raw_sql(AssertSqlSafe(sql.to_owned()));
        match self {
            Self::Sqlite(file) => {
                let options = SqliteConnectOptions::new().filename(file).create_if_missing(true);
                let mut connection = options.connect().await.unwrap();
                script.execute(&mut connection).await.unwrap();
                connection.close().await.unwrap();
            }
            Self::Postgres(url) => {
                let mut connection = PgConnection::connect(url).await.unwrap();
                script.execute(&mut connection).await.unwrap();
                connection.close().await.unwrap();
            }
        }
    }

    /// The one text of each row.
    async fn lines(&self, sql: &str) -> Vec<String> {
        let script = sqlx::raw_sql(AssertSqlSafe(sql.to_owned()));
        match self {
            Self::Sqlite(file) => {
                let mut connection = SqliteConnectOptions::new().filename(file).connect().await.unwrap();
                let rows = script.fetch_all(&mut connection).await.unwrap();
                connection.close().await.unwrap();
                rows.iter().map(|row| row.get(0)).collect()
            }
            Self::Postgres(url) => {
                let mut connection = PgConnection::connect(url).await.unwrap();
                let rows = script.fetch_all(&mut connection).await.unwrap();
                connection.close().await.unwrap();
                rows.iter().map(|row| row.get(0)).collect()
            }
        }
    }

    fn engine(&self) -> &'static str {
        match self {
            Self::Sqlite(_) => "sqlite",
            Self::Postgres(_) => "postgres",
        }
    }

    /// Writes `{n}` as sixteen bytes n, and `hex(…)` as this engine does.
    fn words(&self, sql: &str) -> String {
        let mut sql = sql.to_owned();
        for n in 0..10 {
            let hex = format!("{n:02x}").repeat(16);
            let bytes = match self {
                Self::Sqlite(_) => format!("x'{hex}'"),
                Self::Postgres(_) => format!("decode('{hex}', 'hex')"),
            };
            sql = sql.replace(&format!("{{{n}}}"), &bytes);
        }
        match self {
            Self::Sqlite(_) => sql.replace("hex(", "lower(hex(").replace("!)", "))"),
            Self::Postgres(_) => sql.replace("hex(", "encode(").replace("!)", ", 'hex')"),
        }
    }

    /// The schema as it was before keys began with the subject, with rows in every table that changes.
    async fn fill_at_0014(&self) {
        let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
        let engine = self.engine();
        let text = |file: String| std::fs::read_to_string(root.join(file)).unwrap();
        self.run(&text(format!("src/store/sql/{engine}/create_migrations.sql")))
            .await;
        let folder = std::fs::read_dir(root.join(format!("schemas/sql/{engine}"))).unwrap();
        let mut names: Vec<String> = folder
            .map(|file| file.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        for (version, name) in (1..=14).zip(&names) {
            let step = text(format!("schemas/sql/{engine}/{name}"));
            self.run(&step).await;
            let sum: String = sha256(step.as_bytes())
                .iter()
                .map(|byte| format!("{byte:02x}"))
                .collect();
            let name = name.trim_end_matches(".sql");
            self.run(&format!(
                "INSERT INTO schema_migrations VALUES ({version}, '{name}', '{sum}', 1)"
            ))
            .await;
        }
        self.run(&self.words(FILL)).await;
    }
}

/// Subjects 1 to 3, and the event of a test, which has none.
const FILL: &str = "
INSERT INTO agencies VALUES ('housing', 1, 'h', '11440300MB2C00000X', '[]', '[]', 0, 1, 1);
INSERT INTO mismatches (id, dataset, subject, agency, matter, fields, record_version, state, is_final, due_on, awaits, revision, opened_at, updated_at, facts)
VALUES
    ('mis_00000000000000000000000003', 'persons', {3}, 'housing', {7}, '[\"a\"]', 1, 'closed', 1, NULL, NULL, 2, 1, 2, {9}),
    ('mis_00000000000000000000000001', 'persons', {1}, 'housing', {7}, '[\"a\"]', 1, 'open', 0, '2026-12-01', NULL, 1, 1, 2, {9}),
    ('mis_00000000000000000000000002', 'persons', {2}, 'housing', {7}, '[\"a\"]', 1, 'corrected', 0, NULL, 'evt_00000000000000000000000007', 2, 1, 2, {9});
INSERT INTO mismatch_steps (mismatch, seq, at, action, state, actor, note) VALUES
    ('mis_00000000000000000000000001', 1, 1, 'open', 'open', 'hub', {9}),
    ('mis_00000000000000000000000002', 1, 1, 'open', 'open', 'hub', {9}),
    ('mis_00000000000000000000000002', 2, 2, 'approve', 'corrected', 'authority', {8}),
    ('mis_00000000000000000000000003', 1, 1, 'open', 'open', 'hub', {9}),
    ('mis_00000000000000000000000003', 2, 2, 'close', 'closed', 'agency', {9});
INSERT INTO events (seq, id, kind, dataset, subject, version, mismatch, agency, facts, at, is_fanned, is_published) VALUES
    (3, 'evt_00000000000000000000000003', 'mismatch', 'persons', {1}, 1, 'mis_00000000000000000000000001', 'housing', NULL, 1, 0, 0),
    (7, 'evt_00000000000000000000000007', 'record.changed', 'persons', {2}, 2, 'mis_00000000000000000000000002', NULL, NULL, 2, 1, 1),
    (9, 'evt_00000000000000000000000009', 'test', NULL, NULL, NULL, NULL, 'housing', {8}, 3, 1, 1),
    (12, 'evt_00000000000000000000000012', 'verification.would_change', 'persons', {3}, 2, NULL, 'housing', {8}, 3, 1, 1);
INSERT INTO deliveries (seq, id, event, target, subject, reason, state, attempts, next_at, last_result, last_status, created_at, updated_at) VALUES
    (5, 'dlv_00000000000000000000000005', 'evt_00000000000000000000000007', 'one', {2}, 'answered', 'pending', 1, 5, 'timeout', 500, 1, 2),
    (6, 'dlv_00000000000000000000000006', 'evt_00000000000000000000000007', 'two', {2}, 'sink', 'delivered', 1, 5, NULL, 200, 1, 2),
    (40, 'dlv_00000000000000000000000040', 'evt_00000000000000000000000009', 'one', {0}, 'test', 'dead', 8, 5, 'gone', 410, 1, 2);
INSERT INTO watches VALUES ('wat_00000000000000000000000001', 'housing', 'persons', {3}, 'unchanged', 9, 5, 2, {9}, 1, 2);
INSERT INTO record_keys VALUES ('licences', {4}, {1}), ('licences', {4}, {2}), ('licences', {5}, {1});
";

/// Every column of every table that changes.
const ROWS: [&str; 6] = [
    "SELECT concat_ws('|', id, dataset, hex(subject!), agency, hex(matter!), fields, record_version, state, is_final, coalesce(due_on, '-'),
        coalesce(awaits, '-'), revision, opened_at, updated_at, hex(facts!), is_told) FROM mismatches ORDER BY id",
    "SELECT concat_ws('|', s.mismatch, hex(m.subject!), s.seq, s.at, s.action, s.state, s.actor, hex(s.note!))
        FROM mismatch_steps AS s JOIN mismatches AS m ON m.id = s.mismatch ORDER BY s.mismatch, s.seq",
    "SELECT concat_ws('|', seq, id, kind, coalesce(dataset, '-'), hex(coalesce(subject, {0})!), coalesce(version, -1), coalesce(mismatch, '-'),
        coalesce(agency, '-'), coalesce(hex(facts!), '-'), at, is_fanned, is_published) FROM events ORDER BY seq",
    "SELECT concat_ws('|', seq, id, event, target, hex(subject!), reason, state, attempts, next_at, coalesce(last_result, '-'),
        coalesce(last_status, -1), created_at, updated_at) FROM deliveries ORDER BY seq",
    "SELECT concat_ws('|', id, agency, dataset, hex(subject!), state, until, next_at, revision, hex(facts!), created_at, updated_at)
        FROM watches ORDER BY id",
    "SELECT concat_ws('|', dataset, hex(hash!), hex(subject!)) FROM record_keys ORDER BY 1",
];

async fn rows(database: &Database) -> Vec<Vec<String>> {
    let mut all = Vec::new();
    for table in ROWS {
        all.push(database.lines(&database.words(table)).await);
    }
    all
}

/// What was pending goes on where it was, and what is new gets a number that nothing had.
async fn it_goes_on(store: &dyn Store) {
    let key = |n: u8, id: String| RowKey {
        subject: SubjectKey([n; 16]),
        id,
    };
    let second = id("mis_", 2);
    assert_eq!(
        store.mismatch_steps(SubjectKey([2; 16]), &second).await.unwrap().len(),
        2
    );
    assert!(store.mismatch(SubjectKey([1; 16]), &second).await.unwrap().is_none());
    let found = store.find_mismatch(&second).await.unwrap().unwrap();
    assert!(found.subject == SubjectKey([2; 16]));
    let test = store.delivery(&id("dlv_", 40)).await.unwrap().unwrap();
    assert!(test.event.subject.is_none() && test.event.kind == EventKind::Test);
    let event = EventRow {
        id: id("evt_", 13),
        kind: EventKind::RecordChanged,
        dataset: Some("persons".into()),
        subject: Some(SubjectKey([1; 16])),
        version: Some(2),
        mismatch: None,
        agency: None,
        facts: None,
        at: 9,
        is_fanned: false,
        is_published: true,
    };
    let ended = DeliveryResult {
        key: key(2, id("dlv_", 5)),
        state: DeliveryPhase::Delivered,
        attempts: 2,
        next_at: 9,
        last_result: "confirmed",
        last_status: Some(200),
        at: 9,
    };
    let commit = Commit::default()
        .with(vec![event])
        .with(vec![ended])
        .with(heyan::ports::deliveries::FannedEvent(key(1, id("evt_", 3))));
    store.commit(Arc::new(commit)).await.unwrap();
    let told = store.delivered_mismatches(10).await.unwrap();
    assert_eq!(told.into_iter().map(|row| row.id).collect::<Vec<_>>(), [second]);
    let new = store.new_events(10).await.unwrap();
    assert_eq!(
        new.iter()
            .map(|event| (event.seq, event.id.clone()))
            .collect::<Vec<_>>(),
        [(13, id("evt_", 13))]
    );
}

#[tokio::test]
async fn sqlite_keeps_every_row_when_its_keys_change() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = Folder::new("shards");
    let database = Database::Sqlite(folder.database());
    database.fill_at_0014().await;
    std::fs::set_permissions(folder.database(), std::fs::Permissions::from_mode(0o600)).unwrap();
    let before = rows(&database).await;
    assert!(before.iter().all(|table| !table.is_empty()));
    let store = SqliteStore::open(SqliteConfig::new(folder.database())).await.unwrap();
    assert_eq!(rows(&database).await, before);
    it_goes_on(&*store).await;
    store.close().await;
    let faults = "SELECT 'fault' FROM pragma_foreign_key_check UNION ALL SELECT * FROM pragma_integrity_check";
    assert_eq!(database.lines(faults).await, ["ok"]);
    let left = "SELECT name FROM sqlite_schema WHERE coalesce(sql, name) LIKE '%\\_anew%' ESCAPE '\\'";
    assert!(database.lines(left).await.is_empty(), "a name of the change is left");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn postgres_keeps_every_row_when_its_keys_change_and_when_it_is_split() {
    let Some(server) = Postgres::start().await else { return };
    server.run("CREATE DATABASE split").await;
    for (name, parts) in [("heyan", None), ("split", Some(5))] {
        let url = other(&server, name);
        let database = Database::Postgres(url.clone());
        database.fill_at_0014().await;
        let before = rows(&database).await;
        assert!(before.iter().all(|table| !table.is_empty()));
        let store = open(url.clone()).await;
        assert_eq!(rows(&database).await, before, "{name}");
        if let Some(parts) = parts {
            postgres_kit::split_tables(&url, parts).await;
            assert_eq!(rows(&database).await, before, "{name}");
        }
        it_goes_on(&*store).await;
        store.close().await;
    }
}
