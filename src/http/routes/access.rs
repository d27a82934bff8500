//! `/v1/agencies`, `/v1/grants`, `/v1/users`: administration by the manager; operators and auditors may read.
//! A secret is in one answer only.

use std::sync::Arc;

use actix_web::{HttpResponse, http::header};
use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use serde::Deserialize;

use crate::{
    call::{HandlerCall, change, query},
    page,
    problem::ProblemDocument,
    reply::{created, ok},
    routes::administration,
};
use heyan_api as api;
use heyan_app::{
    access::{
        admin::{self, EnabledState, NewAgency, NewGrant, NewSecret, SecretHolder},
        agency_change::{self, AgencyChange},
        approvals::{self, ApprovalRequest, AskedApproval},
        table::AccessTable,
    },
    foundation::error::{AppError, MissingThing},
};
use heyan_ports::access::{AgencyRow, ClientRow, GrantRow};
use heyan_ports::time;

/// `POST /v1/agencies`.
#[utoipa::path(
    post, path = "/v1/agencies", operation_id = "add_agency", tag = "access",
    request_body = api::NewAgency,
    responses((status = 201, body = api::AddedAgency)),
)]
pub(crate) async fn add_agency(mut call: HandlerCall) -> Result<HttpResponse, ProblemDocument> {
    let body: api::NewAgency = call.body().await?;
    let public_key = body.public_key.as_deref().map(parse_key).transpose()?;
    let role = body.role.to_string();
    let new = NewAgency {
        id: body.id,
        name: body.name,
        credit_code: body.credit_code,
        role: role.clone(),
        authority_for: body.authority_for,
        networks: body.networks,
        public_key,
    };
    let (state, caller) = (call.state.clone(), call.caller.clone());
    let (agency, told) = change(async move { admin::add_agency(&state.hub, Some(&caller), new).await }).await?;
    call.entered();
    Ok(created(&api::AddedAgency {
        agency: agency_of(&agency, &role),
        credential: credential(told),
    }))
}

fn parse_key(text: &str) -> Result<[u8; 32], AppError> {
    let bytes = URL_SAFE_NO_PAD.decode(text).or_else(|_not_url| STANDARD.decode(text));
    bytes
        .ok()
        .and_then(|bytes| bytes.try_into().ok())
        .ok_or_else(|| AppError::fault("/public_key", "invalid_value"))
}

fn credential(told: NewSecret) -> api::NewCredential {
    api::NewCredential {
        client_id: told.client_id,
        client_secret: told.client_secret,
    }
}

pub(crate) fn agency_of(row: &AgencyRow, role: &str) -> api::Agency {
    api::Agency {
        id: row.id.clone(),
        role: role.to_owned().into(),
        number: row.number.into(),
        name: row.name.clone(),
        credit_code: row.credit_code.clone(),
        authority_for: row.authority_for.clone(),
        networks: row.networks.clone(),
        disabled: row.disabled,
        created_at: time::rfc3339(row.created_at),
        updated_at: time::rfc3339(row.updated_at),
    }
}

/// An agency's credential has its id.
fn role_of<'a>(access: &'a AccessTable, id: &str) -> &'a str {
    access.clients.get(id).map_or("", |client| client.role.as_str())
}

/// `GET /v1/agencies`.
#[utoipa::path(
    get, path = "/v1/agencies", operation_id = "list_agencies", tag = "access",
    params(("limit" = Option<usize>, Query), ("cursor" = Option<String>, Query)),
    responses((status = 200, body = api::Agencies)),
)]
pub(crate) async fn list_agencies(call: HandlerCall) -> Result<HttpResponse, ProblemDocument> {
    let paging: page::PageRequest = query(&call)?;
    let access = call.hub().access.table.load_full();
    let rows = access.agencies.values().map(|agency| {
        (agency.row.id.as_str(), || {
            agency_of(&agency.row, role_of(&access, &agency.row.id))
        })
    });
    let (agencies, next_cursor) = paging.cut(rows)?;
    Ok(ok(&api::Agencies { agencies, next_cursor }))
}

/// `GET /v1/agencies/{id}`.
#[utoipa::path(
    get, path = "/v1/agencies/{id}", operation_id = "get_agency", tag = "access",
    params(("id" = String, Path)),
    responses((status = 200, body = api::Agency)),
)]
pub(crate) async fn get_agency(call: HandlerCall) -> Result<HttpResponse, ProblemDocument> {
    let access = call.hub().access.table.load_full();
    let agency = access
        .agencies
        .get(call.path("id").as_str())
        .ok_or(AppError::NotFound(MissingThing::Agency))?;
    Ok(ok(&agency_of(&agency.row, role_of(&access, &agency.row.id))))
}

/// `POST /v1/agencies/{id}/rotate-secret`.
#[utoipa::path(
    post, path = "/v1/agencies/{id}/rotate-secret", operation_id = "rotate_agency_secret", tag = "access",
    params(("id" = String, Path)),
    request_body = Option<api::RotateSecret>,
    responses((status = 200, body = api::RotatedCredential)),
)]
pub(crate) async fn rotate_agency_secret(mut call: HandlerCall) -> Result<HttpResponse, ProblemDocument> {
    let now = ends_now(&mut call).await?;
    let (state, caller, id) = (call.state.clone(), call.caller.clone(), call.path("id"));
    let told = change(async move { admin::rotate_secret(&state.hub, &caller, &id, now).await }).await?;
    call.entered();
    Ok(ok(&rotated(told)))
}

/// Whether the secret before ends at once; a request without a body says no.
async fn ends_now(call: &mut HandlerCall) -> Result<bool, ProblemDocument> {
    let is_empty = call.stated_bytes().is_none_or(|bytes| bytes == 0);
    if is_empty && !call.request.headers().contains_key(header::TRANSFER_ENCODING) {
        return Ok(false);
    }
    let body: api::RotateSecret = call.body().await?;
    Ok(body.now)
}

/// `PATCH /v1/agencies/{id}`.
#[utoipa::path(
    patch, path = "/v1/agencies/{id}", operation_id = "change_agency", tag = "access",
    params(("id" = String, Path)),
    request_body = api::AgencyChange,
    responses((status = 200, body = api::Agency)),
)]
pub(crate) async fn change_agency(mut call: HandlerCall) -> Result<HttpResponse, ProblemDocument> {
    let body: api::AgencyChange = call.body().await?;
    let public_key = match body.public_key.as_deref() {
        None => None,
        Some("") => Some(None),
        Some(text) => Some(Some(parse_key(text)?)),
    };
    let new = AgencyChange {
        name: body.name,
        networks: body.networks,
        public_key,
    };
    let (state, caller, id) = (call.state.clone(), call.caller.clone(), call.path("id"));
    let agency = change(async move { agency_change::change_agency(&state.hub, &caller, &id, new).await }).await?;
    call.entered();
    let access = call.hub().access.table.load_full();
    Ok(ok(&agency_of(&agency, role_of(&access, &agency.id))))
}

/// `POST /v1/users/{id}/rotate-secret`.
#[utoipa::path(
    post, path = "/v1/users/{id}/rotate-secret", operation_id = "rotate_user_secret", tag = "access",
    params(("id" = String, Path)),
    request_body = Option<api::RotateSecret>,
    responses((status = 200, body = api::RotatedCredential), (status = 202, body = api::WaitingApproval)),
)]
pub(crate) async fn rotate_user_secret(mut call: HandlerCall) -> Result<HttpResponse, ProblemDocument> {
    let now = ends_now(&mut call).await?;
    let id = call.path("id");
    ask(call, ApprovalRequest::RotateUserSecret { id, now }).await
}

/// Asks for what needs two managers.
async fn ask(call: HandlerCall, request: ApprovalRequest) -> Result<HttpResponse, ProblemDocument> {
    let (state, caller) = (call.state.clone(), call.caller.clone());
    let asked = change(async move { approvals::ask(&state.hub, &caller, request).await }).await?;
    call.entered();
    Ok(match asked {
        AskedApproval::Waits(view) => administration::waiting(&view),
        AskedApproval::Rotated(told) => ok(&rotated(told)),
        AskedApproval::Done(user, told) => created(&api::AddedUser {
            user: user_of(&user),
            credential: credential(told),
        }),
    })
}

pub(crate) fn rotated(mut told: NewSecret) -> api::RotatedCredential {
    api::RotatedCredential {
        previous_valid_until: told.previous_valid_until.take().unwrap_or_default(),
        credential: credential(told),
    }
}

/// `POST /v1/agencies/{id}/disable`.
#[utoipa::path(
    post, path = "/v1/agencies/{id}/disable", operation_id = "disable_agency", tag = "access",
    params(("id" = String, Path)),
    responses((status = 200, body = api::Standing)),
)]
pub(crate) async fn disable_agency(call: HandlerCall) -> Result<HttpResponse, ProblemDocument> {
    set_standing(call, SecretHolder::Agency, EnabledState::Disabled).await
}

/// `POST /v1/agencies/{id}/enable`.
#[utoipa::path(
    post, path = "/v1/agencies/{id}/enable", operation_id = "enable_agency", tag = "access",
    params(("id" = String, Path)),
    responses((status = 200, body = api::Standing)),
)]
pub(crate) async fn enable_agency(call: HandlerCall) -> Result<HttpResponse, ProblemDocument> {
    set_standing(call, SecretHolder::Agency, EnabledState::Enabled).await
}

/// `POST /v1/users/{id}/disable`.
#[utoipa::path(
    post, path = "/v1/users/{id}/disable", operation_id = "disable_user", tag = "access",
    params(("id" = String, Path)),
    responses((status = 200, body = api::Standing)),
)]
pub(crate) async fn disable_user(call: HandlerCall) -> Result<HttpResponse, ProblemDocument> {
    set_standing(call, SecretHolder::User, EnabledState::Disabled).await
}

/// `POST /v1/users/{id}/enable`.
#[utoipa::path(
    post, path = "/v1/users/{id}/enable", operation_id = "enable_user", tag = "access",
    params(("id" = String, Path)),
    responses((status = 200, body = api::Standing)),
)]
pub(crate) async fn enable_user(call: HandlerCall) -> Result<HttpResponse, ProblemDocument> {
    set_standing(call, SecretHolder::User, EnabledState::Enabled).await
}

async fn set_standing(
    call: HandlerCall,
    party: SecretHolder,
    standing: EnabledState,
) -> Result<HttpResponse, ProblemDocument> {
    let (state, caller, id) = (call.state.clone(), call.caller.clone(), call.path("id"));
    change(async move { admin::set_standing(&state.hub, &caller, party, &id, standing).await }).await?;
    call.entered();
    Ok(ok(&api::Standing {
        id: call.path("id"),
        disabled: standing == EnabledState::Disabled,
    }))
}

/// `POST /v1/grants`.
#[utoipa::path(
    post, path = "/v1/grants", operation_id = "add_grant", tag = "access",
    request_body = api::NewGrant,
    responses((status = 201, body = api::Grant)),
)]
pub(crate) async fn add_grant(mut call: HandlerCall) -> Result<HttpResponse, ProblemDocument> {
    let body: api::NewGrant = call.body().await?;
    let new = NewGrant {
        agency: body.agency,
        dataset: body.dataset,
        fields: body.fields,
        operations: body.operations.into_iter().map(String::from).collect(),
        item_codes: body.item_codes,
        valid_from: body.valid_from,
        valid_until: body.valid_until,
        daily_ceiling: body.daily_ceiling.map(|ceiling| ceiling.0),
        networks: body.networks,
    };
    let (state, caller) = (call.state.clone(), call.caller.clone());
    let grant = change(async move { admin::add_grant(&state.hub, Some(&caller), new).await }).await?;
    call.entered();
    Ok(created(&grant_of(&grant)))
}

pub(crate) fn grant_of(row: &GrantRow) -> api::Grant {
    api::Grant {
        id: row.id.clone(),
        agency: row.agency.clone(),
        dataset: row.dataset.clone(),
        fields: row.fields.clone(),
        operations: row.operations.iter().cloned().map(Into::into).collect(),
        item_codes: row.item_codes.clone(),
        valid_from: time::rfc3339(row.valid_from),
        valid_until: row.valid_until.map(time::rfc3339),
        daily_ceiling: row.daily_ceiling,
        networks: row.networks.clone(),
        revoked_at: row.revoked_at.map(time::rfc3339),
        created_at: time::rfc3339(row.created_at),
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct GrantFilter {
    agency: Option<String>,
    dataset: Option<String>,
    limit: Option<u32>,
    cursor: Option<String>,
}

/// `GET /v1/grants`.
#[utoipa::path(
    get, path = "/v1/grants", operation_id = "list_grants", tag = "access",
    params(
        ("agency" = Option<String>, Query), ("dataset" = Option<String>, Query),
        ("limit" = Option<usize>, Query), ("cursor" = Option<String>, Query),
    ),
    responses((status = 200, body = api::Grants)),
)]
pub(crate) async fn list_grants(call: HandlerCall) -> Result<HttpResponse, ProblemDocument> {
    let filter: GrantFilter = query(&call)?;
    let paging = page::PageRequest {
        limit: filter.limit,
        cursor: filter.cursor,
    };
    let access = call.hub().access.table.load_full();
    let wanted = |grant: &&Arc<GrantRow>| filter.dataset.as_ref().is_none_or(|dataset| *dataset == grant.dataset);
    let of_agency = filter.agency.as_deref().map(|agency| access.agencies.get(agency));
    let (grants, next_cursor) = match of_agency {
        None => paging.cut(
            access
                .grants
                .values()
                .filter(wanted)
                .map(|grant| (grant.id.as_str(), move || grant_of(grant))),
        )?,
        Some(agency) => {
            let rows = agency.into_iter().flat_map(|agency| &agency.grant_rows);
            paging.cut(
                rows.filter(wanted)
                    .map(|grant| (grant.id.as_str(), move || grant_of(grant))),
            )?
        }
    };
    Ok(ok(&api::Grants { grants, next_cursor }))
}

/// `DELETE /v1/grants/{id}`.
#[utoipa::path(
    delete, path = "/v1/grants/{id}", operation_id = "revoke_grant", tag = "access",
    params(("id" = String, Path)),
    responses((status = 200, body = api::Grant)),
)]
pub(crate) async fn revoke_grant(call: HandlerCall) -> Result<HttpResponse, ProblemDocument> {
    let (state, caller, id) = (call.state.clone(), call.caller.clone(), call.path("id"));
    let grant = change(async move { admin::revoke_grant(&state.hub, &caller, &id).await }).await?;
    // Revoking again changes nothing and enters nothing: then the call itself is entered.
    Ok(ok(&grant_of(&grant)))
}

/// `POST /v1/users`.
#[utoipa::path(
    post, path = "/v1/users", operation_id = "add_user", tag = "access",
    request_body = api::NewUser,
    responses((status = 201, body = api::AddedUser), (status = 202, body = api::WaitingApproval)),
)]
pub(crate) async fn add_user(mut call: HandlerCall) -> Result<HttpResponse, ProblemDocument> {
    let body: api::NewUser = call.body().await?;
    let request = ApprovalRequest::AddUser {
        id: body.id,
        name: body.name,
        role: body.role.into(),
    };
    ask(call, request).await
}

pub(crate) fn user_of(row: &ClientRow) -> api::User {
    api::User {
        id: row.id.clone(),
        name: row.name.clone(),
        role: row.role.clone().into(),
        disabled: row.disabled,
        created_at: time::rfc3339(row.created_at),
        updated_at: time::rfc3339(row.updated_at),
    }
}

/// `GET /v1/users`.
#[utoipa::path(
    get, path = "/v1/users", operation_id = "list_users", tag = "access",
    params(("limit" = Option<usize>, Query), ("cursor" = Option<String>, Query)),
    responses((status = 200, body = api::Users)),
)]
pub(crate) async fn list_users(call: HandlerCall) -> Result<HttpResponse, ProblemDocument> {
    let paging: page::PageRequest = query(&call)?;
    let access = call.hub().access.table.load_full();
    let users = access.clients.values().filter(|client| client.row.agency.is_none());
    let rows = users.map(|client| (client.row.id.as_str(), || user_of(&client.row)));
    let (users, next_cursor) = paging.cut(rows)?;
    Ok(ok(&api::Users { users, next_cursor }))
}
