//! Both engines' planners are asked about every text of `src/store/sql`: none walks a table that grows, or a run of an index that grows
//! with it, unless a list below says why that is bounded. A text that is neither planned nor listed as one that cannot be is a failure.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use heyan::store::{PostgresConfig, open_postgres};
use sqlx::{
    AssertSqlSafe, ConnectOptions as _, Connection as _, Executor as _, PgConnection, Row as _,
    sqlite::SqliteConnectOptions,
};

use crate::{
    postgres_kit::Postgres,
    store_kit::{self, Folder},
};

/// First words of texts that read no table.
const CONTROL: [&str; 9] = [
    "BEGIN",
    "COMMIT",
    "COPY",
    "CREATE",
    "PRAGMA",
    "RELEASE",
    "ROLLBACK",
    "SAVEPOINT",
    "VACUUM",
];

/// Tables that do not grow with the city's use of the hub.
const SMALL: [(&str, &str); 18] = [
    ("asks", "what one node wants to know of another; kept a minute"),
    ("agencies", "held whole in memory: some thousands"),
    ("agency_rows", "a row for each agency, kind and connection that writes"),
    (
        "approvals",
        "asked for by persons, one by one, and forgotten after a week",
    ),
    ("clients", "held whole in memory: some for an agency"),
    ("cosigned", "a row for each pair of nodes"),
    ("grants", "held whole in memory, read at a start"),
    ("items", "held whole in memory: some thousands"),
    ("leases", "a row for each duty"),
    ("meta", "some names"),
    ("nodes", "a row for each node"),
    (
        "parked_keys",
        "keys of a feed that wait for their first record, read by topic with a limit",
    ),
    ("positions", "a row for each reader"),
    ("schema_migrations", "a row for each step"),
    ("subscriptions", "held whole in memory: some for an agency"),
    ("supervision_state", "read by its name"),
    ("tallies", "a row for each word of a state"),
    ("trace_seals", "opened by persons, one by one"),
];

/// Walks of an index whose every row is wanted, or of one that is short.
const WALKS: [(&str, &str); 7] = [
    ("count_records", "only the demo asks, at its start"),
    (
        "delete_expired_steps",
        "of 1,000 mismatches; PostgreSQL merges while tables are small, and finds each by its key at a million rows",
    ),
    (
        "select_delivered_mismatches",
        "the index holds only what waits to be closed, and the text has a limit",
    ),
    (
        "select_new_events",
        "the index holds only what waits, in the order that is asked, and the text has a limit",
    ),
    (
        "select_undated_mismatches",
        "the index holds only what has no day, and the text has a limit",
    ),
    (
        "select_unpublished_alerts",
        "the index holds only what waits, in the order that is asked, and the text has a limit",
    ),
    (
        "select_unpublished_events",
        "the index holds only what waits, in the order that is asked, and the text has a limit",
    ),
];

/// Runs of an index under words that many rows share.
const RUNS: [(&str, &str); 13] = [
    ("adopt_entries", "after an accepted loss: all that waits for one ledger"),
    ("count_watches", "counts up to the number that an agency may have"),
    (
        "delete_old_watches",
        "a third of what ended, as PostgreSQL guesses; it is deleted",
    ),
    ("delete_supervision_entries", "entries of one ledger that were taken in"),
    ("select_alert_rules", "the first row of each run is enough: min()"),
    (
        "select_datasets_of_agency",
        "the first row of each run is enough: min()",
    ),
    (
        "select_datasets_of_mismatches",
        "the first row of each run is enough: min()",
    ),
    ("select_entries", "in the order of the index, with a limit"),
    ("select_next_delivery", "the first row of the run is enough: min()"),
    ("select_oldest_pending", "in the order of the index, one row"),
    ("select_pending_targets", "the first row of each run is enough: min()"),
    (
        "select_supervision_origins",
        "the first row of each run is enough: min()",
    ),
    ("select_usage", "the last row of the index is enough: max()"),
];

/// Columns whose words many rows share: equal to them is not yet found.
const SHARED_WORDS: [&str; 13] = [
    "agency", "class", "code", "dataset", "day", "field", "is_final", "kind", "origin", "rule", "state", "target",
    "topic",
];

/// The texts of an engine by name.
fn texts(engine: &str) -> BTreeMap<String, String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/store/sql");
    let mut texts = BTreeMap::new();
    for folder in [root.clone(), root.join(engine)] {
        for file in std::fs::read_dir(folder).unwrap() {
            let path = file.unwrap().path();
            if path.extension().is_some_and(|end| end == "sql") {
                let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
                let known = texts.insert(name.clone(), std::fs::read_to_string(&path).unwrap());
                assert!(known.is_none(), "{name} is shared, and {engine} has its own");
            }
        }
    }
    texts
}

/// How a text reaches a table.
struct Access {
    table: String,
    index: Option<String>,
    /// What the index is searched for; empty: it is walked from its beginning.
    condition: String,
}

/// Judges what the planner said of a text; `columns` are those of each table.
struct Judge {
    columns: BTreeMap<String, BTreeSet<String>>,
    faults: Vec<String>,
}

impl Judge {
    fn new(columns: BTreeMap<String, BTreeSet<String>>) -> Self {
        for (table, _) in &SMALL {
            assert!(columns.contains_key(*table), "SMALL names {table}, which is no table");
        }
        Self {
            columns,
            faults: Vec::new(),
        }
    }

    fn judge(&mut self, name: &str, accesses: &[Access]) {
        for access in accesses {
            let is_small = SMALL.iter().any(|(table, _)| *table == access.table);
            let Some(columns) = self.columns.get(&access.table).filter(|_| !is_small) else {
                continue;
            };
            let words = access
                .condition
                .split(|letter: char| !letter.is_alphanumeric() && letter != '_');
            let searched: BTreeSet<&str> = words
                .filter(|word| columns.contains(*word) || *word == "rowid")
                .collect();
            let kind = if searched.is_empty() {
                "walks"
            } else if searched.iter().all(|column| SHARED_WORDS.contains(column)) {
                "reads a run of"
            } else {
                continue;
            };
            // A range over days, or over what is unique among shared words, is what was asked.
            let is_range = ["day>", "day <", "day >", "day<"]
                .iter()
                .any(|range| access.condition.contains(range));
            let is_listed = WALKS.iter().chain(&RUNS).any(|(known, _)| *known == name);
            if is_listed || is_range {
                continue;
            }
            let Access {
                table,
                index,
                condition,
            } = access;
            self.faults
                .push(format!("{name} {kind} {table} by {index:?} for {condition}"));
        }
    }

    fn finish(self, engine: &str) {
        assert!(
            self.faults.is_empty(),
            "{engine}: {} accesses grow with a table:\n{}",
            self.faults.len(),
            self.faults.join("\n")
        );
    }
}

/// Whether a text is planned; one that is not begins with a word of `CONTROL`.
fn is_planned(name: &str, text: &str) -> bool {
    let first = text.split_whitespace().next().unwrap();
    let planned = ["DELETE", "INSERT", "SELECT", "UPDATE", "WITH"].contains(&first);
    assert!(
        planned || CONTROL.contains(&first),
        "{name}: is {first} a text to be planned?"
    );
    assert!(
        !text.contains("IS NULL OR"),
        "{name} is not written for what is asked: IS NULL OR hides indexes"
    );
    planned
}

/// The table of each name that a text gives it.
fn aliases(text: &str, columns: &BTreeMap<String, BTreeSet<String>>) -> BTreeMap<String, String> {
    let words: Vec<&str> = text
        .split(|letter: char| !letter.is_alphanumeric() && letter != '_')
        .filter(|word| !word.is_empty())
        .collect();
    let mut aliases = BTreeMap::new();
    for (place, word) in words
        .iter()
        .enumerate()
        .filter(|(_, word)| columns.contains_key(**word))
    {
        aliases.insert((*word).to_owned(), (*word).to_owned());
        if words.get(place + 1) == Some(&"AS") {
            aliases.insert(words[place + 2].to_owned(), (*word).to_owned());
        }
    }
    aliases
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sqlite_walks_no_table_that_grows() {
    let folder = Folder::new("plans");
    store_kit::open(&folder).await.close().await;
    let options = SqliteConnectOptions::new().filename(folder.database());
    let mut connection = options.connect().await.unwrap();
    let mut columns: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let all =
        "SELECT t.name, c.name FROM sqlite_schema AS t JOIN pragma_table_info(t.name) AS c WHERE t.type = 'table'";
    for row in connection.fetch_all(all).await.unwrap() {
        columns.entry(row.get(0)).or_default().insert(row.get(1));
    }
    let mut judge = Judge::new(columns);
    for (name, text) in texts("sqlite") {
        if !is_planned(&name, &text) {
            continue;
        }
        let aliases = aliases(&text, &judge.columns);
        let rows = connection
            .fetch_all(AssertSqlSafe(format!("EXPLAIN QUERY PLAN {text}")))
            .await;
        let rows = rows.unwrap_or_else(|error| panic!("{name}: {error}"));
        let accesses: Vec<Access> = rows
            .iter()
            .filter_map(|row| {
                let detail: String = row.get(3);
                let (how, rest) = detail.split_once(' ')?;
                let table = aliases.get(rest.split(' ').next()?)?.clone();
                let index = rest.split_once("INDEX ").and_then(|(_, index)| index.split(' ').next());
                let condition = rest.split_once('(').map_or("", |(_, condition)| condition);
                // `min()` and `max()` read one end of an index.
                let is_end = how == "SEARCH" && condition.is_empty();
                (["SCAN", "SEARCH"].contains(&how) && !is_end).then(|| Access {
                    table,
                    index: index.map(str::to_owned),
                    condition: condition.to_owned(),
                })
            })
            .collect();
        judge.judge(&name, &accesses);
    }
    connection.close().await.unwrap();
    judge.finish("SQLite");
}

/// Fills the tables as a city does: words that many rows share, everything else its own. Checks would refuse what is made up.
const FILL: &str = r"
SET session_replication_role = replica;
DO $fill$
DECLARE one record; list text; exprs text;
BEGIN
    FOR one IN SELECT c.relname, k.conname FROM pg_constraint AS k JOIN pg_class AS c ON c.oid = k.conrelid
        WHERE k.contype IN ('c', 'f') AND c.relnamespace = 'public'::regnamespace LOOP
        EXECUTE format('ALTER TABLE %I DROP CONSTRAINT IF EXISTS %I', one.relname, one.conname);
    END LOOP;
    FOR one IN SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' AND relname <> 'schema_migrations' LOOP
        SELECT string_agg(quote_ident(column_name), ', ' ORDER BY ordinal_position), string_agg(CASE
            WHEN data_type = 'bytea' THEN format('decode(md5(%L || g), ''hex'')', column_name)
            WHEN column_name IN ('is_fanned', 'is_published') THEN '(g % 1000 > 0)::int'
            WHEN column_name = 'is_told' THEN '(g % 1000 = 0)::int'
            WHEN column_name = 'is_final' THEN '(g % 6 > 3)::int'
            WHEN column_name = 'state' AND one.relname = 'mismatches'
                THEN '(ARRAY[''open'', ''record_accepted'', ''disputed'', ''corrected'', ''upheld'', ''closed''])[g % 6 + 1]'
            WHEN column_name = 'state' AND one.relname = 'deliveries'
                THEN '(ARRAY[''pending'', ''delivered'', ''dead'', ''superseded'', ''cancelled''])[g % 5 + 1]'
            WHEN column_name = 'state' AND one.relname = 'watches' THEN '(ARRAY[''unchanged'', ''changed'', ''ended''])[g % 3 + 1]'
            WHEN column_name = 'kind' THEN '(ARRAY[''record.changed'', ''mismatch''])[g % 2 + 1]'
            WHEN column_name = 'due_on' THEN '''2026-12-'' || (10 + g % 20)'
            WHEN column_name IN ('dataset', 'state', 'class', 'rule', 'origin', 'topic', 'field') AND data_type = 'text' THEN format('%L || g %% 4', column_name)
            WHEN column_name IN ('agency', 'target') AND data_type = 'text' THEN format('%L || g %% 400', column_name)
            WHEN column_name IN ('agency', 'day', 'code', 'field') THEN 'g % 400'
            WHEN data_type = 'text' THEN format('%L || lpad(g::text, 20, ''0'')', column_name)
            ELSE 'g' END, ', ' ORDER BY ordinal_position)
        INTO list, exprs FROM information_schema.columns WHERE table_schema = 'public' AND table_name = one.relname;
        EXECUTE format('INSERT INTO %I (%s) SELECT %s FROM generate_series(1, 20000) AS g ON CONFLICT DO NOTHING', one.relname, list, exprs);
    END LOOP;
END
$fill$;
ANALYZE;
";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn postgres_walks_no_table_that_grows() {
    let Some(server) = Postgres::start().await else { return };
    open_postgres(&PostgresConfig::new(server.url()))
        .await
        .unwrap()
        .close()
        .await;
    server.run(FILL).await;
    let mut connection = PgConnection::connect(&server.url()).await.unwrap();
    let mut columns: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let all =
        "SELECT table_name::text, column_name::text FROM information_schema.columns WHERE table_schema = 'public'";
    for row in connection.fetch_all(all).await.unwrap() {
        columns.entry(row.get(0)).or_default().insert(row.get(1));
    }
    // A table of a city has a hundred times the pages of this one.
    connection.execute("SET seq_page_cost = 100").await.unwrap();
    connection
        .execute("SET plan_cache_mode = force_generic_plan")
        .await
        .unwrap();
    let mut judge = Judge::new(columns);
    for (name, text) in texts("postgres") {
        if !is_planned(&name, &text) {
            continue;
        }
        let (text, values) = numbered(&text);
        let nulls = match values {
            0 => String::new(),
            _ => format!("({})", vec!["NULL"; values].join(", ")),
        };
        let script = format!("PREPARE asked AS {text}");
        let prepared = connection.execute(sqlx::raw_sql(AssertSqlSafe(script))).await;
        prepared.unwrap_or_else(|error| panic!("{name}: {error}"));
        let explain = AssertSqlSafe(format!("EXPLAIN (FORMAT JSON) EXECUTE asked{nulls}"));
        let row = connection.fetch_one(sqlx::raw_sql(explain)).await.unwrap();
        connection.execute(sqlx::raw_sql("DEALLOCATE asked")).await.unwrap();
        let plan: String = row.get_unchecked(0);
        let plan: serde_json::Value = serde_json::from_str(&plan).unwrap();
        let mut accesses = Vec::new();
        walk(&plan, &mut accesses);
        judge.judge(&name, &accesses);
    }
    connection.close().await.unwrap();
    judge.finish("PostgreSQL");
}

/// The text with numbers for its `?`, and how many values it takes.
fn numbered(text: &str) -> (String, usize) {
    let mut parts = text.split('?');
    let mut out = parts.next().unwrap().to_owned();
    let mut values = 0;
    for part in parts {
        values += 1;
        out += &format!("${values}{part}");
    }
    let named = (1..30).rev().find(|number| out.contains(&format!("${number}")));
    (out, named.unwrap_or(0))
}

/// Every access of a plan to a table.
fn walk(plan: &serde_json::Value, accesses: &mut Vec<Access>) {
    match plan {
        serde_json::Value::Array(list) => list.iter().for_each(|one| walk(one, accesses)),
        serde_json::Value::Object(node) => {
            let text = |key: &str| node.get(key).and_then(|value| value.as_str()).map(str::to_owned);
            let kind = text("Node Type").unwrap_or_default();
            let table = text("Relation Name");
            if let Some(table) = table.filter(|_| kind.ends_with("Scan")) {
                // Below a bitmap heap scan stands the scan of the index, which names no table.
                let of_index = |child: &serde_json::Value| {
                    child
                        .get("Index Cond")
                        .and_then(|cond| cond.as_str())
                        .map(str::to_owned)
                };
                let below = node
                    .get("Plans")
                    .and_then(|plans| plans.as_array())
                    .into_iter()
                    .flatten();
                let condition = text("Index Cond").or_else(|| below.filter_map(of_index).next());
                accesses.push(Access {
                    table,
                    index: text("Index Name"),
                    condition: condition.unwrap_or_default(),
                });
            }
            node.values().for_each(|value| walk(value, accesses));
        }
        _ => {}
    }
}
