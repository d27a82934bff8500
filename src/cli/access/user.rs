//! `heyan user add|confirm|list|rotate-secret|disable|enable`: the people who run a hub.
//! Operator, manager and auditor are disjoint: a person holds at most one of these roles.

use std::path::PathBuf;

use clap::ValueEnum;
use serde_json::json;

use super::admin;
use crate::{client::HubArgs, failure::CommandFailure};
use heyan_api::{NewUser, RotateSecret};
use heyan_server::process::{ExitStatus, OutputAudience};

/// `heyan user …`.
#[derive(clap::Subcommand)]
pub(crate) enum UserCommand {
    /// Ask for a new user; a second manager confirms it
    Add(AddArgs),
    /// Confirm what another manager asked for; the secret is shown only once
    Confirm(ConfirmArgs),
    /// List users
    List(admin::ListArgs),
    /// Ask for a new secret of a user; a second manager confirms it
    RotateSecret(admin::RotateArgs),
    /// Disable a user
    Disable(admin::IdArgs),
    /// Enable a disabled user
    Enable(admin::IdArgs),
}

/// `heyan user add`.
#[derive(clap::Args)]
pub(crate) struct AddArgs {
    /// Identifier of the user
    id: String,
    /// Name of the user
    #[arg(long)]
    name: String,
    /// Role of the user
    #[arg(long, value_enum)]
    role: UserRole,
    /// Write the secret into this new file instead of printing it
    #[arg(long, value_name = "F")]
    secret_out: Option<PathBuf>,
    #[command(flatten)]
    hub: HubArgs,
}

/// `heyan user confirm`.
#[derive(clap::Args)]
pub(crate) struct ConfirmArgs {
    /// Identifier of the approval, such as apr_…
    approval: String,
    /// Write the secret into this new file instead of printing it
    #[arg(long, value_name = "F")]
    secret_out: Option<PathBuf>,
    #[command(flatten)]
    hub: HubArgs,
}

/// What a user may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum UserRole {
    /// Monitors mismatches and deliveries.
    Operator,
    /// Manages agencies, grants and users.
    Manager,
    /// Reads the ledger and traces.
    Auditor,
}

const COLUMNS: &[&str] = &["id", "name", "role", "disabled", "created_at"];

/// Runs a command about users.
pub(crate) async fn run(command: UserCommand, output: OutputAudience) -> ExitStatus {
    let lang = command.hub().lang();
    admin::end(act(command, output).await, output, lang)
}

impl UserCommand {
    fn hub(&self) -> &HubArgs {
        match self {
            Self::Add(args) => &args.hub,
            Self::List(args) => &args.hub,
            Self::RotateSecret(args) => &args.hub,
            Self::Confirm(args) => &args.hub,
            Self::Disable(args) | Self::Enable(args) => &args.hub,
        }
    }
}

async fn act(command: UserCommand, output: OutputAudience) -> Result<ExitStatus, CommandFailure> {
    match command {
        UserCommand::Add(args) => {
            let role = match args.role {
                UserRole::Operator => "operator",
                UserRole::Manager => "manager",
                UserRole::Auditor => "auditor",
            };
            let body = json!(NewUser {
                id: args.id,
                name: args.name,
                role: role.into(),
            });
            admin::with_secret(
                &args.hub,
                &["v1", "users"],
                Some(&body),
                args.secret_out.as_deref(),
                output,
            )
            .await
        }
        UserCommand::List(args) => admin::list(&args.hub, "users", &[], COLUMNS, output).await,
        UserCommand::RotateSecret(args) => {
            let path = ["v1", "users", &args.id, "rotate-secret"];
            let body = args.now.then(|| json!(RotateSecret { now: true }));
            admin::with_secret(&args.hub, &path, body.as_ref(), args.secret_out.as_deref(), output).await
        }
        UserCommand::Confirm(args) => {
            let path = ["v1", "approvals", &args.approval, "confirm"];
            admin::with_secret(&args.hub, &path, None, args.secret_out.as_deref(), output).await
        }
        UserCommand::Disable(args) => admin::standing(&args, "users", "disable", "cli.disabled", output).await,
        UserCommand::Enable(args) => admin::standing(&args, "users", "enable", "cli.enabled", output).await,
    }
}
