//! `heyan backup DIR`, `heyan backup verify DIR`, `heyan restore DIR`: with the files of the hub's machine, beside a hub that may be
//! serving.

use std::path::PathBuf;

use serde_json::json;

use crate::ledger::key_text;
use heyan_config::Config;
use heyan_server::{
    backup::{
        check::{self, CheckedBackup},
        make,
        restore::{self, RestoreOutcome},
    },
    process::{ExitStatus, OutputAudience},
};

/// `heyan backup`.
#[derive(clap::Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub(crate) struct BackupArgs {
    #[command(subcommand)]
    command: Option<BackupCommand>,
    /// New folder for the backup; the root key is never in it
    #[arg(required = true)]
    dir: Option<PathBuf>,
    /// Settings file of the hub
    #[arg(long, env = "HEYAN_CONFIG")]
    config: Option<PathBuf>,
}

#[derive(clap::Subcommand)]
enum BackupCommand {
    /// Verify a backup offline: every file, the ledger, the database, and that they fit together
    Verify {
        /// Folder of the backup
        dir: PathBuf,
        /// Public key of the ledger, or a file that contains it
        #[arg(long)]
        key: Option<String>,
    },
}

/// `heyan restore`.
#[derive(clap::Args)]
pub(crate) struct RestoreArgs {
    /// Folder of the backup
    dir: PathBuf,
    /// Settings file of the hub; its data folder must hold no hub
    #[arg(long, env = "HEYAN_CONFIG")]
    config: Option<PathBuf>,
    /// Reason; entered in the ledger with the loss
    #[arg(long)]
    reason: Option<String>,
}

/// Makes a backup, or verifies one.
pub(crate) async fn backup(args: BackupArgs, output: OutputAudience) -> anyhow::Result<ExitStatus> {
    if let Some(BackupCommand::Verify { dir, key }) = args.command {
        let key = key.as_deref().map(key_text).transpose()?;
        return Ok(tell(check::check(&dir, key.as_deref()).await?, output));
    }
    let Some(dir) = args.dir else {
        return Ok(ExitStatus::Usage);
    };
    let config = Config::load(args.config.as_deref())?;
    let made = make::make(&config, &dir).await?;
    let json = json!({
        "dir": dir, "made_at": made.made_at, "took_ms": made.took_ms, "snapshot_ms": made.snapshot_ms(), "bytes": made.bytes(),
        "origin": made.origin, "sealed": made.sealed(),
    });
    let snapshot = made
        .snapshot_ms()
        .map(|ms| format!(", the database held for {ms} ms"))
        .unwrap_or_default();
    let text = format!(
        "{}: {} bytes in {} ms{snapshot}; ledger {} up to entry {}, made at {}",
        dir.display(),
        made.bytes(),
        made.took_ms,
        made.origin,
        made.sealed(),
        made.made_at
    );
    output.tell(&json, &text);
    Ok(ExitStatus::Done)
}

fn tell(checked: CheckedBackup, output: OutputAudience) -> ExitStatus {
    let CheckedBackup { manifest, findings } = checked;
    match manifest.filter(|_| findings.is_empty()) {
        Some(made) => {
            let json = json!({
                "sound": true, "made_at": made.made_at, "heyan": made.heyan, "origin": made.origin, "sealed": made.sealed(),
                "bytes": made.bytes(),
            });
            let text = format!(
                "sound: backup of {}, ledger {} up to entry {}, {} bytes",
                made.made_at,
                made.origin,
                made.sealed(),
                made.bytes()
            );
            output.tell(&json, &text);
            ExitStatus::Done
        }
        None => not_sound(&findings, output),
    }
}

fn not_sound(findings: &[String], output: OutputAudience) -> ExitStatus {
    output.tell(
        &json!({"sound": false, "findings": findings}),
        &format!("NOT SOUND: {}", findings.join("\n  ")),
    );
    ExitStatus::No
}

/// Puts a backup back.
pub(crate) async fn restore(args: RestoreArgs, output: OutputAudience) -> anyhow::Result<ExitStatus> {
    let config = Config::load(args.config.as_deref())?;
    let reason = args
        .reason
        .as_deref()
        .map(str::trim)
        .filter(|reason| !reason.is_empty());
    let restored = match restore::restore(&config, &args.dir, reason).await? {
        RestoreOutcome::Done(restored) => restored,
        RestoreOutcome::Refused(findings) => return Ok(not_sound(&findings, output)),
    };
    if let Some(cause) = &restored.not_noted {
        heyan_telemetry::tell_operator(&format!(
            "heyan: {} cannot remember this restore ({cause}): do not restore the same backup on another machine",
            args.dir.display()
        ));
    }
    let made = &restored.manifest;
    let json = json!({
        "restored": true, "made_at": made.made_at, "sealed": made.sealed(), "origin": restored.origin, "epoch": restored.epoch,
    });
    let text = format!(
        "restored the backup of {} into {}; `heyan serve` enters the loss, and begins the ledger {}",
        made.made_at,
        config.node.data_dir.display(),
        restored.origin
    );
    output.tell(&json, &text);
    Ok(ExitStatus::Done)
}
