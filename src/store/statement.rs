//! SQL texts, one a file, each known by the name of its file; a text that the engines do not share stands in a folder for each.
//! Errors name the statement by that name and never quote its text or its values.

use std::sync::LazyLock;

use super::engine::{EngineName, StoreEngine};

/// One statement and the name that errors give it.
#[derive(Clone, Copy)]
pub(super) struct SqlStatement {
    pub(super) name: &'static str,
    pub(super) sqlite: &'static str,
    pub(super) postgres: &'static str,
}

/// A statement by the name of its file. A capability may have its own beside its table.
macro_rules! statement {
    ($file:literal) => {
        $crate::statement::SqlStatement {
            name: $file,
            sqlite: include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/sql/", $file, ".sql")),
            postgres: include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/sql/", $file, ".sql")),
        }
    };
    ($file:literal, each) => {
        $crate::statement::SqlStatement {
            name: $file,
            sqlite: include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/sql/sqlite/", $file, ".sql")),
            postgres: include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/sql/postgres/", $file, ".sql")),
        }
    };
    ($file:literal, sqlite) => {
        $crate::statement::SqlStatement {
            name: $file,
            sqlite: include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/sql/sqlite/", $file, ".sql")),
            postgres: "",
        }
    };
    ($file:literal, postgres) => {
        $crate::statement::SqlStatement {
            name: $file,
            sqlite: "",
            postgres: include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/sql/postgres/", $file, ".sql")),
        }
    };
}

pub(super) const ADD_EVIDENCE: SqlStatement = statement!("add_evidence");
pub(super) const ADD_RIGHT: SqlStatement = statement!("add_right", each);
pub(super) const ADD_TALLIES: SqlStatement = statement!("add_tallies", each);
pub(super) const ADD_USAGE: SqlStatement = statement!("add_usage", each);
pub(super) const ADD_QUALITY_STEPS: SqlStatement = statement!("add_quality_steps", each);
pub(super) const ADD_VERDICTS: SqlStatement = statement!("add_verdicts", each);
pub(super) const ADOPT_ENTRIES: SqlStatement = statement!("adopt_entries");
pub(super) const ADVANCE_POSITION: SqlStatement = statement!("advance_position");
pub(super) const ARCHIVE_RECORDS: SqlStatement = statement!("archive_records", each);
pub(super) const BEGIN: SqlStatement = statement!("begin", each);
pub(super) const BEGIN_READING: SqlStatement = statement!("begin_reading", each);
pub(super) const CHECKPOINT_PASSIVE: SqlStatement = statement!("checkpoint_passive", sqlite);
pub(super) const CHECKPOINT_TRUNCATE: SqlStatement = statement!("checkpoint_truncate", sqlite);
pub(super) const COMMIT: SqlStatement = statement!("commit");
pub(super) const COPY_RECORDS: SqlStatement = statement!("copy_records", postgres);
pub(super) const COUNT_RECORDS: SqlStatement = statement!("count_records");
pub(super) const CREATE_MIGRATIONS: SqlStatement = statement!("create_migrations", each);
pub(super) const DELETE_NODE: SqlStatement = statement!("delete_node");
pub(super) const DELETE_ASK: SqlStatement = statement!("delete_ask");
pub(super) const DELETE_ENTRIES: SqlStatement = statement!("delete_entries", each);
pub(super) const DELETE_GUESSES: SqlStatement = statement!("delete_guesses");
pub(super) const DELETE_LEASE: SqlStatement = statement!("delete_lease");
pub(super) const DELETE_OLD_ASKS: SqlStatement = statement!("delete_old_asks");
pub(super) const DELETE_OLD_GUESSES: SqlStatement = statement!("delete_old_guesses");
pub(super) const DELETE_OLD_GUESS_HEADS: SqlStatement = statement!("delete_old_guess_heads");
pub(super) const DELETE_OLD_REPLIES: SqlStatement = statement!("delete_old_replies");
pub(super) const DELETE_OLD_RIGHT: SqlStatement = statement!("delete_old_right");
pub(super) const DELETE_OLD_UNLOCK_REQUESTS: SqlStatement = statement!("delete_old_unlock_requests");
pub(super) const DELETE_EXPIRED_MISMATCHES: SqlStatement = statement!("delete_expired_mismatches");
pub(super) const DELETE_EXPIRED_STEPS: SqlStatement = statement!("delete_expired_steps");
pub(super) const DELETE_OLD_APPROVALS: SqlStatement = statement!("delete_old_approvals");
pub(super) const INSERT_ADMINISTRATION: SqlStatement = statement!("insert_administration");
pub(super) const SELECT_ADMINISTRATION: SqlStatement = statement!("select_administration");
pub(super) const SELECT_APPROVALS: SqlStatement = statement!("select_approvals");
pub(super) const SELECT_CONTRIBUTIONS: SqlStatement = statement!("select_contributions", each);
pub(super) const UPSERT_APPROVAL: SqlStatement = statement!("upsert_approval");
pub(super) const UPSERT_CONTRIBUTION: SqlStatement = statement!("upsert_contribution");
pub(super) const DELETE_OLD_CASE_CHECKS: SqlStatement = statement!("delete_old_case_checks");
pub(super) const DELETE_OLD_CASE_PARTIES: SqlStatement = statement!("delete_old_case_parties");
pub(super) const DELETE_OLD_CASES: SqlStatement = statement!("delete_old_cases");
pub(super) const DELETE_OLD_SUBSCRIPTIONS: SqlStatement = statement!("delete_old_subscriptions");
pub(super) const DELETE_OLD_TEST_DELIVERIES: SqlStatement = statement!("delete_old_test_deliveries");
pub(super) const DELETE_OLD_TESTS: SqlStatement = statement!("delete_old_tests");
pub(super) const SELECT_ROWS_HELD: SqlStatement = statement!("select_rows_held", each);
pub(super) const DELETE_OLD_WATCHES: SqlStatement = statement!("delete_old_watches");
pub(super) const DELETE_PARKED_KEY: SqlStatement = statement!("delete_parked_key");
pub(super) const DELETE_UNLOCK_REQUEST: SqlStatement = statement!("delete_unlock_request");
pub(super) const DELETE_SUPERVISION_ENTRIES: SqlStatement = statement!("delete_supervision_entries");
pub(super) const DELETE_RECORD_KEYS: SqlStatement = statement!("delete_record_keys");
pub(super) const DELETE_USED_ONCE: SqlStatement = statement!("delete_used_once");
pub(super) const FIND_DELIVERY: SqlStatement = statement!("find_delivery");
pub(super) const FIND_MISMATCH: SqlStatement = statement!("find_mismatch");
pub(super) const FIND_WATCH: SqlStatement = statement!("find_watch");
pub(super) const FOREIGN_KEY_CHECK: SqlStatement = statement!("foreign_key_check", sqlite);
pub(super) const INSERT_ALERT: SqlStatement = statement!("insert_alert");
pub(super) const INSERT_ALERT_STEP: SqlStatement = statement!("insert_alert_step");
pub(super) const INSERT_ASK: SqlStatement = statement!("insert_ask");
pub(super) const INSERT_CASE: SqlStatement = statement!("insert_case");
pub(super) const INSERT_CASE_CHECK: SqlStatement = statement!("insert_case_check");
pub(super) const INSERT_CASE_PARTY: SqlStatement = statement!("insert_case_party");
pub(super) const INSERT_DELIVERY: SqlStatement = statement!("insert_delivery");
pub(super) const INSERT_META: SqlStatement = statement!("insert_meta");
pub(super) const INSERT_MIGRATION: SqlStatement = statement!("insert_migration", each);
pub(super) const INSERT_PARKED_KEY: SqlStatement = statement!("insert_parked_key");
pub(super) const INSERT_REPLY: SqlStatement = statement!("insert_reply");
pub(super) const INSERT_SUPERVISION_ENTRIES: SqlStatement = statement!("insert_supervision_entries");
pub(super) const INSERT_USED_ONCE: SqlStatement = statement!("insert_used_once");
pub(super) const INSERT_WATCH: SqlStatement = statement!("insert_watch");
pub(super) const INTEGRITY_CHECK: SqlStatement = statement!("integrity_check", sqlite);
pub(super) const JOURNAL_MODE: SqlStatement = statement!("journal_mode", sqlite);
pub(super) const LOCK_MIGRATIONS: SqlStatement = statement!("lock_migrations", postgres);
pub(super) const LOCK_TOLD: SqlStatement = statement!("lock_told", postgres);
pub(super) const MARK_FANNED: SqlStatement = statement!("mark_fanned", each);
pub(super) const MARK_PUBLISHED_ALERTS: SqlStatement = statement!("mark_published_alerts", each);
pub(super) const MARK_PUBLISHED_EVENTS: SqlStatement = statement!("mark_published_events", each);
pub(super) const MARK_TOLD: SqlStatement = statement!("mark_told", each);
pub(super) const NOTIFY: SqlStatement = statement!("notify", postgres);
pub(super) const PING: SqlStatement = statement!("ping");
pub(super) const RELEASE: SqlStatement = statement!("release");
pub(super) const ROLLBACK: SqlStatement = statement!("rollback");
pub(super) const ROLLBACK_TO: SqlStatement = statement!("rollback_to");
pub(super) const SAVEPOINT: SqlStatement = statement!("savepoint");
pub(super) const SELECT_AGENCIES: SqlStatement = statement!("select_agencies");
pub(super) const SELECT_ALERT: SqlStatement = statement!("select_alert");
pub(super) const SELECT_ALERT_STEPS: SqlStatement = statement!("select_alert_steps");
pub(super) const SELECT_ALERT_RULES: SqlStatement = statement!("select_alert_rules");
pub(super) const SELECT_ALERTS: SqlStatement = statement!("select_alerts", each);
pub(super) const SELECT_ANSWERS: SqlStatement = statement!("select_answers", each);
pub(super) const SELECT_ASK: SqlStatement = statement!("select_ask");
pub(super) const SELECT_ASKS: SqlStatement = statement!("select_asks");
pub(super) const SELECT_BEFORE_ATTEMPT: SqlStatement = statement!("select_before_attempt", each);
pub(super) const SELECT_BEFORE_STEP: SqlStatement = statement!("select_before_step", each);
pub(super) const SELECT_CASE: SqlStatement = statement!("select_case");
pub(super) const SELECT_CASE_CHECKS: SqlStatement = statement!("select_case_checks");
pub(super) const SELECT_CASES: SqlStatement = statement!("select_cases");
pub(super) const SELECT_COSIGNED: SqlStatement = statement!("select_cosigned");
pub(super) const SELECT_CLIENTS: SqlStatement = statement!("select_clients");
pub(super) const SELECT_UNDATED_MISMATCHES: SqlStatement = statement!("select_undated_mismatches");
pub(super) const SET_DUE: SqlStatement = statement!("set_due");
pub(super) const SELECT_DELIVERED_MISMATCHES: SqlStatement = statement!("select_delivered_mismatches");
pub(super) const SELECT_DATASETS_OF_AGENCY: SqlStatement = statement!("select_datasets_of_agency");
pub(super) const SELECT_DATASETS_OF_MISMATCHES: SqlStatement = statement!("select_datasets_of_mismatches");
pub(super) const SELECT_DEAD_DELIVERIES: SqlStatement = statement!("select_dead_deliveries");
pub(super) const SELECT_DEAD_DELIVERIES_OF_TARGET: SqlStatement = statement!("select_dead_deliveries_of_target");
pub(super) const SELECT_DELIVERIES_OF_AGENCY: SqlStatement = statement!("select_deliveries_of_agency", each);
pub(super) const SELECT_DELIVERIES_OF_ANY: SqlStatement = statement!("select_deliveries_of_any", each);
pub(super) const SELECT_DELIVERIES_OF_TARGET: SqlStatement = statement!("select_deliveries_of_target", each);
pub(super) const SELECT_DUE_DELIVERIES: SqlStatement = statement!("select_due_deliveries", each);
pub(super) const SELECT_DUE_MISMATCHES_OF_AGENCY: SqlStatement = statement!("select_due_mismatches_of_agency", each);
pub(super) const SELECT_DUE_MISMATCHES_OF_DATASETS: SqlStatement =
    statement!("select_due_mismatches_of_datasets", each);
pub(super) const SELECT_DUE_WATCHES: SqlStatement = statement!("select_due_watches");
pub(super) const SELECT_ENGINE_VERSION: SqlStatement = statement!("select_engine_version", sqlite);
pub(super) const SELECT_ENTRIES: SqlStatement = statement!("select_entries");
pub(super) const SELECT_GRANTS: SqlStatement = statement!("select_grants");
pub(super) const SELECT_GUESSES: SqlStatement = statement!("select_guesses");
pub(super) const SELECT_GUESSES_ABOUT: SqlStatement = statement!("select_guesses_about");
pub(super) const SELECT_GUESS_HEAD: SqlStatement = statement!("select_guess_head");
pub(super) const SELECT_ITEMS: SqlStatement = statement!("select_items");
pub(super) const SELECT_LIVE_FETCH: SqlStatement = statement!("select_live_fetch");
pub(super) const SELECT_META: SqlStatement = statement!("select_meta");
pub(super) const SELECT_MIGRATIONS: SqlStatement = statement!("select_migrations");
pub(super) const SELECT_MISMATCH: SqlStatement = statement!("select_mismatch");
pub(super) const SELECT_MISMATCHES_OF_AGENCY: SqlStatement = statement!("select_mismatches_of_agency", each);
pub(super) const SELECT_MISMATCHES_OF_DATASETS: SqlStatement = statement!("select_mismatches_of_datasets", each);
pub(super) const SELECT_MISMATCHES_BY_KEY: SqlStatement = statement!("select_mismatches_by_key", each);
pub(super) const SELECT_MISMATCH_DELIVERIES: SqlStatement = statement!("select_mismatch_deliveries", each);
pub(super) const SELECT_MISMATCH_OF: SqlStatement = statement!("select_mismatch_of");
pub(super) const SELECT_NEWEST: SqlStatement = statement!("select_newest", each);
pub(super) const SELECT_NEWEST_CHANGES: SqlStatement = statement!("select_newest_changes", each);
pub(super) const QUICK_CHECK: SqlStatement = statement!("quick_check", sqlite);
pub(super) const SELECT_NEW_EVENTS: SqlStatement = statement!("select_new_events");
pub(super) const SELECT_NEXT_DELIVERY: SqlStatement = statement!("select_next_delivery");
pub(super) const SELECT_NODES: SqlStatement = statement!("select_nodes");
pub(super) const SELECT_OLDEST_PENDING: SqlStatement = statement!("select_oldest_pending");
pub(super) const SELECT_ORIGIN: SqlStatement = statement!("select_origin", each);
pub(super) const SELECT_PARKED_KEYS: SqlStatement = statement!("select_parked_keys");
pub(super) const SELECT_PENDING_MISMATCHES: SqlStatement = statement!("select_pending_mismatches");
pub(super) const SELECT_PENDING_TARGETS: SqlStatement = statement!("select_pending_targets", each);
pub(super) const SELECT_POSITION: SqlStatement = statement!("select_position");
pub(super) const SELECT_QUALITY_STEPS: SqlStatement = statement!("select_quality_steps");
pub(super) const SELECT_RECORDS: SqlStatement = statement!("select_records", each);
pub(super) const SELECT_RECORDS_AFTER: SqlStatement = statement!("select_records_after");
pub(super) const SELECT_RECORD_KEYS: SqlStatement = statement!("select_record_keys");
pub(super) const SELECT_RECORD_VERSION: SqlStatement = statement!("select_record_version");
pub(super) const SELECT_REPLY: SqlStatement = statement!("select_reply");
pub(super) const SELECT_SEALS: SqlStatement = statement!("select_seals");
pub(super) const SELECT_STANDING: SqlStatement = statement!("select_standing", each);
pub(super) const SELECT_STEPS: SqlStatement = statement!("select_steps");
pub(super) const SELECT_SUBSCRIPTIONS: SqlStatement = statement!("select_subscriptions");
pub(super) const SELECT_SUPERVISION_ENTRIES: SqlStatement = statement!("select_supervision_entries");
pub(super) const SELECT_SUPERVISION_ORIGINS: SqlStatement = statement!("select_supervision_origins");
pub(super) const SELECT_SUPERVISION_STATE: SqlStatement = statement!("select_supervision_state");
pub(super) const SELECT_TALLIES: SqlStatement = statement!("select_tallies");
pub(super) const SELECT_UNPUBLISHED_ALERTS: SqlStatement = statement!("select_unpublished_alerts");
pub(super) const SELECT_UNPUBLISHED_EVENTS: SqlStatement = statement!("select_unpublished_events");
pub(super) const SELECT_UNLOCK_REQUEST: SqlStatement = statement!("select_unlock_request");
pub(super) const SELECT_EXPIRING: SqlStatement = statement!("select_expiring");
pub(super) const SELECT_OLD_TESTS: SqlStatement = statement!("select_old_tests");
pub(super) const SELECT_RIGHT: SqlStatement = statement!("select_right");
pub(super) const SELECT_USAGE: SqlStatement = statement!("select_usage");
pub(super) const SELECT_VERDICTS: SqlStatement = statement!("select_verdicts");
pub(super) const SELECT_VERDICTS_OF_AGENCY: SqlStatement = statement!("select_verdicts_of_agency");
pub(super) const SELECT_WATCHES: SqlStatement = statement!("select_watches", each);
pub(super) const SERVER_SETTINGS: SqlStatement = statement!("server_settings", postgres);
pub(super) const SET_GUESS_HEAD: SqlStatement = statement!("set_guess_head");
pub(super) const SUPERSEDE_DELIVERIES: SqlStatement = statement!("supersede_deliveries", each);
pub(super) const SYNCHRONOUS: SqlStatement = statement!("synchronous", sqlite);
pub(super) const TAKE_LEASE: SqlStatement = statement!("take_lease", postgres);
pub(super) const UPDATE_ALERT: SqlStatement = statement!("update_alert");
pub(super) const UPDATE_ASK: SqlStatement = statement!("update_ask");
pub(super) const UPDATE_CASE: SqlStatement = statement!("update_case");
pub(super) const UPDATE_DELIVERY: SqlStatement = statement!("update_delivery");
pub(super) const UPDATE_MISMATCH: SqlStatement = statement!("update_mismatch");
pub(super) const UPDATE_WATCH: SqlStatement = statement!("update_watch");
pub(super) const UPSERT_AGENCY: SqlStatement = statement!("upsert_agency");
pub(super) const UPSERT_CLIENT: SqlStatement = statement!("upsert_client");
pub(super) const UPSERT_COSIGNED: SqlStatement = statement!("upsert_cosigned");
pub(super) const UPSERT_GRANT: SqlStatement = statement!("upsert_grant");
pub(super) const UPSERT_ITEM: SqlStatement = statement!("upsert_item");
pub(super) const UPSERT_LIVE_FETCH: SqlStatement = statement!("upsert_live_fetch");
pub(super) const UPSERT_NODE: SqlStatement = statement!("upsert_node", postgres);
pub(super) const UPSERT_POSITION: SqlStatement = statement!("upsert_position");
pub(super) const UPSERT_SEAL: SqlStatement = statement!("upsert_seal");
pub(super) const UPSERT_SUBSCRIPTION: SqlStatement = statement!("upsert_subscription");
pub(super) const UPSERT_UNLOCK_REQUEST: SqlStatement = statement!("upsert_unlock_request");
pub(super) const UPSERT_SUPERVISION_STATE: SqlStatement = statement!("upsert_supervision_state");
pub(super) const VACUUM_INTO: SqlStatement = statement!("vacuum_into", sqlite);
pub(super) const WAKE_WATCHES: SqlStatement = statement!("wake_watches", each);

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
    fn new(one: SqlStatement) -> Self {
        Self {
            name: one.name,
            sqlite: ROW_STEPS.map(|rows| repeat_row(one.sqlite, rows)),
            postgres: ROW_STEPS.map(|rows| numbered(&repeat_row(one.postgres, rows))),
        }
    }

    /// Splits `rows` into runs that each have a prepared text: (text, rows of it).
    pub(super) fn runs<'r, E: StoreEngine, T>(&'static self, mut rows: &'r [T]) -> Vec<(&'static str, &'r [T])> {
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
