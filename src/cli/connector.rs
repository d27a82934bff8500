//! `heyan connector list|check|seal`: which outside systems a folder names, whether one of them can be used, and its secrets.
//! A check asks the outside system one question, as the hub would; it never tells a sink anything.

use std::{
    fs::OpenOptions,
    io::{Read as _, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::Context;
use async_trait::async_trait;
use serde_json::json;
use zeroize::Zeroizing;

use super::text::CliLanguage;
use heyan_catalog::Catalog;
use heyan_config::Config;
use heyan_connectors::source::{
    ConnectorSet, SignedSink,
    check::{CheckReport, CheckStep, StepFinding},
    config::{ConnectorFile, ConnectorWork},
    exchange::SharedSurroundings,
    secret_file,
};
use heyan_domain::{
    delivery::{AttemptOutcome, TargetFault},
    identifier::IdentifierKind,
};
use heyan_ports::{
    outward::{RecordChange, WebhookTarget},
    time::{Clock as _, SystemClock},
};
use heyan_server::{
    outward,
    process::{ExitStatus, OutputAudience},
};

/// `heyan connector …`.
#[derive(clap::Subcommand)]
pub(crate) enum ConnectorCommand {
    /// Check all connector files, and list the connectors
    List(ConnectorArgs),
    /// Test one connector step by step, and show what is wrong and how to fix it
    Check {
        /// Name of the connector: its file name without .toml
        name: String,
        /// Subject to ask a source about [default: a made-up subject, which a source answers with "not found"]
        #[arg(long, value_name = "MEMBER=VALUE", value_parser = pair)]
        subject: Vec<(String, String)>,
        /// Claim to verify, for a source that only answers yes or no
        #[arg(long, value_name = "FIELD=VALUE", value_parser = pair)]
        claim: Vec<(String, String)>,
        #[command(flatten)]
        args: ConnectorArgs,
    },
    /// Read a secret from standard input and write it encrypted with the root key of the settings
    Seal {
        /// File of the secret, as named in the connector; created with mode 0400, or replaced
        file: PathBuf,
        /// Settings file, which names the root key
        #[arg(long, env = "HEYAN_CONFIG")]
        config: Option<PathBuf>,
    },
}

/// The folders of connectors and datasets, and the settings.
#[derive(clap::Args)]
pub(crate) struct ConnectorArgs {
    /// Folder of connectors
    #[arg(long, value_name = "DIR", default_value = "connectors")]
    folder: PathBuf,
    /// Folder with further dataset schemas
    #[arg(long, value_name = "DIR")]
    datasets_dir: Option<PathBuf>,
    /// Settings file, which names the root key that decrypts secrets
    #[arg(long, env = "HEYAN_CONFIG")]
    config: Option<PathBuf>,
    /// Language of texts / 文字的语言 [default: that of the session]
    #[arg(long, value_enum, env = "HEYAN_LANG")]
    lang: Option<CliLanguage>,
}

fn pair(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("write NAME=VALUE")?;
    Ok((name.to_owned(), value.to_owned()))
}

/// Stands for the push module, whose rules are the serving hub's: a check sends no webhook.
struct UnsentWebhooks;

#[async_trait]
impl SignedSink for UnsentWebhooks {
    fn check(&self, _url: &str) -> Result<(), TargetFault> {
        Ok(())
    }

    async fn tell(&self, _target: &WebhookTarget, _change: &RecordChange) -> AttemptOutcome {
        AttemptOutcome::Refused(TargetFault::Host)
    }
}

fn load(args: &ConnectorArgs) -> anyhow::Result<(Catalog, ConnectorSet)> {
    let catalog = Catalog::load(args.datasets_dir.as_deref())?;
    let mut around = SharedSurroundings::new(Arc::new(|| SystemClock.now_us()));
    around.secrets = outward::secret_files(&Config::load(args.config.as_deref())?)?;
    let facts = |name: &str| outward::facts_of(&catalog, name);
    let set = ConnectorSet::load(&args.folder, around, &facts, Some(Arc::new(UnsentWebhooks)))?;
    Ok((catalog, set))
}

/// Lists or checks.
///
/// # Errors
/// A file is wrong, or there is no connector of that name.
pub(crate) async fn run(command: ConnectorCommand, output: OutputAudience) -> anyhow::Result<ExitStatus> {
    match command {
        ConnectorCommand::List(args) => {
            let (_catalog, set) = load(&args)?;
            list(&set, CliLanguage::choose(args.lang), output);
            Ok(ExitStatus::Done)
        }
        ConnectorCommand::Check {
            name,
            subject,
            claim,
            args,
        } => {
            let (catalog, set) = load(&args)?;
            let subject = match subject.is_empty() {
                true => made_up(&catalog, set.dataset_of(&name)),
                false => subject,
            };
            let report = set.check(&name, &subject, &claim).await;
            let report = report.with_context(|| {
                format!(
                    "no connector {name} in {}; `heyan connector list` shows all",
                    args.folder.display()
                )
            })?;
            tell(&report, CliLanguage::choose(args.lang), output);
            Ok(if report.is_fine() {
                ExitStatus::Done
            } else {
                ExitStatus::No
            })
        }
        ConnectorCommand::Seal { file, config } => {
            let sealer = outward::secret_sealer(&Config::load(config.as_deref())?)?;
            let mut secret = Zeroizing::new(String::new());
            std::io::stdin().take(SECRET_BYTES_MAX).read_to_string(&mut secret)?;
            let line = secret_file::sealed(&sealer, &file, &secret)?;
            replace(&file, &line).with_context(|| format!("cannot write {}", file.display()))?;
            let said = format!("sealed: {}", file.display());
            output.tell(&json!({"sealed": file.display().to_string()}), &said);
            Ok(ExitStatus::Done)
        }
    }
}

/// Longest secret, bytes.
const SECRET_BYTES_MAX: u64 = 8 << 10;

/// Puts a private file in place, whole or not at all: a hub may be reading the one before.
fn replace(file: &Path, text: &str) -> std::io::Result<()> {
    let mut name = file.file_name().unwrap_or_default().to_owned();
    name.push(".tmp");
    let new = file.with_file_name(name);
    match std::fs::remove_file(&new) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut made = OpenOptions::new().write(true).create_new(true).mode(0o400).open(&new)?;
    made.write_all(text.as_bytes())?;
    made.sync_all()?;
    std::fs::rename(&new, file)
}

/// A subject that nobody has, right in form: a source that refuses malformed numbers must not refuse it.
fn made_up(catalog: &Catalog, dataset: Option<&str>) -> Vec<(String, String)> {
    let Some(dataset) = dataset.and_then(|name| catalog.get(name)) else {
        return Vec::new();
    };
    let value = |kind| match kind {
        IdentifierKind::ResidentNumber => "110101190001010014",
        IdentifierKind::CreditCode => "91340200MA0000007B",
        _ => "HEYAN-TEST-0",
    };
    let members = dataset.subject.iter();
    members
        .map(|member| (member.name.to_string(), value(member.kind).to_owned()))
        .collect()
}

/// Role, kind and datasets.
fn shown(connector: &ConnectorFile) -> (&'static str, &'static str, String) {
    match &connector.work {
        ConnectorWork::HttpSource { dataset, .. } => ("source", "http", dataset.clone()),
        ConnectorWork::SqlSource { dataset, .. } => ("source", "sql", dataset.clone()),
        ConnectorWork::HttpFeed { feed, .. } => ("feed", "http", feed.dataset.clone()),
        ConnectorWork::FileFeed { feed, .. } => ("feed", "file", feed.dataset.clone()),
        ConnectorWork::HttpSink { sink, .. } => ("sink", "http", sink.datasets.join(",")),
        ConnectorWork::WebhookSink { sink, .. } => ("sink", "webhook", sink.datasets.join(",")),
    }
}

fn list(set: &ConnectorSet, lang: CliLanguage, output: OutputAudience) {
    let (mut rows, mut lines) = (Vec::new(), Vec::new());
    for connector in set.list() {
        let (role, kind, datasets) = shown(connector);
        let title = connector.title.get(lang.locale());
        lines.push(format!(
            "{:<32} {role:<7} {kind:<8} {datasets:<24} {title}",
            connector.name
        ));
        rows.push(json!({
            "name": connector.name, "role": role, "kind": kind, "datasets": datasets.split(',').collect::<Vec<_>>(),
            "title": connector.title,
        }));
    }
    output.tell(&json!({"connectors": rows}), &lines.join("\n"));
}

fn tell(report: &CheckReport, lang: CliLanguage, output: OutputAudience) {
    let line = |step: &CheckStep| {
        let (text, remedy) = (step.text.get(lang.locale()), step.remedy.get(lang.locale()));
        let mut line = format!("{:<8} {:<12} {text}", word(&step.found), step.step);
        if !remedy.is_empty() {
            line.push_str(&format!("\n{:<21} → {remedy}", ""));
        }
        line
    };
    let steps = report.steps.iter().map(|step| {
        json!({
            "step": step.step, "found": word(&step.found), "text": step.text, "remedy": step.remedy,
        })
    });
    let json = json!({"name": report.name, "good": report.is_fine(), "steps": steps.collect::<Vec<_>>()});
    let lines: Vec<String> = report.steps.iter().map(line).collect();
    output.tell(&json, &lines.join("\n"));
}

fn word(found: &StepFinding) -> &'static str {
    match found {
        StepFinding::Fine => "good",
        StepFinding::Wrong => "wrong",
        StepFinding::Skipped => "skipped",
    }
}

#[cfg(test)]
mod tests {
    use heyan_ports::outward::OutsideSystems as _;

    use super::*;

    const EXAMPLES: [(&str, &str, &str); 7] = [
        ("agency-webhook", "sink", "webhook"),
        ("city-sharing-platform", "sink", "http"),
        ("firm-register-postgres", "source", "sql"),
        ("identity-check-http", "source", "http"),
        ("licence-feed-http", "feed", "http"),
        ("population-http", "source", "http"),
        ("real-estate-folder", "feed", "file"),
    ];

    /// A folder with one connector, as a hub would have it.
    fn loaded(name: &str, text: &str) -> (Catalog, ConnectorSet) {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join(format!("{name}.toml")), text).unwrap();
        let args = ConnectorArgs {
            folder: folder.path().to_owned(),
            datasets_dir: None,
            config: None,
            lang: None,
        };
        load(&args).unwrap()
    }

    fn answers_for_persons(set: &ConnectorSet) -> bool {
        set.is_live("natural-person") || set.verifies("natural-person")
    }

    fn example(name: &str) -> (Catalog, ConnectorSet) {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../connectors/examples");
        loaded(
            name,
            &std::fs::read_to_string(folder.join(format!("{name}.toml"))).unwrap(),
        )
    }

    #[test]
    fn every_shipped_example_loads_with_the_shipped_datasets() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../connectors/examples");
        assert_eq!(std::fs::read_dir(folder).unwrap().count(), EXAMPLES.len());
        for (name, role, kind) in EXAMPLES {
            let (_catalog, set) = example(name);
            let all: Vec<_> = set.list().map(shown).map(|(role, kind, _)| (role, kind)).collect();
            assert_eq!(all, [(role, kind)], "{name}");
        }
        for name in ["population-http", "identity-check-http"] {
            assert!(answers_for_persons(&example(name).1), "{name}");
        }
    }

    #[test]
    fn the_worked_example_of_the_documentation_loads() {
        for page in [
            include_str!("../../docs/connectors.md"),
            include_str!("../../docs/connectors.zh-CN.md"),
        ] {
            let (_before, from) = page.split_once("```toml\n").unwrap();
            let (text, _after) = from.split_once("```").unwrap();
            assert!(answers_for_persons(&loaded("dept", text).1));
        }
    }

    #[test]
    fn made_up_subjects_are_right_in_form() {
        let catalog = Catalog::load(None).unwrap();
        for dataset in ["natural-person", "legal-entity"] {
            for (name, value) in made_up(&catalog, Some(dataset)) {
                let member = catalog
                    .get(dataset)
                    .unwrap()
                    .subject
                    .iter()
                    .find(|member| *member.name == *name);
                let kind = member.unwrap().kind;
                assert!(kind.parse(&value).is_ok(), "{name}");
            }
        }
    }

    #[tokio::test]
    async fn a_check_of_an_example_names_the_step_that_fails_and_the_remedy() {
        let (_catalog, set) = example("firm-register-postgres");
        let report = set.check("firm-register-postgres", &[], &[]).await.unwrap();
        assert!(!report.is_fine());
        assert_eq!(report.steps.len(), 1);
        assert!(report.steps[0].remedy.zh.contains("0400") && report.steps[0].remedy.en.contains("0400"));
        assert!(set.check("nobody", &[], &[]).await.is_none());
    }
}
