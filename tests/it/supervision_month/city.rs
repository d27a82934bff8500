//! Makes the month: agencies with clerks, the rhythm of days and weeks, retries, joined-up matters, weekend shifts, overtime, an online
//! service that never sleeps; and the anomalies among them.

use heyan::app::{
    foundation::{purpose, vault::ColumnVault},
    supervision::applications,
};
use heyan::{
    auth::seal::PurposeSealer,
    domain::{
        calendar::{WorkingCalendar, china_date, china_day},
        verdict::{MatchBasis, Outcome, ReviewReason, Verdict},
    },
    ledger::entry::{EntryBody, EntryItem, EntryKind, LedgerEntry},
};

pub(super) const AGENCIES: u32 = 20;
pub(super) const DUE_DAYS: u32 = 5;
pub(super) const DATASETS: [&str; 3] = ["natural-person", "legal-entity", "e-licence"];

pub(super) const HOUR_US: i64 = 3_600_000_000;
pub(super) const DAY_US: i64 = 24 * HOUR_US;
const DAYS: i64 = 31;

/// 1 May 2026, midnight in China: five days off, and a Saturday that is worked.
pub(super) const START_US: i64 = 1_777_564_800_000_000;
/// 1 March 2026: no days off but Saturdays and Sundays.
const MARCH_US: i64 = 1_772_294_400_000_000;

/// The service that answers citizens at home, around the clock.
const ONLINE: u32 = 20;
/// Halls that open on Saturdays.
const WEEKEND: [u32; 3] = [3, 8, 14];

pub(super) fn agency_id(number: u32) -> String {
    format!("agency-{number:02}")
}

/// SplitMix64.
pub(super) struct Chance(u64);

impl Chance {
    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub(super) fn below(&mut self, bound: u64) -> u64 {
        ((u128::from(self.next()) * u128::from(bound)) >> 64) as u64
    }

    pub(super) fn between(&mut self, low: i64, high: i64) -> i64 {
        low + self.below((high - low + 1) as u64) as i64
    }

    pub(super) fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    fn happens(&mut self, share: f64) -> bool {
        self.unit() < share
    }

    /// One of the places of `weights`, by their weight.
    fn weighed(&mut self, weights: &[f64]) -> usize {
        let mut left = self.unit() * weights.iter().sum::<f64>();
        for (place, weight) in weights.iter().enumerate() {
            left -= weight;
            if left < 0.0 {
                return place;
            }
        }
        weights.len() - 1
    }
}

pub(super) struct Planted {
    pub rule: &'static str,
    pub told: String,
}

pub(super) struct Made {
    pub at_us: i64,
    pub bytes: Vec<u8>,
    pub planted: Option<usize>,
}

pub(super) struct Month {
    pub entries: Vec<Made>,
    pub planted: Vec<Planted>,
    /// Items that demand paper.
    pub paper: Vec<String>,
    pub end_us: i64,
}

pub(super) struct Agency {
    pub(super) clerks: Vec<f64>,
    pub(super) wrong: f64,
    pub(super) reports: bool,
}

/// One look-up to be entered.
#[derive(Clone)]
pub(super) struct Ask {
    pub(super) at_us: i64,
    pub(super) agency: u32,
    pub(super) clerk: String,
    pub(super) matter: String,
    pub(super) item: String,
    pub(super) dataset: usize,
    pub(super) subject: u64,
    /// What the material claims.
    pub(super) field: u8,
    pub(super) outcome: Outcome,
}

pub(super) struct Maker<'a> {
    pub(super) chance: Chance,
    pub(super) start_us: i64,
    pub(super) agencies: Vec<Agency>,
    pub(super) sealer: &'a PurposeSealer,
    pub(super) vault: &'a ColumnVault,
    pub(super) made: Vec<Made>,
    pub(super) planted: Vec<Planted>,
    pub(super) matters: u64,
    pub(super) mismatches: u64,
}

impl Month {
    pub(super) fn make(seed: u64, ordinary: usize, sealer: &PurposeSealer, vault: &ColumnVault) -> Self {
        let start_us = if seed.is_multiple_of(2) { MARCH_US } else { START_US };
        let mut chance = Chance(seed.wrapping_mul(0x5851_f42d_4c95_7f2d));
        let agencies = (1..=AGENCIES).map(|number| Agency {
            clerks: (0..chance.between(4, 8)).map(|_| 0.6 + 0.9 * chance.unit()).collect(),
            wrong: 0.02 + 0.04 * chance.unit(),
            reports: number <= 10,
        });
        let mut maker = Maker {
            agencies: agencies.collect(),
            chance,
            start_us,
            sealer,
            vault,
            made: Vec::new(),
            planted: Vec::new(),
            matters: 0,
            mismatches: 0,
        };
        maker.ordinary(ordinary);
        maker.plant();
        let mut entries = maker.made;
        entries.sort_by_key(|made| made.at_us);
        Self {
            entries,
            planted: maker.planted,
            paper: (0..3).map(paper_item).collect(),
            end_us: start_us + DAYS * DAY_US,
        }
    }
}

pub(super) fn paper_item(n: usize) -> String {
    format!("paper-item-{n}")
}

impl Maker<'_> {
    /// Whether a day of the month is worked.
    fn is_worked(&self, day: i64) -> bool {
        let date = china_date(self.start_us + day * DAY_US + 12 * HOUR_US);
        WorkingCalendar::shipped().is_working(date).unwrap()
    }

    fn is_saturday(&self, day: i64) -> bool {
        // 1970-01-01 was a Thursday.
        (i64::from(china_day(self.start_us)) + day + 3).rem_euclid(7) == 5
    }

    pub(super) fn worked_day(&mut self, low: i64, high: i64) -> i64 {
        loop {
            let day = self.chance.between(low, high);
            if self.is_worked(day) {
                return day;
            }
        }
    }

    /// How much of an agency's work falls on a day.
    fn weight(&mut self, number: u32, day: i64) -> f64 {
        let ups_and_downs = 0.8 + 0.4 * self.chance.unit();
        if number == ONLINE {
            return ups_and_downs;
        }
        match self.is_worked(day) {
            true => ups_and_downs,
            false if WEEKEND.contains(&number) && self.is_saturday(day) => 0.35 * ups_and_downs,
            false => 0.002,
        }
    }

    /// A moment of a day, in the rhythm of an office or of people at home.
    pub(super) fn moment(&mut self, number: u32, day: i64) -> i64 {
        const OFFICE: [f64; 24] = [
            0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.3, 6.0, 12.0, 13.0, 9.0, 2.5, 4.0, 11.0, 12.0, 9.0, 5.0, 1.2, 0.6,
            0.15, 0.05, 0.0, 0.0,
        ];
        const HOME: [f64; 24] = [
            2.0, 1.0, 0.5, 0.3, 0.3, 0.5, 1.5, 3.0, 5.0, 6.0, 6.0, 5.0, 6.0, 5.0, 5.0, 5.0, 5.0, 5.0, 5.0, 6.0, 8.0,
            8.0, 6.0, 4.0,
        ];
        let hour = self.chance.weighed(if number == ONLINE { &HOME } else { &OFFICE });
        let within = self.chance.below(HOUR_US as u64) as i64;
        self.start_us + day * DAY_US + hour as i64 * HOUR_US + within
    }

    pub(super) fn clerk(&mut self, number: u32) -> String {
        if number == ONLINE {
            return "self-service".to_owned();
        }
        let weights = self.agencies[number as usize - 1].clerks.clone();
        format!("clerk-{}", self.chance.weighed(&weights))
    }

    pub(super) fn matter(&mut self) -> String {
        self.matters += 1;
        format!("M-{:07}", self.matters)
    }

    fn ordinary(&mut self, ordinary: usize) {
        let mut weights = Vec::new();
        let mut of = Vec::new();
        for number in 1..=AGENCIES {
            let size = 0.4 + f64::from(number * 7 % 11) / 5.0;
            for day in 0..DAYS {
                weights.push(size * self.weight(number, day));
                // Bad days and good days.
                let share = self.agencies[number as usize - 1].wrong * (0.6 + 0.8 * self.chance.unit());
                of.push((number, day, share));
            }
        }
        let total: f64 = weights.iter().sum();
        let mut asked = 0;
        for ((number, day, share), weight) in of.into_iter().zip(weights) {
            let count = (weight / total * ordinary as f64).round() as usize;
            let end = asked + count;
            while asked < end {
                asked += self.matter_of(number, day, share);
            }
        }
        println!("ordinary look-ups: {asked}");
    }

    /// One application: what is looked up for it, retries, mismatches, its report. Answers how many look-ups that were.
    fn matter_of(&mut self, number: u32, day: i64, wrong: f64) -> usize {
        let (at_us, clerk, matter) = (self.moment(number, day), self.clerk(number), self.matter());
        // Most come once; some come again and again, to several agencies.
        let subject = match self.chance.happens(0.15) {
            true => self.chance.below(4_000),
            false => 10_000 + self.chance.below(400_000),
        };
        let mut ask = Ask {
            at_us,
            agency: number,
            clerk,
            matter: matter.clone(),
            item: format!("item-{}-{}", number, self.chance.below(12)),
            dataset: self.chance.weighed(&[0.7, 0.15, 0.15]),
            subject,
            field: 0,
            outcome: Outcome::Verified,
        };
        let mut asked = 0;
        // Some matters have several materials, each about something else.
        for material in 0..=self.chance.weighed(&[0.7, 0.2, 0.1]) {
            ask.field = material as u8;
            ask.at_us += self.chance.between(1, 90) * 1_000_000;
            asked += self.answered(&ask, wrong);
        }
        if self.chance.happens(0.003) {
            asked += self.joined_up(&ask);
        }
        if self.agencies[number as usize - 1].reports && !self.chance.happens(0.03) {
            let later = self.chance.between(0, 9) * DAY_US + self.chance.between(1, 600) * 60_000_000;
            self.report(number, &matter, ask.at_us + later);
        }
        asked
    }

    /// A look-up with its retries: a wrong one is mended at once, or with what the applicant says, or stays wrong.
    fn answered(&mut self, ask: &Ask, wrong: f64) -> usize {
        let mut ask = ask.clone();
        let mut asked = 1;
        while self.chance.happens(if asked == 1 { wrong } else { 0.35 }) && asked < 5 {
            ask.outcome = match self.chance.weighed(&[0.8, 0.12, 0.08]) {
                0 => Outcome::Mismatched,
                1 => Outcome::Review,
                _ => Outcome::NotFound,
            };
            self.enter(&ask, None);
            if ask.outcome == Outcome::Mismatched && self.chance.happens(0.2) {
                self.mismatch(&ask);
            }
            ask.at_us += self.chance.between(20, 400) * 1_000_000;
            asked += 1;
        }
        ask.outcome = if self.chance.happens(0.02) {
            Outcome::Incomplete
        } else {
            Outcome::Verified
        };
        self.enter(&ask, None);
        asked
    }

    /// One matter of several agencies ("一件事"): each looks up the same person within two days.
    fn joined_up(&mut self, ask: &Ask) -> usize {
        let agencies = self.chance.between(2, 5);
        for step in 1..=agencies {
            let number = (i64::from(ask.agency) + step * 3).rem_euclid(19) as u32 + 1;
            let mut other = ask.clone();
            other.at_us += self.chance.between(1, 46) * HOUR_US;
            other.agency = number;
            other.clerk = self.clerk(number);
            other.matter = self.matter();
            self.enter(&other, None);
            if self.agencies[number as usize - 1].reports {
                let (matter, at_us) = (other.matter.clone(), other.at_us + DAY_US);
                self.report(number, &matter, at_us);
            }
        }
        agencies as usize
    }

    /// A mismatch that is worked in time.
    fn mismatch(&mut self, ask: &Ask) {
        let id = self.mismatch_id();
        self.step(ask, &id, ("open", "open", 1), ask.at_us, None);
        let done = ask.at_us + self.chance.between(1, 100) * HOUR_US;
        self.step(ask, &id, ("settle", "closed", 2), done, None);
    }

    pub(super) fn mismatch_id(&mut self) -> String {
        self.mismatches += 1;
        format!("mis_{:026}", self.mismatches)
    }

    pub(super) fn step(
        &mut self,
        ask: &Ask,
        id: &str,
        (action, state, step): (&str, &str, u32),
        at_us: i64,
        planted: Option<usize>,
    ) {
        let body = EntryBody::Mismatch {
            id: id.to_owned(),
            action: action.to_owned(),
            state: state.to_owned(),
            dataset: DATASETS[ask.dataset].to_owned(),
            subject: subject_of(ask),
            step,
        };
        self.push(EntryKind::Mismatch, at_us, ask.agency, body, &[&ask.clerk], planted);
    }

    pub(super) fn report(&mut self, number: u32, matter: &str, at_us: i64) {
        let hash = self.vault.matter(&agency_id(number), matter);
        let body = EntryBody::Access {
            action: applications::ACTION.to_owned(),
            target: hash.iter().map(|byte| format!("{byte:02x}")).collect(),
        };
        self.push(EntryKind::Access, at_us, number, body, &["client"], None);
    }

    pub(super) fn enter(&mut self, ask: &Ask, planted: Option<usize>) {
        let item = EntryItem {
            rules: format!("{}@1", DATASETS[ask.dataset]),
            subject: subject_of(ask),
            record_version: 1,
            outcome: ask.outcome,
            fields: match ask.outcome {
                Outcome::NotFound => Vec::new(),
                Outcome::Mismatched => vec![(ask.field, Verdict::Mismatch)],
                Outcome::Review => vec![(ask.field, Verdict::Review(ReviewReason::GuessBudget))],
                Outcome::Incomplete => vec![(ask.field, Verdict::Absent)],
                _ => vec![(ask.field, Verdict::Match(MatchBasis::Exact))],
            },
        };
        let purpose = [ask.item.as_str(), &ask.matter, &ask.clerk, "", ""];
        let body = EntryBody::Items(vec![item]);
        self.push(EntryKind::Verification, ask.at_us, ask.agency, body, &purpose, planted);
    }

    fn push(
        &mut self,
        kind: EntryKind,
        at_us: i64,
        agency: u32,
        body: EntryBody,
        parts: &[&str],
        planted: Option<usize>,
    ) {
        if at_us >= self.start_us + DAYS * DAY_US {
            return;
        }
        let mut bytes = LedgerEntry {
            kind,
            at_us,
            agency,
            body,
            sealed: Vec::new(),
        }
        .encode();
        // The two bytes that say that nothing is sealed.
        bytes.truncate(bytes.len() - 2);
        purpose::seal_parts_by(self.sealer, parts, &mut bytes).unwrap();
        self.made.push(Made { at_us, bytes, planted });
    }
}

fn subject_of(ask: &Ask) -> [u8; 16] {
    let mut chance = Chance((ask.subject << 2) | ask.dataset as u64);
    let mut subject = [0; 16];
    subject[..8].copy_from_slice(&chance.next().to_be_bytes());
    subject[8..].copy_from_slice(&chance.next().to_be_bytes());
    subject
}
