//! Tallies added up by period: what a row of the data-quality ledger says, and nothing of how it is shown to people.

use std::{collections::BTreeMap, sync::Arc};

use jiff::{ToSpan, civil::Date};
use serde_json::{Map, Value, json};

use super::{WHOLE, report::By};
use heyan_catalog::Dataset;
use heyan_domain::verdict::{Outcome, Verdict};
use heyan_ports::quality::{StepTally, VerdictTally};

/// Actions of mismatches, and how a report names them.
const STEPS: [(&str, &str); 8] = [
    ("open", "opened"),
    ("settle", "settled"),
    ("accept_record", "accepted"),
    ("propose_correction", "proposed"),
    ("approve", "corrected"),
    ("reject", "upheld"),
    ("report_false_claim", "false_claims"),
    ("close", "closed"),
];

/// The name of the period that a day belongs to.
pub(super) fn period(by: By, day: Date) -> String {
    match by {
        By::Day => day.to_string(),
        By::Week => {
            let week = day.iso_week_date();
            format!("{:04}-W{:02}", week.year(), week.week())
        }
    }
}

pub(super) fn date_of(day: i32) -> Date {
    Date::constant(1970, 1, 1).saturating_add(i64::from(day).days())
}

/// Verdicts of one field, or outcomes of answers, in one period.
#[derive(Clone, Default)]
pub(super) struct Counts(pub(super) BTreeMap<u8, u64>);

impl Counts {
    pub(super) fn verdicts(&self, is: impl Fn(Verdict) -> bool) -> u64 {
        let told = self
            .0
            .iter()
            .filter_map(|(code, count)| Some((Verdict::from_code(*code)?, count)));
        told.filter(|(verdict, _)| is(*verdict)).map(|(_, count)| count).sum()
    }

    pub(super) fn mismatches(&self) -> u64 {
        self.verdicts(|verdict| verdict == Verdict::Mismatch)
    }

    /// Those that were held against a value: what was absent, not permitted or unavailable says nothing of the data's quality.
    pub(super) fn compared(&self) -> u64 {
        self.verdicts(|verdict| matches!(verdict, Verdict::Match(_) | Verdict::Review(_) | Verdict::Mismatch))
    }

    pub(super) fn json(&self) -> Map<String, Value> {
        let mut members = Map::new();
        let (compared, mismatches) = (self.compared(), self.mismatches());
        members.insert("compared".to_owned(), compared.into());
        members.insert("mismatch_rate".to_owned(), rate(mismatches, compared).into());
        let mut words: BTreeMap<&str, u64> = BTreeMap::new();
        let mut rules: BTreeMap<&str, u64> = BTreeMap::new();
        for (code, count) in &self.0 {
            let Some(verdict) = Verdict::from_code(*code) else {
                continue;
            };
            *words.entry(verdict.as_str()).or_default() += count;
            if let Some(rule) = verdict.basis().or(verdict.reason()) {
                *rules.entry(rule).or_default() += count;
            }
        }
        members.insert("verdicts".to_owned(), json!(words));
        members.insert("rules_applied".to_owned(), json!(rules));
        members
    }
}

/// Parts in a million, rounded down; `null`: nothing was compared.
pub(super) fn rate(part: u64, whole: u64) -> Option<f64> {
    let millionths = part.saturating_mul(1_000_000).checked_div(whole)?;
    Some(f64::from(u32::try_from(millionths).ok()?) / 1e6)
}

/// (period, dataset, rules, field).
pub(super) type FieldKey = (String, String, String, u8);

/// How often each thing was done, and the days that decisions took.
pub(super) type Steps = BTreeMap<&'static str, (u64, u64)>;

#[derive(Default)]
pub(super) struct Sums {
    pub(super) fields: BTreeMap<FieldKey, Counts>,
    pub(super) answers: BTreeMap<(String, String), Counts>,
    /// By period, dataset and field.
    pub(super) steps: BTreeMap<(String, String, String), Steps>,
    names: BTreeMap<(String, u8), (String, String)>,
}

impl Sums {
    pub(super) fn of(datasets: &[Arc<Dataset>], by: By, verdicts: &[VerdictTally], steps: &[StepTally]) -> Self {
        let mut sums = Self::default();
        let named = |name: &str| datasets.iter().find(|dataset| *dataset.name == *name);
        for tally in verdicts {
            let name = tally.rules.split('@').next().unwrap_or_default();
            let Some(dataset) = named(name) else { continue };
            let period = period(by, date_of(tally.day));
            let counts = match tally.field {
                WHOLE => sums.answers.entry((period, name.to_owned())).or_default(),
                field => {
                    // Numbers belong to a revision: those of another one are not named.
                    let known = dataset
                        .shares_fields(&tally.rules)
                        .then(|| dataset.field(field))
                        .flatten();
                    let (word, comparator) = known.map_or_else(
                        || (format!("#{field}"), String::new()),
                        |field| (field.name.to_string(), field.comparator_name.to_string()),
                    );
                    sums.names.insert((tally.rules.clone(), field), (word, comparator));
                    let key = (period, name.to_owned(), tally.rules.clone(), field);
                    sums.fields.entry(key).or_default()
                }
            };
            *counts.0.entry(tally.code).or_default() += tally.count;
        }
        for tally in steps.iter().filter(|tally| named(&tally.dataset).is_some()) {
            let Some((_, word)) = STEPS.iter().find(|(action, _)| *action == tally.action) else {
                continue;
            };
            let key = (
                period(by, date_of(tally.day)),
                tally.dataset.clone(),
                tally.field.clone(),
            );
            let (count, days) = sums.steps.entry(key).or_default().entry(*word).or_default();
            *count += tally.count;
            *days += tally.days;
        }
        sums
    }

    pub(super) fn fields_json(&self) -> Vec<Value> {
        let rows = self.fields.iter().map(|((period, dataset, rules, number), counts)| {
            let mut row = counts.json();
            let (name, comparator) = self.names.get(&(rules.clone(), *number)).cloned().unwrap_or_default();
            for (member, value) in [
                ("period", period.as_str()),
                ("dataset", dataset),
                ("rules", rules),
                ("field", &name),
                ("comparator", &comparator),
            ] {
                row.insert(member.to_owned(), value.into());
            }
            Value::Object(row)
        });
        rows.collect()
    }

    pub(super) fn answers_json(&self) -> Vec<Value> {
        let rows = self.answers.iter().map(|((period, dataset), counts)| {
            let told = counts.0.iter().filter_map(|(code, count)| Some((Outcome::from_code(*code)?.as_str(), *count)));
            let outcomes: BTreeMap<&str, u64> = told.collect();
            json!({"period": period, "dataset": dataset, "answers": counts.0.values().sum::<u64>(), "outcomes": outcomes})
        });
        rows.collect()
    }

    pub(super) fn steps_json(&self) -> Vec<Value> {
        let rows = self.steps.iter().map(|((period, dataset, field), steps)| {
            let mut row = Map::new();
            for (member, value) in [("period", period), ("dataset", dataset), ("field", field)] {
                row.insert(member.to_owned(), value.as_str().into());
            }
            for (_, word) in STEPS {
                row.insert(word.to_owned(), steps.get(word).map_or(0, |(count, _)| *count).into());
            }
            row.insert("mean_days_to_decide".to_owned(), mean_days(steps).into());
            Value::Object(row)
        });
        rows.collect()
    }
}

/// Days from a proposal to its decision, on average; `null`: nothing was decided.
pub(super) fn mean_days(steps: &Steps) -> Option<f64> {
    let decided = ["corrected", "upheld"].iter().filter_map(|word| steps.get(word));
    let (count, days) = decided.fold((0_u64, 0_u64), |(count, days), one| (count + one.0, days + one.1));
    let hundredths = days.saturating_mul(100).checked_div(count)?;
    Some(f64::from(u32::try_from(hundredths).ok()?) / 100.0)
}
