//! `heyan store migrate`: brings a shared store's schema up to date, as a role that may, so that the nodes need no such role.

use std::path::PathBuf;

use anyhow::Context;

use heyan_config::Config;
use heyan_server::{
    process::{ExitStatus, OutputAudience},
    store as storage,
};
use heyan_store::{MigratePolicy, PostgresConfig, open_postgres};

/// `heyan store …`.
#[derive(clap::Subcommand)]
pub(crate) enum StoreCommand {
    /// Update the PostgreSQL schema to this version
    Migrate(StoreArgs),
}

/// The settings file and the database role.
#[derive(clap::Args)]
pub(crate) struct StoreArgs {
    /// Settings file
    #[arg(long, env = "HEYAN_CONFIG")]
    config: Option<PathBuf>,
    /// File with the URL of a database role that may change the schema [default: store.postgres.url_file]
    #[arg(long)]
    url_file: Option<PathBuf>,
}

/// Migrates.
pub(crate) async fn run(command: StoreCommand, output: OutputAudience) -> anyhow::Result<ExitStatus> {
    let StoreCommand::Migrate(args) = command;
    let mut config = Config::load(args.config.as_deref())?;
    if let Some(file) = args.url_file {
        config.store.postgres.url_file = file;
    }
    anyhow::ensure!(
        config.store.postgres.is_configured(),
        "store.postgres.url_file is not set: a SQLite database is migrated when the hub starts"
    );
    let config = PostgresConfig {
        migrate: MigratePolicy::AtStart,
        ..storage::postgres(&config)?
    };
    let store = open_postgres(&config)
        .await
        .context("cannot migrate; the schema is unchanged")?;
    store.close().await;
    output.tell(&serde_json::json!({"migrated": true}), "the schema is up to date");
    Ok(ExitStatus::Done)
}
