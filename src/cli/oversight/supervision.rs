//! `heyan supervision alerts|rules|replay`: what a person should look at, the rules in force, and a rule tried over the past.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::{
    access::admin,
    client::{HubArgs, HubClient, RequestVerb},
    failure::CommandFailure,
    table::{cell, table},
};
use heyan_api::RuleTrial;
use heyan_server::process::{ExitStatus, OutputAudience};

/// `heyan supervision …`.
#[derive(clap::Subcommand)]
pub(crate) enum SupervisionCommand {
    /// List alerts, newest first
    Alerts(AlertsArgs),
    /// List the rules in force, with their modes and counts
    Rules(admin::ListArgs),
    /// Try a rule on the last days of a hub's ledger; raises no alerts
    Replay(ReplayArgs),
}

/// `heyan supervision alerts`.
#[derive(clap::Args)]
pub(crate) struct AlertsArgs {
    /// Only alerts in this state: open, acknowledged, closed
    #[arg(long)]
    state: Option<String>,
    /// Only alerts of this rule
    #[arg(long)]
    rule: Option<String>,
    /// Only alerts raised since this time (RFC 3339)
    #[arg(long)]
    since: Option<String>,
    /// Maximum number of alerts
    #[arg(long, value_name = "N", default_value_t = 100)]
    limit: u32,
    #[command(flatten)]
    hub: HubArgs,
}

/// `heyan supervision replay`.
#[derive(clap::Args)]
pub(crate) struct ReplayArgs {
    /// Id of the rule
    #[arg(long)]
    rule: String,
    /// Number of days back, at most 92
    #[arg(long, default_value_t = 30)]
    days: u32,
    /// Rules file that is not in force; its rule with this id is tried
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(flatten)]
    hub: HubArgs,
}

const ALERT_COLUMNS: &[&str] = &["id", "at", "rule", "severity", "state", "agency", "entries", "facts"];
const RULE_COLUMNS: &[&str] = &["id", "class", "kind", "mode", "severity", "alerts", "findings"];

/// Longest rules' file, bytes.
const FILE_BYTES_MAX: u64 = 200 << 10;

/// Runs a command about supervision.
pub(crate) async fn run(command: SupervisionCommand, output: OutputAudience) -> ExitStatus {
    let (lang, done) = match &command {
        SupervisionCommand::Alerts(args) => (args.hub.lang(), alerts(args, output).await),
        SupervisionCommand::Rules(args) => (args.hub.lang(), rules(&args.hub, output).await),
        SupervisionCommand::Replay(args) => (args.hub.lang(), replay(args, output).await),
    };
    admin::end(done, output, lang)
}

async fn alerts(args: &AlertsArgs, output: OutputAudience) -> Result<ExitStatus, CommandFailure> {
    let limit = args.limit.to_string();
    let mut query = vec![("limit", limit.as_str())];
    for (name, given) in [("state", &args.state), ("rule", &args.rule), ("since", &args.since)] {
        query.extend(given.as_deref().map(|given| (name, given)));
    }
    let hub = HubClient::open(&args.hub, output)?;
    let answer = hub
        .call(RequestVerb::Get, &["v1", "supervision", "alerts"], &query, None)
        .await?;
    tell(&answer, "alerts", ALERT_COLUMNS, &args.hub, output)
}

async fn rules(args: &HubArgs, output: OutputAudience) -> Result<ExitStatus, CommandFailure> {
    let hub = HubClient::open(args, output)?;
    let answer = hub
        .call(RequestVerb::Get, &["v1", "supervision", "rules"], &[], None)
        .await?;
    tell(&answer, "rules", RULE_COLUMNS, args, output)
}

async fn replay(args: &ReplayArgs, output: OutputAudience) -> Result<ExitStatus, CommandFailure> {
    let rules = args.config.as_deref().map(read).transpose()?;
    let body = json!(RuleTrial { days: args.days, rules });
    let path = ["v1", "supervision", "rules", &args.rule, "replay"];
    let answer = admin::post(&args.hub, &path, Some(&body), output).await?;
    tell(&answer, "by_day", &["day", "alerts"], &args.hub, output)
}

fn read(file: &Path) -> Result<String, CommandFailure> {
    let shown = file.display().to_string();
    let cannot = |error: std::io::Error| CommandFailure::unreachable("cli.cannot_read", [&shown, &error.to_string()]);
    if std::fs::metadata(file).map_err(cannot)?.len() > FILE_BYTES_MAX {
        return Err(cannot(std::io::ErrorKind::FileTooLarge.into()));
    }
    std::fs::read_to_string(file).map_err(cannot)
}

/// The rows of a member as a table, or the whole answer.
fn tell(
    answer: &Value,
    member: &str,
    columns: &[&str],
    args: &HubArgs,
    output: OutputAudience,
) -> Result<ExitStatus, CommandFailure> {
    let Some(Value::Array(rows)) = answer.get(member) else {
        return Err(CommandFailure::unreachable("cli.odd_answer", [member]));
    };
    let cells: Vec<Vec<String>> = rows
        .iter()
        .map(|row| columns.iter().map(|column| cell(row.get(*column))).collect())
        .collect();
    let text = match cells.is_empty() {
        true => args.lang().say("cli.nothing", &[]),
        false => table(columns, &cells),
    };
    output.tell(answer, &text);
    Ok(ExitStatus::Done)
}
