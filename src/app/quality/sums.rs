//! Tallies added up by period: what a row of the data-quality ledger says, and nothing of how it is shown to people.

use std::{collections::BTreeMap, sync::Arc};

use jiff::{ToSpan, civil::Date};

use super::{WHOLE, report::ReportBy};
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
pub(super) fn period(by: ReportBy, day: Date) -> String {
    match by {
        ReportBy::Day => day.to_string(),
        ReportBy::Week => {
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
pub(super) struct PeriodCounts(pub(super) BTreeMap<u8, u64>);

impl PeriodCounts {
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

    fn row(&self) -> FieldRow {
        let (compared, mismatches) = (self.compared(), self.mismatches());
        let mut row = FieldRow {
            compared,
            mismatch_rate: rate(mismatches, compared),
            ..FieldRow::default()
        };
        for (code, count) in &self.0 {
            let Some(verdict) = Verdict::from_code(*code) else {
                continue;
            };
            *row.verdicts.entry(verdict.as_str()).or_default() += count;
            if let Some(rule) = verdict.basis().or(verdict.reason()) {
                *row.rules_applied.entry(rule).or_default() += count;
            }
        }
        row
    }
}

/// Number by word.
pub type WordCounts = BTreeMap<&'static str, u64>;

/// One field in one period.
#[derive(Default)]
pub struct FieldRow {
    /// How often it was held against a value.
    pub compared: u64,
    /// Mismatches among them; `None`: nothing was compared.
    pub mismatch_rate: Option<f64>,
    /// Every verdict.
    pub verdicts: WordCounts,
    /// Bases of matches and reasons of reviews.
    pub rules_applied: WordCounts,
    /// Day or ISO week.
    pub period: String,
    /// Dataset.
    pub dataset: String,
    /// Dataset and revision.
    pub rules: String,
    /// The field; `#n` in a revision that is not in force.
    pub field: String,
    /// How it is compared.
    pub comparator: String,
}

/// Answers about one dataset in one period.
pub struct AnswersRow {
    /// Day or ISO week.
    pub period: String,
    /// Dataset.
    pub dataset: String,
    /// How many.
    pub answers: u64,
    /// By outcome.
    pub outcomes: WordCounts,
}

/// What became of the mismatches of one field in one period.
pub struct MismatchesRow {
    /// Day or ISO week.
    pub period: String,
    /// Dataset.
    pub dataset: String,
    /// Field.
    pub field: String,
    /// Count by the report's word of the step.
    pub steps: WordCounts,
    /// Days from a proposal to its decision, on average; `None`: nothing was decided.
    pub mean_days_to_decide: Option<f64>,
}

/// Rows of a time.
pub struct PeriodRows {
    /// Verdicts by field.
    pub fields: Vec<FieldRow>,
    /// Outcomes of whole answers.
    pub answers: Vec<AnswersRow>,
    /// What became of mismatches.
    pub mismatches: Vec<MismatchesRow>,
}

/// Parts in a million, rounded down; `null`: nothing was compared.
pub(super) fn rate(part: u64, whole: u64) -> Option<f64> {
    let millionths = part.saturating_mul(1_000_000).checked_div(whole)?;
    Some(f64::from(u32::try_from(millionths).ok()?) / 1e6)
}

/// (period, dataset, rules, field).
pub(super) type FieldKey = (String, String, String, u8);

/// How often each thing was done, and the days that decisions took.
pub(super) type StepCounts = BTreeMap<&'static str, (u64, u64)>;

#[derive(Default)]
pub(super) struct PeriodSums {
    pub(super) fields: BTreeMap<FieldKey, PeriodCounts>,
    pub(super) answers: BTreeMap<(String, String), PeriodCounts>,
    /// By period, dataset and field.
    pub(super) steps: BTreeMap<(String, String, String), StepCounts>,
    names: BTreeMap<(String, u8), (String, String)>,
}

impl PeriodSums {
    pub(super) fn of(datasets: &[Arc<Dataset>], by: ReportBy, verdicts: &[VerdictTally], steps: &[StepTally]) -> Self {
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

    pub(super) fn rows(&self) -> PeriodRows {
        let fields = self.fields.iter().map(|((period, dataset, rules, number), counts)| {
            let (field, comparator) = self.names.get(&(rules.clone(), *number)).cloned().unwrap_or_default();
            FieldRow {
                period: period.clone(),
                dataset: dataset.clone(),
                rules: rules.clone(),
                field,
                comparator,
                ..counts.row()
            }
        });
        let answers = self.answers.iter().map(|((period, dataset), counts)| {
            let told = counts.0.iter();
            let outcomes = told.filter_map(|(code, count)| Some((Outcome::from_code(*code)?.as_str(), *count)));
            AnswersRow {
                period: period.clone(),
                dataset: dataset.clone(),
                answers: counts.0.values().sum(),
                outcomes: outcomes.collect(),
            }
        });
        let mismatches = self
            .steps
            .iter()
            .map(|((period, dataset, field), steps)| MismatchesRow {
                period: period.clone(),
                dataset: dataset.clone(),
                field: field.clone(),
                steps: steps.iter().map(|(word, (count, _))| (*word, *count)).collect(),
                mean_days_to_decide: mean_days(steps),
            });
        PeriodRows {
            fields: fields.collect(),
            answers: answers.collect(),
            mismatches: mismatches.collect(),
        }
    }
}

/// Days from a proposal to its decision, on average; `null`: nothing was decided.
pub(super) fn mean_days(steps: &StepCounts) -> Option<f64> {
    let decided = ["corrected", "upheld"].iter().filter_map(|word| steps.get(word));
    let (count, days) = decided.fold((0_u64, 0_u64), |(count, days), one| (count + one.0, days + one.1));
    let hundredths = days.saturating_mul(100).checked_div(count)?;
    Some(f64::from(u32::try_from(hundredths).ok()?) / 100.0)
}
