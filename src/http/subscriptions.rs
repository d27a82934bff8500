//! `/v1/subscriptions` and `/v1/deliveries`: where systems listen, what was sent to them, and what operators do about what did
//! not arrive. A secret stands in one answer, once.

use actix_web::HttpResponse;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    access::change,
    call::Call,
    extract,
    openapi::shapes,
    page::{self, after, limit_of},
    problem::{Problem, ProblemCode},
    reply::ok,
    verifications::{NO_STORE, query},
};
use heyan_app::{
    delivery::{
        deliveries,
        subscriptions::{self, NewSubscription},
    },
    foundation::error::AppError,
    node::hub::Hub,
};
use heyan_auth::webhook;
use heyan_ports::{
    rows::{Delivery, DeliveryFilter, SubscriptionRow},
    time,
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SubscriptionBody {
    url: String,
    events: Vec<String>,
    #[serde(default)]
    datasets: Vec<String>,
    #[serde(default)]
    until: Option<String>,
    #[serde(default)]
    supersedes: bool,
}

fn subscription_json(hub: &Hub, row: &SubscriptionRow) -> Value {
    json!({
        "id": row.id,
        "agency": row.agency,
        "url": row.url,
        "events": row.events,
        "datasets": row.datasets,
        "until": row.until.map(time::rfc3339),
        "supersedes": row.supersedes,
        "state": row.state,
        "public_key": hub.outward.webhook_seed.as_deref().and_then(|seed| webhook::public_key_text(seed).ok()),
        "created_at": time::rfc3339(row.created_at),
        "updated_at": time::rfc3339(row.updated_at),
    })
}

fn with_secret(hub: &Hub, row: &SubscriptionRow, secret: &str) -> Value {
    let mut body = subscription_json(hub, row);
    if let Some(members) = body.as_object_mut() {
        members.insert("secret".to_owned(), secret.into());
        members.insert(
            "previous_valid_until".to_owned(),
            row.previous_valid_until.map(time::rfc3339).into(),
        );
    }
    body
}

/// `POST /v1/subscriptions`.
#[utoipa::path(
    post, path = "/v1/subscriptions", operation_id = "add_subscription", tag = "push",
    request_body = shapes::NewSubscription,
    responses((status = 201, body = shapes::SubscriptionWithSecret)),
)]
pub(super) async fn add(mut call: Call) -> Result<HttpResponse, Problem> {
    let bytes = call.json_body(call.state.limits.body_bytes_max).await?;
    let body: SubscriptionBody = extract::parse(&bytes)?;
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
    Ok(HttpResponse::Created()
        .insert_header(NO_STORE)
        .json(with_secret(call.hub(), &row, &secret)))
}

/// `GET /v1/subscriptions`.
#[utoipa::path(
    get, path = "/v1/subscriptions", operation_id = "list_subscriptions", tag = "push",
    responses((status = 200, body = shapes::Subscriptions)),
)]
pub(super) async fn list(call: Call) -> Result<HttpResponse, Problem> {
    let rows = subscriptions::list(call.hub(), &call.caller);
    let rows: Vec<Value> = rows.iter().map(|row| subscription_json(call.hub(), row)).collect();
    Ok(ok(&json!({"subscriptions": rows})))
}

/// `GET /v1/subscriptions/{id}`.
#[utoipa::path(
    get, path = "/v1/subscriptions/{id}", operation_id = "get_subscription", tag = "push",
    params(("id" = String, Path)),
    responses((status = 200, body = shapes::Subscription)),
)]
pub(super) async fn get(call: Call) -> Result<HttpResponse, Problem> {
    let row = subscriptions::get(call.hub(), &call.caller, &call.path("id"))?;
    Ok(ok(&subscription_json(call.hub(), &row)))
}

/// `DELETE /v1/subscriptions/{id}`.
#[utoipa::path(
    delete, path = "/v1/subscriptions/{id}", operation_id = "remove_subscription", tag = "push",
    params(("id" = String, Path)),
    responses((status = 204)),
)]
pub(super) async fn remove(call: Call) -> Result<HttpResponse, Problem> {
    let (state, caller, id) = (call.state.clone(), call.caller.clone(), call.path("id"));
    change(async move { subscriptions::remove(&state.hub, &caller, &id).await }).await?;
    call.entered();
    Ok(HttpResponse::NoContent().insert_header(NO_STORE).finish())
}

/// `POST /v1/subscriptions/{id}/rotate-secret`.
#[utoipa::path(
    post, path = "/v1/subscriptions/{id}/rotate-secret", operation_id = "rotate_subscription_secret", tag = "push",
    params(("id" = String, Path)),
    responses((status = 200, body = shapes::SubscriptionWithSecret)),
)]
pub(super) async fn rotate(call: Call) -> Result<HttpResponse, Problem> {
    let (state, caller, id) = (call.state.clone(), call.caller.clone(), call.path("id"));
    let (row, secret) = change(async move { subscriptions::rotate_secret(&state.hub, &caller, &id).await }).await?;
    call.entered();
    Ok(ok(&with_secret(call.hub(), &row, &secret)))
}

/// `POST /v1/subscriptions/{id}/test`.
#[utoipa::path(
    post, path = "/v1/subscriptions/{id}/test", operation_id = "test_subscription", tag = "push",
    params(("id" = String, Path)),
    responses((status = 202, body = shapes::TestDelivery)),
)]
pub(super) async fn test(call: Call) -> Result<HttpResponse, Problem> {
    let (state, caller, id) = (call.state.clone(), call.caller.clone(), call.path("id"));
    let delivery = change(async move { subscriptions::test(&state.hub, &caller, &id).await }).await?;
    call.entered();
    Ok(HttpResponse::Accepted()
        .insert_header(NO_STORE)
        .json(json!({"delivery": delivery})))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Filter {
    state: Option<String>,
    target: Option<String>,
    limit: Option<u32>,
    cursor: Option<String>,
}

const STATES: [&str; 5] = ["pending", "delivered", "dead", "superseded", "cancelled"];

fn delivery_json(delivery: &Delivery) -> Value {
    let event = &delivery.event;
    json!({
        "id": delivery.id,
        "target": delivery.target,
        "state": delivery.state,
        "reason": delivery.reason,
        "attempts": delivery.attempts,
        "next_at": (delivery.state == "pending").then(|| time::rfc3339(delivery.next_at)),
        "last_result": delivery.last_result,
        "last_status": delivery.last_status,
        "event": {
            "id": event.id,
            "type": format!("heyan.{}.v1", event.kind),
            "dataset": event.dataset,
            "version": event.version.filter(|_| event.kind == "record.changed"),
            "mismatch": event.mismatch.as_ref().filter(|_| event.kind != "record.changed"),
            "at": time::rfc3339(event.at),
        },
        "created_at": time::rfc3339(delivery.created_at),
        "updated_at": time::rfc3339(delivery.updated_at),
    })
}

/// `GET /v1/deliveries`.
#[utoipa::path(
    get, path = "/v1/deliveries", operation_id = "list_deliveries", tag = "push",
    params(
        ("state" = Option<String>, Query), ("target" = Option<String>, Query), ("limit" = Option<u32>, Query),
        ("cursor" = Option<String>, Query),
    ),
    responses((status = 200, body = shapes::Deliveries)),
)]
pub(super) async fn list_deliveries(call: Call) -> Result<HttpResponse, Problem> {
    let asked: Filter = query(&call)?;
    if asked.state.as_deref().is_some_and(|state| !STATES.contains(&state)) {
        return Err(Problem::new(ProblemCode::InvalidParameter));
    }
    let limit = limit_of(asked.limit)?;
    let after = match after(asked.cursor.as_deref())? {
        Some(text) => {
            let number = text
                .parse()
                .map_err(|_no_number| Problem::new(ProblemCode::InvalidCursor))?;
            Some(number)
        }
        None => None,
    };
    let filter = DeliveryFilter {
        targets: asked.target.map(|target| vec![target]),
        state: asked.state,
        after,
        created: None,
        limit: limit + 1,
    };
    let mut rows = deliveries::list(call.hub(), &call.caller, filter).await?;
    let next = page::next(&mut rows, limit, |row| row.seq.to_string());
    let rows: Vec<Value> = rows.iter().map(delivery_json).collect();
    Ok(ok(&json!({"deliveries": rows, "next_cursor": next})))
}

/// `POST /v1/deliveries/{id}/replay`.
#[utoipa::path(
    post, path = "/v1/deliveries/{id}/replay", operation_id = "replay_delivery", tag = "push",
    params(("id" = String, Path)),
    responses((status = 200, body = shapes::Delivery)),
)]
pub(super) async fn replay(call: Call) -> Result<HttpResponse, Problem> {
    let (state, caller, id) = (call.state.clone(), call.caller.clone(), call.path("id"));
    let delivery = change(async move { deliveries::replay(&state.hub, &caller, &id).await }).await?;
    call.entered();
    Ok(ok(&delivery_json(&delivery)))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RangeBody {
    #[serde(default)]
    target: Option<String>,
    #[serde(default)]
    from: Option<String>,
    #[serde(default)]
    until: Option<String>,
}

/// `POST /v1/deliveries/replay`.
#[utoipa::path(
    post, path = "/v1/deliveries/replay", operation_id = "replay_deliveries", tag = "push",
    request_body = shapes::ReplayRange,
    responses((status = 200, body = shapes::Replayed)),
)]
pub(super) async fn replay_range(mut call: Call) -> Result<HttpResponse, Problem> {
    let bytes = call.json_body(call.state.limits.body_bytes_max).await?;
    let body: RangeBody = extract::parse(&bytes)?;
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
    let filter = DeliveryFilter {
        targets: body.target.map(|target| vec![target]),
        created: Some((from, until)),
        ..DeliveryFilter::default()
    };
    let (state, caller) = (call.state.clone(), call.caller.clone());
    let replayed = change(async move { deliveries::replay_range(&state.hub, &caller, filter).await }).await?;
    call.entered();
    Ok(ok(&json!({"replayed": replayed})))
}
