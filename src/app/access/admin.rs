//! Changes of agencies, grants and users. Each is one commit with its ledger entry; then the access table is swapped; then the
//! caller is answered. Secrets are generated here, returned once, and stored only as hashes.

use super::{
    table::{AccessAgency, ClientRole},
    users,
};
use std::sync::Arc;

use crate::node::caller::Caller;
use crate::{
    foundation::{
        error::{AppError, MissingThing},
        ids::new_id,
        purpose,
    },
    node::hub::Hub,
    supervision,
};
use heyan_auth::{
    ed25519::PublicKey,
    network::SourceNetworks,
    secret::{self, ClientSecret},
};
use heyan_domain::{fault::MemberFault, identifier::credit, policy::GrantOperation};
use heyan_ledger::entry::{self, EntryKind};
use heyan_ports::access::{AgencyRow, ClientRow, GrantRow};
use heyan_ports::approvals::AdministrationRow;
use heyan_ports::{commit::Commit, time};

/// A credential, told once.
pub struct NewSecret {
    /// OAuth 2.0 client id.
    pub client_id: String,
    /// Its secret.
    pub client_secret: String,
    /// When the previous secret expires, RFC 3339.
    pub previous_valid_until: Option<String>,
}

/// What a new agency is made of.
pub struct NewAgency {
    /// Slug; made from a counter when missing.
    pub id: Option<String>,
    /// Name as people read it.
    pub name: String,
    /// Unified social credit code.
    pub credit_code: String,
    /// `agency` or `authority`.
    pub role: String,
    /// Datasets it is the authority for.
    pub authority_for: Vec<String>,
    /// Source networks.
    pub networks: Vec<String>,
    /// Ed25519 public key for `private_key_jwt`.
    pub public_key: Option<[u8; 32]>,
}

/// What a new grant is made of.
pub struct NewGrant {
    /// Agency id.
    pub agency: String,
    /// Dataset name.
    pub dataset: String,
    /// Field names or `*`.
    pub fields: Vec<String>,
    /// Operations.
    pub operations: Vec<String>,
    /// Item codes or `*`.
    pub item_codes: Vec<String>,
    /// RFC 3339.
    pub valid_from: Option<String>,
    /// RFC 3339.
    pub valid_until: Option<String>,
    /// Look-ups a day.
    pub daily_ceiling: Option<u64>,
    /// Source networks.
    pub networks: Vec<String>,
}

/// Longest name as people read it, bytes.
const NAME_BYTES_MAX: usize = 400;

/// Entries of one list of a grant or agency.
const LIST_MAX: usize = 256;

/// Adds an agency with its client credential.
///
/// # Errors
/// Returns an error if a member is wrong, or an agency or user with that id exists.
pub async fn add_agency(
    hub: &Hub,
    caller: Option<&Caller>,
    new: NewAgency,
) -> Result<(AgencyRow, NewSecret), AppError> {
    let _one_at_a_time = hub.turn_of_access().await?;
    let access = hub.access.table.load_full();
    let now = hub.clock.now_us();
    let number = access
        .agencies
        .values()
        .map(|agency| agency.row.number)
        .max()
        .unwrap_or(0)
        + 1;
    let id = new.id.clone().unwrap_or_else(|| format!("agency-{number}"));
    check_agency(hub, &new, &id)?;
    let code = new.credit_code.to_ascii_uppercase();
    let has_code = |agency: &Arc<AccessAgency>| agency.row.credit_code == code;
    // A credit code belongs to one agency: another one cannot pass for its body.
    let is_taken = access.agencies.values().any(has_code);
    if is_taken || access.agencies.contains_key(id.as_str()) || access.clients.contains_key(id.as_str()) {
        return Err(AppError::AlreadyExists);
    }
    let agency = AgencyRow {
        id: id.clone(),
        number,
        name: new.name.clone(),
        credit_code: code,
        authority_for: new.authority_for,
        networks: new.networks,
        disabled: false,
        created_at: now,
        updated_at: now,
    };
    let (client, told) = new_client(&id, &new.name, &new.role, Some(id.clone()), new.public_key, None, now)?;
    let commit = Commit::default().with(vec![agency.clone()]).with(vec![client]);
    change(hub, caller, "agency.add", &id, commit).await?;
    Ok((agency, told))
}

fn check_agency(hub: &Hub, new: &NewAgency, id: &str) -> Result<(), AppError> {
    let mut faults = Vec::new();
    if !is_slug(id) {
        faults.push(MemberFault::new("/id", "invalid_value"));
    }
    check_name(&new.name, &mut faults);
    if !credit::is_sound(&new.credit_code) {
        faults.push(MemberFault::new("/credit_code", "invalid_identifier"));
    }
    if !matches!(
        ClientRole::parse(&new.role),
        Some(ClientRole::Agency | ClientRole::Authority)
    ) {
        faults.push(MemberFault::new("/role", "invalid_value"));
    }
    if new.authority_for.len() > LIST_MAX || new.authority_for.iter().any(|name| hub.catalog.get(name).is_none()) {
        faults.push(MemberFault::new("/authority_for", "unknown_dataset"));
    }
    check_networks(&new.networks, &mut faults);
    if new.public_key.is_some_and(|key| PublicKey::from_bytes(key).is_err()) {
        faults.push(MemberFault::new("/public_key", "invalid_value"));
    }
    if faults.is_empty() {
        Ok(())
    } else {
        Err(AppError::Invalid(faults))
    }
}

/// Adds a person of the bureau with one role; a secret is made when none is given. For the first start and for demonstrations: a
/// manager asks for it by `approvals`.
///
/// # Errors
/// Returns an error if a member is wrong, or an agency or user with that id exists.
pub async fn add_user(
    hub: &Hub,
    caller: Option<&Caller>,
    id: &str,
    name: &str,
    role: &str,
    secret: Option<ClientSecret>,
) -> Result<(ClientRow, NewSecret), AppError> {
    let _one_at_a_time = hub.turn_of_access().await?;
    users::check_user(&hub.access.table.load(), id, name, role)?;
    let (mut client, told) = new_client(id, name, role, None, None, secret, hub.clock.now_us())?;
    client.appointed_by = caller.map(|caller| caller.client.row.id.clone());
    let commit = Commit::default().with(vec![client.clone()]);
    change(hub, caller, "user.add", id, commit).await?;
    Ok((client, told))
}

/// Whose secret or state is changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SecretHolder {
    /// An agency.
    Agency,
    /// A person of the bureau.
    User,
}

impl SecretHolder {
    const fn thing(self) -> MissingThing {
        match self {
            Self::Agency => MissingThing::Agency,
            Self::User => MissingThing::User,
        }
    }

    const fn word(self) -> &'static str {
        match self {
            Self::Agency => "agency",
            Self::User => "user",
        }
    }
}

/// Makes a new secret of an agency; the one before it stays good for the overlap, unless it ends `now`.
///
/// # Errors
/// `NotFound` if there is no agency with the id `id`.
pub async fn rotate_secret(hub: &Hub, caller: &Caller, id: &str, now: bool) -> Result<NewSecret, AppError> {
    let _one_at_a_time = hub.turn_of_access().await?;
    let mut client = client_of(hub, SecretHolder::Agency, id)?;
    let told = renew_secret(hub, &mut client, now)?;
    let commit = Commit::default().with(vec![client]);
    change(hub, Some(caller), "agency.rotate_secret", id, commit).await?;
    Ok(told)
}

/// A new secret beside the old one, or in its place.
pub(super) fn renew_secret(hub: &Hub, client: &mut ClientRow, now: bool) -> Result<NewSecret, AppError> {
    let now_us = hub.clock.now_us();
    let (text, hash) = fresh_secret()?;
    let until = match now {
        true => now_us,
        false => now_us + hub.node.settings.rotation_overlap_s * 1_000_000,
    };
    client.previous_secret_hash = (!now).then_some(client.secret_hash);
    client.previous_valid_until = (!now).then_some(until);
    client.secret_hash = hash;
    client.updated_at = now_us;
    Ok(NewSecret {
        client_id: client.id.clone(),
        client_secret: text,
        previous_valid_until: Some(time::rfc3339(until)),
    })
}

/// Whether an agency or a user may do anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EnabledState {
    /// May.
    Enabled,
    /// May not.
    Disabled,
}

/// Enables or disables an agency or a user.
///
/// # Errors
/// `NotFound` if there is no party of this kind with the id `id`.
pub async fn set_standing(
    hub: &Hub,
    caller: &Caller,
    party: SecretHolder,
    id: &str,
    standing: EnabledState,
) -> Result<(), AppError> {
    let _one_at_a_time = hub.turn_of_access().await?;
    let now = hub.clock.now_us();
    if id == caller.client.row.id {
        // Who disables himself locks himself out, and perhaps everyone.
        return Err(AppError::RoleNotAllowed);
    }
    let mut client = client_of(hub, party, id)?;
    client.disabled = standing == EnabledState::Disabled;
    client.updated_at = now;
    let mut commit = Commit::default().with(vec![client]);
    if party == SecretHolder::Agency {
        let access = hub.access.table.load();
        let agency = access
            .agencies
            .get(id)
            .ok_or(AppError::NotFound(MissingThing::Agency))?;
        let disabled = standing == EnabledState::Disabled;
        commit.push(AgencyRow {
            disabled,
            updated_at: now,
            ..agency.row.clone()
        });
    }
    let verb = match standing {
        EnabledState::Enabled => "enable",
        EnabledState::Disabled => "disable",
    };
    change(hub, Some(caller), &format!("{}.{verb}", party.word()), id, commit).await
}

/// Adds a grant.
///
/// # Errors
/// Wrong members, or no such agency or dataset.
pub async fn add_grant(hub: &Hub, caller: Option<&Caller>, new: NewGrant) -> Result<GrantRow, AppError> {
    let _one_at_a_time = hub.turn_of_access().await?;
    let now = hub.clock.now_us();
    let (valid_from, valid_until) = check_grant(hub, &new, now)?;
    let number = secret::random_id().map_err(|_unavailable| AppError::Internal("the random source failed"))?;
    let grant = GrantRow {
        id: format!("grt_{number}"),
        agency: new.agency,
        dataset: new.dataset,
        fields: new.fields,
        operations: new.operations,
        item_codes: new.item_codes,
        valid_from,
        valid_until,
        daily_ceiling: new.daily_ceiling,
        networks: new.networks,
        revoked_at: None,
        created_at: now,
    };
    let commit = Commit::default().with(vec![grant.clone()]);
    change(hub, caller, "grant.add", &grant.id, commit).await?;
    Ok(grant)
}

fn check_grant(hub: &Hub, new: &NewGrant, now: i64) -> Result<(i64, Option<i64>), AppError> {
    let mut faults = Vec::new();
    if !hub.access.table.load().agencies.contains_key(new.agency.as_str()) {
        faults.push(MemberFault::new("/agency", "unknown_agency"));
    }
    let dataset = hub.catalog.get(&new.dataset);
    if dataset.is_none() {
        faults.push(MemberFault::new("/dataset", "unknown_dataset"));
    }
    let known = |name: &String| name == "*" || dataset.is_none_or(|dataset| dataset.field_number(name).is_some());
    if new.fields.is_empty() || new.fields.len() > LIST_MAX || !new.fields.iter().all(known) {
        faults.push(MemberFault::new("/fields", "unknown_field"));
    }
    let is_operation = |word: &String| GrantOperation::parse(word).is_some();
    if new.operations.is_empty() || new.operations.len() > LIST_MAX || !new.operations.iter().all(is_operation) {
        faults.push(MemberFault::new("/operations", "invalid_value"));
    }
    let is_code = |code: &String| !code.trim().is_empty() && code.len() <= 128;
    if new.item_codes.is_empty() || new.item_codes.len() > LIST_MAX || !new.item_codes.iter().all(is_code) {
        faults.push(MemberFault::new("/item_codes", "invalid_value"));
    }
    check_networks(&new.networks, &mut faults);
    let mut instant = |text: &Option<String>, pointer: &str| {
        let parsed = text.as_deref().map(time::parse_rfc3339);
        if parsed == Some(None) {
            faults.push(MemberFault::new(pointer, "invalid_value"));
        }
        parsed.flatten()
    };
    let valid_from = instant(&new.valid_from, "/valid_from").unwrap_or(now);
    let valid_until = instant(&new.valid_until, "/valid_until");
    if valid_until.is_some_and(|until| until <= valid_from) {
        faults.push(MemberFault::new("/valid_until", "invalid_value"));
    }
    if faults.is_empty() {
        Ok((valid_from, valid_until))
    } else {
        Err(AppError::Invalid(faults))
    }
}

/// Revokes a grant; revoking it again changes nothing.
///
/// # Errors
/// No such grant.
pub async fn revoke_grant(hub: &Hub, caller: &Caller, id: &str) -> Result<GrantRow, AppError> {
    let _one_at_a_time = hub.turn_of_access().await?;
    let mut grant = hub
        .access
        .table
        .load()
        .grants
        .get(id)
        .map(|grant| GrantRow::clone(grant))
        .ok_or(AppError::NotFound(MissingThing::Grant))?;
    if grant.revoked_at.is_none() {
        grant.revoked_at = Some(hub.clock.now_us());
        let commit = Commit::default().with(vec![grant.clone()]);
        change(hub, Some(caller), "grant.revoke", id, commit).await?;
    }
    Ok(grant)
}

/// Commits an act of administration with its entry, its line in the administration's log and, where it is about a person of the
/// bureau, an alert.
pub(super) async fn change(
    hub: &Hub,
    caller: Option<&Caller>,
    action: &str,
    target: &str,
    mut commit: Commit,
) -> Result<(), AppError> {
    let now_us = hub.clock.now_us();
    let by = caller.map_or("", |caller| caller.client.row.id.as_str());
    commit.push(AdministrationRow {
        id: new_id(b"adm_", now_us, hub.node.settings.node)?,
        at: now_us,
        action: action.to_owned(),
        target: target.to_owned(),
        by_client: by.to_owned(),
    });
    if caller.is_some() && action.starts_with(SecretHolder::User.word()) {
        commit.push(supervision::administration_alert(hub, action, target, by)?);
    }
    let mut bytes = Vec::with_capacity(128);
    let agency = caller.map_or(0, Caller::agency_number);
    entry::begin(&mut bytes, EntryKind::Access, hub.clock.now_us(), agency);
    entry::put_text(&mut bytes, action);
    // Ids of agencies and grants say nothing of a person; those of users do, and are sealed.
    let personal = action.starts_with(SecretHolder::User.word());
    entry::put_text(&mut bytes, if personal { "" } else { target });
    purpose::seal_parts(hub, &[by, target], &mut bytes)?;
    commit.ledger_entries.push(bytes);
    hub.write(commit).await?;
    Ok(())
}

pub(super) fn client_of(hub: &Hub, party: SecretHolder, id: &str) -> Result<ClientRow, AppError> {
    let access = hub.access.table.load();
    let client = access
        .clients
        .get(id)
        .filter(|client| client.row.agency.is_some() == (party == SecretHolder::Agency));
    client
        .map(|client| client.row.clone())
        .ok_or(AppError::NotFound(party.thing()))
}

pub(super) fn new_client(
    id: &str,
    name: &str,
    role: &str,
    agency: Option<String>,
    public_key: Option<[u8; 32]>,
    secret: Option<ClientSecret>,
    now: i64,
) -> Result<(ClientRow, NewSecret), AppError> {
    let (text, secret_hash) = match secret {
        Some(given) => (given.reveal().to_owned(), given.hash()),
        None => fresh_secret()?,
    };
    let client = ClientRow {
        id: id.to_owned(),
        name: name.to_owned(),
        role: role.to_owned(),
        agency,
        secret_hash,
        previous_secret_hash: None,
        previous_valid_until: None,
        public_key,
        disabled: false,
        appointed_by: None,
        created_at: now,
        updated_at: now,
    };
    Ok((
        client,
        NewSecret {
            client_id: id.to_owned(),
            client_secret: text,
            previous_valid_until: None,
        },
    ))
}

fn fresh_secret() -> Result<(String, [u8; 32]), AppError> {
    let made = ClientSecret::generate().map_err(|_unavailable| AppError::Internal("the random source failed"))?;
    Ok((made.reveal().to_owned(), made.hash()))
}

pub(super) fn check_name(name: &str, faults: &mut Vec<MemberFault>) {
    if name.trim().is_empty() || name.len() > NAME_BYTES_MAX || name.chars().any(char::is_control) {
        faults.push(MemberFault::new("/name", "invalid_value"));
    }
}

pub(super) fn check_networks(networks: &[String], faults: &mut Vec<MemberFault>) {
    if SourceNetworks::parse(networks).is_err() {
        faults.push(MemberFault::new("/networks", "invalid_value"));
    }
}

pub(super) fn is_slug(text: &str) -> bool {
    (1..=64).contains(&text.len())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'_' | b'.'))
}
