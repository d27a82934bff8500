//! `heyan quality report`: a week of one authority, as Markdown for people, or as JSON.

use crate::{
    access::admin,
    client::{HubArgs, HubClient, RequestVerb},
    failure::CommandFailure,
    text::CliLanguage,
};
use heyan_server::process::{ExitStatus, OutputAudience};

/// `heyan quality …`.
#[derive(clap::Subcommand)]
pub(crate) enum QualityCommand {
    /// Print the weekly report of one authority as Markdown
    Report(ReportArgs),
}

/// `heyan quality report`.
#[derive(clap::Args)]
pub(crate) struct ReportArgs {
    /// Agency id of the authority
    #[arg(long, value_name = "ID")]
    authority: String,
    /// ISO week, such as 2026-W47
    #[arg(long, value_name = "WEEK")]
    week: String,
    #[command(flatten)]
    hub: HubArgs,
}

/// Runs a command about data quality.
pub(crate) async fn run(command: QualityCommand, output: OutputAudience) -> ExitStatus {
    let QualityCommand::Report(args) = command;
    admin::end(report(&args, output).await, output, args.hub.lang())
}

async fn report(args: &ReportArgs, output: OutputAudience) -> Result<ExitStatus, CommandFailure> {
    let hub = HubClient::open(&args.hub, output)?;
    let query = [("authority", args.authority.as_str()), ("week", args.week.as_str())];
    let answer = hub
        .call(RequestVerb::Get, &["v1", "quality", "report"], &query, None)
        .await?;
    let lang = match args.hub.lang() {
        CliLanguage::Zh => "zh",
        CliLanguage::En => "en",
    };
    let markdown = answer
        .pointer(&format!("/markdown/{lang}"))
        .and_then(serde_json::Value::as_str);
    let markdown = markdown.ok_or_else(|| CommandFailure::unreachable("cli.odd_answer", ["markdown"]))?;
    output.tell(&answer, markdown.trim_end());
    Ok(ExitStatus::Done)
}
