//! `heyan agency add|list|rotate-secret|disable|enable`: who may ask, and whose datasets they are.
//! An agency's secret is told when it is added or rotated and never again.

use std::path::PathBuf;

use clap::ValueEnum;
use serde_json::{Value, json};

use super::admin;
use crate::{client::HubArgs, failure::CommandFailure};
use heyan_api::{NewAgency, RotateSecret};
use heyan_server::process::{ExitStatus, OutputAudience};

/// `heyan agency …`.
#[derive(clap::Subcommand)]
pub(crate) enum AgencyCommand {
    /// Add an agency; its secret is shown only once
    Add(AddArgs),
    /// List agencies
    List(admin::ListArgs),
    /// Replace an agency's secret; the old one stays valid during the overlap
    RotateSecret(admin::RotateArgs),
    /// Disable an agency
    Disable(admin::IdArgs),
    /// Enable a disabled agency
    Enable(admin::IdArgs),
}

/// `heyan agency add`.
#[derive(clap::Args)]
pub(crate) struct AddArgs {
    /// Name of the agency
    name: String,
    /// Unified social credit code (GB 32100-2015), 18 characters
    #[arg(long, value_name = "CODE")]
    credit_code: String,
    /// Identifier [default: chosen by the hub]
    #[arg(long)]
    id: Option<String>,
    /// Role of the agency
    #[arg(long, value_enum, default_value_t = AgencyRole::Agency)]
    role: AgencyRole,
    /// Dataset that it is the authority of (repeatable)
    #[arg(long, value_name = "DATASET")]
    authority_for: Vec<String>,
    /// Network that it may call from, such as 10.1.0.0/16 (repeatable) [default: any]
    #[arg(long = "network", value_name = "CIDR")]
    networks: Vec<String>,
    /// Write the secret into this new file instead of printing it
    #[arg(long, value_name = "F")]
    secret_out: Option<PathBuf>,
    #[command(flatten)]
    hub: HubArgs,
}

/// What an agency is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum AgencyRole {
    /// Verifies claims.
    Agency,
    /// Owns datasets: contributes records, decides corrections.
    Authority,
}

const COLUMNS: &[&str] = &[
    "id",
    "name",
    "credit_code",
    "role",
    "authority_for",
    "networks",
    "disabled",
];

/// Runs a command about agencies.
pub(crate) async fn run(command: AgencyCommand, output: OutputAudience) -> ExitStatus {
    let lang = command.hub().lang();
    admin::end(act(command, output).await, output, lang)
}

impl AgencyCommand {
    fn hub(&self) -> &HubArgs {
        match self {
            Self::Add(args) => &args.hub,
            Self::List(args) => &args.hub,
            Self::RotateSecret(args) => &args.hub,
            Self::Disable(args) | Self::Enable(args) => &args.hub,
        }
    }
}

async fn act(command: AgencyCommand, output: OutputAudience) -> Result<ExitStatus, CommandFailure> {
    match command {
        AgencyCommand::Add(args) => {
            let out = args.secret_out.as_deref();
            admin::with_secret(&args.hub, &["v1", "agencies"], Some(&body(&args)), out, output).await
        }
        AgencyCommand::List(args) => admin::list(&args.hub, "agencies", &[], COLUMNS, output).await,
        AgencyCommand::RotateSecret(args) => {
            let path = ["v1", "agencies", &args.id, "rotate-secret"];
            let body = args.now.then(|| json!(RotateSecret { now: true }));
            admin::with_secret(&args.hub, &path, body.as_ref(), args.secret_out.as_deref(), output).await
        }
        AgencyCommand::Disable(args) => admin::standing(&args, "agencies", "disable", "cli.disabled", output).await,
        AgencyCommand::Enable(args) => admin::standing(&args, "agencies", "enable", "cli.enabled", output).await,
    }
}

fn body(args: &AddArgs) -> Value {
    let role = match args.role {
        AgencyRole::Agency => "agency",
        AgencyRole::Authority => "authority",
    };
    json!(NewAgency {
        id: args.id.clone(),
        name: args.name.clone(),
        credit_code: args.credit_code.clone(),
        role: role.into(),
        authority_for: args.authority_for.clone(),
        networks: args.networks.clone(),
        public_key: None,
    })
}
