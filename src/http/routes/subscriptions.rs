//! `/v1/subscriptions` and `/v1/deliveries`: subscriptions of agencies' systems, what was sent to them, and the replay of what did not
//! arrive. A secret is in one answer only.

use actix_web::HttpResponse;
use serde::Deserialize;

use crate::{
    call::{HandlerCall, change, query},
    page::{self, after, limit_of},
    problem::{ProblemCode, ProblemDocument},
    reply::{accepted, created, no_content, ok},
};
use heyan_api as api;
use heyan_app::{
    delivery::{
        deliveries,
        subscriptions::{self, NewSubscription},
    },
    foundation::error::AppError,
    node::hub::Hub,
};
use heyan_auth::webhook;
use heyan_ports::deliveries::{DeliveryFilter, DeliveryPhase, EventKind, StoredDelivery, SubscriptionRow};
use heyan_ports::time;

fn subscription(hub: &Hub, row: &SubscriptionRow) -> api::Subscription {
    let key_of = |seed: &_| webhook::public_key_text(seed).ok();
    api::Subscription {
        id: row.id.clone(),
        agency: row.agency.clone(),
        url: row.url.clone(),
        events: row.events.clone(),
        datasets: row.datasets.clone(),
        until: row.until.map(time::rfc3339),
        supersedes: row.supersedes,
        state: row.state.as_str().into(),
        public_key: hub.outward.webhook_seed.as_deref().and_then(key_of),
        created_at: time::rfc3339(row.created_at),
        updated_at: time::rfc3339(row.updated_at),
    }
}

fn with_secret(hub: &Hub, row: &SubscriptionRow, secret: String) -> api::SubscriptionWithSecret {
    api::SubscriptionWithSecret {
        subscription: subscription(hub, row),
        secret: api::SubscriptionSecret {
            secret,
            previous_valid_until: row.previous_valid_until.map(time::rfc3339),
        },
    }
}

/// `POST /v1/subscriptions`.
#[utoipa::path(
    post, path = "/v1/subscriptions", operation_id = "add_subscription", tag = "push",
    request_body = api::NewSubscription,
    responses((status = 201, body = api::SubscriptionWithSecret)),
)]
pub(crate) async fn add(mut call: HandlerCall) -> Result<HttpResponse, ProblemDocument> {
    let body: api::NewSubscription = call.body().await?;
    let new = NewSubscription {
        url: body.url,
        events: body.events,
        datasets: body.datasets,
        until: body.until,
        supersedes: body.supersedes,
    };
    let (state, caller) = (call.state.clone(), call.caller.clone());
    let (row, secret) = change(async move { subscriptions::add(&state.hub, &caller, new).await }).await?;
    call.entered();
    Ok(created(&with_secret(call.hub(), &row, secret)))
}

/// `GET /v1/subscriptions`.
#[utoipa::path(
    get, path = "/v1/subscriptions", operation_id = "list_subscriptions", tag = "push",
    responses((status = 200, body = api::Subscriptions)),
)]
pub(crate) async fn list(call: HandlerCall) -> Result<HttpResponse, ProblemDocument> {
    let rows = subscriptions::list(call.hub(), &call.caller);
    let subscriptions = rows.iter().map(|row| subscription(call.hub(), row)).collect();
    Ok(ok(&api::Subscriptions { subscriptions }))
}

/// `GET /v1/subscriptions/{id}`.
#[utoipa::path(
    get, path = "/v1/subscriptions/{id}", operation_id = "get_subscription", tag = "push",
    params(("id" = String, Path)),
    responses((status = 200, body = api::Subscription)),
)]
pub(crate) async fn get(call: HandlerCall) -> Result<HttpResponse, ProblemDocument> {
    let row = subscriptions::get(call.hub(), &call.caller, &call.path("id"))?;
    Ok(ok(&subscription(call.hub(), &row)))
}

/// `DELETE /v1/subscriptions/{id}`.
#[utoipa::path(
    delete, path = "/v1/subscriptions/{id}", operation_id = "remove_subscription", tag = "push",
    params(("id" = String, Path)),
    responses((status = 204)),
)]
pub(crate) async fn remove(call: HandlerCall) -> Result<HttpResponse, ProblemDocument> {
    let (state, caller, id) = (call.state.clone(), call.caller.clone(), call.path("id"));
    change(async move { subscriptions::remove(&state.hub, &caller, &id).await }).await?;
    call.entered();
    Ok(no_content())
}

/// `POST /v1/subscriptions/{id}/rotate-secret`.
#[utoipa::path(
    post, path = "/v1/subscriptions/{id}/rotate-secret", operation_id = "rotate_subscription_secret", tag = "push",
    params(("id" = String, Path)),
    responses((status = 200, body = api::SubscriptionWithSecret)),
)]
pub(crate) async fn rotate(call: HandlerCall) -> Result<HttpResponse, ProblemDocument> {
    let (state, caller, id) = (call.state.clone(), call.caller.clone(), call.path("id"));
    let (row, secret) = change(async move { subscriptions::rotate_secret(&state.hub, &caller, &id).await }).await?;
    call.entered();
    Ok(ok(&with_secret(call.hub(), &row, secret)))
}

/// `POST /v1/subscriptions/{id}/test`.
#[utoipa::path(
    post, path = "/v1/subscriptions/{id}/test", operation_id = "test_subscription", tag = "push",
    params(("id" = String, Path)),
    responses((status = 202, body = api::TestDelivery)),
)]
pub(crate) async fn test(call: HandlerCall) -> Result<HttpResponse, ProblemDocument> {
    let (state, caller, id) = (call.state.clone(), call.caller.clone(), call.path("id"));
    let delivery = change(async move { subscriptions::test(&state.hub, &caller, &id).await }).await?;
    call.entered();
    Ok(accepted(&api::TestDelivery { delivery }))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SubscriptionQuery {
    state: Option<String>,
    target: Option<String>,
    limit: Option<u32>,
    cursor: Option<String>,
}

fn delivery(row: &StoredDelivery) -> api::Delivery {
    let event = &row.event;
    let of_record = event.kind == EventKind::RecordChanged;
    api::Delivery {
        id: row.id.clone(),
        target: row.target.clone(),
        state: row.state.as_str().into(),
        reason: row.reason.clone().into(),
        attempts: row.attempts,
        next_at: (row.state == DeliveryPhase::Pending).then(|| time::rfc3339(row.next_at)),
        last_result: row.last_result.clone(),
        last_status: row.last_status,
        event: api::DeliveredEvent {
            id: event.id.clone(),
            r#type: format!("heyan.{}.v1", event.kind.as_str()),
            dataset: event.dataset.as_deref().map(str::to_owned),
            version: event.version.filter(|_| of_record),
            mismatch: event.mismatch.clone().filter(|_| !of_record),
            at: time::rfc3339(event.at),
        },
        created_at: time::rfc3339(row.created_at),
        updated_at: time::rfc3339(row.updated_at),
    }
}

/// `GET /v1/deliveries`.
#[utoipa::path(
    get, path = "/v1/deliveries", operation_id = "list_deliveries", tag = "push",
    params(
        ("state" = Option<String>, Query), ("target" = Option<String>, Query), ("limit" = Option<u32>, Query),
        ("cursor" = Option<String>, Query),
    ),
    responses((status = 200, body = api::Deliveries)),
)]
pub(crate) async fn list_deliveries(call: HandlerCall) -> Result<HttpResponse, ProblemDocument> {
    let asked: SubscriptionQuery = query(&call)?;
    let state = asked.state.as_deref().map(DeliveryPhase::parse);
    if state == Some(None) {
        return Err(ProblemDocument::new(ProblemCode::InvalidParameter));
    }
    let limit = limit_of(asked.limit)?;
    let after = match after(asked.cursor.as_deref())? {
        Some(text) => {
            let number = text
                .parse()
                .map_err(|_no_number| ProblemDocument::new(ProblemCode::InvalidCursor))?;
            Some(number)
        }
        None => None,
    };
    let filter = DeliveryFilter {
        agency: None,
        target: asked.target,
        state: state.flatten(),
        after,
        limit: limit + 1,
    };
    let mut rows = deliveries::list(call.hub(), &call.caller, filter).await?;
    let next_cursor = page::next(&mut rows, limit, |row| row.seq.to_string());
    let deliveries = rows.iter().map(delivery).collect();
    Ok(ok(&api::Deliveries {
        deliveries,
        next_cursor,
    }))
}

/// `POST /v1/deliveries/{id}/replay`.
#[utoipa::path(
    post, path = "/v1/deliveries/{id}/replay", operation_id = "replay_delivery", tag = "push",
    params(("id" = String, Path)),
    responses((status = 200, body = api::Delivery)),
)]
pub(crate) async fn replay(call: HandlerCall) -> Result<HttpResponse, ProblemDocument> {
    let (state, caller, id) = (call.state.clone(), call.caller.clone(), call.path("id"));
    let row = change(async move { deliveries::replay(&state.hub, &caller, &id).await }).await?;
    call.entered();
    Ok(ok(&delivery(&row)))
}

/// `POST /v1/deliveries/replay`.
#[utoipa::path(
    post, path = "/v1/deliveries/replay", operation_id = "replay_deliveries", tag = "push",
    request_body = api::ReplayRange,
    responses((status = 200, body = api::Replayed)),
)]
pub(crate) async fn replay_range(mut call: HandlerCall) -> Result<HttpResponse, ProblemDocument> {
    let body: api::ReplayRange = call.body().await?;
    let instant = |text: Option<&String>, pointer: &str| -> Result<Option<i64>, AppError> {
        let parsed = text.map(|text| time::parse_rfc3339(text));
        match parsed {
            Some(None) => Err(AppError::fault(pointer, "invalid_value")),
            Some(parsed) => Ok(parsed),
            None => Ok(None),
        }
    };
    let from = instant(body.from.as_ref(), "/from")?.unwrap_or(i64::MIN);
    let until = instant(body.until.as_ref(), "/until")?.unwrap_or(i64::MAX);
    let (state, caller) = (call.state.clone(), call.caller.clone());
    let target = body.target;
    let replay = async move { deliveries::replay_range(&state.hub, &caller, target.as_deref(), (from, until)).await };
    let replayed = change(replay).await?;
    call.entered();
    Ok(ok(&api::Replayed {
        replayed: replayed.try_into().unwrap_or(u64::MAX),
    }))
}
