//! Who may do what, compiled from the store's rows into one table that is swapped after each change. A change compiles the agencies that
//! it names; the next table shares the rest with the one before.
//! Revoked grants and disabled agencies stay in the table, so that a refusal can name the clause that is missing.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    net::IpAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

pub use super::role::ClientRole;

use super::counters::CeilingCounters;
use crate::foundation::{quota::MismatchRoom, sharded::ShardedMap, usage::UsageCounter};
use heyan_auth::network::SourceNetworks;
use heyan_catalog::{Catalog, Dataset};
use heyan_domain::budget::AskerTally;
use heyan_domain::policy::{
    FieldSet, GrantOperation, ItemCodes, OperationSet, RefusalClause, SharingKind, UsePermission,
};
use heyan_ports::access::{AccessRows, AgencyRow, ClientRow, GrantRow};

/// How far the clocks of nodes may be apart: a grant that one gave is not refused by another that is behind.
const LEEWAY_US: i64 = 60_000_000;

/// An agency with its grants, by dataset number.
pub struct AccessAgency {
    /// As stored.
    pub row: AgencyRow,
    /// Its grants as stored, revoked ones too.
    pub grant_rows: Vec<Arc<GrantRow>>,
    /// The subjects that it was wrong about.
    pub asker: Arc<AskerTally>,
    /// Whether it may open mismatches.
    pub mismatch_room: Arc<MismatchRoom>,
    networks: AdmittedNetworks,
    grants: Box<[Vec<CompiledGrant>]>,
    owns: Box<[bool]>,
}

/// A client credential with the agency it speaks for.
pub struct AccessClient {
    /// As stored.
    pub row: ClientRow,
    /// Its role.
    pub role: ClientRole,
    /// Its agency; `None` for the bureau's own people.
    pub agency: Option<Arc<AccessAgency>>,
}

/// A grant, compiled for one dataset.
pub struct CompiledGrant {
    id: Box<str>,
    permission: UsePermission,
    item_codes: ItemCodes,
    valid_from: i64,
    valid_until: i64,
    ceiling: Option<u64>,
    networks: AdmittedNetworks,
    counter: Arc<UsageCounter>,
}

/// Names one table of this process: no two tables have one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TableId(u64);

impl Default for TableId {
    fn default() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        Self(NEXT.fetch_add(1, Ordering::Relaxed))
    }
}

/// Everything about access at one moment.
#[derive(Default)]
pub struct AccessTable {
    /// Which table this is.
    pub id: TableId,
    /// Agencies by id.
    pub agencies: ShardedMap<Arc<AccessAgency>>,
    /// Clients by client id.
    pub clients: ShardedMap<Arc<AccessClient>>,
    /// Grants as stored, by id.
    pub grants: ShardedMap<Arc<GrantRow>>,
}

/// Why a caller may not ask.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AccessRefusal {
    /// The dataset is withheld: no grant opens it.
    Withheld {
        /// For this reason.
        legal_basis: String,
    },
    /// A clause of the grant is missing.
    NotGranted(RefusalClause),
    /// The agency is disabled.
    Disabled,
}

impl AccessTable {
    /// Compiles rows; rows that name an unknown dataset, agency or role give no right.
    pub fn compile(rows: AccessRows, catalog: &Catalog, counters: &CeilingCounters) -> Self {
        let mut table = Self::default();
        let mut by_agency: HashMap<String, Vec<Arc<GrantRow>>, ahash::RandomState> = HashMap::default();
        for grant in rows.grants.into_iter().map(Arc::new) {
            by_agency
                .entry(grant.agency.clone())
                .or_default()
                .push(Arc::clone(&grant));
            table.grants.insert(&grant.id, Arc::clone(&grant));
        }
        let is_authority = |client: &ClientRow| client.role == ClientRole::Authority.as_str();
        let authorities: HashSet<&str> = rows
            .clients
            .iter()
            .filter(|client| is_authority(client))
            .filter_map(|client| client.agency.as_deref())
            .collect();
        for row in rows.agencies {
            let grants = by_agency.remove(&row.id).unwrap_or_default();
            let is_authority = authorities.contains(row.id.as_str());
            table.insert_agency(AccessAgency::compile(row, is_authority, grants, catalog, counters));
        }
        for row in rows.clients {
            table.insert_client(row);
        }
        table
    }

    /// The table after a commit, which wrote these rows.
    pub fn changed(&self, rows: &AccessRows, catalog: &Catalog, counters: &CeilingCounters) -> Self {
        let mut next = Self {
            id: TableId::default(),
            agencies: self.agencies.clone(),
            clients: self.clients.clone(),
            grants: self.grants.clone(),
        };
        let mut touched: BTreeMap<&str, Vec<Arc<GrantRow>>> = BTreeMap::new();
        for row in &rows.agencies {
            touched.entry(&row.id).or_default();
        }
        for agency in rows.clients.iter().filter_map(|client| client.agency.as_deref()) {
            touched.entry(agency).or_default();
        }
        for row in &rows.grants {
            let row = Arc::new(row.clone());
            next.grants.insert(&row.id, Arc::clone(&row));
        }
        for row in &rows.grants {
            let stored = next.grants.get(&row.id).map(Arc::clone);
            touched.entry(&row.agency).or_default().extend(stored);
        }
        for (id, grants) in &touched {
            let known = self.agencies.get(id);
            let given = rows.agencies.iter().rfind(|row| row.id == *id);
            let Some(row) = given.or(known.map(|known| &known.row)) else {
                continue;
            };
            let is_new = |grant: &&Arc<GrantRow>| grants.iter().all(|new| new.id != grant.id);
            let kept = known.into_iter().flat_map(|known| &known.grant_rows).filter(is_new);
            let all = kept.chain(grants).map(Arc::clone).collect();
            let is_authority = self.is_authority_with(&rows.clients, id);
            next.insert_agency(AccessAgency::compile(row.clone(), is_authority, all, catalog, counters));
        }
        let of_touched = |client: &&Arc<AccessClient>| {
            let agency = client.row.agency.as_deref();
            agency.is_some_and(|agency| touched.contains_key(agency))
        };
        for client in self.clients.values().filter(of_touched) {
            next.insert_client(client.row.clone());
        }
        for row in &rows.clients {
            next.insert_client(row.clone());
        }
        next
    }

    /// Whether an agency has a client with the role `authority` once `rows` are written.
    fn is_authority_with(&self, rows: &[ClientRow], agency: &str) -> bool {
        let is_of =
            |row: &ClientRow| row.agency.as_deref() == Some(agency) && row.role == ClientRole::Authority.as_str();
        let is_kept = |row: &ClientRow| rows.iter().all(|new| new.id != row.id);
        rows.iter().any(is_of)
            || self
                .clients
                .values()
                .any(|known| is_of(&known.row) && is_kept(&known.row))
    }

    fn insert_agency(&mut self, agency: AccessAgency) {
        let agency = Arc::new(agency);
        self.agencies.insert(&agency.row.id, Arc::clone(&agency));
    }

    /// One whose role is not known has no rights.
    fn insert_client(&mut self, row: ClientRow) {
        let Some(role) = ClientRole::parse(&row.role) else {
            return;
        };
        let agency = row.agency.as_deref().and_then(|id| self.agencies.get(id));
        let client = Arc::new(AccessClient {
            role,
            agency: agency.map(Arc::clone),
            row,
        });
        self.clients.insert(&client.row.id, Arc::clone(&client));
    }
}

impl AccessAgency {
    fn compile(
        row: AgencyRow,
        is_authority: bool,
        grant_rows: Vec<Arc<GrantRow>>,
        catalog: &Catalog,
        counters: &CeilingCounters,
    ) -> Self {
        // A credit code alone makes no authority: a manager gave the role.
        let owns = catalog.iter().map(|dataset| {
            is_authority
                && (dataset.authority.credit_code == row.credit_code
                    || row.authority_for.iter().any(|name| **name == *dataset.name))
        });
        let owns = owns.collect();
        let of_dataset = |dataset: &Arc<Dataset>| {
            let of_dataset = grant_rows.iter().filter(|grant| *grant.dataset == *dataset.name);
            of_dataset
                .filter_map(|grant| CompiledGrant::compile(grant, dataset, counters))
                .collect()
        };
        let grants = catalog.iter().map(of_dataset).collect();
        Self {
            networks: AdmittedNetworks::of(&row.networks),
            asker: counters.asker(row.number),
            mismatch_room: counters.room(row.number),
            owns,
            grants,
            grant_rows,
            row,
        }
    }

    /// Whether it is the authority of `dataset`.
    pub fn owns(&self, dataset: &Dataset) -> bool {
        !self.row.disabled && self.owns.get(usize::from(dataset.number)).copied().unwrap_or_default()
    }

    /// Whether a call from `peer` may be taken.
    pub fn admits(&self, peer: IpAddr) -> bool {
        self.networks.admit(peer)
    }

    /// Whether any grant allows `operation` on `dataset` now, whatever the service item: records are contributed for none.
    pub fn may(&self, operation: GrantOperation, dataset: &Dataset, now_us: i64, peer: IpAddr) -> bool {
        let grants = self
            .grants
            .get(usize::from(dataset.number))
            .map_or(&[][..], Vec::as_slice);
        let holds = |grant: &CompiledGrant| {
            (grant.valid_from..grant.valid_until).contains(&now_us) && grant.networks.admit(peer)
        };
        !self.row.disabled
            && grants
                .iter()
                .any(|grant| holds(grant) && grant.permission.has(operation))
    }

    /// What its grants on `dataset` allow now, whatever the service item and wherever from: what is pushed to it goes out
    /// for no call of its own.
    pub fn permission_anywhere(&self, dataset: &Dataset, now_us: i64) -> UsePermission {
        if self.row.disabled || matches!(dataset.sharing, SharingKind::Withheld { .. }) {
            return UsePermission::default();
        }
        let grants = self
            .grants
            .get(usize::from(dataset.number))
            .map_or(&[][..], Vec::as_slice);
        grants
            .iter()
            .filter(|grant| (grant.valid_from..grant.valid_until).contains(&now_us))
            .fold(UsePermission::default(), |all, grant| all | grant.permission)
    }

    /// Whether it may hear of every change of `dataset`: it owns it, or may read of it.
    pub fn reads(&self, dataset: &Dataset, now_us: i64) -> bool {
        self.owns(dataset) || self.permission_anywhere(dataset, now_us).has(GrantOperation::Read)
    }

    /// What it may do with `dataset` for `item_code` at `now_us`, and the grants to charge.
    ///
    /// # Errors
    /// The refusal names the clause that was nearest to letting it through.
    pub fn permission(
        &self,
        dataset: &Dataset,
        item_code: &str,
        now_us: i64,
        peer: IpAddr,
    ) -> Result<AllowedUse<'_>, AccessRefusal> {
        if self.row.disabled {
            return Err(AccessRefusal::Disabled);
        }
        let mut allowed = AllowedUse::default();
        match &dataset.sharing {
            SharingKind::Withheld { legal_basis } => {
                return Err(AccessRefusal::Withheld {
                    legal_basis: legal_basis.clone(),
                });
            }
            SharingKind::Unconditional => {
                let operations = OperationSet::from_iter([GrantOperation::Verify, GrantOperation::Predicate]);
                allowed.permission = UsePermission::new(operations, FieldSet::ALL);
            }
            SharingKind::Conditional => {}
        }
        let mut nearest = RefusalClause::Dataset;
        for grant in self
            .grants
            .get(usize::from(dataset.number))
            .map_or(&[][..], Vec::as_slice)
        {
            if now_us < grant.valid_from || now_us >= grant.valid_until {
                nearest = later(nearest, RefusalClause::Validity);
            } else if !grant.item_codes.cover(item_code) {
                nearest = later(nearest, RefusalClause::ItemCode);
            } else if !grant.networks.admit(peer) {
                nearest = later(nearest, RefusalClause::Network);
            } else {
                allowed.permission = allowed.permission | grant.permission;
                match grant.ceiling {
                    Some(ceiling) => allowed.limited.push((grant, ceiling)),
                    None => allowed.unlimited = allowed.unlimited | grant.permission,
                }
            }
        }
        if allowed.permission.is_empty() {
            Err(AccessRefusal::NotGranted(nearest))
        } else {
            Ok(allowed)
        }
    }
}

/// A permission, and the ceilings that a use counts against.
#[derive(Default)]
pub struct AllowedUse<'a> {
    /// Fields and operations.
    pub permission: UsePermission,
    /// What grants without a ceiling allow.
    unlimited: UsePermission,
    limited: Vec<(&'a CompiledGrant, u64)>,
}

/// The counters that a look-up was counted with.
#[derive(Clone, Default)]
pub struct ChargedUse {
    counters: Vec<Arc<UsageCounter>>,
    day: i32,
}

impl ChargedUse {
    /// Takes the counts back: the look-up was not answered.
    pub fn give_back(&mut self) {
        for counter in self.counters.drain(..) {
            counter.give_back(self.day);
        }
    }
}

impl AllowedUse<'_> {
    /// Counts one look-up on `day`. Grants add up: one whose rights others cover that are not used up is not counted, so two equal grants
    /// allow as many look-ups as both ceilings together.
    ///
    /// # Errors
    /// What is left of the ceilings does not cover all that the grants allow; nothing is counted then.
    pub fn charge(&self, day: i32) -> Result<ChargedUse, AccessRefusal> {
        let mut charged = ChargedUse {
            counters: Vec::new(),
            day,
        };
        let (mut covered, mut wanted) = (self.unlimited, self.unlimited);
        for (grant, ceiling) in &self.limited {
            wanted = wanted | grant.permission;
            if covered != covered | grant.permission && grant.counter.take(day, *ceiling) {
                covered = covered | grant.permission;
                charged.counters.push(Arc::clone(&grant.counter));
            }
        }
        if covered == wanted {
            return Ok(charged);
        }
        charged.give_back();
        Err(AccessRefusal::NotGranted(RefusalClause::DailyCeiling))
    }
}

impl CompiledGrant {
    fn compile(row: &GrantRow, dataset: &Dataset, counters: &CeilingCounters) -> Option<Self> {
        if row.revoked_at.is_some() {
            return None;
        }
        let fields = if row.fields.iter().any(|name| name == "*") {
            FieldSet::ALL
        } else {
            row.fields
                .iter()
                .filter_map(|name| dataset.field_number(name))
                .collect()
        };
        let item_codes = if row.item_codes.iter().any(|code| code == "*") {
            ItemCodes::Any
        } else {
            ItemCodes::Only(row.item_codes.iter().map(|code| code.as_str().into()).collect())
        };
        let operations = row
            .operations
            .iter()
            .filter_map(|word| GrantOperation::parse(word))
            .collect();
        Some(Self {
            id: row.id.as_str().into(),
            permission: UsePermission::new(operations, fields),
            item_codes,
            // A grant that had begun when it was made has begun by any clock, one that was set back too.
            valid_from: match row.valid_from <= row.created_at {
                true => i64::MIN,
                false => row.valid_from.saturating_sub(LEEWAY_US),
            },
            valid_until: row.valid_until.unwrap_or(i64::MAX),
            ceiling: row.daily_ceiling,
            networks: AdmittedNetworks::of(&row.networks),
            counter: counters.of(&row.id),
        })
    }

    /// Its id.
    pub fn id(&self) -> &str {
        &self.id
    }
}

/// Where calls may come from. Networks were checked when they were stored; a list that no longer parses admits no caller.
struct AdmittedNetworks(Option<SourceNetworks>);

impl AdmittedNetworks {
    fn of(texts: &[String]) -> Self {
        Self(SourceNetworks::parse(texts).ok())
    }

    fn admit(&self, peer: IpAddr) -> bool {
        self.0.as_ref().is_some_and(|networks| networks.allows(peer))
    }
}

/// The clause that comes later in the order of checks: the nearer miss.
fn later(one: RefusalClause, two: RefusalClause) -> RefusalClause {
    let rank = |clause| match clause {
        RefusalClause::Dataset => 0,
        RefusalClause::Validity => 1,
        RefusalClause::ItemCode => 2,
        RefusalClause::Network => 3,
        RefusalClause::Operation => 4,
        RefusalClause::DailyCeiling => 5,
    };
    if rank(two) > rank(one) { two } else { one }
}
