//! `/v1/supervision`: the rules and how they do, a rule tried over the past, and the guess budgets that two persons may unlock.
//! Identifiers of a subject stand in bodies only.

use std::collections::HashMap;

use actix_web::HttpResponse;
use serde::Deserialize;

use super::{access::change, call::HandlerCall, extract, problem::ProblemDocument, reply::ok, verifications::query};
use heyan_api as api;
use heyan_app::supervision::{
    self,
    replay::{self, DAYS_MAX, Trial},
};
use heyan_app::{
    foundation::error::AppError,
    mismatch::unlock,
    node::peers,
    verification::question::{BoundedText, MemberList},
};
use heyan_domain::{
    calendar::china_date,
    supervision::{RuleStanding, SupervisionFinding},
};
use heyan_ports::time;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NoFilter {}

/// `GET /v1/supervision/rules`.
#[utoipa::path(
    get, path = "/v1/supervision/rules", operation_id = "list_rules", tag = "supervision",
    responses((status = 200, body = api::SupervisionRules)),
)]
pub(super) async fn list_rules(call: HandlerCall) -> Result<HttpResponse, ProblemDocument> {
    let NoFilter {} = query(&call)?;
    let hub = call.hub();
    let today = china_date(call.now_us).to_string();
    let counts = hub.store.loop_counts(&today).await.map_err(AppError::from)?;
    let raised: HashMap<String, u64> = counts.alerts.into_iter().collect();
    let standings = hub.supervision.standings();
    let standing = |id: &str| standings.iter().find(|standing: &&RuleStanding| standing.id == id);
    let rule = |rule: &std::sync::Arc<heyan_domain::supervision::Rule>| {
        let standing = standing(&rule.id);
        api::SupervisionRule {
            id: rule.id.clone(),
            class: rule.class.as_str().into(),
            kind: rule.kind.as_str().to_owned(),
            mode: rule.mode.as_str().into(),
            severity: rule.severity.as_str().into(),
            title: (&rule.title).into(),
            remedy: (&rule.remedy).into(),
            alerts: raised.get(&rule.id).copied().unwrap_or_default(),
            findings: standing.map(|standing| standing.found),
            forgotten: standing.map(|standing| standing.forgotten),
        }
    };
    Ok(ok(&api::SupervisionRules {
        rules: hub.supervision.rules.iter().map(rule).collect(),
        sha256: hub.supervision.digest.clone(),
    }))
}

/// `POST /v1/supervision/rules/{id}/replay`.
#[utoipa::path(
    post, path = "/v1/supervision/rules/{id}/replay", operation_id = "replay_rule", tag = "supervision",
    params(("id" = String, Path)),
    request_body = api::RuleTrial,
    responses((status = 200, body = api::RuleTried)),
)]
pub(super) async fn replay_rule(mut call: HandlerCall) -> Result<HttpResponse, ProblemDocument> {
    let body: api::RuleTrial = call.body().await?;
    let id = call.path("id");
    if !(1..=DAYS_MAX).contains(&body.days) {
        return Err(AppError::fault("/days", "invalid_value").into());
    }
    let rule = match &body.rules {
        Some(text) => replay::rule_of_text(&id, text)?,
        None => supervision::rule_of(call.hub(), &id)?,
    };
    let tried = call.outside(replay::replay(call.hub(), &rule, body.days)).await?;
    Ok(ok(&told(&call, id, &tried)))
}

fn told(call: &HandlerCall, rule: String, tried: &Trial) -> api::RuleTried {
    let hub = call.hub();
    let access = hub.access.table.load();
    let by_number = |number: u32| access.agencies.values().find(|agency| agency.row.number == number);
    let place = |seen: &heyan_domain::supervision::SeenEntry| api::EntryPlace {
        origin: peers::origin_of(hub, seen.node).unwrap_or_default().to_string(),
        index: seen.index,
    };
    let example = |finding: &SupervisionFinding| {
        let about = &finding.about;
        let counts = finding.counts.iter();
        api::AlertExample {
            at: time::rfc3339(finding.at_us),
            agency: about.agency.and_then(by_number).map(|agency| agency.row.id.clone()),
            dataset: about.dataset.as_deref().map(str::to_owned),
            record: about.subject.map(|subject| format!("{subject:032x}")),
            mismatch: about.mismatch.clone(),
            facts: api::AlertFacts(counts.map(|(name, count)| ((*name).to_owned(), *count)).collect()),
            entries: finding.evidence.entries,
            evidence: finding.evidence.seen.iter().map(place).collect(),
        }
    };
    let day = |(day, alerts): (&_, &u64)| api::AlertsOfDay {
        day: ToString::to_string(day),
        alerts: *alerts,
    };
    api::RuleTried {
        rule,
        origin: hub.node.settings.origin.to_string(),
        from: time::rfc3339(tried.from_us),
        until: time::rfc3339(tried.to_us),
        entries: tried.entries,
        alerts: tried.by_day.values().sum(),
        by_day: tried.by_day.iter().map(day).collect(),
        examples: tried.examples.iter().map(example).collect(),
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct UnlockBody<'a> {
    #[serde(borrow)]
    dataset: BoundedText<'a>,
    #[serde(borrow)]
    subject: MemberList<'a, BoundedText<'a>>,
    #[serde(borrow)]
    reason: BoundedText<'a>,
}

/// `POST /v1/supervision/guess-budgets/unlock`.
#[utoipa::path(
    post, path = "/v1/supervision/guess-budgets/unlock", operation_id = "unlock_guess_budget", tag = "supervision",
    request_body = api::UnlockRequest,
    responses((status = 200, body = api::Unlocked)),
)]
pub(super) async fn unlock(mut call: HandlerCall) -> Result<HttpResponse, ProblemDocument> {
    let bytes = call.json_body(call.state.limits.body_bytes_max).await?;
    let (state, caller) = (call.state.clone(), call.caller.clone());
    let unlocked = change(async move {
        let body: UnlockBody<'_> = extract::parse(&bytes)?;
        if body.reason.trim().is_empty() {
            return Err(AppError::fault("/reason", "invalid_value").into());
        }
        let done = unlock::unlock(&state.hub, &caller, &body.dataset, &body.subject, &body.reason).await?;
        Ok::<_, ProblemDocument>(done)
    });
    let done = unlocked.await?;
    call.entered();
    Ok(ok(&api::Unlocked {
        state: done.as_str().into(),
    }))
}
