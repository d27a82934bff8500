//! Who calls, proven.

use std::{net::IpAddr, sync::Arc};

use crate::{
    access::table::{AccessAgency, AccessClient, ClientRole},
    foundation::error::AppError,
};

/// Who calls, proven.
#[derive(Clone)]
pub struct Caller {
    /// Its credential.
    pub client: Arc<AccessClient>,
    /// Where the call came from.
    pub peer: IpAddr,
}

impl Caller {
    /// Its role.
    pub fn role(&self) -> ClientRole {
        self.client.role
    }

    /// Number of its agency in the ledger; 0: the bureau's own people.
    pub fn agency_number(&self) -> u32 {
        self.client.agency.as_ref().map_or(0, |agency| agency.row.number)
    }

    /// Its agency.
    ///
    /// # Errors
    /// The bureau's own people have none.
    pub fn agency(&self) -> Result<&Arc<AccessAgency>, AppError> {
        self.client.agency.as_ref().ok_or(AppError::RoleNotAllowed)
    }
}
