//! The integration tests, one binary: each file tests what its namesake in `src/http/routes` or `src` promises.
//! Every hub here is a real one: SQLite, ledger and HTTP listener in a temporary folder.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::disallowed_methods,
    clippy::print_stdout,
    missing_docs,
    reason = "a test stops at the first thing that is not as it should be"
)]

mod access;
mod archives;
mod asyncapi;
mod bus;
mod bus_feed;
mod busy;
mod cache;
mod cases;
mod checks;
mod cli;
mod cli_hard;
mod common;
mod datasets;
mod faults;
mod file_feed;
mod fuzz_seeds;
mod guess_budget;
mod http_limits;
mod http_rules;
mod intake;
mod intake_files;
mod item_lists;
mod item_table;
mod items;
mod judged_pairs;
mod kafka_kit;
mod ledger_kill;
mod ledger_second;
mod left_over;
mod licence_kit;
mod licence_query;
mod licence_signatures;
mod licences;
mod live;
mod live_kit;
mod live_sql;
mod mariadb_kit;
mod mismatch_model;
mod mismatches;
mod nodes;
mod nodes_limits;
mod not_in_force;
mod outward_calls;
mod postgres_kit;
mod process_kit;
mod promise;
mod proxy;
mod quality;
mod quotas;
mod receipts;
mod receiver;
mod records;
mod routes;
mod rule_versions;
mod runbook;
mod seals;
mod settings_agree;
mod shared_vectors;
mod sql_source;
mod store_bus;
mod store_copies;
mod store_crash;
mod store_keys;
mod store_kit;
mod store_lists;
mod store_plans;
mod store_postgres;
mod store_shards;
mod store_story;
mod store_supervision;
mod strangers;
mod stub;
mod supervision;
mod supervision_month;
mod tokens;
mod tool;
mod traces;
mod two_persons;
mod unreadable;
mod verifications;
mod watches;
mod wire;
mod wrong_clock;
mod yes_or_no;

/// The promises of capabilities that have theirs beside their tests.
const PROMISES: &[&promise::CapabilityPromise] = &[&two_persons::PROMISE, &watches::PROMISE];
