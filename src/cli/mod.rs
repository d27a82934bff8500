//! The command line: the only place beside `main` that knows every layer.
//! Exit codes: 0 done, 1 the answer is "no" or rows were rejected, 2 usage or configuration, 3 could not reach or open.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a command line prints")]

mod boot;
mod config;
mod demo;
mod inbox;
mod ledger;
mod output;
mod serve;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

pub use boot::{Node, open};
use output::Output;

/// 核验: answers field by field whether what was claimed agrees with the city's registers, and proves what it answered.
#[derive(Parser)]
#[command(name = "heyan", version, about, long_about = None)]
struct Cli {
    /// How results are written
    #[arg(long, global = true, value_enum, default_value_t = Output::Human)]
    output: Output,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Make a synthetic city and open a hub on it, with nothing else installed
    Demo(demo::Args),
    /// Open a hub
    Serve(serve::Args),
    /// Check or print settings
    #[command(subcommand)]
    Config(config::ConfigCommand),
    /// Prove a ledger
    #[command(subcommand)]
    Ledger(ledger::LedgerCommand),
    /// Prove a receipt
    #[command(subcommand)]
    Receipt(ledger::ReceiptCommand),
}

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// Done.
    Done,
    /// The answer is "no", or rows were rejected.
    No,
    /// Usage or configuration.
    Usage,
    /// Could not reach or open something.
    Unreachable,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(match exit {
            Exit::Done => 0,
            Exit::No => 1,
            Exit::Usage => 2,
            Exit::Unreachable => 3,
        })
    }
}

/// Runs the command line of this process.
pub fn run() -> ExitCode {
    let cli = Cli::parse();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("heyan: cannot start: {error}");
            return Exit::Unreachable.into();
        }
    };
    let output = cli.output;
    let ended = match cli.command {
        Command::Demo(args) => runtime.block_on(demo::run(args, output)).map(|()| Exit::Done),
        Command::Serve(args) => runtime.block_on(serve::run(args)).map(|()| Exit::Done),
        Command::Config(command) => config::run(command, output),
        Command::Ledger(command) => ledger::ledger(command, output),
        Command::Receipt(command) => ledger::receipt(command, output),
    };
    ended.map_or_else(|error| tell_error(&error).into(), ExitCode::from)
}

/// Says why, and how that counts.
fn tell_error(error: &anyhow::Error) -> Exit {
    eprintln!("heyan: {error:#}");
    if error.is::<crate::config::ConfigError>() || error.is::<crate::catalog::CatalogError>() {
        Exit::Usage
    } else {
        Exit::Unreachable
    }
}
