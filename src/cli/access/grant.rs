//! `heyan grant add|list|revoke`: what an agency may do with a dataset, for which items, how long and how often.
//! A grant that leaves fields or items out covers all of them (`*`); operations must be named.

use clap::builder::{PossibleValuesParser, TypedValueParser};
use serde_json::{Value, json};

use super::admin;
use crate::{
    client::{HubArgs, HubClient, RequestVerb},
    failure::CommandFailure,
};
use heyan_api::NewGrant;
use heyan_domain::policy::GrantOperation;
use heyan_domain::safe_integer::SafeInteger;
use heyan_server::process::{ExitStatus, OutputAudience};

/// `heyan grant …`.
#[derive(clap::Subcommand)]
pub(crate) enum GrantCommand {
    /// Add a grant for an agency
    Add(AddArgs),
    /// List grants
    List(ListArgs),
    /// Revoke a grant
    Revoke(admin::IdArgs),
}

/// `heyan grant add`.
#[derive(clap::Args)]
pub(crate) struct AddArgs {
    /// Identifier of the agency
    #[arg(long)]
    agency: String,
    /// Name of the dataset
    #[arg(long)]
    dataset: String,
    /// Operations, separated by commas or repeated
    #[arg(
        long = "operation",
        alias = "operations",
        value_parser = operation_words(),
        required = true,
        value_delimiter = ','
    )]
    operations: Vec<GrantOperation>,
    /// Fields, separated by commas or repeated
    #[arg(
        long = "field",
        alias = "fields",
        value_name = "NAME",
        default_value = "*",
        value_delimiter = ','
    )]
    fields: Vec<String>,
    /// Codes of service items, separated by commas or repeated
    #[arg(
        long = "item-code",
        alias = "item-codes",
        value_name = "CODE",
        default_value = "*",
        value_delimiter = ','
    )]
    item_codes: Vec<String>,
    /// Start of validity (RFC 3339) [default: now]
    #[arg(long, value_name = "TIME")]
    valid_from: Option<String>,
    /// End of validity (RFC 3339) [default: none]
    #[arg(long, value_name = "TIME")]
    valid_until: Option<String>,
    /// Maximum number of uses per day
    #[arg(long, value_name = "N")]
    daily_ceiling: Option<u64>,
    /// Network that it may be used from, such as 10.1.0.0/16 (repeatable) [default: any]
    #[arg(long = "network", value_name = "CIDR")]
    networks: Vec<String>,
    #[command(flatten)]
    hub: HubArgs,
}

/// `heyan grant list`.
#[derive(clap::Args)]
pub(crate) struct ListArgs {
    /// Only grants of this agency
    #[arg(long)]
    agency: Option<String>,
    /// Only grants on this dataset
    #[arg(long)]
    dataset: Option<String>,
    #[command(flatten)]
    hub: HubArgs,
}

/// The operations of the domain, in their own words.
fn operation_words() -> impl TypedValueParser<Value = GrantOperation> {
    PossibleValuesParser::new(GrantOperation::ALL.map(GrantOperation::as_str))
        .try_map(|word| GrantOperation::parse(&word).ok_or("no such operation"))
}

const COLUMNS: &[&str] = &[
    "id",
    "agency",
    "dataset",
    "operations",
    "fields",
    "item_codes",
    "valid_until",
    "daily_ceiling",
    "revoked_at",
];

/// Runs a command about grants.
pub(crate) async fn run(command: GrantCommand, output: OutputAudience) -> ExitStatus {
    let lang = match &command {
        GrantCommand::Add(args) => args.hub.lang(),
        GrantCommand::List(args) => args.hub.lang(),
        GrantCommand::Revoke(args) => args.hub.lang(),
    };
    admin::end(act(command, output).await, output, lang)
}

async fn act(command: GrantCommand, output: OutputAudience) -> Result<ExitStatus, CommandFailure> {
    match command {
        GrantCommand::Add(args) => {
            let answer = admin::post(&args.hub, &["v1", "grants"], Some(&body(&args)), output).await?;
            output.tell(&answer, &admin::members_text(&answer));
            Ok(ExitStatus::Done)
        }
        GrantCommand::List(args) => {
            let mut filter = Vec::new();
            filter.extend(args.agency.as_deref().map(|agency| ("agency", agency)));
            filter.extend(args.dataset.as_deref().map(|dataset| ("dataset", dataset)));
            admin::list(&args.hub, "grants", &filter, COLUMNS, output).await
        }
        GrantCommand::Revoke(args) => {
            let hub = HubClient::open(&args.hub, output)?;
            let answer = hub
                .call(RequestVerb::Delete, &["v1", "grants", &args.id], &[], None)
                .await?;
            let answer = if answer.is_object() {
                answer
            } else {
                json!({"id": args.id, "revoked": true})
            };
            output.tell(&answer, &args.hub.lang().say("cli.revoked", &[&args.id]));
            Ok(ExitStatus::Done)
        }
    }
}

fn body(args: &AddArgs) -> Value {
    let operations = args.operations.iter().map(|operation| operation.as_str().into());
    json!(NewGrant {
        agency: args.agency.clone(),
        dataset: args.dataset.clone(),
        fields: args.fields.clone(),
        operations: operations.collect(),
        item_codes: args.item_codes.clone(),
        valid_from: args.valid_from.clone(),
        valid_until: args.valid_until.clone(),
        daily_ceiling: args.daily_ceiling.map(SafeInteger),
        networks: args.networks.clone(),
    })
}
