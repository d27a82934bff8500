//! What one manager may not do alone: appoint, and hand over the secret of a user. It waits for a second manager, at most seven days.
//! While a hub has one manager, that one alone may appoint one more, and nothing else: each of these is entered, with an alert.

use serde::{Deserialize, Serialize};

use super::{
    admin::{self, NewSecret, SecretHolder},
    table::{AccessTable, ClientRole},
    users,
};
use crate::{
    foundation::{
        error::{AppError, MissingThing},
        ids::new_id,
        vault::SealPlace,
    },
    node::{caller::Caller, hub::Hub},
};
use heyan_ports::{
    access::ClientRow,
    approvals::{ApprovalPhase, ApprovalRow},
    commit::Commit,
    error::StoreError,
};

/// How long the first manager's request waits for the second, microseconds.
pub(crate) const WAIT_US: i64 = 7 * 86_400_000_000;

/// Requests that wait at once.
const WAITING_MAX: usize = 100;

/// What is asked for.
#[derive(Clone, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum ApprovalRequest {
    /// A new user.
    AddUser {
        /// Client id.
        id: String,
        /// Name as people read it.
        name: String,
        /// Role.
        role: String,
    },
    /// A new secret of a user.
    RotateUserSecret {
        /// Client id.
        id: String,
        /// Whether the secret before it ends at once.
        now: bool,
    },
}

impl ApprovalRequest {
    /// The word of the act, as in the administration's log.
    pub const fn action(&self) -> &'static str {
        match self {
            Self::AddUser { .. } => "user.add",
            Self::RotateUserSecret { .. } => "user.rotate_secret",
        }
    }

    /// The user that it is about.
    pub fn target(&self) -> &str {
        match self {
            Self::AddUser { id, .. } | Self::RotateUserSecret { id, .. } => id,
        }
    }
}

/// An approval as managers see it.
pub struct ApprovalView {
    /// As stored.
    pub row: ApprovalRow,
    /// What is asked for.
    pub request: ApprovalRequest,
}

/// What became of a request.
pub enum AskedApproval {
    /// It is done: the user, and the secret, told once.
    Done(ClientRow, NewSecret),
    /// The caller's own secret is another now.
    Rotated(NewSecret),
    /// It waits for a second manager.
    Waits(ApprovalView),
}

fn facts_place(id: &str) -> SealPlace<'_> {
    SealPlace {
        table: "approvals",
        column: "facts",
        row: id,
    }
}

/// Managers that are not disabled.
pub(super) fn managers(access: &AccessTable) -> usize {
    let clients = access.clients.values();
    clients
        .filter(|client| client.role == ClientRole::Manager && !client.row.disabled)
        .count()
}

/// Whether two clients count as two persons: not one, and neither appointed the other.
pub(crate) fn are_two_persons(access: &AccessTable, one: &str, other: &str) -> bool {
    let appointed = |by: &str, id: &str| {
        let client = access.clients.get(id);
        let appointed_by = client.and_then(|client| client.row.appointed_by.as_deref());
        appointed_by.is_some_and(|all| all.split(' ').any(|one| one == by))
    };
    one != other && !appointed(one, other) && !appointed(other, one)
}

/// Asks for something that needs two persons. Done at once only where the one manager of a hub appoints the second, and where a manager
/// rotates the secret that is the manager's own.
///
/// # Errors
/// Wrong members, a user that exists already or does not exist, or too many requests that wait.
pub async fn ask(hub: &Hub, caller: &Caller, request: ApprovalRequest) -> Result<AskedApproval, AppError> {
    let access = hub.access.table.load_full();
    match &request {
        ApprovalRequest::AddUser { id, name, role } => {
            users::check_user(&access, id, name, role)?;
            if managers(&access) == 1 && role == ClientRole::Manager.as_str() {
                let (user, told) = users::add_second_manager(hub, caller, (id, name)).await?;
                return Ok(AskedApproval::Done(user, told));
            }
        }
        // One's own secret is handed over to no other person.
        ApprovalRequest::RotateUserSecret { id, now } if *id == caller.client.row.id => {
            return Ok(AskedApproval::Rotated(
                users::rotate_own_secret(hub, caller, *now).await?,
            ));
        }
        ApprovalRequest::RotateUserSecret { id, .. } => {
            admin::client_of(hub, SecretHolder::User, id)?;
        }
    }
    let now_us = hub.clock.now_us();
    let waiting = all(hub).await?;
    let is_waiting = |view: &&ApprovalView| is_open(&view.row, now_us);
    if waiting.iter().filter(is_waiting).count() >= WAITING_MAX {
        return Err(AppError::TooManyItems);
    }
    let id = new_id(b"apr_", now_us, hub.node.settings.node)?;
    let row = ApprovalRow {
        kind: request.action().to_owned(),
        state: ApprovalPhase::Requested,
        asked_by: caller.client.row.id.clone(),
        revision: 1,
        facts: hub.secrets.vault.seal_json(facts_place(&id), &request)?,
        created_at: now_us,
        updated_at: now_us,
        id,
    };
    let commit = Commit::at(now_us).with(row.clone());
    admin::change(hub, Some(caller), "user.ask_approval", &row.id, commit).await?;
    Ok(AskedApproval::Waits(ApprovalView { row, request }))
}

/// Confirms another manager's request, and does it.
///
/// # Errors
/// `NotFound`: no such request, or one that is done or too old. `RoleNotAllowed`: it is the caller's own. What the act itself refuses.
pub async fn confirm(hub: &Hub, caller: &Caller, id: &str) -> Result<(ClientRow, NewSecret), AppError> {
    let now_us = hub.clock.now_us();
    let found = all(hub).await?.into_iter().find(|view| view.row.id == id);
    let view = found
        .filter(|view| is_open(&view.row, now_us))
        .ok_or(AppError::NotFound(MissingThing::Approval))?;
    if view.row.asked_by == caller.client.row.id {
        return Err(AppError::RoleNotAllowed);
    }
    let done = ApprovalRow {
        state: ApprovalPhase::Confirmed,
        revision: view.row.revision + 1,
        updated_at: now_us,
        ..view.row
    };
    let confirmed = match &view.request {
        ApprovalRequest::AddUser { id, name, role } => {
            users::add_approved_user(hub, caller, (id, name, role), done).await
        }
        ApprovalRequest::RotateUserSecret { id, now } => {
            users::rotate_approved_secret(hub, caller, (id, *now), done).await
        }
    };
    match confirmed {
        // Another manager confirmed it in between.
        Err(AppError::Store(StoreError::Conflict)) => Err(AppError::NotFound(MissingThing::Approval)),
        confirmed => confirmed,
    }
}

/// The requests that are kept, oldest first.
///
/// # Errors
/// Returns an error if the store cannot be reached.
pub async fn all(hub: &Hub) -> Result<Vec<ApprovalView>, AppError> {
    let open = |row: ApprovalRow| {
        let request = hub.secrets.vault.open_json(facts_place(&row.id), &row.facts)?;
        Ok(ApprovalView { row, request })
    };
    hub.store.approvals().await?.into_iter().map(open).collect()
}

fn is_open(row: &ApprovalRow, now_us: i64) -> bool {
    row.state == ApprovalPhase::Requested && now_us - row.created_at <= WAIT_US
}
