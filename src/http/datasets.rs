//! `/v1/datasets`: the catalogue, as a caller needs it to ask.

use actix_web::HttpResponse;
use serde_json::{Value, json};

use super::{call::Call, problem::Problem, records::dataset_of};
use heyan_api as api;
use heyan_catalog::Dataset;
use heyan_domain::policy::Sharing;

/// `GET /v1/datasets`.
#[utoipa::path(
    get, path = "/v1/datasets", operation_id = "list_datasets", tag = "catalogue",
    responses((status = 200, body = api::Datasets)),
)]
pub(super) async fn list(call: Call) -> Result<HttpResponse, Problem> {
    let datasets: Vec<Value> = call.hub().catalog.iter().map(|dataset| describe(dataset)).collect();
    Ok(HttpResponse::Ok().json(json!({"datasets": datasets})))
}

/// `GET /v1/datasets/{dataset}`.
#[utoipa::path(
    get, path = "/v1/datasets/{dataset}", operation_id = "get_dataset", tag = "catalogue",
    params(("dataset" = String, Path)),
    responses((status = 200, body = api::Dataset)),
)]
pub(super) async fn get(call: Call) -> Result<HttpResponse, Problem> {
    Ok(HttpResponse::Ok().json(describe(&*dataset_of(&call)?)))
}

pub(super) fn describe(dataset: &Dataset) -> Value {
    let subject: Vec<Value> = dataset
        .subject
        .iter()
        .map(|member| json!({"name": member.name, "label": member.label, "characters_max": member.characters_max}))
        .collect();
    let fields: Vec<Value> = dataset
        .fields
        .iter()
        .map(|field| {
            json!({
                "name": field.name,
                "label": field.label,
                "comparator": field.comparator_name,
                "characters_max": field.characters_max,
            })
        })
        .collect();
    let (sharing, legal_basis) = match &dataset.sharing {
        Sharing::Unconditional => ("unconditional", None),
        Sharing::Conditional => ("conditional", None),
        Sharing::Withheld { legal_basis } => ("withheld", Some(legal_basis)),
    };
    json!({
        "name": &*dataset.name,
        "rules": dataset.rules,
        "title": dataset.title,
        "sharing": sharing,
        "legal_basis": legal_basis,
        "authority": dataset.authority,
        "update_cycle": dataset.update_cycle,
        "freshness_s": dataset.freshness_s,
        "settle_window_days": dataset.settle_window_days,
        "correction_due_working_days": dataset.correction_due_working_days,
        "subject": subject,
        "fields": fields,
        "schema": dataset.schema(),
    })
}
