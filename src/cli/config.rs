//! `heyan config check|print`: are the settings safe, and what is in force.
//! Neither database nor ledger is opened: a check can run beside a serving hub. What it finds good, `serve` does not refuse.

use std::path::PathBuf;

use heyan_config::Config;
use heyan_server::{
    process::{ExitStatus, OutputAudience},
    settings,
};

/// `heyan config …`.
#[derive(clap::Subcommand)]
pub(crate) enum ConfigCommand {
    /// Check the settings: name each unknown key and unsafe setting, and how to fix it
    Check(ConfigArgs),
    /// Print the settings in force, without secrets
    Print(ConfigArgs),
}

/// The settings file.
#[derive(clap::Args)]
pub(crate) struct ConfigArgs {
    /// Settings file
    #[arg(long, env = "HEYAN_CONFIG")]
    config: Option<PathBuf>,
}

/// Checks or prints.
pub(crate) fn run(command: ConfigCommand, output: OutputAudience) -> anyhow::Result<ExitStatus> {
    match command {
        ConfigCommand::Check(args) => {
            let config = Config::load(args.config.as_deref())?;
            let prepared = settings::prepare(&config)?;
            let (datasets, items) = (prepared.catalog.iter().count(), prepared.items.len());
            let rules = prepared.rules.rules.len();
            let json = serde_json::json!({"good": true, "datasets": datasets, "items": items, "rules": rules});
            output.tell(
                &json,
                &format!("good: {datasets} datasets, {items} service items, {rules} rules of supervision"),
            );
        }
        ConfigCommand::Print(args) => {
            let config = Config::load(args.config.as_deref())?;
            let json = serde_json::to_value(&config)?;
            output.tell(&json, config.print().trim_end());
        }
    }
    Ok(ExitStatus::Done)
}
