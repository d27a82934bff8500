//! Facts of ledger entries: opened purposes become keyed hashes at once, so that no name of a clerk or number of a matter goes further.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use crate::items::register::Items;
use crate::items::{self, PaperWhy};
use crate::{
    access::table::AccessTable,
    foundation::{purpose, vault::Vault},
    node::hub::Hub,
    supervision::applications,
};
use heyan_auth::seal::PurposeSealer;
use heyan_catalog::Catalog;
use heyan_domain::{
    calendar::{WorkingCalendar, china_date, day_number},
    supervision::{Fact, LookUp, NO_RECORD, Seen, Step, What},
    verdict::{Outcome, Verdict},
};
use heyan_ledger::{
    answered,
    entry::{self, Body, Entry, Kind},
};

/// Words, or keyed hashes, that are known; forgotten all at once when there are so many.
const KNOWN_MAX: usize = 10_000;

/// Reads entries.
pub struct FactReader<'h> {
    /// Opens purposes.
    pub sealer: &'h PurposeSealer,
    /// Hides matters and operators.
    pub vault: &'h Vault,
    /// What it reads them by.
    pub kept: Kept,
}

/// What a reader knows, kept for the next one: a round reads few entries.
pub struct Kept {
    /// What agencies and items were read of; `None`: not of a hub.
    pub made_of: Option<(Arc<AccessTable>, Arc<Items>)>,
    /// Ids of agencies by their number.
    pub agencies: HashMap<u32, Arc<str>>,
    /// Items that demand on paper what a register proves.
    pub paper: HashSet<Arc<str>>,
    /// Working days within which somebody has to act on a mismatch, by dataset.
    pub due_days: HashMap<Arc<str>, u32>,
    /// Working days.
    pub calendar: Arc<WorkingCalendar>,
    /// Words and keyed hashes that came before: a clerk asks often, and about one matter several times.
    pub known: Known,
}

/// What does not have to be made again.
#[derive(Default)]
pub struct Known {
    words: HashSet<Arc<str>, ahash::RandomState>,
    matters: Hashes,
    operators: Hashes,
}

/// Keyed hashes by agency and text.
#[derive(Default)]
struct Hashes {
    of: HashMap<u32, HashMap<Box<str>, u64, ahash::RandomState>, ahash::RandomState>,
    count: usize,
}

impl Kept {
    /// By what the hub knows now: what was kept, while neither agencies nor items changed. Keyed hashes go with them, for they are made
    /// of an agency's id, which the hub may not have known.
    fn of(hub: &Hub, kept: Option<Self>) -> Self {
        let made_of = (hub.access.table.load_full(), hub.materials.items.load_full());
        let stands = |kept: &Self| {
            let old = kept.made_of.as_ref();
            old.is_some_and(|old| Arc::ptr_eq(&old.0, &made_of.0) && Arc::ptr_eq(&old.1, &made_of.1))
        };
        match kept {
            Some(kept) if stands(&kept) => Self {
                calendar: hub.mismatches.calendar.load_full(),
                ..kept
            },
            _ => Self {
                agencies: agencies(&made_of.0),
                paper: paper(&made_of.1),
                due_days: due_days(&hub.catalog),
                calendar: hub.mismatches.calendar.load_full(),
                known: Known::default(),
                made_of: Some(made_of),
            },
        }
    }
}

impl<'h> FactReader<'h> {
    /// A new one.
    pub fn of(hub: &'h Hub) -> Self {
        Self::with(hub, None)
    }

    /// One that goes on with what another has kept.
    pub fn with(hub: &'h Hub, kept: Option<Kept>) -> Self {
        Self {
            sealer: &hub.secrets.sealer,
            vault: &hub.secrets.vault,
            kept: Kept::of(hub, kept),
        }
    }

    /// Visits the facts of one entry; an entry of another kind has none.
    pub fn visit(&mut self, seen: Seen, bytes: &[u8], mut visit: impl FnMut(Fact)) {
        match entry::kind_of(bytes) {
            Some(Kind::Verification | Kind::Chunk) => {
                // An entry of a later layout has nothing that this version could judge.
                let _read = self.look_ups(seen, bytes, &mut visit);
            }
            _ if concerns(bytes) => self.changes(seen, bytes, visit),
            _ => {}
        }
    }

    /// The look-ups of an entry, read where they lie: most entries are such.
    fn look_ups(&mut self, seen: Seen, bytes: &[u8], visit: &mut impl FnMut(Fact)) -> Option<()> {
        let answers = answered::Answers::read(bytes)?;
        let agency_id = self.agency_id(answers.agency);
        let asked = self.asked(answers.agency, &agency_id, answers.sealed)?;
        answers.visit(|answer| {
            let what = What::LookUp(LookUp {
                dataset: self.kept.known.word(answer.rules.split('@').next().unwrap_or_default()),
                item: Arc::clone(&asked.item),
                subject: u128::from_be_bytes(answer.subject),
                matter: asked.matter,
                operator: asked.operator,
                outcome: answer.outcome,
                wrong: wrong_of(answer.outcome, answer.fields),
                demands_paper: asked.demands_paper,
            });
            visit(Fact {
                at_us: answer.at_us,
                seen,
                agency: answer.agency,
                agency_id: Arc::clone(&agency_id),
                what,
            });
        })
    }

    /// What else there is in a ledger that rules judge.
    fn changes(&self, seen: Seen, bytes: &[u8], mut visit: impl FnMut(Fact)) {
        let Some(entry) = Entry::decode(bytes) else { return };
        let agency_id = self.agency_id(entry.agency);
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

    /// Id of an agency; empty if the hub knows no agency of this number.
    fn agency_id(&self, number: u32) -> Arc<str> {
        self.kept.agencies.get(&number).map_or_else(|| "".into(), Arc::clone)
    }

    /// Why an entry's verifications were asked.
    fn asked(&mut self, number: u32, agency: &str, sealed: &[u8]) -> Option<Asked> {
        let opened = purpose::Opened::by(self.sealer, sealed)?;
        let mut parts = opened.parts();
        let (item, application_no, operator) = (parts.next()?, parts.next()?, parts.next()?);
        let (vault, kept) = (self.vault, &mut self.kept);
        let matter = |application_no: &str| short(&vault.matter(agency, application_no));
        let operator_of = |operator: &str| short(&vault.operator(agency, operator));
        Some(Asked {
            demands_paper: kept.paper.contains(item),
            item: kept.known.word(item),
            matter: kept.known.matters.of(number, application_no, matter),
            operator: kept.known.operators.of(number, operator, operator_of),
        })
    }

    /// As `steps::due`, of the moment of the step.
    fn due_day(&self, state: &str, dataset: &str, at_us: i64) -> Option<i32> {
        if !matches!(state, "open" | "disputed") {
            return None;
        }
        let days = self.kept.due_days.get(dataset)?;
        let due = self.kept.calendar.due(china_date(at_us), *days).ok()?;
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

impl Known {
    fn word(&mut self, word: &str) -> Arc<str> {
        if let Some(known) = self.words.get(word) {
            return Arc::clone(known);
        }
        if self.words.len() >= KNOWN_MAX {
            self.words.clear();
        }
        let word: Arc<str> = word.into();
        self.words.insert(Arc::clone(&word));
        word
    }
}

impl Hashes {
    /// A keyed hash, made once.
    fn of(&mut self, agency: u32, text: &str, hash: impl FnOnce(&str) -> u64) -> u64 {
        if let Some(known) = self.of.get(&agency).and_then(|of| of.get(text)) {
            return *known;
        }
        if self.count >= KNOWN_MAX {
            *self = Self::default();
        }
        let made = hash(text);
        self.count += 1;
        self.of.entry(agency).or_default().insert(text.into(), made);
        made
    }
}

fn wrong_of(outcome: Outcome, fields: &[[u8; 2]]) -> Box<[u8]> {
    if outcome == Outcome::NotFound {
        return [NO_RECORD].into();
    }
    let disagrees = |code: u8| matches!(Verdict::from_code(code), Some(Verdict::Mismatch | Verdict::Review(_)));
    let wrong = fields.iter().filter(|[_, code]| disagrees(*code));
    wrong.map(|[number, _]| *number).collect()
}

/// Whether supervision reads entries of this kind at all: looked at without reading them.
pub fn concerns(bytes: &[u8]) -> bool {
    const KINDS: [Kind; 4] = [Kind::Verification, Kind::Chunk, Kind::Access, Kind::Mismatch];
    entry::kind_of(bytes).is_some_and(|kind| KINDS.contains(&kind))
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
