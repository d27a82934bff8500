//! Users of the bureau: the second manager, and what two managers agreed on.

use super::{
    admin::{self, NewSecret, SecretHolder, change, client_of, new_client, renew_secret},
    approvals,
    table::{AccessTable, ClientRole},
};
use crate::{
    foundation::error::AppError,
    node::{caller::Caller, hub::Hub},
};
use heyan_domain::fault::MemberFault;
use heyan_ports::{access::ClientRow, approvals::ApprovalRow, commit::Commit};

/// Checks what a new user is made of.
///
/// # Errors
/// Returns an error if a member is wrong, or an agency or user with that id exists.
pub(super) fn check_user(access: &AccessTable, id: &str, name: &str, role: &str) -> Result<(), AppError> {
    let mut faults = Vec::new();
    if !admin::is_slug(id) {
        faults.push(MemberFault::new("/id", "invalid_value"));
    }
    admin::check_name(name, &mut faults);
    if !matches!(
        ClientRole::parse(role),
        Some(ClientRole::Operator | ClientRole::Manager | ClientRole::Auditor)
    ) {
        faults.push(MemberFault::new("/role", "invalid_value"));
    }
    if !faults.is_empty() {
        return Err(AppError::Invalid(faults));
    }
    match access.clients.contains_key(id) {
        true => Err(AppError::AlreadyExists),
        false => Ok(()),
    }
}

/// The second manager of a hub that has one, whom that one appoints alone.
///
/// # Errors
/// `NotNow` if there is another manager by now, and as [`admin::add_user`].
pub(super) async fn add_second_manager(
    hub: &Hub,
    caller: &Caller,
    (id, name): (&str, &str),
) -> Result<(ClientRow, NewSecret), AppError> {
    let _one_at_a_time = hub.turn_of_access().await?;
    let access = hub.access.table.load_full();
    let role = ClientRole::Manager.as_str();
    check_user(&access, id, name, role)?;
    if approvals::managers(&access) != 1 {
        return Err(AppError::NotNow);
    }
    let (mut client, told) = new_client(id, name, role, None, None, None, hub.clock.now_us())?;
    client.appointed_by = Some(caller.client.row.id.clone());
    let commit = Commit::default().with(vec![client.clone()]);
    change(hub, Some(caller), "user.add", id, commit).await?;
    Ok((client, told))
}

/// Adds the user that one manager asked for and another confirms.
///
/// # Errors
/// As [`admin::add_user`]; `Conflict` if another confirmed it first.
pub(super) async fn add_approved_user(
    hub: &Hub,
    caller: &Caller,
    (id, name, role): (&str, &str, &str),
    approval: ApprovalRow,
) -> Result<(ClientRow, NewSecret), AppError> {
    let _one_at_a_time = hub.turn_of_access().await?;
    check_user(&hub.access.table.load(), id, name, role)?;
    let (mut client, told) = new_client(id, name, role, None, None, None, hub.clock.now_us())?;
    client.appointed_by = Some(format!("{} {}", approval.asked_by, caller.client.row.id));
    let commit = Commit::default().with(vec![client.clone()]).with(approval);
    change(hub, Some(caller), "user.add", id, commit).await?;
    Ok((client, told))
}

/// Makes a new secret of the caller's own.
///
/// # Errors
/// `NotFound` if the caller is no user of the bureau.
pub(super) async fn rotate_own_secret(hub: &Hub, caller: &Caller, now: bool) -> Result<NewSecret, AppError> {
    let _one_at_a_time = hub.turn_of_access().await?;
    let id = &caller.client.row.id;
    let mut client = client_of(hub, SecretHolder::User, id)?;
    let told = renew_secret(hub, &mut client, now)?;
    let commit = Commit::default().with(vec![client]);
    change(hub, Some(caller), "user.rotate_secret", id, commit).await?;
    Ok(told)
}

/// Makes the new secret that one manager asked for and another confirms.
///
/// # Errors
/// As [`admin::rotate_secret`]; `Conflict` if another confirmed it first.
pub(super) async fn rotate_approved_secret(
    hub: &Hub,
    caller: &Caller,
    (id, now): (&str, bool),
    approval: ApprovalRow,
) -> Result<(ClientRow, NewSecret), AppError> {
    let _one_at_a_time = hub.turn_of_access().await?;
    let mut client = client_of(hub, SecretHolder::User, id)?;
    let told = renew_secret(hub, &mut client, now)?;
    let commit = Commit::default().with(vec![client.clone()]).with(approval);
    change(hub, Some(caller), "user.rotate_secret", id, commit).await?;
    Ok((client, told))
}
