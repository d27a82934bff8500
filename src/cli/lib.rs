//! The command line: the only place beside `main` that knows every layer.
//! Exit codes: 0 done, 1 the answer is "no" or rows were rejected, 2 usage or configuration, 3 could not reach or open, 5 a failure that
//! only a restart can mend.

#![cfg_attr(
    test,
    allow(
        clippy::string_slice,
        clippy::disallowed_methods,
        reason = "a test stops at the first surprise"
    )
)]
#![expect(clippy::print_stderr, reason = "a command line prints")]

mod access;
mod backup;
mod catalogue;
mod client;
mod config;
mod connector;
mod credentials;
mod data;
mod dead_letter;
mod failure;
mod item;
mod ledger;
mod oversight;
mod progress;
mod serve;
mod store;
mod table;
mod text;
mod token;

use std::process::ExitCode;

use access::{agency, grant, user};
use clap::{Parser, Subcommand};
use data::{import, verify};
use oversight::{archive, quality, supervision, trace};

use heyan_connectors::source::config::ConnectorError;
use heyan_server::harden;
use heyan_server::process::{ExitStatus, OutputAudience, RestartNeeded};
use heyan_server::settings::UnusableSettings;
use heyan_telemetry as telemetry;

/// 核验: verifies claims field by field against the city's registers, and issues a provable receipt for every answer.
#[derive(Parser)]
#[command(name = "heyan", version, about, long_about = None)]
struct Cli {
    /// Format of the output
    #[arg(long, global = true, value_enum, default_value_t = OutputAudience::Human)]
    output: OutputAudience,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Start a hub with a synthetic city; needs nothing else installed
    #[cfg(feature = "demo")]
    Demo(heyan_demo::command::DemoArgs),
    /// Run a hub
    Serve(serve::ServeArgs),
    /// Import the records of a dataset into a hub
    Import(import::ImportOptions),
    /// Verify a file of requests through the stream endpoint
    Verify(verify::VerifyArgs),
    /// Print a bearer token
    Token(token::TokenArgs),
    /// Manage agencies: add, list, rotate-secret, disable, enable
    #[command(subcommand)]
    Agency(agency::AgencyCommand),
    /// Manage grants: add, list, revoke
    #[command(subcommand)]
    Grant(grant::GrantCommand),
    /// Manage service items: import, list
    #[command(subcommand)]
    Item(item::ItemCommand),
    /// Print data quality reports
    #[command(subcommand)]
    Quality(quality::QualityCommand),
    /// Electronic supervision: alerts, rules, replay
    #[command(subcommand)]
    Supervision(supervision::SupervisionCommand),
    /// Manage users (operator, manager, auditor): add, list, rotate-secret, disable, enable
    #[command(subcommand)]
    User(user::UserCommand),
    /// Check or print the settings
    #[command(subcommand)]
    Config(config::ConfigCommand),
    /// Manage connectors to other systems: list, check, seal
    #[command(subcommand)]
    Connector(connector::ConnectorCommand),
    /// Decrypt dead letters from the bus
    #[command(subcommand)]
    DeadLetter(dead_letter::DeadLetterCommand),
    /// Measure verifications per second and latency on this machine
    #[cfg(feature = "demo")]
    Bench(heyan_demo::bench::BenchArgs),
    /// The bare HTTP server that `bench` measures beside a hub
    #[command(hide = true)]
    #[cfg(feature = "demo")]
    BenchFloor(heyan_demo::bench::FloorArgs),
    /// Migrate the database schema of a hub with several nodes
    #[command(subcommand)]
    Store(store::StoreCommand),
    /// Make a backup of a hub while it serves, or verify one offline
    Backup(backup::BackupArgs),
    /// Put a backup into an empty data folder
    Restore(backup::RestoreArgs),
    /// Verify a ledger offline
    #[command(subcommand)]
    Ledger(ledger::LedgerCommand),
    /// List who queried a subject
    Trace(trace::TraceArgs),
    /// Get the archive pack of an application, or verify one offline
    Archive(archive::ArchiveArgs),
    /// Verify a receipt offline
    #[command(subcommand)]
    Receipt(ledger::ReceiptCommand),
}

/// Runs the command line of this process.
pub fn run() -> ExitCode {
    let cli = Cli::parse();
    harden::forbid_core_dumps();
    harden::make_files_private();
    harden::raise_file_limit();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("heyan: cannot start: {error}");
            return ExitStatus::Unreachable.into();
        }
    };
    let output = cli.output;
    let ended = match cli.command {
        #[cfg(feature = "demo")]
        Command::Demo(args) => runtime
            .block_on(heyan_demo::command::run(args, output))
            .map(|()| ExitStatus::Done),
        Command::Serve(args) => runtime.block_on(serve::run(args)).map(|()| ExitStatus::Done),
        Command::Import(args) => Ok(runtime.block_on(import::run(args, output))),
        Command::Verify(args) => Ok(runtime.block_on(verify::run(args, output))),
        Command::Token(args) => Ok(runtime.block_on(token::run(args, output))),
        Command::Agency(command) => Ok(runtime.block_on(agency::run(command, output))),
        Command::Grant(command) => Ok(runtime.block_on(grant::run(command, output))),
        Command::Item(command) => Ok(runtime.block_on(item::run(command, output))),
        Command::Quality(command) => Ok(runtime.block_on(quality::run(command, output))),
        Command::Supervision(command) => Ok(runtime.block_on(supervision::run(command, output))),
        Command::User(command) => Ok(runtime.block_on(user::run(command, output))),
        Command::Config(command) => config::run(command, output),
        Command::Store(command) => runtime.block_on(store::run(command, output)),
        Command::Backup(args) => runtime.block_on(backup::backup(args, output)),
        Command::Restore(args) => runtime.block_on(backup::restore(args, output)),
        Command::Connector(command) => runtime.block_on(connector::run(command, output)),
        Command::DeadLetter(command) => dead_letter::run(command),
        #[cfg(feature = "demo")]
        Command::Bench(args) => runtime.block_on(heyan_demo::bench::run(args, output)),
        #[cfg(feature = "demo")]
        Command::BenchFloor(args) => runtime
            .block_on(heyan_demo::bench::serve_floor(args))
            .map(|()| ExitStatus::Done),
        Command::Trace(args) => Ok(runtime.block_on(trace::run(args, output))),
        Command::Archive(args) => runtime.block_on(archive::run(args, output)),
        Command::Ledger(command) => ledger::ledger(command, output),
        Command::Receipt(command) => ledger::receipt(command, output),
    };
    // A reader thread may still wait for a terminal or a pipe: it must not keep the process.
    runtime.shutdown_background();
    let code = ended.map_or_else(|error| tell_error(&error).into(), ExitCode::from);
    telemetry::flush_log();
    code
}

/// Says why, and how that counts.
fn tell_error(error: &anyhow::Error) -> ExitStatus {
    telemetry::tell_operator(&format!("heyan: {error:#}"));
    if error.is::<RestartNeeded>() {
        return ExitStatus::Restart;
    }
    let wrong_file = error.is::<heyan_catalog::CatalogError>() || error.is::<ConnectorError>();
    if wrong_file || error.is::<heyan_config::ConfigError>() || error.is::<UnusableSettings>() {
        ExitStatus::Usage
    } else {
        ExitStatus::Unreachable
    }
}
