//! Makes what reaches outside systems from the settings: webhooks, connectors, and the workers' limits.
//! Nothing may be reached that the settings do not list.

use std::{path::Path, sync::Arc};

use anyhow::Context;
use async_trait::async_trait;

use crate::worker::CourierLimits;
use heyan_auth::{
    keys::{self, KeyRingError, SecretBytes},
    seal::PurposeSealer,
    target::{TargetLists, TargetRules},
};
use heyan_catalog::{BilingualLabel, Catalog};
use heyan_config::Config;
use heyan_connectors::{
    guard::SystemRoots,
    push::{PushConfig, WebhookPush},
    source::{
        ConnectorSet, DatasetFacts, SignedSink, exchange::SharedSurroundings, secret_file::SecretFiles,
        set::ColumnNames,
    },
};
use heyan_domain::{
    budget::{AskerLimits, BudgetLimits, GuessWindows},
    calendar::WorkingCalendar,
    delivery::{AttemptOutcome, TargetFault},
    schedule::RetrySchedule,
};
use heyan_ports::{
    outward::{NoConnectors, OutsideSystems, PushMessage, RecordChange, WebhookSender, WebhookTarget},
    time::{Clock, SystemClock},
};

/// Webhooks as the settings allow them.
pub fn webhooks(config: &Config) -> anyhow::Result<WebhookPush> {
    let push = &config.push;
    let lists = TargetLists {
        hosts: push.hosts.clone(),
        networks: push.networks.clone(),
        ports: push.ports.clone(),
        literal_networks: push.literal_networks.clone(),
        any_port_networks: push.any_port_networks.clone(),
        plain_http_networks: push.plain_http_networks.clone(),
    };
    let rules = TargetRules::parse(&lists).context("invalid targets in [push] of the settings")?;
    let mut made = PushConfig::new(rules);
    made.connect_ms = push.connect_timeout_ms;
    made.total_ms = push.attempt_timeout_ms;
    made.answer_bytes_max = push.answer_bytes_max;
    made.answer_ms = push.answer_timeout_ms;
    if !push.extra_roots_file.as_os_str().is_empty() {
        made.extra_roots_pem = std::fs::read(&push.extra_roots_file)
            .with_context(|| format!("push.extra_roots_file: cannot read {}", push.extra_roots_file.display()))?;
    }
    made.system_roots = if push.trust_system_roots {
        SystemRoots::Trusted
    } else {
        SystemRoots::Ignored
    };
    Ok(WebhookPush::new(made)?)
}

/// The connectors of the settings' folder.
pub fn connectors(config: &Config, webhooks: &Arc<WebhookPush>) -> anyhow::Result<Box<dyn OutsideSystems>> {
    let folder = &config.connectors.folder;
    if folder.as_os_str().is_empty() {
        return Ok(Box::new(NoConnectors));
    }
    let datasets = &config.catalog.datasets_dir;
    let catalog = Catalog::load(Some(datasets.as_path()).filter(|folder| !folder.as_os_str().is_empty()))?;
    let mut around = SharedSurroundings::new(Arc::new(|| SystemClock.now_us()));
    around.secrets = secret_files(config)?;
    if !config.push.trust_system_roots {
        around.system_roots = SystemRoots::Ignored;
    }
    let facts = |name: &str| facts_of(&catalog, name);
    let signed: Arc<dyn SignedSink> = Arc::new(SignedWebhooks(Arc::clone(webhooks)));
    Ok(Box::new(ConnectorSet::load(folder, around, &facts, Some(signed))?))
}

/// Opens files of secrets that were sealed with a key of the hub's root, where there is a root.
pub fn secret_files(config: &Config) -> anyhow::Result<SecretFiles> {
    Ok(match config.node.root_key_file.exists() {
        true => SecretFiles::opened_by(secret_sealer(config)?),
        false => SecretFiles::default(),
    })
}

/// Seals files of secrets.
pub fn secret_sealer(config: &Config) -> anyhow::Result<PurposeSealer> {
    let keys = keys::load_or_create(&config.node.root_key_file)?;
    sealer(config, |id| keys.connector_sealing_key(id))
}

/// The newest key seals; the ones before it still open.
pub fn sealer(config: &Config, key: impl Fn(u8) -> Result<SecretBytes, KeyRingError>) -> anyhow::Result<PurposeSealer> {
    let newest = config.auth.sealing_key_id;
    let mut older = Vec::new();
    for id in 1..newest {
        older.push((id, *key(id)?));
    }
    Ok(PurposeSealer::new(newest, &*key(newest)?, &older)?)
}

/// Sinks of kind `webhook` go out as webhooks do.
struct SignedWebhooks(Arc<WebhookPush>);

#[async_trait]
impl SignedSink for SignedWebhooks {
    fn check(&self, url: &str) -> Result<(), TargetFault> {
        self.0.check(url)
    }

    async fn tell(&self, target: &WebhookTarget, change: &RecordChange) -> AttemptOutcome {
        let message = PushMessage {
            id: change.delivery.clone(),
            timestamp_s: SystemClock.now_us().div_euclid(1_000_000),
            body: change.cloud_event(),
        };
        self.0.send(target, &message).await
    }
}

/// When a delivery is tried again.
pub fn schedule(config: &Config) -> anyhow::Result<RetrySchedule> {
    RetrySchedule::new(config.push.schedule_s.clone()).context("push.schedule_s of the settings is not valid")
}

/// Working days, with the operator's further years.
pub fn calendar(config: &Config) -> anyhow::Result<WorkingCalendar> {
    let file: &Path = &config.calendar.extra_file;
    if file.as_os_str().is_empty() {
        return Ok(WorkingCalendar::shipped().clone());
    }
    let text = std::fs::read_to_string(file)
        .with_context(|| format!("calendar.extra_file: cannot read {}", file.display()))?;
    WorkingCalendar::with_extra(&text).with_context(|| format!("calendar.extra_file: cannot parse {}", file.display()))
}

/// How much may be guessed.
pub fn guess_limits(config: &Config) -> BudgetLimits {
    let guess = &config.guess;
    let all = [guess.units_24_h_max, guess.units_30_days_max];
    let same = |units, agency| GuessWindows {
        all: [units; 2],
        open: [units; 2],
        agency: [agency; 2],
    };
    BudgetLimits {
        values: GuessWindows {
            all,
            open: [
                guess.units_24_h_max.saturating_sub(guess.reserved_units_24_h),
                guess.units_30_days_max.saturating_sub(guess.reserved_units_30_days),
            ],
            agency: [guess.agency_units_24_h_max, guess.agency_units_30_days_max],
        },
        codes: same(guess.code_units_max, guess.agency_code_units_max),
        predicates: same(guess.predicate_units_max, guess.predicate_units_max),
        code_predicates: same(guess.code_units_max / 2, guess.code_units_max / 2),
        predicate_units: guess.predicate_units,
        asker: AskerLimits {
            subjects_day_max: guess.agency_subjects_24_h_max,
            subjects_30_days_max: guess.agency_subjects_30_days_max,
            subjects_percent: guess.agency_subjects_percent,
            locks_day_max: guess.agency_locks_24_h_max,
        },
    }
}

/// How many attempts at once.
pub(crate) fn courier_limits(config: &Config) -> CourierLimits {
    CourierLimits {
        target_attempts_max: config.push.target_attempts_max,
        attempts_max: config.push.attempts_max,
    }
}

/// What the catalogue says of a dataset, as connectors need it.
pub fn facts_of(catalog: &Catalog, dataset: &str) -> Option<DatasetFacts> {
    let labels = |label: &BilingualLabel| vec![label.zh.clone(), label.en.clone()];
    let dataset = catalog.get(dataset)?;
    let subject = dataset.subject.iter().map(|member| ColumnNames {
        name: member.name.to_string(),
        labels: labels(&member.label),
    });
    let fields = dataset.fields.iter().map(|field| ColumnNames {
        name: field.name.to_string(),
        labels: labels(&field.label),
    });
    Some(DatasetFacts {
        subject: subject.collect(),
        fields: fields.collect(),
    })
}
