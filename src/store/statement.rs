//! SQL texts, one a file, each known by the name of its file; a text that the engines do not share stands in a folder for each.
//! Errors name the statement by that name and never quote its text or its values.

use std::sync::LazyLock;

use super::engine::{Engine, EngineName};

/// One statement and the name that errors give it.
#[derive(Clone, Copy)]
pub(super) struct Statement {
    pub(super) name: &'static str,
    pub(super) sqlite: &'static str,
    pub(super) postgres: &'static str,
}

macro_rules! statement {
    ($file:literal) => {
        $crate::statement::Statement {
            name: $file,
            sqlite: include_str!(concat!("sql/", $file, ".sql")),
            postgres: include_str!(concat!("sql/", $file, ".sql")),
        }
    };
    ($file:literal, each) => {
        $crate::statement::Statement {
            name: $file,
            sqlite: include_str!(concat!("sql/sqlite/", $file, ".sql")),
            postgres: include_str!(concat!("sql/postgres/", $file, ".sql")),
        }
    };
    ($file:literal, sqlite) => {
        $crate::statement::Statement {
            name: $file,
            sqlite: include_str!(concat!("sql/sqlite/", $file, ".sql")),
            postgres: "",
        }
    };
    ($file:literal, postgres) => {
        $crate::statement::Statement {
            name: $file,
            sqlite: "",
            postgres: include_str!(concat!("sql/postgres/", $file, ".sql")),
        }
    };
}

pub(super) const ADD_USAGE: Statement = statement!("add_usage", each);
pub(super) const ADD_QUALITY_STEPS: Statement = statement!("add_quality_steps", each);
pub(super) const ADD_VERDICTS: Statement = statement!("add_verdicts", each);
pub(super) const ADVANCE_POSITION: Statement = statement!("advance_position");
pub(super) const ARCHIVE_RECORDS: Statement = statement!("archive_records", each);
pub(super) const BEGIN: Statement = statement!("begin", each);
pub(super) const BEGIN_READING: Statement = statement!("begin_reading", each);
pub(super) const CHECKPOINT_PASSIVE: Statement = statement!("checkpoint_passive", sqlite);
pub(super) const CHECKPOINT_TRUNCATE: Statement = statement!("checkpoint_truncate", sqlite);
pub(super) const COMMIT: Statement = statement!("commit");
pub(super) const COPY_RECORDS: Statement = statement!("copy_records", postgres);
pub(super) const COUNT_ALERTS: Statement = statement!("count_alerts");
pub(super) const COUNT_DELIVERIES: Statement = statement!("count_deliveries");
pub(super) const COUNT_MISMATCHES: Statement = statement!("count_mismatches");
pub(super) const COUNT_RECORDS: Statement = statement!("count_records");
pub(super) const COUNT_UNPUBLISHED: Statement = statement!("count_unpublished");
pub(super) const COUNT_WATCHES: Statement = statement!("count_watches");
pub(super) const CREATE_MIGRATIONS: Statement = statement!("create_migrations", each);
pub(super) const DELETE_ASK: Statement = statement!("delete_ask");
pub(super) const DELETE_ENTRIES: Statement = statement!("delete_entries", each);
pub(super) const DELETE_GUESSES: Statement = statement!("delete_guesses");
pub(super) const DELETE_LEASE: Statement = statement!("delete_lease");
pub(super) const DELETE_OLD_ASKS: Statement = statement!("delete_old_asks");
pub(super) const DELETE_OLD_GUESSES: Statement = statement!("delete_old_guesses");
pub(super) const DELETE_OLD_GUESS_HEADS: Statement = statement!("delete_old_guess_heads");
pub(super) const DELETE_OLD_REPLIES: Statement = statement!("delete_old_replies");
pub(super) const DELETE_OLD_UNLOCK_REQUESTS: Statement = statement!("delete_old_unlock_requests");
pub(super) const DELETE_OLD_WATCHES: Statement = statement!("delete_old_watches");
pub(super) const DELETE_PARKED_KEY: Statement = statement!("delete_parked_key");
pub(super) const DELETE_UNLOCK_REQUEST: Statement = statement!("delete_unlock_request");
pub(super) const DELETE_SUPERVISION_ENTRIES: Statement = statement!("delete_supervision_entries");
pub(super) const DELETE_RECORD_KEYS: Statement = statement!("delete_record_keys");
pub(super) const DELETE_USED_ONCE: Statement = statement!("delete_used_once");
pub(super) const FIND_DELIVERY: Statement = statement!("find_delivery");
pub(super) const FIND_MISMATCH: Statement = statement!("find_mismatch");
pub(super) const FIND_WATCH: Statement = statement!("find_watch");
pub(super) const FOREIGN_KEY_CHECK: Statement = statement!("foreign_key_check", sqlite);
pub(super) const INSERT_ALERT: Statement = statement!("insert_alert");
pub(super) const INSERT_ALERT_STEP: Statement = statement!("insert_alert_step");
pub(super) const INSERT_ASK: Statement = statement!("insert_ask");
pub(super) const INSERT_CASE: Statement = statement!("insert_case");
pub(super) const INSERT_CASE_CHECK: Statement = statement!("insert_case_check");
pub(super) const INSERT_CASE_PARTY: Statement = statement!("insert_case_party");
pub(super) const INSERT_DELIVERY: Statement = statement!("insert_delivery");
pub(super) const INSERT_META: Statement = statement!("insert_meta");
pub(super) const INSERT_MIGRATION: Statement = statement!("insert_migration", each);
pub(super) const INSERT_PARKED_KEY: Statement = statement!("insert_parked_key");
pub(super) const INSERT_REPLY: Statement = statement!("insert_reply");
pub(super) const INSERT_SUPERVISION_ENTRIES: Statement = statement!("insert_supervision_entries");
pub(super) const INSERT_USED_ONCE: Statement = statement!("insert_used_once");
pub(super) const INSERT_WATCH: Statement = statement!("insert_watch");
pub(super) const INTEGRITY_CHECK: Statement = statement!("integrity_check", sqlite);
pub(super) const JOURNAL_MODE: Statement = statement!("journal_mode", sqlite);
pub(super) const LOCK_MIGRATIONS: Statement = statement!("lock_migrations", postgres);
pub(super) const LOCK_TOLD: Statement = statement!("lock_told", postgres);
pub(super) const MARK_FANNED: Statement = statement!("mark_fanned", each);
pub(super) const MARK_PUBLISHED_ALERTS: Statement = statement!("mark_published_alerts", each);
pub(super) const MARK_PUBLISHED_EVENTS: Statement = statement!("mark_published_events", each);
pub(super) const MARK_TOLD: Statement = statement!("mark_told", each);
pub(super) const NOTIFY: Statement = statement!("notify", postgres);
pub(super) const PING: Statement = statement!("ping");
pub(super) const RELEASE: Statement = statement!("release");
pub(super) const ROLLBACK: Statement = statement!("rollback");
pub(super) const ROLLBACK_TO: Statement = statement!("rollback_to");
pub(super) const SAVEPOINT: Statement = statement!("savepoint");
pub(super) const SELECT_AGENCIES: Statement = statement!("select_agencies");
pub(super) const SELECT_ALERT: Statement = statement!("select_alert");
pub(super) const SELECT_ALERT_STEPS: Statement = statement!("select_alert_steps");
pub(super) const SELECT_ALERTS: Statement = statement!("select_alerts");
pub(super) const SELECT_ANSWERS: Statement = statement!("select_answers", each);
pub(super) const SELECT_ASK: Statement = statement!("select_ask");
pub(super) const SELECT_ASKS: Statement = statement!("select_asks");
pub(super) const SELECT_CASE: Statement = statement!("select_case");
pub(super) const SELECT_CASE_CHECKS: Statement = statement!("select_case_checks");
pub(super) const SELECT_CASES: Statement = statement!("select_cases");
pub(super) const SELECT_COSIGNED: Statement = statement!("select_cosigned");
pub(super) const SELECT_CLIENTS: Statement = statement!("select_clients");
pub(super) const SELECT_UNDATED_MISMATCHES: Statement = statement!("select_undated_mismatches");
pub(super) const SET_DUE: Statement = statement!("set_due");
pub(super) const SELECT_DELIVERED_MISMATCHES: Statement = statement!("select_delivered_mismatches");
pub(super) const SELECT_DELIVERIES: Statement = statement!("select_deliveries", each);
pub(super) const SELECT_DUE_DELIVERIES: Statement = statement!("select_due_deliveries", each);
pub(super) const SELECT_DUE_WATCHES: Statement = statement!("select_due_watches");
pub(super) const SELECT_ENGINE_VERSION: Statement = statement!("select_engine_version", sqlite);
pub(super) const SELECT_ENTRIES: Statement = statement!("select_entries");
pub(super) const SELECT_GRANTS: Statement = statement!("select_grants");
pub(super) const SELECT_GUESSES: Statement = statement!("select_guesses");
pub(super) const SELECT_GUESSES_ABOUT: Statement = statement!("select_guesses_about");
pub(super) const SELECT_GUESS_HEAD: Statement = statement!("select_guess_head");
pub(super) const SELECT_ITEMS: Statement = statement!("select_items");
pub(super) const SELECT_LIVE_FETCH: Statement = statement!("select_live_fetch");
pub(super) const SELECT_META: Statement = statement!("select_meta");
pub(super) const SELECT_MIGRATIONS: Statement = statement!("select_migrations");
pub(super) const SELECT_MISMATCH: Statement = statement!("select_mismatch");
pub(super) const SELECT_MISMATCHES: Statement = statement!("select_mismatches", each);
pub(super) const SELECT_MISMATCHES_BY_KEY: Statement = statement!("select_mismatches_by_key", each);
pub(super) const SELECT_MISMATCH_DELIVERIES: Statement = statement!("select_mismatch_deliveries");
pub(super) const SELECT_MISMATCH_OF: Statement = statement!("select_mismatch_of");
pub(super) const SELECT_NEWEST: Statement = statement!("select_newest", each);
pub(super) const SELECT_NEWEST_CHANGES: Statement = statement!("select_newest_changes", each);
pub(super) const SELECT_NEW_EVENTS: Statement = statement!("select_new_events");
pub(super) const SELECT_NEXT_DELIVERY: Statement = statement!("select_next_delivery");
pub(super) const SELECT_NODES: Statement = statement!("select_nodes");
pub(super) const SELECT_ORIGIN: Statement = statement!("select_origin", each);
pub(super) const SELECT_PARKED_KEYS: Statement = statement!("select_parked_keys");
pub(super) const SELECT_PENDING_MISMATCHES: Statement = statement!("select_pending_mismatches");
pub(super) const SELECT_PENDING_TARGETS: Statement = statement!("select_pending_targets");
pub(super) const SELECT_POSITION: Statement = statement!("select_position");
pub(super) const SELECT_QUALITY_STEPS: Statement = statement!("select_quality_steps");
pub(super) const SELECT_RECORDS: Statement = statement!("select_records", each);
pub(super) const SELECT_RECORDS_AFTER: Statement = statement!("select_records_after");
pub(super) const SELECT_RECORD_KEYS: Statement = statement!("select_record_keys");
pub(super) const SELECT_RECORD_VERSION: Statement = statement!("select_record_version");
pub(super) const SELECT_REPLY: Statement = statement!("select_reply");
pub(super) const SELECT_SEALS: Statement = statement!("select_seals");
pub(super) const SELECT_STANDING: Statement = statement!("select_standing", each);
pub(super) const SELECT_STEPS: Statement = statement!("select_steps");
pub(super) const SELECT_SUBSCRIPTIONS: Statement = statement!("select_subscriptions");
pub(super) const SELECT_SUPERVISION_ENTRIES: Statement = statement!("select_supervision_entries");
pub(super) const SELECT_SUPERVISION_ORIGINS: Statement = statement!("select_supervision_origins");
pub(super) const SELECT_SUPERVISION_STATE: Statement = statement!("select_supervision_state");
pub(super) const SELECT_UNPUBLISHED_ALERTS: Statement = statement!("select_unpublished_alerts");
pub(super) const SELECT_UNPUBLISHED_EVENTS: Statement = statement!("select_unpublished_events");
pub(super) const SELECT_UNLOCK_REQUEST: Statement = statement!("select_unlock_request");
pub(super) const SELECT_USAGE: Statement = statement!("select_usage");
pub(super) const SELECT_VERDICTS: Statement = statement!("select_verdicts");
pub(super) const SELECT_WATCHES: Statement = statement!("select_watches");
pub(super) const SERVER_SETTINGS: Statement = statement!("server_settings", postgres);
pub(super) const SET_GUESS_HEAD: Statement = statement!("set_guess_head");
pub(super) const SUPERSEDE_DELIVERIES: Statement = statement!("supersede_deliveries", each);
pub(super) const SYNCHRONOUS: Statement = statement!("synchronous", sqlite);
pub(super) const TAKE_LEASE: Statement = statement!("take_lease", postgres);
pub(super) const UPDATE_ALERT: Statement = statement!("update_alert");
pub(super) const UPDATE_ASK: Statement = statement!("update_ask");
pub(super) const UPDATE_CASE: Statement = statement!("update_case");
pub(super) const UPDATE_DELIVERY: Statement = statement!("update_delivery");
pub(super) const UPDATE_MISMATCH: Statement = statement!("update_mismatch");
pub(super) const UPDATE_WATCH: Statement = statement!("update_watch");
pub(super) const UPSERT_AGENCY: Statement = statement!("upsert_agency");
pub(super) const UPSERT_CLIENT: Statement = statement!("upsert_client");
pub(super) const UPSERT_COSIGNED: Statement = statement!("upsert_cosigned");
pub(super) const UPSERT_GRANT: Statement = statement!("upsert_grant");
pub(super) const UPSERT_ITEM: Statement = statement!("upsert_item");
pub(super) const UPSERT_LIVE_FETCH: Statement = statement!("upsert_live_fetch");
pub(super) const UPSERT_NODE: Statement = statement!("upsert_node", postgres);
pub(super) const UPSERT_POSITION: Statement = statement!("upsert_position");
pub(super) const UPSERT_SEAL: Statement = statement!("upsert_seal");
pub(super) const UPSERT_SUBSCRIPTION: Statement = statement!("upsert_subscription");
pub(super) const UPSERT_UNLOCK_REQUEST: Statement = statement!("upsert_unlock_request");
pub(super) const UPSERT_SUPERVISION_STATE: Statement = statement!("upsert_supervision_state");
pub(super) const VACUUM_INTO: Statement = statement!("vacuum_into", sqlite);
pub(super) const WAKE_WATCHES: Statement = statement!("wake_watches", each);

/// Rows of one statement of a [`RowStatement`], largest first. Few sizes keep the cache of prepared statements small;
/// the largest stays far below the engine's limit of 32,766 parameters.
const ROW_STEPS: [usize; 3] = [200, 16, 1];

/// An `INSERT … VALUES (?, …)` that is sent with as many rows as fit one of a few fixed sizes.
pub(super) struct RowStatement {
    pub(super) name: &'static str,
    sqlite: [String; ROW_STEPS.len()],
    postgres: [String; ROW_STEPS.len()],
}

impl RowStatement {
    fn new(one: Statement) -> Self {
        Self {
            name: one.name,
            sqlite: ROW_STEPS.map(|rows| repeat_row(one.sqlite, rows)),
            postgres: ROW_STEPS.map(|rows| numbered(&repeat_row(one.postgres, rows))),
        }
    }

    /// Splits `rows` into runs that each have a prepared text: (text, rows of it).
    pub(super) fn runs<'r, E: Engine, T>(&'static self, mut rows: &'r [T]) -> Vec<(&'static str, &'r [T])> {
        let texts = match E::ENGINE {
            EngineName::Sqlite => &self.sqlite,
            EngineName::Postgres => &self.postgres,
        };
        let mut runs = Vec::new();
        for (step, text) in ROW_STEPS.iter().zip(texts) {
            while let Some((run, rest)) = rows.split_at_checked(*step) {
                runs.push((text.as_str(), run));
                rows = rest;
            }
        }
        runs
    }
}

pub(super) static INSERT_RECORDS: LazyLock<RowStatement> =
    LazyLock::new(|| RowStatement::new(statement!("insert_records")));
pub(super) static REPLACE_RECORDS: LazyLock<RowStatement> =
    LazyLock::new(|| RowStatement::new(statement!("replace_records")));
pub(super) static INSERT_ANSWERS: LazyLock<RowStatement> =
    LazyLock::new(|| RowStatement::new(statement!("insert_answers")));
pub(super) static INSERT_ENTRIES: LazyLock<RowStatement> =
    LazyLock::new(|| RowStatement::new(statement!("insert_entries", each)));
pub(super) static INSERT_MISMATCHES: LazyLock<RowStatement> =
    LazyLock::new(|| RowStatement::new(statement!("insert_mismatches")));
pub(super) static INSERT_STEPS: LazyLock<RowStatement> =
    LazyLock::new(|| RowStatement::new(statement!("insert_steps")));
pub(super) static INSERT_GUESSES: LazyLock<RowStatement> =
    LazyLock::new(|| RowStatement::new(statement!("insert_guesses")));
pub(super) static INSERT_RECORD_KEYS: LazyLock<RowStatement> =
    LazyLock::new(|| RowStatement::new(statement!("insert_record_keys")));
pub(super) static INSERT_EVENTS: LazyLock<RowStatement> =
    LazyLock::new(|| RowStatement::new(statement!("insert_events")));

/// The text with its `(?, …)` row repeated `rows` times; a text without such a row stays as it is.
fn repeat_row(text: &str, rows: usize) -> String {
    let Some((head, rest)) = text.split_once("(?") else {
        return text.to_owned();
    };
    let Some((row, tail)) = rest.split_once(')') else {
        return text.to_owned();
    };
    let row = format!("(?{row})");
    format!("{head}{}{tail}", vec![row; rows].join(", "))
}

/// The text with `$1`, `$2` … in the place of its `?`.
fn numbered(text: &str) -> String {
    let mut parts = text.split('?');
    let first = parts.next().unwrap_or_default().to_owned();
    parts.zip(1..).fold(first, |mut text, (part, number)| {
        text.push_str(&format!("${number}{part}"));
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_is_repeated_between_head_and_tail() {
        assert_eq!(
            repeat_row("INSERT INTO t (a, b) VALUES (?, ?) ON CONFLICT (a) DO NOTHING", 2),
            "INSERT INTO t (a, b) VALUES (?, ?), (?, ?) ON CONFLICT (a) DO NOTHING"
        );
        assert_eq!(numbered("VALUES (?, ?), (?, ?) x"), "VALUES ($1, $2), ($3, $4) x");
    }

    #[test]
    fn runs_cover_every_row_once_and_in_order() {
        let rows: Vec<usize> = (0..437).collect();
        let runs = INSERT_RECORDS.runs::<sqlx::Sqlite, _>(&rows);
        let sizes: Vec<usize> = runs.iter().map(|(_, run)| run.len()).collect();
        assert_eq!(sizes, [200, 200, 16, 16, 1, 1, 1, 1, 1]);
        assert_eq!(
            runs.into_iter().flat_map(|(_, run)| run.to_vec()).collect::<Vec<_>>(),
            rows
        );
    }
}
