//! Changes of an agency that is there.

use super::admin::{SecretHolder, change, check_name, check_networks, client_of};
use crate::{
    foundation::error::{AppError, MissingThing},
    node::{caller::Caller, hub::Hub},
};
use heyan_auth::ed25519::PublicKey;
use heyan_domain::fault::MemberFault;
use heyan_ports::{access::AgencyRow, commit::Commit};

/// What is changed of an agency; what is left out stays.
#[derive(Default)]
pub struct AgencyChange {
    /// Name as people read it.
    pub name: Option<String>,
    /// Source networks.
    pub networks: Option<Vec<String>>,
    /// Ed25519 public key for `private_key_jwt`; the inner `None` takes it away.
    pub public_key: Option<Option<[u8; 32]>>,
}

/// Changes an agency's name, networks or public key.
///
/// # Errors
/// `NotFound` if there is no such agency, or a member is wrong.
pub async fn change_agency(hub: &Hub, caller: &Caller, id: &str, new: AgencyChange) -> Result<AgencyRow, AppError> {
    let _one_at_a_time = hub.turn_of_access().await?;
    let mut faults = Vec::new();
    if let Some(name) = &new.name {
        check_name(name, &mut faults);
    }
    if let Some(networks) = &new.networks {
        check_networks(networks, &mut faults);
    }
    if new
        .public_key
        .flatten()
        .is_some_and(|key| PublicKey::from_bytes(key).is_err())
    {
        faults.push(MemberFault::new("/public_key", "invalid_value"));
    }
    if !faults.is_empty() {
        return Err(AppError::Invalid(faults));
    }
    let mut client = client_of(hub, SecretHolder::Agency, id)?;
    let access = hub.access.table.load();
    let agency = access
        .agencies
        .get(id)
        .ok_or(AppError::NotFound(MissingThing::Agency))?;
    let mut agency = agency.row.clone();
    let now = hub.clock.now_us();
    if let Some(name) = new.name {
        client.name.clone_from(&name);
        agency.name = name;
    }
    if let Some(networks) = new.networks {
        agency.networks = networks;
    }
    if let Some(key) = new.public_key {
        client.public_key = key;
    }
    (client.updated_at, agency.updated_at) = (now, now);
    let commit = Commit::default().with(vec![agency.clone()]).with(vec![client]);
    change(hub, Some(caller), "agency.change", id, commit).await?;
    Ok(agency)
}
