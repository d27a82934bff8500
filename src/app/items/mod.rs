//! Service items: what each needs and how it is proven. Those that ship, and those that were registered; of one code the newer version
//! counts. A change is one commit with its ledger entry, then the table is swapped, then entered, then answered.

pub mod checks;
pub mod register;

use self::register::ItemRegister;
use crate::node::write::CommitAttempts;
use std::{collections::BTreeMap, sync::Arc};

use super::node::caller::Caller;
use super::{
    foundation::{
        error::AppError,
        lease::{self, DutyTurn},
        purpose,
    },
    node::hub::Hub,
};
use heyan_auth::sha256;
use heyan_catalog::item::{self, ItemSpec, MaterialProof, ServiceItem};
use heyan_ledger::{
    AppendedEntry,
    entry::{self, EntryKind},
};
use heyan_ports::commit::Commit;
use heyan_ports::items::ItemRow;

/// Items of a hub; more are refused.
pub const ITEMS_MAX: usize = 50_000;

/// Items of one commit and one ledger entry: the codes of as many fit into its sealed part.
pub const CHUNK_MAX: usize = 250;

/// What became of one item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ItemRegistration {
    /// It is new.
    Created,
    /// It replaced an older version.
    Updated,
    /// The same version says the same already.
    Unchanged,
    /// Its version is not newer than the one that counts.
    Ignored,
}

impl ItemRegistration {
    /// Every word.
    pub const ALL: [Self; 4] = [Self::Created, Self::Updated, Self::Unchanged, Self::Ignored];

    /// The wire word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Updated => "updated",
            Self::Unchanged => "unchanged",
            Self::Ignored => "ignored",
        }
    }
}

/// What became of one item, and the version that counts now.
pub type PutResult = Result<(ItemRegistration, u32), AppError>;

/// The answers, and where the entry stands; `None`: nothing changed, so nothing was entered.
pub struct PutAnswer {
    /// In the order of the items.
    pub results: Vec<PutResult>,
    /// Where the entry stands.
    pub appended: Option<AppendedEntry>,
}

impl Hub {
    /// Reads the registered items and swaps them in.
    ///
    /// # Errors
    /// The store could not be asked.
    pub async fn reload_items(&self) -> Result<(), AppError> {
        // What is read now must not replace what a change swaps in meanwhile.
        let _one_at_a_time = self.node.table_reads.lock().await;
        let rows = self.store.items().await?;
        let items = ItemRegister::of(&self.materials.shipped, rows, &self.catalog);
        self.materials.items.store(Arc::new(items));
        Ok(())
    }

    /// Takes items that were committed into memory.
    pub(crate) async fn take_items(&self, rows: impl Iterator<Item = &ItemRow>) {
        let _one_at_a_time = self.node.table_reads.lock().await;
        let mut items = ItemRegister::clone(&self.materials.items.load());
        for row in rows {
            items.take_row(row, &self.catalog);
        }
        self.materials.items.store(Arc::new(items));
    }

    async fn turn_of_items(&self) -> Result<DutyTurn, AppError> {
        let turn = lease::wait(self, &self.materials.item_changes, "items").await?;
        if turn.is_among_nodes() {
            self.reload_items().await?;
        }
        Ok(turn)
    }
}

/// Registers items, at most [`CHUNK_MAX`]; what is wrong with one stands in its own result.
///
/// # Errors
/// The store or the ledger cannot be asked, or there are too many.
pub async fn put(hub: &Hub, caller: &Caller, specs: Vec<Result<ItemSpec, AppError>>) -> Result<PutAnswer, AppError> {
    if specs.len() > CHUNK_MAX {
        return Err(AppError::TooManyItems);
    }
    let compiled: Vec<Result<Arc<ServiceItem>, AppError>> = specs
        .into_iter()
        .map(|spec| {
            let compiled = item::compile(spec?, &hub.catalog);
            compiled.map(Arc::new).map_err(AppError::Invalid)
        })
        .collect();
    let _one_at_a_time = hub.turn_of_items().await?;
    let mut attempts = CommitAttempts::none();
    loop {
        let (decisions, changed) = decide(&hub.materials.items.load(), &compiled);
        let Some(commit) = commit_of(hub, caller, &changed)? else {
            return Ok(answer(compiled, decisions, None));
        };
        match hub.write(commit).await {
            Err(error) if attempts.again(&error) => hub.reload_items().await?,
            written => return Ok(answer(compiled, decisions, written?.into_iter().next())),
        }
    }
}

fn answer(
    compiled: Vec<Result<Arc<ServiceItem>, AppError>>,
    decisions: Vec<Option<PutResult>>,
    appended: Option<AppendedEntry>,
) -> PutAnswer {
    let results = compiled
        .into_iter()
        .zip(decisions)
        .map(|(item, decision)| match (item, decision) {
            (Err(error), _) => Err(error),
            (Ok(_), Some(decided)) => decided,
            (Ok(_), None) => Err(AppError::Internal("an item was left undecided")),
        });
    PutAnswer {
        results: results.collect(),
        appended,
    }
}

/// What becomes of each, and those that are written. A later one of the same code is held against the earlier one of this call.
fn decide<'i>(
    items: &ItemRegister,
    compiled: &'i [Result<Arc<ServiceItem>, AppError>],
) -> (Vec<Option<PutResult>>, Vec<&'i Arc<ServiceItem>>) {
    let mut changed: BTreeMap<&str, &'i Arc<ServiceItem>> = BTreeMap::new();
    let mut decisions = Vec::with_capacity(compiled.len());
    for item in compiled {
        let Ok(item) = item else {
            decisions.push(None);
            continue;
        };
        let code = item.spec.code.as_str();
        let known = changed.get(code).copied().or_else(|| items.by_code.get(code));
        let version = item.spec.version;
        let decided = match known {
            None if items.len() + changed.len() >= ITEMS_MAX => Err(AppError::TooManyItems),
            None => Ok((ItemRegistration::Created, version)),
            Some(known) if known.spec == item.spec => Ok((ItemRegistration::Unchanged, version)),
            Some(known) if known.spec.version >= version => Ok((ItemRegistration::Ignored, known.spec.version)),
            Some(_) => Ok((ItemRegistration::Updated, version)),
        };
        if matches!(decided, Ok((ItemRegistration::Created | ItemRegistration::Updated, _))) {
            changed.insert(code, item);
        }
        decisions.push(Some(decided));
    }
    (decisions, changed.into_values().collect())
}

fn commit_of(hub: &Hub, caller: &Caller, changed: &[&Arc<ServiceItem>]) -> Result<Option<Commit>, AppError> {
    if changed.is_empty() {
        return Ok(None);
    }
    let now = hub.clock.now_us();
    let mut rows = Vec::with_capacity(changed.len());
    for item in changed {
        let body = serde_json::to_string(&item.spec);
        rows.push(ItemRow {
            code: item.spec.code.clone(),
            version: item.spec.version,
            body: body.map_err(|_unwritable| AppError::Internal("an item cannot be written"))?,
            updated_at: now,
        });
    }
    Ok(Some(
        Commit::at(now).entry(entry_of(hub, caller, &rows, now)?).with(rows),
    ))
}

/// The entry of a change: for one item its code and version, for many the SHA-256 of all that was written. Who did it stands sealed,
/// with each code and version.
fn entry_of(hub: &Hub, caller: &Caller, rows: &[ItemRow], now: i64) -> Result<Vec<u8>, AppError> {
    let named: Vec<String> = rows.iter().map(|row| format!("{}@{}", row.code, row.version)).collect();
    let target = match named.as_slice() {
        [one] => one.clone(),
        many => {
            let bodies: Vec<&[u8]> = rows.iter().map(|row| row.body.as_bytes()).collect();
            let digest = sha256(&bodies.join(&b'\n'));
            let hex: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
            format!("{} items sha256:{hex}", many.len())
        }
    };
    let mut bytes = Vec::with_capacity(256);
    entry::begin(&mut bytes, EntryKind::Access, now, caller.agency_number());
    entry::put_text(&mut bytes, "item.put");
    entry::put_text(&mut bytes, &target);
    let mut parts = vec![caller.client.row.id.as_str()];
    parts.extend(named.iter().map(String::as_str));
    purpose::seal_parts(hub, &parts, &mut bytes)?;
    Ok(bytes)
}

/// Why a material that the hub can verify is reported.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PaperWhy {
    /// The item names the register and demands the paper all the same.
    StillDemanded,
    /// The item names no register, and another item proves a material of that name by one.
    ProvenElsewhere,
}

impl PaperWhy {
    /// Every word.
    pub const ALL: [Self; 2] = [Self::StillDemanded, Self::ProvenElsewhere];

    /// The wire word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::StillDemanded => "still_demanded",
            Self::ProvenElsewhere => "proven_elsewhere",
        }
    }
}

/// A material that the hub could verify and that an item still demands on paper.
pub struct PaperDemand {
    /// The item.
    pub item: Arc<ServiceItem>,
    /// Key of the material.
    pub material: String,
    /// Its name.
    pub name: String,
    /// Why it stands here.
    pub why: PaperWhy,
    /// Register that proves it.
    pub dataset: Arc<str>,
    /// Item that proves one of the same name so.
    pub as_in: Option<String>,
}

/// How far the materials of all items can be verified, and what is demanded on paper all the same.
#[derive(Default)]
pub struct CoverageReport {
    /// Items.
    pub items: usize,
    /// Items whose materials are known.
    pub known: usize,
    /// Materials that a register proves.
    pub verifiable: usize,
    /// Materials that none can prove.
    pub not_verifiable: usize,
    /// Materials of which nobody has said.
    pub not_mapped: usize,
    /// In the order of the items' codes.
    pub demanded: Vec<PaperDemand>,
}

/// Makes the report.
pub fn report(items: &ItemRegister) -> CoverageReport {
    let mut report = CoverageReport {
        items: items.len(),
        ..CoverageReport::default()
    };
    let mut proven: BTreeMap<String, (&Arc<ServiceItem>, &Arc<str>)> = BTreeMap::new();
    for item in items.iter() {
        for material in item.materials.iter().flatten() {
            if let MaterialProof::Register(register) = &material.proof {
                proven
                    .entry(folded(&material.name.zh))
                    .or_insert((item, &register.dataset));
            }
        }
    }
    for item in items.iter() {
        report.known += usize::from(item.materials.is_some());
        let specs = item.spec.materials.iter().flatten();
        for (material, spec) in item.materials.iter().flatten().zip(specs) {
            let found = match &material.proof {
                MaterialProof::Register(register) => {
                    report.verifiable += 1;
                    spec.paper
                        .then(|| (PaperWhy::StillDemanded, Arc::clone(&register.dataset), None))
                }
                other => {
                    match other {
                        MaterialProof::NotVerifiable(_) => report.not_verifiable += 1,
                        _ => report.not_mapped += 1,
                    }
                    let elsewhere = proven.get(&folded(&material.name.zh));
                    elsewhere.map(|(as_in, dataset)| {
                        let code = as_in.spec.code.clone();
                        (PaperWhy::ProvenElsewhere, Arc::clone(dataset), Some(code))
                    })
                }
            };
            report.demanded.extend(found.map(|(why, dataset, as_in)| PaperDemand {
                item: Arc::clone(item),
                material: material.id.to_string(),
                name: material.name.zh.clone(),
                why,
                dataset,
                as_in,
            }));
        }
    }
    report
}

/// A material's name without what differs between lists: blanks, brackets with what is in them, and words for a copy.
fn folded(name: &str) -> String {
    let mut depth = 0_usize;
    let mut text: String = name
        .chars()
        .filter(|c| {
            match c {
                '（' | '(' | '【' | '[' => depth += 1,
                '）' | ')' | '】' | ']' => {
                    depth = depth.saturating_sub(1);
                    return false;
                }
                _ => {}
            }
            depth == 0 && !c.is_whitespace() && !matches!(c, '《' | '》' | '“' | '”')
        })
        .collect();
    for end in ["复印件", "原件", "扫描件", "正本", "副本"] {
        if let Some(shorter) = text.strip_suffix(end).filter(|shorter| !shorter.is_empty()) {
            text = shorter.to_owned();
        }
    }
    text
}

#[cfg(test)]
mod tests;
