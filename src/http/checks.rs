//! `POST /v1/checks`: the materials of one service item, verified at once, and the one-time notice.

use actix_web::HttpResponse;

use super::{
    call::HandlerCall,
    extract,
    problem::ProblemDocument,
    verifications::{answered, locale_of},
};
use heyan_api as api;
use heyan_app::{
    items::checks::{self, CheckAnswer, CheckBody, MaterialAnswer},
    verification::{answer_json, verify},
};
use heyan_catalog::item::ServiceItem;
use heyan_domain::{calendar, notice::Notice};
use heyan_texts::Locale;

/// `POST /v1/checks`.
#[utoipa::path(
    post, path = "/v1/checks", operation_id = "check_item", tag = "item",
    params(("Accept-Language" = Option<String>, Header)),
    request_body = api::CheckRequest,
    responses((status = 200, body = api::Check)),
)]
pub(super) async fn check(mut call: HandlerCall) -> Result<HttpResponse, ProblemDocument> {
    let bytes = call.json_body(call.state.limits.body_bytes_max).await?;
    let body: CheckBody<'_> = extract::parse(&bytes)?;
    let item = checks::item_of(call.hub(), &body.purpose)?;
    let plan = checks::plan(&item, &body, calendar::china_date(call.now_us))?;
    let (hub, lane) = (call.hub(), &call.state.lane);
    let answer = checks::check(hub, lane, &call.caller, &body.purpose, &item, &plan);
    let asks_outside = plan.datasets().any(|dataset| verify::asks_outside(hub, dataset));
    let answer = match asks_outside {
        true => call.outside(answer).await?,
        false => answer.await?,
    };
    call.entered();
    let mut out = Vec::with_capacity(1_024 + answer.materials.len() * 512);
    put_answer(&mut out, &item, answer, &hub.node.settings.origin, locale_of(&call));
    Ok(answered(out))
}

fn put_answer(out: &mut Vec<u8>, item: &ServiceItem, answer: CheckAnswer<'_>, origin: &str, locale: Locale) {
    let CheckAnswer {
        id,
        materials,
        notice,
        entered,
    } = answer;
    let id = id.text();
    out.extend_from_slice(b"{\"id\":\"");
    out.extend_from_slice(&id);
    out.extend_from_slice(b"\",\"item\":{\"code\":");
    answer_json::put_string(out, &item.spec.code);
    out.extend_from_slice(b",\"name\":");
    answer_json::put_label(out, &item.name);
    out.extend_from_slice(b",\"version\":");
    answer_json::put_number(out, item.spec.version.into());
    out.extend_from_slice(b"},\"outcome\":\"");
    out.extend_from_slice(notice.conclusion.as_str().as_bytes());
    out.extend_from_slice(b"\",\"materials\":{");
    for (position, material) in materials.into_iter().enumerate() {
        if position > 0 {
            out.push(b',');
        }
        put_material(out, &id, material, locale);
    }
    out.extend_from_slice(b"},\"notice\":");
    put_notice(out, &notice);
    out.push(b',');
    answer_json::put_receipt(out, origin, &entered);
    out.push(b'}');
}

fn put_material(out: &mut Vec<u8>, id: &[u8], material: MaterialAnswer<'_>, locale: Locale) {
    let MaterialAnswer {
        line,
        pointers,
        judged,
        problem,
    } = material;
    answer_json::put_string(out, line.id);
    out.extend_from_slice(b":{\"name\":");
    answer_json::put_label(out, line.name);
    out.extend_from_slice(b",\"outcome\":\"");
    out.extend_from_slice(line.standing.outcome().as_bytes());
    out.push(b'"');
    if let Some(reason) = line.standing.reason() {
        out.extend_from_slice(b",\"reason\":\"");
        out.extend_from_slice(reason.as_bytes());
        out.push(b'"');
    }
    if !pointers.is_empty() {
        out.extend_from_slice(b",\"pointers\":[");
        for (position, pointer) in pointers.iter().enumerate() {
            if position > 0 {
                out.push(b',');
            }
            answer_json::put_string(out, &format!("#{pointer}"));
        }
        out.push(b']');
    }
    if let Some((position, judgement)) = judged {
        out.extend_from_slice(b",\"id\":\"");
        out.extend_from_slice(id);
        out.push(b'-');
        answer_json::put_number(out, u64::try_from(position).unwrap_or_default());
        out.extend_from_slice(b"\",");
        answer_json::put_grounds(out, &judgement);
        out.push(b',');
        answer_json::put_rules(out, &judgement);
    }
    if let Some(error) = problem {
        out.extend_from_slice(b",\"problem\":");
        out.extend_from_slice(ProblemDocument::from(error).to_json(locale).as_bytes());
    }
    out.push(b'}');
}

fn put_notice(out: &mut Vec<u8>, notice: &Notice) {
    out.extend_from_slice(b"{\"zh\":");
    answer_json::put_string(out, &notice.text.zh);
    out.extend_from_slice(b",\"en\":");
    answer_json::put_string(out, &notice.text.en);
    out.extend_from_slice(b",\"items\":[");
    for (position, (material, why)) in notice.items.iter().enumerate() {
        if position > 0 {
            out.push(b',');
        }
        out.extend_from_slice(b"{\"material\":");
        answer_json::put_string(out, material);
        out.extend_from_slice(b",\"zh\":");
        answer_json::put_string(out, &why.zh);
        out.extend_from_slice(b",\"en\":");
        answer_json::put_string(out, &why.en);
        out.push(b'}');
    }
    out.extend_from_slice(b"]}");
}
