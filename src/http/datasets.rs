//! `/v1/datasets`: the catalogue, as a caller needs it to ask.

use actix_web::HttpResponse;

use super::{call::HandlerCall, problem::ProblemDocument, records::dataset_of};
use heyan_api as api;
use heyan_catalog::Dataset;
use heyan_domain::policy::SharingKind;

/// `GET /v1/datasets`.
#[utoipa::path(
    get, path = "/v1/datasets", operation_id = "list_datasets", tag = "catalogue",
    responses((status = 200, body = api::Datasets)),
)]
pub(super) async fn list(call: HandlerCall) -> Result<HttpResponse, ProblemDocument> {
    let datasets = call.hub().catalog.iter().map(|dataset| describe(dataset)).collect();
    Ok(HttpResponse::Ok().json(api::Datasets { datasets }))
}

/// `GET /v1/datasets/{dataset}`.
#[utoipa::path(
    get, path = "/v1/datasets/{dataset}", operation_id = "get_dataset", tag = "catalogue",
    params(("dataset" = String, Path)),
    responses((status = 200, body = api::Dataset)),
)]
pub(super) async fn get(call: HandlerCall) -> Result<HttpResponse, ProblemDocument> {
    Ok(HttpResponse::Ok().json(describe(&*dataset_of(&call)?)))
}

pub(super) fn describe(dataset: &Dataset) -> api::Dataset {
    let number = |count: usize| u64::try_from(count).unwrap_or(u64::MAX);
    let subject = dataset.subject.iter().map(|member| api::SubjectMember {
        name: member.name.to_string(),
        label: (&member.label).into(),
        characters_max: number(member.characters_max),
    });
    let fields = dataset.fields.iter().map(|field| api::DatasetField {
        name: field.name.to_string(),
        label: (&field.label).into(),
        comparator: field.comparator_name.to_string().into(),
        characters_max: number(field.characters_max),
    });
    let (sharing, legal_basis) = match &dataset.sharing {
        SharingKind::Unconditional => ("unconditional", None),
        SharingKind::Conditional => ("conditional", None),
        SharingKind::Withheld { legal_basis } => ("withheld", Some(legal_basis.to_string())),
    };
    api::Dataset {
        name: dataset.name.to_string(),
        rules: dataset.rules.to_string(),
        title: (&dataset.title).into(),
        sharing: sharing.into(),
        legal_basis,
        authority: api::Authority {
            name: (&dataset.authority.name).into(),
            credit_code: dataset.authority.credit_code.clone(),
        },
        update_cycle: dataset.update_cycle.to_string(),
        freshness_s: dataset.freshness_s,
        settle_window_days: dataset.settle_window_days,
        correction_due_working_days: dataset.correction_due_working_days,
        subject: subject.collect(),
        fields: fields.collect(),
        schema: dataset.schema().clone(),
    }
}
