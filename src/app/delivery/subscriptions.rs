//! Subscriptions of agencies' systems: added with a secret that is returned once; rotated, with both secrets valid for a while;
//! tested; removed. A subscription gives no right: grants decide at each delivery what is sent.

use std::sync::Arc;

use crate::node::caller::Caller;
use crate::{
    access::table::AccessAgency,
    foundation::{
        error::{AppError, MissingThing},
        ids::new_id,
        purpose,
        vault::SealPlace,
    },
    node::hub::Hub,
};
use heyan_auth::webhook::WebhookSecret;
use heyan_domain::fault::MemberFault;
use heyan_ledger::entry::{self, EntryKind};
use heyan_ports::{commit::Commit, deliveries::FannedEvent, time};
use heyan_ports::{
    deliveries::{DeliveryRow, EventKind, EventRow, SubscriptionPhase, SubscriptionRow},
    quotas::QuotaKind,
    subject::{RowKey, SubjectKey},
};

/// Kinds of events that may be subscribed to.
pub const EVENT_KINDS: [&str; 4] = [
    "record.changed",
    "record.accepted",
    "mismatch",
    "verification.would_change",
];

/// Entries of one list.
const LIST_MAX: usize = 64;

/// What a new subscription is made of.
pub struct NewSubscription {
    /// Absolute URL.
    pub url: String,
    /// Event kinds, or `*`.
    pub events: Vec<String>,
    /// Dataset names, or `*`; none: every one.
    pub datasets: Vec<String>,
    /// RFC 3339.
    pub until: Option<String>,
    /// Whether a newer version of a record makes an undelivered older one needless.
    pub supersedes: bool,
}

/// The bare kind of an event's name: `heyan.record.changed.v1` and `record.changed` are one.
fn kind_of(name: &str) -> String {
    let name = name.strip_prefix("heyan.").unwrap_or(name);
    name.strip_suffix(".v1").unwrap_or(name).to_owned()
}

fn own_agency(caller: &Caller) -> Result<&Arc<AccessAgency>, AppError> {
    caller.agency()
}

/// Where a secret is sealed.
pub(crate) fn secret_place(id: &str) -> SealPlace<'_> {
    SealPlace {
        table: "subscriptions",
        column: "secret",
        row: id,
    }
}

/// Adds a subscription of the caller's agency; the secret is told once.
///
/// # Errors
/// Wrong members, a target that may not be reached, or too many subscriptions.
pub async fn add(hub: &Hub, caller: &Caller, new: NewSubscription) -> Result<(SubscriptionRow, String), AppError> {
    let agency = own_agency(caller)?;
    let _one_at_a_time = hub.turn_of_subscriptions().await?;
    let events: Vec<String> = new.events.iter().map(|name| kind_of(name)).collect();
    let datasets = if new.datasets.is_empty() {
        vec!["*".to_owned()]
    } else {
        new.datasets
    };
    let mut faults = Vec::new();
    let known = |name: &String| name == "*" || EVENT_KINDS.contains(&name.as_str());
    if events.is_empty() || events.len() > LIST_MAX || !events.iter().all(known) {
        faults.push(MemberFault::new("/events", "invalid_value"));
    }
    let known = |name: &String| name == "*" || hub.catalog.get(name).is_some();
    if datasets.len() > LIST_MAX || !datasets.iter().all(known) {
        faults.push(MemberFault::new("/datasets", "unknown_dataset"));
    }
    let now = hub.clock.now_us();
    let until = new.until.as_deref().map(time::parse_rfc3339);
    if until.is_some_and(|until| until.is_none_or(|until| until <= now)) {
        faults.push(MemberFault::new("/until", "invalid_value"));
    }
    if !faults.is_empty() {
        return Err(AppError::Invalid(faults));
    }
    hub.outward.webhooks.check(&new.url).map_err(AppError::Target)?;
    hub.ensure_quota(&agency.row.id, QuotaKind::Subscriptions).await?;
    let id = new_id(b"sub_", now, hub.node.settings.node)?;
    let secret = fresh_secret()?;
    let row = SubscriptionRow {
        secret: hub.secrets.vault.seal(secret_place(&id), secret.as_bytes())?,
        id,
        agency: agency.row.id.clone(),
        url: new.url,
        events,
        datasets,
        until: until.flatten(),
        supersedes: new.supersedes,
        previous_secret: None,
        previous_valid_until: None,
        state: SubscriptionPhase::Active,
        created_at: now,
        updated_at: now,
    };
    change(hub, caller, "subscription.add", row.clone()).await?;
    Ok((row, secret.reveal().to_string()))
}

fn fresh_secret() -> Result<WebhookSecret, AppError> {
    WebhookSecret::generate().map_err(|_unavailable| AppError::Internal("the random source failed"))
}

/// The caller's subscriptions; the bureau's people see every one.
pub fn list(hub: &Hub, caller: &Caller) -> Vec<Arc<SubscriptionRow>> {
    let own = caller.agency().ok().map(|agency| agency.row.id.as_str());
    let table = hub.outward.subscriptions.load();
    let visible = |row: &&Arc<SubscriptionRow>| own.is_none_or(|own| row.agency == own);
    let mut rows: Vec<_> = table.by_id.values().filter(visible).map(Arc::clone).collect();
    rows.sort_unstable_by(|one, two| one.id.cmp(&two.id));
    rows
}

/// A subscription that the caller may see.
///
/// # Errors
/// `NotFound` if there is no such subscription or it belongs to another agency.
pub fn get(hub: &Hub, caller: &Caller, id: &str) -> Result<Arc<SubscriptionRow>, AppError> {
    let own = caller.agency().ok().map(|agency| agency.row.id.as_str());
    let table = hub.outward.subscriptions.load();
    let row = table
        .by_id
        .get(id)
        .filter(|row| own.is_none_or(|own| row.agency == own));
    row.map(Arc::clone)
        .ok_or(AppError::NotFound(MissingThing::Subscription))
}

/// Removes a subscription; what it has not received is cancelled when its turn comes.
///
/// # Errors
/// `NotFound` if there is no such subscription or it belongs to another agency.
pub async fn remove(hub: &Hub, caller: &Caller, id: &str) -> Result<(), AppError> {
    let _one_at_a_time = hub.turn_of_subscriptions().await?;
    let row = get(hub, caller, id)?;
    let row = SubscriptionRow {
        state: SubscriptionPhase::Deleted,
        updated_at: hub.clock.now_us(),
        ..(*row).clone()
    };
    change(hub, caller, "subscription.remove", row).await
}

/// Makes a new secret; the one before it signs too until the overlap ends.
///
/// # Errors
/// `NotFound` if there is no such subscription or it belongs to another agency.
pub async fn rotate_secret(hub: &Hub, caller: &Caller, id: &str) -> Result<(SubscriptionRow, String), AppError> {
    let _one_at_a_time = hub.turn_of_subscriptions().await?;
    let row = get(hub, caller, id)?;
    let now = hub.clock.now_us();
    let secret = fresh_secret()?;
    let row = SubscriptionRow {
        secret: hub.secrets.vault.seal(secret_place(id), secret.as_bytes())?,
        previous_secret: Some(row.secret.clone()),
        previous_valid_until: Some(now + hub.node.settings.rotation_overlap_s * 1_000_000),
        state: SubscriptionPhase::Active,
        updated_at: now,
        ..(*row).clone()
    };
    change(hub, caller, "subscription.rotate_secret", row.clone()).await?;
    Ok((row, secret.reveal().to_string()))
}

/// Sends a test event to one subscription. Returns the delivery's id.
///
/// # Errors
/// `NotFound` if there is no such subscription or it belongs to another agency.
pub async fn test(hub: &Hub, caller: &Caller, id: &str) -> Result<String, AppError> {
    let row = get(hub, caller, id)?;
    hub.ensure_quota(&row.agency, QuotaKind::TestEvents).await?;
    let now = hub.clock.now_us();
    let (event, delivery) = (
        new_id(b"evt_", now, hub.node.settings.node)?,
        new_id(b"dlv_", now, hub.node.settings.node)?,
    );
    let mut entry = Vec::with_capacity(128);
    entry::begin(&mut entry, EntryKind::Access, now, caller.agency_number());
    entry::put_text(&mut entry, "subscription.test");
    entry::put_text(&mut entry, id);
    purpose::seal_caller(hub, caller, &mut entry)?;
    let commit = Commit::at(now)
        .with(vec![EventRow {
            id: event.clone(),
            kind: EventKind::Test,
            dataset: None,
            subject: None,
            version: None,
            mismatch: None,
            agency: Some(row.agency.clone()),
            facts: None,
            at: now,
            is_fanned: false,
            is_published: true,
        }])
        .with(FannedEvent(RowKey {
            subject: SubjectKey::NONE,
            id: event.clone(),
        }))
        .with(vec![DeliveryRow {
            id: delivery.clone(),
            event,
            target: row.id.clone(),
            agency: Some(row.agency.clone()),
            subject: SubjectKey::NONE,
            reason: "test",
            supersedes: false,
            next_at: now,
            created_at: now,
        }])
        .entry(entry);
    hub.write(commit).await?;
    Ok(delivery)
}

async fn change(hub: &Hub, caller: &Caller, action: &str, row: SubscriptionRow) -> Result<(), AppError> {
    let mut bytes = Vec::with_capacity(128);
    entry::begin(&mut bytes, EntryKind::Access, row.updated_at, caller.agency_number());
    entry::put_text(&mut bytes, action);
    entry::put_text(&mut bytes, &row.id);
    purpose::seal_caller(hub, caller, &mut bytes)?;
    let commit = Commit::default().with(vec![row]).entry(bytes);
    hub.write(commit).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::delivery::subscriptions::*;

    fn row(events: &[&str], datasets: &[&str], until: Option<i64>) -> SubscriptionRow {
        let own = |list: &[&str]| list.iter().map(|text| (*text).to_owned()).collect();
        SubscriptionRow {
            id: "sub_1".to_owned(),
            agency: "a".to_owned(),
            url: "https://a.example/".to_owned(),
            events: own(events),
            datasets: own(datasets),
            until,
            supersedes: false,
            secret: vec![],
            previous_secret: None,
            previous_valid_until: None,
            state: SubscriptionPhase::Active,
            created_at: 0,
            updated_at: 0,
        }
    }

    #[test]
    fn a_subscription_hears_of_what_it_lists_and_while_it_lasts() {
        let one = row(&["record.changed"], &["natural-person"], Some(10));
        assert!(one.covers(EventKind::RecordChanged, Some("natural-person"), 9));
        assert!(!one.covers(EventKind::RecordChanged, Some("natural-person"), 10));
        assert!(!one.covers(EventKind::RecordChanged, Some("legal-entity"), 9));
        assert!(!one.covers(EventKind::Mismatch, Some("natural-person"), 9));
        let all = row(&["*"], &["*"], None);
        assert!(all.covers(EventKind::Mismatch, Some("legal-entity"), 9));
        let gone = SubscriptionRow {
            state: SubscriptionPhase::Gone,
            ..all
        };
        assert!(!gone.covers(EventKind::Mismatch, None, 9));
    }

    #[test]
    fn a_kind_has_a_long_and_a_short_name() {
        assert_eq!(kind_of("heyan.record.changed.v1"), "record.changed");
        assert_eq!(kind_of("mismatch"), "mismatch");
    }
}
