//! Facts of ledger entries: opened purposes become keyed hashes at once, so that no name of a clerk or number of a matter goes further.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use crate::items::register::ItemRegister;
use crate::items::{self, PaperWhy};
use crate::{
    access::table::AccessTable,
    foundation::{purpose, vault::ColumnVault},
    node::hub::Hub,
    supervision::applications,
};
use heyan_auth::seal::PurposeSealer;
use heyan_catalog::Catalog;
use heyan_domain::{
    calendar::{WorkingCalendar, china_date, day_number},
    supervision::{FactKind, LedgerFact, LookUp, NO_RECORD, SeenEntry, StepFact},
    verdict::{Outcome, Verdict},
};
use heyan_ledger::{
    answered,
    entry::{self, EntryBody, EntryKind, LedgerEntry},
};

/// Words, or keyed hashes, that are known; forgotten all at once when there are so many.
const KNOWN_MAX: usize = 10_000;

/// Reads entries.
pub struct FactReader<'h> {
    /// Opens purposes.
    pub sealer: &'h PurposeSealer,
    /// Hides matters and operators.
    pub vault: &'h ColumnVault,
    /// What it reads them by.
    pub kept: KeptFacts,
}

/// What a reader knows, kept for the next one: a round reads few entries.
pub struct KeptFacts {
    /// What agencies and items were read of; `None`: not of a hub.
    pub made_of: Option<(Arc<AccessTable>, Arc<ItemRegister>)>,
    /// Ids of agencies by their number.
    pub agencies: HashMap<u32, Arc<str>>,
    /// Items that demand on paper what a register proves.
    pub paper: HashSet<Arc<str>>,
    /// Working days within which somebody has to act on a mismatch, by dataset.
    pub due_days: HashMap<Arc<str>, u32>,
    /// Working days.
    pub calendar: Arc<WorkingCalendar>,
    /// Words and keyed hashes that came before: a clerk asks often, and about one matter several times.
    pub known: KnownFacts,
}

/// What does not have to be made again.
#[derive(Default)]
pub struct KnownFacts {
    words: HashSet<Arc<str>, ahash::RandomState>,
    matters: TextHashes,
    operators: TextHashes,
}

/// Keyed hashes by agency and text.
#[derive(Default)]
struct TextHashes {
    of: HashMap<u32, HashMap<Box<str>, u64, ahash::RandomState>, ahash::RandomState>,
    count: usize,
}

impl KeptFacts {
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
                known: KnownFacts::default(),
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
    pub fn with(hub: &'h Hub, kept: Option<KeptFacts>) -> Self {
        Self {
            sealer: &hub.secrets.sealer,
            vault: &hub.secrets.vault,
            kept: KeptFacts::of(hub, kept),
        }
    }

    /// Visits the facts of one entry; an entry of another kind has none.
    pub fn visit(&mut self, seen: SeenEntry, bytes: &[u8], mut visit: impl FnMut(LedgerFact)) {
        match entry::kind_of(bytes) {
            Some(EntryKind::Verification | EntryKind::Chunk) => {
                // An entry of a later layout has nothing that this version could judge.
                let _read = self.look_ups(seen, bytes, &mut visit);
            }
            _ if concerns(bytes) => self.changes(seen, bytes, visit),
            _ => {}
        }
    }

    /// The look-ups of an entry, read where they lie: most entries are such.
    fn look_ups(&mut self, seen: SeenEntry, bytes: &[u8], visit: &mut impl FnMut(LedgerFact)) -> Option<()> {
        let answers = answered::EntryAnswers::read(bytes)?;
        let agency_id = self.agency_id(answers.agency);
        let asked = self.asked(answers.agency, &agency_id, answers.sealed)?;
        answers.visit(|answer| {
            let what = FactKind::LookUp(LookUp {
                dataset: self.kept.known.word(answer.rules.split('@').next().unwrap_or_default()),
                item: Arc::clone(&asked.item),
                subject: u128::from_be_bytes(answer.subject),
                matter: asked.matter,
                operator: asked.operator,
                outcome: answer.outcome,
                wrong: wrong_of(answer.outcome, answer.fields),
                demands_paper: asked.demands_paper,
            });
            visit(LedgerFact {
                at_us: answer.at_us,
                seen,
                agency: answer.agency,
                agency_id: Arc::clone(&agency_id),
                what,
            });
        })
    }

    /// What else there is in a ledger that rules judge.
    fn changes(&self, seen: SeenEntry, bytes: &[u8], mut visit: impl FnMut(LedgerFact)) {
        let Some(entry) = LedgerEntry::decode(bytes) else {
            return;
        };
        let agency_id = self.agency_id(entry.agency);
        let mut tell = |what: FactKind| {
            visit(LedgerFact {
                at_us: entry.at_us,
                seen,
                agency: entry.agency,
                agency_id: Arc::clone(&agency_id),
                what,
            });
        };
        match &entry.body {
            EntryBody::Access { action, target } if action == applications::ACTION => {
                if let Some(matter) = applications::matter_of(target) {
                    tell(FactKind::Application { matter });
                }
            }
            EntryBody::Mismatch {
                id,
                state,
                dataset,
                subject,
                step,
                ..
            } => tell(FactKind::Step(StepFact {
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

    /// Id of an agency; empty: it is none that the hub knows.
    fn agency_id(&self, number: u32) -> Arc<str> {
        self.kept.agencies.get(&number).map_or_else(|| "".into(), Arc::clone)
    }

    /// Why an entry's verifications were asked.
    fn asked(&mut self, number: u32, agency: &str, sealed: &[u8]) -> Option<AskedPurpose> {
        let opened = purpose::UnsealedPurpose::by(self.sealer, sealed)?;
        let mut parts = opened.parts();
        let (item, application_no, operator) = (parts.next()?, parts.next()?, parts.next()?);
        let (vault, kept) = (self.vault, &mut self.kept);
        let matter = |application_no: &str| short(&vault.matter(agency, application_no));
        let operator_of = |operator: &str| short(&vault.operator(agency, operator));
        Some(AskedPurpose {
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
struct AskedPurpose {
    item: Arc<str>,
    matter: u64,
    operator: u64,
    demands_paper: bool,
}

impl KnownFacts {
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

impl TextHashes {
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
    const KINDS: [EntryKind; 4] = [
        EntryKind::Verification,
        EntryKind::Chunk,
        EntryKind::Access,
        EntryKind::Mismatch,
    ];
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
fn paper(items: &ItemRegister) -> HashSet<Arc<str>> {
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
