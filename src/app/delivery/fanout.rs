//! Makes the deliveries of an event: one for each target, decided by the grants of this moment.
//! A change of a record goes to the sinks of its dataset, to subscribers who may read it, and to exactly those who were
//! answered from a version that it supersedes. The index of answers is caught up first, so that no recipient is missed.

use std::{collections::HashMap, sync::Arc};

use super::answers::{AnswerIndex, CaughtUp, is_superseded};
use crate::{
    foundation::{error::AppError, ids::new_id},
    node::hub::Hub,
};
use heyan_domain::mismatch::MismatchPhase;
use heyan_ports::{commit::Commit, deliveries::FannedEvent};
use heyan_ports::{
    deliveries::{AnswerRow, DeliveryRow, EventKind, StoredEvent, SubscriptionRow},
    mismatches::MismatchRow,
    subject::{RowKey, SubjectKey},
};

/// Events that are fanned out in one commit.
pub const EVENTS_MAX: u32 = 256;

/// Subjects of one question to the store.
const SUBJECTS_MAX: usize = 500;

/// How long an answer from before a change may be on its way to the ledger, microseconds.
const LATE_US: i64 = 600_000_000;

/// Whether this node makes the deliveries of new events, or another does and this one only looks after its own answers.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum FanoutDuty {
    /// It does.
    Events,
    /// Another does.
    OwnAnswers,
}

/// Makes the deliveries of new events, and of answers that were indexed after their event was fanned out. Returns the number of
/// events.
///
/// With several nodes, each node reads its own ledger. Either the node that fans an event out finds the answer in the store, or the
/// node that stores the answer finds the event there, because both write before they read.
///
/// # Errors
/// The store or the ledger cannot be asked; nothing is lost, the next call does it.
pub async fn fan_out(hub: &Hub, index: &mut AnswerIndex, part: FanoutDuty) -> Result<usize, AppError> {
    let made = make(hub, index, part).await;
    if made.is_err() {
        index.forget();
    }
    made
}

async fn make(hub: &Hub, index: &mut AnswerIndex, part: FanoutDuty) -> Result<usize, AppError> {
    let events = match part {
        FanoutDuty::Events => hub.store.new_events(EVENTS_MAX).await?,
        FanoutDuty::OwnAnswers => Vec::new(),
    };
    // Only after the events were read: every answer given before one of them is durable in the ledger by now.
    let CaughtUp { late, position } = index.catch_up(hub).await?;
    let now_us = hub.clock.now_us();
    let mut commit = Commit::at(now_us);
    commit.writes.extend(position.map(Into::into));
    let (answered, disputed) = (answered(hub, &events).await?, disputed(hub, &events).await?);
    for event in &events {
        if let Some((subject, version)) = change_of(event) {
            index.changed(subject, version, now_us, now_us - LATE_US);
        }
        let reasons = reasons_of(hub, event, &answered, &disputed);
        commit.push(deliveries(hub, event, &reasons, now_us)?);
        commit.push(FannedEvent(event.key()));
    }
    for (event, agency) in late_ones(hub, &late).await? {
        let answered = FanoutReasons {
            answered: vec![agency],
            ..FanoutReasons::default()
        };
        commit.push(deliveries(hub, &event, &answered, now_us)?);
    }
    if commit.weight() > 0 {
        hub.write(commit).await?;
    }
    Ok(events.len())
}

/// Answers that reached the ledger after the change that supersedes them was fanned out.
async fn late_ones(hub: &Hub, late: &[AnswerRow]) -> Result<Vec<(StoredEvent, u32)>, AppError> {
    if late.is_empty() {
        return Ok(Vec::new());
    }
    let mut subjects: Vec<SubjectKey> = late.iter().map(|answer| SubjectKey(answer.subject)).collect();
    subjects.sort_unstable();
    subjects.dedup();
    let mut newest: HashMap<SubjectKey, StoredEvent> = HashMap::new();
    for part in subjects.chunks(SUBJECTS_MAX) {
        let events = hub.store.newest_changes(part).await?;
        newest.extend(events.into_iter().filter_map(|event| Some((event.subject?, event))));
    }
    let mut found = Vec::new();
    for answer in late {
        let event = newest.get(&SubjectKey(answer.subject));
        if let Some(event) = event.filter(|event| is_superseded(answer.version, event.version.unwrap_or_default())) {
            found.push((event.clone(), answer.agency));
        }
    }
    Ok(found)
}

/// Why whom: what an event's deliveries are decided by.
#[derive(Default)]
struct FanoutReasons {
    /// Numbers of agencies that were answered from a superseded version.
    answered: Vec<u32>,
    /// Whether readers of the dataset hear of it.
    readers: EventAudience,
    /// Ids of agencies that it is for.
    addressed: Vec<String>,
}

#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum EventAudience {
    #[default]
    Named,
    Readers,
}

/// The record that an event says has changed, and its version since.
fn change_of(event: &StoredEvent) -> Option<(SubjectKey, u32)> {
    match (event.kind, event.subject, event.version) {
        (EventKind::RecordChanged, Some(subject), Some(version)) => Some((subject, version)),
        _ => None,
    }
}

/// Who was answered from which version of the records that changed.
async fn answered(hub: &Hub, events: &[StoredEvent]) -> Result<HashMap<SubjectKey, Vec<AnswerRow>>, AppError> {
    let mut subjects: Vec<SubjectKey> = events
        .iter()
        .filter_map(change_of)
        .map(|(subject, _)| subject)
        .collect();
    subjects.sort_unstable();
    subjects.dedup();
    let mut answered: HashMap<SubjectKey, Vec<AnswerRow>> = HashMap::new();
    if !subjects.is_empty() {
        for answer in hub.store.answers_of(&subjects).await? {
            answered.entry(SubjectKey(answer.subject)).or_default().push(answer);
        }
    }
    Ok(answered)
}

fn reasons_of(
    hub: &Hub,
    event: &StoredEvent,
    answered: &HashMap<SubjectKey, Vec<AnswerRow>>,
    disputed: &HashMap<String, MismatchRow>,
) -> FanoutReasons {
    let mut reasons = FanoutReasons::default();
    if let Some((subject, version)) = change_of(event) {
        reasons.readers = EventAudience::Readers;
        let answers = answered.get(&subject).into_iter().flatten();
        let superseded = answers.filter(|answer| is_superseded(answer.version, version));
        reasons.answered = superseded.map(|answer| answer.agency).collect();
        reasons.answered.sort_unstable();
        reasons.answered.dedup();
        return reasons;
    }
    reasons.addressed.extend(event.agency.clone());
    if let (EventKind::Mismatch, Some(id)) = (event.kind, &event.mismatch)
        && let Some(row) = disputed.get(id)
    {
        reasons.addressed.extend(owners(hub, &row.dataset));
    }
    reasons
}

/// The mismatches that events tell of and that are disputed now, by their id. Read from the store: an event is committed before the
/// memory of what is pending is told.
async fn disputed(hub: &Hub, events: &[StoredEvent]) -> Result<HashMap<String, MismatchRow>, AppError> {
    let told = events.iter().filter(|event| event.kind == EventKind::Mismatch);
    let keys: Vec<RowKey> = told
        .filter_map(|event| {
            Some(RowKey {
                subject: event.subject?,
                id: event.mismatch.clone()?,
            })
        })
        .collect();
    if keys.is_empty() {
        return Ok(HashMap::new());
    }
    let rows = hub.store.mismatches_by_key(&keys).await?.into_iter();
    let disputed = rows.filter(|row| row.state == MismatchPhase::Disputed);
    Ok(disputed.map(|row| (row.id.clone(), row)).collect())
}

/// Ids of the agencies that own a dataset.
fn owners(hub: &Hub, dataset: &str) -> Vec<String> {
    let Some(dataset) = hub.catalog.get(dataset) else {
        return Vec::new();
    };
    let access = hub.access.table.load();
    let owning = access.agencies.values().filter(|agency| agency.owns(dataset));
    owning.map(|agency| agency.row.id.clone()).collect()
}

fn deliveries(
    hub: &Hub,
    event: &StoredEvent,
    reasons: &FanoutReasons,
    now_us: i64,
) -> Result<Vec<DeliveryRow>, AppError> {
    let mut rows = Vec::new();
    let mut push =
        |target: String, agency: Option<&str>, reason: &'static str, supersedes: bool| -> Result<(), AppError> {
            rows.push(DeliveryRow {
                id: new_id(b"dlv_", now_us, hub.node.settings.node)?,
                event: event.id.clone(),
                target,
                agency: agency.map(str::to_owned),
                subject: event.subject.unwrap_or(SubjectKey::NONE),
                reason,
                supersedes,
                next_at: now_us,
                created_at: now_us,
            });
            Ok(())
        };
    let dataset = event.dataset.as_deref();
    if reasons.readers == EventAudience::Readers {
        let covers = |datasets: &[String]| {
            datasets
                .iter()
                .any(|name| name == "*" || Some(name.as_str()) == dataset)
        };
        for sink in hub
            .outward
            .connectors
            .sinks()
            .iter()
            .filter(|sink| covers(&sink.datasets))
        {
            push(format!("sink:{}", sink.name), None, "sink", sink.supersedes)?;
        }
    }
    let access = hub.access.table.load();
    let subscriptions = hub.outward.subscriptions.load();
    let mut listening: Vec<&Arc<SubscriptionRow>> = subscriptions
        .by_id
        .values()
        .filter(|row| covers(row, event, now_us))
        .collect();
    listening.sort_unstable_by(|one, two| one.id.cmp(&two.id));
    let mut readers: HashMap<&str, bool> = HashMap::new();
    for row in listening {
        let Some(agency) = access.agencies.get(row.agency.as_str()) else {
            continue;
        };
        if agency.row.disabled {
            continue;
        }
        let reads = || {
            let dataset = dataset.and_then(|name| hub.catalog.get(name));
            dataset.is_some_and(|dataset| agency.reads(dataset, now_us))
        };
        if reasons.answered.contains(&agency.row.number) {
            push(row.id.clone(), Some(&row.agency), "answered", row.supersedes)?;
        } else if reasons.addressed.contains(&row.agency) {
            push(row.id.clone(), Some(&row.agency), "addressed", false)?;
        } else if reasons.readers == EventAudience::Readers && *readers.entry(&row.agency).or_insert_with(reads) {
            push(row.id.clone(), Some(&row.agency), "subscribed", row.supersedes)?;
        }
    }
    Ok(rows)
}

/// Whether a subscription listens to an event. Who listens to changes of records gets the values that it accepted too.
fn covers(row: &SubscriptionRow, event: &StoredEvent, now_us: i64) -> bool {
    let dataset = event.dataset.as_deref();
    if row.created_at > event.at {
        // What happened before it listened is no news to it.
        return false;
    }
    row.covers(event.kind, dataset, now_us)
        || (event.kind == EventKind::RecordAccepted && row.covers(EventKind::RecordChanged, dataset, now_us))
}
