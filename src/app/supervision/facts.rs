//! Facts of ledger entries: opened purposes become keyed hashes at once, so that no name of a clerk or number of a matter goes further.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use crate::{
    app::{
        access::AccessTable,
        applications,
        hub::Hub,
        items::{self, Items, PaperWhy},
        purpose,
        vault::Vault,
    },
    auth::seal::PurposeSealer,
    catalog::Catalog,
    domain::{
        calendar::{WorkingCalendar, china_date, day_number},
        supervision::{Fact, LookUp, NO_RECORD, Seen, Step, What},
        verdict::{Outcome, Verdict},
    },
    ledger::entry::{Body, Entry, Item, Kind},
};

/// Reads entries.
pub struct FactReader<'h> {
    /// Opens purposes.
    pub sealer: &'h PurposeSealer,
    /// Hides matters and operators.
    pub vault: &'h Vault,
    /// Ids of agencies by their number.
    pub agencies: HashMap<u32, Arc<str>>,
    /// Items that demand on paper what a register proves.
    pub paper: HashSet<Arc<str>>,
    /// Working days within which somebody has to act on a mismatch, by dataset.
    pub due_days: HashMap<Arc<str>, u32>,
    /// Working days.
    pub calendar: Arc<WorkingCalendar>,
}

impl<'h> FactReader<'h> {
    /// By what the hub knows now.
    pub fn of(hub: &'h Hub) -> Self {
        Self {
            sealer: &hub.sealer,
            vault: &hub.vault,
            agencies: agencies(&hub.access.load()),
            paper: paper(&hub.items.load()),
            due_days: due_days(&hub.catalog),
            calendar: hub.calendar.load_full(),
        }
    }

    /// Visits the facts of one entry; an entry of another kind has none.
    pub fn visit(&self, seen: Seen, bytes: &[u8], mut visit: impl FnMut(Fact)) {
        if !concerns(bytes) {
            return;
        }
        // An entry of a later layout has nothing that this version could judge.
        let Some(entry) = Entry::decode(bytes) else { return };
        let agency_id = self.agencies.get(&entry.agency).map_or_else(|| "".into(), Arc::clone);
        let mut tell = |what: What| {
            visit(Fact {
                at_us: entry.at_us,
                seen,
                agency: entry.agency,
                agency_id: Arc::clone(&agency_id),
                what,
            });
        };
        match &entry.body {
            Body::Items(items) => {
                let Some(asked) = self.asked(&agency_id, &entry.sealed) else {
                    return;
                };
                items.iter().for_each(|item| tell(What::LookUp(asked.of(item))));
            }
            Body::Access { action, target } if action == applications::ACTION => {
                if let Some(matter) = applications::matter_of(target) {
                    tell(What::Application { matter });
                }
            }
            Body::Mismatch {
                id,
                state,
                dataset,
                subject,
                step,
                ..
            } => tell(What::Step(Step {
                mismatch: id.clone(),
                number: *step,
                dataset: dataset.as_str().into(),
                subject: u128::from_be_bytes(*subject),
                due_day: self.due_day(state, dataset, entry.at_us),
                is_over: matches!(state.as_str(), "upheld" | "closed"),
            })),
            _ => {}
        }
    }

    /// Why an entry's verifications were asked.
    fn asked(&self, agency: &str, sealed: &[u8]) -> Option<Asked> {
        let parts = purpose::open_by(self.sealer, sealed)?;
        let [item, application_no, operator, ..] = parts.as_slice() else {
            return None;
        };
        Some(Asked {
            demands_paper: self.paper.contains(item.as_str()),
            item: item.as_str().into(),
            matter: short(&self.vault.matter(agency, application_no)),
            operator: short(&self.vault.operator(agency, operator)),
        })
    }

    /// As `steps::due`, of the moment of the step.
    fn due_day(&self, state: &str, dataset: &str, at_us: i64) -> Option<i32> {
        if !matches!(state, "open" | "disputed") {
            return None;
        }
        let days = self.due_days.get(dataset)?;
        let due = self.calendar.due(china_date(at_us), *days).ok()?;
        Some(day_number(due))
    }
}

/// The purpose of an entry.
struct Asked {
    item: Arc<str>,
    matter: u64,
    operator: u64,
    demands_paper: bool,
}

impl Asked {
    fn of(&self, item: &Item) -> LookUp {
        LookUp {
            dataset: item.rules.split('@').next().unwrap_or_default().into(),
            item: Arc::clone(&self.item),
            subject: u128::from_be_bytes(item.subject),
            matter: self.matter,
            operator: self.operator,
            outcome: item.outcome,
            wrong: wrong_of(item),
            demands_paper: self.demands_paper,
        }
    }
}

fn wrong_of(item: &Item) -> Box<[u8]> {
    if item.outcome == Outcome::NotFound {
        return [NO_RECORD].into();
    }
    let disagrees = |verdict: &Verdict| matches!(verdict, Verdict::Mismatch | Verdict::Review(_));
    let fields = item.fields.iter().filter(|(_, verdict)| disagrees(verdict));
    fields.map(|(number, _)| *number).collect()
}

/// Whether supervision reads entries of this kind at all: looked at without reading them.
pub fn concerns(bytes: &[u8]) -> bool {
    const KINDS: [Kind; 4] = [Kind::Verification, Kind::Chunk, Kind::Access, Kind::Mismatch];
    crate::ledger::entry::kind_of(bytes).is_some_and(|kind| KINDS.contains(&kind))
}

/// The first half of a keyed hash: enough to tell a city's matters apart.
pub fn short(hash: &[u8; 16]) -> u64 {
    hash.first_chunk().map_or(0, |half| u64::from_be_bytes(*half))
}

/// Ids of agencies by their number in the ledger.
fn agencies(access: &AccessTable) -> HashMap<u32, Arc<str>> {
    let agencies = access.agencies.values();
    agencies
        .map(|agency| (agency.row.number, Arc::from(agency.row.id.as_str())))
        .collect()
}

/// Codes of items that name a register and demand the paper all the same.
fn paper(items: &Items) -> HashSet<Arc<str>> {
    let report = items::report(items);
    let demanded = report.demanded.iter();
    demanded
        .filter(|demand| demand.why == PaperWhy::StillDemanded)
        .map(|demand| Arc::from(demand.item.spec.code.as_str()))
        .collect()
}

fn due_days(catalog: &Catalog) -> HashMap<Arc<str>, u32> {
    let days = catalog.iter();
    days.map(|dataset| (Arc::clone(&dataset.name), dataset.correction_due_working_days))
        .collect()
}
