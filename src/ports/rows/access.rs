//! Agencies, their clients and grants, and what was used of daily ceilings.

use async_trait::async_trait;

use crate::error::StoreError;

/// Who may call and what they may do, read whole at start and after each change of access.
#[derive(Default)]
pub struct AccessRows {
    /// Every agency, disabled ones too.
    pub agencies: Vec<AgencyRow>,
    /// Every client credential.
    pub clients: Vec<ClientRow>,
    /// Every grant, revoked ones too.
    pub grants: Vec<GrantRow>,
    /// Look-ups counted against daily ceilings, of the newest two days.
    pub usage: Vec<GrantUsage>,
}

/// An agency: who is answerable for the calls of its business systems, or for the records it contributes.
#[derive(Clone, Debug)]
pub struct AgencyRow {
    /// Slug, primary key.
    pub id: String,
    /// Small number of the agency in ledger entries; unique, never reused.
    pub number: u32,
    /// Name as people read it.
    pub name: String,
    /// Unified social credit code, 18 characters.
    pub credit_code: String,
    /// Datasets it is the authority for, besides those whose schema names its credit code.
    pub authority_for: Vec<String>,
    /// Source networks (CIDR) it may call from; empty: any.
    pub networks: Vec<String>,
    /// Disabled agencies keep their history and may do nothing.
    pub disabled: bool,
    /// Unix microseconds.
    pub created_at: i64,
    /// Unix microseconds.
    pub updated_at: i64,
}

/// A client credential: of an agency's business system, or of a person with a role in the bureau.
#[derive(Clone)]
pub struct ClientRow {
    /// OAuth 2.0 client id, primary key.
    pub id: String,
    /// Name as people read it.
    pub name: String,
    /// `agency`, `authority`, `operator`, `manager` or `auditor`.
    pub role: String,
    /// Agency that it speaks for; `None` for the bureau's own people.
    pub agency: Option<String>,
    /// SHA-256 of the secret.
    pub secret_hash: [u8; 32],
    /// SHA-256 of the secret before the last rotation.
    pub previous_secret_hash: Option<[u8; 32]>,
    /// When the previous secret expires, Unix microseconds.
    pub previous_valid_until: Option<i64>,
    /// Ed25519 public key for `private_key_jwt`.
    pub public_key: Option<[u8; 32]>,
    /// Disabled credentials are refused.
    pub disabled: bool,
    /// Clients that appointed it, separated by a space; `None`: the command line.
    pub appointed_by: Option<String>,
    /// Unix microseconds.
    pub created_at: i64,
    /// Unix microseconds.
    pub updated_at: i64,
}

/// What one agency may ask of one dataset.
#[derive(Clone, Debug)]
pub struct GrantRow {
    /// Primary key, `grt_…`.
    pub id: String,
    /// Agency id.
    pub agency: String,
    /// Dataset name.
    pub dataset: String,
    /// Field names, or `*`.
    pub fields: Vec<String>,
    /// `verify`, `predicate`, `read`, `contribute`, `existence`, `stale_ok`.
    pub operations: Vec<String>,
    /// Service item codes, or `*`.
    pub item_codes: Vec<String>,
    /// Unix microseconds.
    pub valid_from: i64,
    /// Unix microseconds, exclusive; `None`: until revoked.
    pub valid_until: Option<i64>,
    /// Look-ups a day (Asia/Shanghai); `None`: no ceiling.
    pub daily_ceiling: Option<u64>,
    /// Source networks (CIDR); empty: any.
    pub networks: Vec<String>,
    /// When it was revoked, Unix microseconds.
    pub revoked_at: Option<i64>,
    /// Unix microseconds.
    pub created_at: i64,
}

/// Look-ups of one grant on one day.
#[derive(Clone, Debug)]
pub struct GrantUsage {
    /// Grant id.
    pub grant: String,
    /// Days since 1970-01-01 in Asia/Shanghai.
    pub day: i32,
    /// Look-ups.
    pub used: u64,
}

/// Agencies, their clients and grants, and what was used of daily ceilings.
#[async_trait]
pub trait AccessStore: Send + Sync {
    /// Everything about access.
    async fn access(&self) -> Result<AccessRows, StoreError>;

    /// Adds to the daily counters of grants.
    async fn add_usage(&self, usage: &[GrantUsage]) -> Result<(), StoreError>;

    /// The counters of grants, of the newest two days.
    async fn usage(&self) -> Result<Vec<GrantUsage>, StoreError>;

    /// Takes in what may be used once until a time, Unix seconds; `false`: it was used.
    async fn use_once(&self, hash: [u8; 16], until_s: i64) -> Result<bool, StoreError>;
}
