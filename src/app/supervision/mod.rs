//! Electronic supervision: compares the ledger with the rules of `config/supervision.toml`. What a person should look at becomes an
//! alert with its evidence. `domain::supervision` judges; this folder reads the facts, keeps the alerts and tries rules over the past.

pub mod alerts;
pub mod applications;
pub mod facts;
pub mod replay;
pub mod state;
pub mod watch;

use std::sync::Arc;

use super::{
    foundation::{
        error::{AppError, MissingThing},
        ids::new_id,
        purpose,
    },
    node::hub::Hub,
};
use heyan_domain::supervision::{AlertSeverity, Rule, RuleClass};
use heyan_ledger::entry::{self, EntryKind};
use heyan_ports::supervision::AlertRow;
use heyan_ports::{commit::Commit, positions::ReadPosition};

/// A new alert of a rule, about nothing yet.
///
/// # Errors
/// Returns an error if the random source fails.
pub fn alert(hub: &Hub, rule: &str, once: String, now_us: i64) -> Result<AlertRow, AppError> {
    let known = hub.supervision.rule(rule);
    let class = known.map_or(RuleClass::Process, |rule| rule.class);
    let severity = known.map_or(AlertSeverity::Medium, |rule| rule.severity);
    Ok(AlertRow {
        id: new_id(b"alt_", now_us, hub.node.settings.node)?,
        rule: rule.to_owned(),
        once,
        dataset: None,
        subject: None,
        mismatch: None,
        agency: None,
        facts: "{}".to_owned(),
        at: now_us,
        class: class.as_str().to_owned(),
        severity: severity.as_str().to_owned(),
        state: alerts::AlertState::Open.as_str().to_owned(),
        revision: 1,
        entries: 0,
        evidence: "[]".to_owned(),
        updated_at: now_us,
    })
}

/// That something was done that no person may do unseen.
///
/// # Errors
/// Returns an error if the random source fails.
pub(crate) fn administration_alert(hub: &Hub, action: &str, target: &str, by: &str) -> Result<AlertRow, AppError> {
    let now_us = hub.clock.now_us();
    let facts = serde_json::json!({"action": action, "target": target, "by": by});
    Ok(AlertRow {
        facts: facts.to_string(),
        ..alert(
            hub,
            "administration",
            format!("administration:{action}:{target}:{now_us}"),
            now_us,
        )?
    })
}

/// The rule of an id.
///
/// # Errors
/// Returns an error if there is no rule with this id.
pub fn rule_of(hub: &Hub, id: &str) -> Result<Arc<Rule>, AppError> {
    let rule = hub.supervision.rule(id).ok_or(AppError::NotFound(MissingThing::Rule))?;
    Ok(Arc::clone(rule))
}

/// Enters the SHA-256 of the rules' file in the ledger when it is another one than at the last start of this node, and gives each rule
/// its metric.
///
/// # Errors
/// Returns an error if the store or the ledger fails.
pub async fn begin(hub: &Hub) -> Result<(), AppError> {
    for rule in &hub.supervision.rules {
        let _counted_from_now = hub.node.metrics.turn.alerts.get_metric_with_label_values(&[&rule.id]);
    }
    let name = format!("supervision:rules:{}", hub.node.settings.origin);
    let digest = &hub.supervision.digest;
    if hub.store.position(&name).await?.as_ref() == Some(digest) {
        return Ok(());
    }
    let now_us = hub.clock.now_us();
    let mut bytes = Vec::with_capacity(192);
    entry::begin(&mut bytes, EntryKind::Access, now_us, 0);
    entry::put_text(&mut bytes, "supervision.rules");
    entry::put_text(&mut bytes, &format!("sha256:{digest}"));
    purpose::seal_parts(hub, &[], &mut bytes)?;
    let commit = Commit::at(now_us)
        .with(ReadPosition {
            name,
            value: digest.clone(),
        })
        .entry(bytes);
    hub.write(commit).await?;
    tracing::info!(
        digest,
        rules = hub.supervision.rules.len(),
        "rules of supervision are new or changed"
    );
    Ok(())
}
