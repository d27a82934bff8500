//! `/v1/supervision/alerts`: what a person should look at, newest first; one with its evidence and history; and what an auditor does
//! about it, by `idempotent`.

use actix_web::HttpResponse;
use serde::Deserialize;

use super::{
    call::HandlerCall,
    extract,
    idempotent::{self, PathAction},
    mismatches::REASON_BYTES_MAX,
    page::{self, limit_of},
    problem::{ProblemCode, ProblemDocument},
    reply::ok,
    verifications::query,
};
use heyan_api as api;
use heyan_app::supervision::alerts::{self, Action, AlertState, AlertView};
use heyan_app::{delivery::message, foundation::error::AppError, mismatch::steps::StepNote};
use heyan_domain::fault::LengthLimit;
use heyan_domain::supervision::RuleClass;
use heyan_ports::supervision::{AlertFilter, AlertRow, AlertStep};
use heyan_ports::time;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AlertQuery {
    state: Option<String>,
    class: Option<String>,
    rule: Option<String>,
    since: Option<String>,
    limit: Option<u32>,
    cursor: Option<String>,
}

/// `GET /v1/supervision/alerts`.
#[utoipa::path(
    get, path = "/v1/supervision/alerts", operation_id = "list_alerts", tag = "supervision",
    params(
        ("state" = Option<String>, Query), ("class" = Option<String>, Query), ("rule" = Option<String>, Query),
        ("since" = Option<String>, Query), ("limit" = Option<u32>, Query), ("cursor" = Option<String>, Query),
    ),
    responses((status = 200, body = api::Alerts)),
)]
pub(super) async fn list(call: HandlerCall) -> Result<HttpResponse, ProblemDocument> {
    let asked: AlertQuery = query(&call)?;
    let invalid = || ProblemDocument::new(ProblemCode::InvalidParameter);
    let states = AlertState::ALL.map(AlertState::as_str);
    let classes = RuleClass::ALL.map(RuleClass::as_str);
    let known = |word: &Option<String>, words: &[&str]| word.as_deref().is_none_or(|word| words.contains(&word));
    if !known(&asked.state, &states) || !known(&asked.class, &classes) {
        return Err(invalid());
    }
    let since = asked
        .since
        .as_deref()
        .map(|text| time::parse_rfc3339(text).ok_or_else(invalid));
    let limit = limit_of(asked.limit)?;
    let filter = AlertFilter {
        state: asked.state,
        class: asked.class,
        rule: asked.rule,
        since: since.transpose()?,
        before: asked.cursor.as_deref().map(before).transpose()?,
        limit: limit + 1,
    };
    let mut rows = alerts::list(call.hub(), &filter).await?;
    let next_cursor = page::next(&mut rows, limit, |row| format!("{}:{}", row.at, row.id));
    let alerts = rows.iter().map(summary).collect();
    Ok(ok(&api::Alerts { alerts, next_cursor }))
}

/// A cursor is time and id of the last alert of the page before.
fn before(cursor: &str) -> Result<(i64, String), ProblemDocument> {
    let text = page::after(Some(cursor))?;
    let parts = text.as_deref().and_then(|text| text.split_once(':'));
    parts
        .and_then(|(at, id)| Some((at.parse().ok()?, id.to_owned())))
        .ok_or_else(|| ProblemDocument::new(ProblemCode::InvalidCursor))
}

/// What every reader may know.
fn summary(row: &AlertRow) -> api::Alert {
    api::Alert {
        id: row.id.clone(),
        rule: row.rule.clone(),
        class: row.class.clone().into(),
        severity: row.severity.clone().into(),
        state: row.state.clone().into(),
        at: time::rfc3339(row.at),
        updated_at: time::rfc3339(row.updated_at),
        dataset: row.dataset.clone(),
        record: row.subject.map(|subject| message::hex(&subject.0)),
        mismatch: row.mismatch.clone(),
        agency: row.agency.clone(),
        facts: api::AlertFacts(serde_json::from_str(&row.facts).unwrap_or_default()),
        entries: row.entries,
        version: row.revision,
    }
}

/// `GET /v1/supervision/alerts/{id}`.
#[utoipa::path(
    get, path = "/v1/supervision/alerts/{id}", operation_id = "get_alert", tag = "supervision",
    params(("id" = String, Path)),
    responses((status = 200, body = api::WholeAlert)),
)]
pub(super) async fn get(call: HandlerCall) -> Result<HttpResponse, ProblemDocument> {
    let id = call.path("id");
    let view = call.outside(alerts::get(call.hub(), &call.caller, &id)).await?;
    Ok(ok(&whole(&view)))
}

fn whole(view: &AlertView) -> api::WholeAlert {
    let rule = view.rule.as_ref();
    let place = |(origin, index)| api::EntryPlace { origin, index };
    api::WholeAlert {
        alert: summary(&view.row),
        more: api::AlertMore {
            title: rule.map(|rule| (&rule.title).into()),
            remedy: rule.map(|rule| (&rule.remedy).into()),
            operator: view.operator.clone(),
            evidence: alerts::evidence(&view.row).into_iter().map(place).collect(),
            history: view.steps.iter().map(|(row, note)| step(row, note.as_ref())).collect(),
        },
    }
}

fn step(row: &AlertStep, note: Option<&StepNote>) -> api::AlertStepNote {
    api::AlertStepNote {
        seq: row.seq,
        at: time::rfc3339(row.at),
        action: row.action.clone().into(),
        state: row.state.clone().into(),
        by: note.map(|note| note.by.clone()),
        reason: note.and_then(|note| note.reason.clone()),
    }
}

/// `POST /v1/supervision/alerts/{id}/actions`.
#[utoipa::path(
    post, path = "/v1/supervision/alerts/{id}/actions", operation_id = "act_on_alert", tag = "supervision",
    params(("id" = String, Path), ("Idempotency-Key" = String, Header)),
    request_body = api::AlertAction,
    responses((status = 200, body = api::WholeAlert)),
)]
pub(super) async fn act(mut call: HandlerCall) -> Result<HttpResponse, ProblemDocument> {
    idempotent::act(&mut call, "act_on_alert", decide).await
}

async fn decide(deed: &PathAction) -> Result<Vec<u8>, ProblemDocument> {
    let body: api::AlertAction = extract::parse(&deed.bytes)?;
    let action = Action::parse(&body.action)?;
    let reason = body.reason.filter(|reason| !reason.trim().is_empty());
    if reason.as_ref().is_some_and(|reason| reason.len() > REASON_BYTES_MAX) {
        return Err(AppError::over("/reason", LengthLimit::Bytes(REASON_BYTES_MAX)).into());
    }
    let render = |view: &AlertView| serde_json::to_vec(&whole(view)).unwrap_or_default();
    let hub = &deed.state.hub;
    Ok(alerts::act(hub, &deed.caller, &deed.id, (action, reason), &deed.slot, &render).await?)
}
