//! Deliveries: one attempt at a time, its result, and the replay of dead deliveries by operators.
//! Nothing is written before an attempt. Its result is one commit, with a ledger entry when the delivery is over. If the process
//! dies in between, the delivery stays pending and is attempted again under the same `webhook-id`.

use std::sync::Arc;

use super::{message, subscriptions, traced};
use crate::node::caller::Caller;
use crate::{
    access::table::ClientRole,
    foundation::{
        error::{AppError, MissingThing},
        purpose,
    },
    node::hub::Hub,
};
use heyan_auth::secret;
use heyan_domain::{
    delivery::{AttemptOutcome, TargetFault},
    schedule::NextAttempt,
};
use heyan_ledger::entry::{self, EntryKind};
use heyan_ports::deliveries::{
    DeliveryFilter, DeliveryPhase, DeliveryResult, EventKind, StoredDelivery, SubscriptionPhase, SubscriptionRow,
};
use heyan_ports::{
    commit::Commit,
    outward::{PushMessage, WebhookTarget},
    trace,
};

/// In front of a sink's name in a target.
pub const SINK: &str = "sink:";

/// Deliveries that one call replays.
pub const REPLAYS_MAX: u32 = 10_000;

/// What an attempt came to, or why none was made.
pub enum AttemptResult {
    /// An attempt was made.
    Attempted(AttemptOutcome),
    /// The target is gone: nothing is to be sent any more.
    Cancelled,
}

/// Makes one attempt.
///
/// # Errors
/// The store could not be asked: the delivery stays as it is.
pub async fn attempt(hub: &Hub, delivery: &StoredDelivery) -> Result<AttemptResult, AppError> {
    trace::under(traced::parent_of(hub, &delivery.event), attempted(hub, delivery)).await
}

async fn attempted(hub: &Hub, delivery: &StoredDelivery) -> Result<AttemptResult, AppError> {
    if let Some(sink) = delivery.target.strip_prefix(SINK) {
        if !hub.outward.connectors.sinks().iter().any(|known| known.name == sink) {
            return Ok(AttemptResult::Cancelled);
        }
        let Some(change) = message::record_change(hub, delivery).await? else {
            return Ok(AttemptResult::Cancelled);
        };
        return Ok(AttemptResult::Attempted(
            hub.outward.connectors.tell(sink, &change).await,
        ));
    }
    let now_us = hub.clock.now_us();
    let row = hub
        .outward
        .subscriptions
        .load()
        .by_id
        .get(&delivery.target)
        .map(Arc::clone);
    let Some(row) = row.filter(|row| row.is_live(now_us)) else {
        return Ok(AttemptResult::Cancelled);
    };
    let agency = hub
        .access
        .table
        .load()
        .agencies
        .get(row.agency.as_str())
        .map(Arc::clone);
    let Some(agency) = agency.filter(|agency| !agency.row.disabled) else {
        return Ok(AttemptResult::Cancelled);
    };
    let message = PushMessage {
        id: delivery.id.clone(),
        timestamp_s: now_us.div_euclid(1_000_000),
        body: message::cloud_event(hub, delivery, &agency).await?,
    };
    let target = target_of(hub, &row, now_us)?;
    Ok(AttemptResult::Attempted(
        hub.outward.webhooks.send(&target, &message).await,
    ))
}

fn target_of(hub: &Hub, row: &SubscriptionRow, now_us: i64) -> Result<WebhookTarget, AppError> {
    let place = subscriptions::secret_place(&row.id);
    let mut secrets = vec![hub.secrets.vault.open(place, &row.secret)?];
    if let (Some(previous), Some(until)) = (&row.previous_secret, row.previous_valid_until)
        && now_us < until
    {
        secrets.push(hub.secrets.vault.open(place, previous)?);
    }
    Ok(WebhookTarget {
        url: row.url.clone(),
        secrets,
        ed25519_seed: hub.outward.webhook_seed.as_deref().copied(),
    })
}

/// What an attempt makes of a delivery; `random` spreads the next one.
fn result_of(hub: &Hub, delivery: &StoredDelivery, tried: &AttemptResult, random: u32) -> DeliveryResult {
    let now_us = hub.clock.now_us();
    let attempts = delivery.attempts + 1;
    let mut result = DeliveryResult {
        key: delivery.key(),
        state: DeliveryPhase::Dead,
        attempts,
        next_at: now_us,
        last_result: "confirmed",
        last_status: None,
        at: now_us,
    };
    let retry_after_s = match tried {
        AttemptResult::Cancelled => {
            result.state = DeliveryPhase::Cancelled;
            result.attempts = delivery.attempts;
            result.last_result = "cancelled";
            return result;
        }
        AttemptResult::Attempted(AttemptOutcome::Confirmed { status }) => {
            result.state = DeliveryPhase::Delivered;
            result.last_status = Some(*status);
            return result;
        }
        AttemptResult::Attempted(AttemptOutcome::Gone) => {
            result.last_result = "gone";
            result.last_status = Some(410);
            return result;
        }
        AttemptResult::Attempted(AttemptOutcome::Refused(fault)) => {
            result.last_result = refused(*fault);
            None
        }
        AttemptResult::Attempted(AttemptOutcome::Failed {
            failure,
            status,
            retry_after_s,
        }) => {
            result.last_result = failure.as_str();
            result.last_status = *status;
            *retry_after_s
        }
    };
    if delivery.event.kind == EventKind::Test {
        // A test is attempted once: the user who started it looks at the result.
        return result;
    }
    if let NextAttempt::At(at) = hub.outward.schedule.next(attempts, random, retry_after_s, now_us) {
        result.state = DeliveryPhase::Pending;
        result.next_at = at;
    }
    result
}

fn refused(fault: TargetFault) -> &'static str {
    match fault {
        TargetFault::Malformed => "refused:malformed",
        TargetFault::Scheme => "refused:scheme",
        TargetFault::Userinfo => "refused:userinfo",
        TargetFault::Fragment => "refused:fragment",
        TargetFault::Address => "refused:address",
        TargetFault::Host => "refused:host",
        TargetFault::Port => "refused:port",
        TargetFault::Network => "refused:network",
    }
}

/// Commits the result of an attempt. Returns the state of the delivery after it.
///
/// # Errors
/// The store could not be asked: the delivery stays pending, and is tried again.
pub async fn settle(hub: &Hub, delivery: &StoredDelivery, tried: &AttemptResult) -> Result<DeliveryPhase, AppError> {
    let random = secret::random_number().map_err(|_unavailable| AppError::Internal("the random source failed"))?;
    let result = result_of(hub, delivery, tried, u32::try_from(random >> 32).unwrap_or_default());
    let (state, at) = (result.state, result.at);
    let mut commit = Commit::at(at);
    if state != DeliveryPhase::Pending {
        commit.ledger_entries.push(entry_of(hub, delivery, &result)?);
    }
    if matches!(tried, AttemptResult::Attempted(AttemptOutcome::Gone)) {
        commit.writes.extend(gone(hub, &delivery.target, at).map(Into::into));
    }
    commit.push(result);
    hub.write(commit).await?;
    if let Ok(counter) = hub
        .node
        .metrics
        .turn
        .deliveries
        .get_metric_with_label_values(&[state.as_str()])
    {
        counter.inc();
    }
    Ok(state)
}

/// The subscription of a target that wants nothing more.
fn gone(hub: &Hub, target: &str, at: i64) -> Option<SubscriptionRow> {
    let row = hub.outward.subscriptions.load().by_id.get(target).map(Arc::clone)?;
    Some(SubscriptionRow {
        state: SubscriptionPhase::Gone,
        updated_at: at,
        ..(*row).clone()
    })
}

fn entry_of(hub: &Hub, delivery: &StoredDelivery, result: &DeliveryResult) -> Result<Vec<u8>, AppError> {
    let agency = hub
        .outward
        .subscriptions
        .load()
        .by_id
        .get(&delivery.target)
        .and_then(|row| Some(hub.access.table.load().agencies.get(row.agency.as_str())?.row.number));
    let mut bytes = Vec::with_capacity(192);
    entry::begin(&mut bytes, EntryKind::Delivery, result.at, agency.unwrap_or_default());
    let texts = [
        &*delivery.id,
        &*delivery.event.id,
        &*delivery.target,
        result.state.as_str(),
    ];
    entry::put_delivery(&mut bytes, texts, result.attempts);
    purpose::seal_parts(hub, &[result.last_result], &mut bytes)?;
    Ok(bytes)
}

/// Deliveries that the caller may see.
///
/// # Errors
/// Returns an error if the store cannot be reached.
pub async fn list(hub: &Hub, caller: &Caller, mut filter: DeliveryFilter) -> Result<Vec<StoredDelivery>, AppError> {
    if matches!(caller.role(), ClientRole::Agency | ClientRole::Authority) {
        let agency = &caller.agency()?.row.id;
        if let Some(target) = &filter.target {
            let subscriptions = hub.outward.subscriptions.load();
            if subscriptions.by_id.get(target).is_none_or(|row| row.agency != *agency) {
                return Ok(Vec::new());
            }
        }
        filter.agency = Some(agency.clone());
    }
    Ok(hub.store.deliveries(&filter).await?)
}

/// Tries a delivery again that is over: dead, cancelled or superseded.
///
/// # Errors
/// No such delivery, or it is pending or delivered.
pub async fn replay(hub: &Hub, caller: &Caller, id: &str) -> Result<StoredDelivery, AppError> {
    let delivery = hub.store.delivery(id).await?;
    let delivery = delivery.ok_or(AppError::NotFound(MissingThing::Delivery))?;
    if !is_over_badly(delivery.state) {
        return Err(AppError::NotNow);
    }
    replay_all(hub, caller, std::slice::from_ref(&delivery)).await?;
    hub.store
        .delivery(id)
        .await?
        .ok_or(AppError::NotFound(MissingThing::Delivery))
}

fn is_over_badly(state: DeliveryPhase) -> bool {
    matches!(
        state,
        DeliveryPhase::Dead | DeliveryPhase::Cancelled | DeliveryPhase::Superseded
    )
}

/// Tries the dead deliveries of a range again. Returns their number.
///
/// # Errors
/// Returns an error if the store cannot be reached.
pub async fn replay_range(
    hub: &Hub,
    caller: &Caller,
    target: Option<&str>,
    created: (i64, i64),
) -> Result<usize, AppError> {
    let dead = hub.store.dead_deliveries(target, created, REPLAYS_MAX).await?;
    replay_all(hub, caller, &dead).await?;
    Ok(dead.len())
}

async fn replay_all(hub: &Hub, caller: &Caller, deliveries: &[StoredDelivery]) -> Result<(), AppError> {
    let now = hub.clock.now_us();
    let again = |delivery: &StoredDelivery| DeliveryResult {
        key: delivery.key(),
        state: DeliveryPhase::Pending,
        attempts: 0,
        next_at: now,
        last_result: "replayed",
        last_status: None,
        at: now,
    };
    let mut bytes = Vec::with_capacity(128);
    entry::begin(&mut bytes, EntryKind::Access, now, caller.agency_number());
    entry::put_text(&mut bytes, "delivery.replay");
    let first = deliveries.first().map_or("", |delivery| delivery.id.as_str());
    entry::put_text(&mut bytes, &format!("{first} +{}", deliveries.len().saturating_sub(1)));
    purpose::seal_caller(hub, caller, &mut bytes)?;
    let commit = Commit::at(now)
        .with(deliveries.iter().map(again).collect::<Vec<_>>())
        .entry(bytes);
    hub.write(commit).await?;
    Ok(())
}
