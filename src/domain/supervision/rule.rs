//! A rule: what it looks for, from which number on, where it applies, and whether it raises alerts or only counts.
//! Every number is a limit of the rules' file, with its unit in its name; none stands in a detector.

use serde::Deserialize;

use super::fact::{FactKind, LedgerFact};
use crate::label::BilingualLabel;

crate::words! {
    /// What kind of failing a rule watches.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
    #[serde(rename_all = "snake_case")]
    pub enum RuleClass {
        /// 时效: something is late.
        Timeliness = "timeliness",
        /// 流程: a step is missing.
        Process = "process",
        /// 内容: what is said is wrong.
        Content = "content",
        /// 裁量: more is demanded than may be.
        Discretion = "discretion",
        /// 廉政风险: access that its purpose does not explain.
        IntegrityRisk = "integrity_risk",
    }
}

crate::words! {
    /// Whether a rule raises alerts.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
    #[serde(rename_all = "snake_case")]
    pub enum RuleMode {
        /// It raises alerts.
        On = "on",
        /// It counts what it would raise.
        Shadow = "shadow",
        /// It does nothing.
        Off = "off",
    }
}

crate::words! {
    /// How soon a person should look.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
    #[serde(rename_all = "snake_case")]
    pub enum AlertSeverity {
        /// When there is time.
        Low = "low",
        /// This week.
        Medium = "medium",
        /// Today.
        High = "high",
    }
}

/// Where a rule applies; an empty list is everywhere, and what is excepted is excepted from that.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RuleScope {
    /// Dataset names.
    pub datasets: Vec<String>,
    /// Agency ids.
    pub agencies: Vec<String>,
    /// Service item codes.
    pub items: Vec<String>,
    /// Agency ids.
    pub except_agencies: Vec<String>,
    /// Service item codes.
    pub except_items: Vec<String>,
}

impl RuleScope {
    /// Whether the rule applies to a fact. A fact without a dataset or item is held against neither.
    pub fn holds(&self, fact: &LedgerFact) -> bool {
        let (dataset, item) = match &fact.what {
            FactKind::LookUp(look_up) => (Some(&*look_up.dataset), Some(&*look_up.item)),
            FactKind::Step(step) => (Some(&*step.dataset), None),
            FactKind::Application { .. } => (None, None),
        };
        let among = |list: &[String], word: &str| list.iter().any(|listed| listed == word);
        let wanted = |list: &[String], word: Option<&str>| list.is_empty() || word.is_none_or(|word| among(list, word));
        wanted(&self.datasets, dataset)
            && wanted(&self.items, item)
            && wanted(&self.agencies, Some(&fact.agency_id))
            && !among(&self.except_agencies, &fact.agency_id)
            && !item.is_some_and(|item| among(&self.except_items, item))
    }
}

/// One operator, many subjects in a day, measured against what is usual for him and for his agency.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ManySubjects {
    /// Subjects of a day below which nothing is said.
    pub subjects_min: u64,
    /// How much of what is usual is too much.
    pub factor_percent: u64,
    /// Days since an agency was first seen before it is judged.
    pub learning_days: i32,
}

/// Bulk look-ups outside working hours and on days off.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OffHours {
    /// Hour of the day (Asia/Shanghai) at which working hours begin.
    pub begin_h: i64,
    /// Hour at which they end.
    pub end_h: i64,
    /// Subjects of one night or day off below which nothing is said.
    pub subjects_min: u64,
    /// How much of what is usual outside working hours is too much.
    pub factor_percent: u64,
    /// Days since an agency was first seen before it is judged.
    pub learning_days: i32,
}

/// The same subject, from many agencies.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ManyAgencies {
    /// Window, hours.
    pub window_h: i64,
    /// Agencies.
    pub agencies_min: u64,
}

/// Wrong claims about one subject again and again.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GuessingRule {
    /// Window, hours.
    pub window_h: i64,
    /// Answers other than `verified`.
    pub wrong_min: u64,
}

/// A sudden change of the share of mismatches among an agency's look-ups.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MismatchRate {
    /// Look-ups of a day below which nothing is said.
    pub lookups_min: u64,
    /// Change of the share, percentage points.
    pub change_percent_min: f64,
    /// Standard deviations of an ordinary day.
    pub sigma_units_min: f64,
    /// Days with look-ups that are remembered.
    pub baseline_days: usize,
    /// Days that must be remembered before a day is judged.
    pub learning_days: usize,
}

/// Look-ups for application numbers that the agency never reports as applications.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NoApplication {
    /// Days in which an application must be reported.
    pub after_days: i64,
    /// Application numbers of one operator in a month.
    pub matters_min: u64,
    /// How far the operator's share must lie above that of the agency's others, percentage points.
    pub change_percent_min: f64,
    /// The same in standard deviations.
    pub sigma_units_min: f64,
}

/// A mismatch that nobody brings to an end.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UnresolvedRule {
    /// Days since it was opened.
    pub after_days: i32,
}

/// Materials demanded on paper although a register proves them.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PaperDemanded {
    /// Look-ups for the item in a month.
    pub lookups_min: u64,
}

/// What a rule looks for.
#[derive(Clone, Debug)]
pub enum RuleKind {
    /// See [`ManySubjects`].
    ManySubjects(ManySubjects),
    /// See [`OffHours`].
    OffHours(OffHours),
    /// See [`ManyAgencies`].
    ManyAgencies(ManyAgencies),
    /// See [`Guessing`].
    Guessing(GuessingRule),
    /// See [`MismatchRate`].
    MismatchRate(MismatchRate),
    /// See [`NoApplication`].
    NoApplication(NoApplication),
    /// A correction or decision that is past its due date.
    Overdue,
    /// See [`Unresolved`].
    Unresolved(UnresolvedRule),
    /// See [`PaperDemanded`].
    PaperDemanded(PaperDemanded),
    /// Raised by the hub where it happens; the rule gives it its class and its words.
    BuiltIn,
}

/// A limit that cannot be meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WrongLimits(pub &'static str);

impl RuleKind {
    /// The word in the rules' file.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::ManySubjects(_) => "many_subjects",
            Self::OffHours(_) => "off_hours",
            Self::ManyAgencies(_) => "many_agencies",
            Self::Guessing(_) => "guessing",
            Self::MismatchRate(_) => "mismatch_rate",
            Self::NoApplication(_) => "no_application",
            Self::Overdue => "overdue",
            Self::Unresolved(_) => "unresolved",
            Self::PaperDemanded(_) => "paper_demanded",
            Self::BuiltIn => "built_in",
        }
    }

    /// Refuses limits that cannot be meant: windows longer than what may be kept, numbers that every fact reaches.
    ///
    /// # Errors
    /// The first such limit.
    pub fn check(&self) -> Result<(), WrongLimits> {
        let fine = |good: bool, limit: &'static str| if good { Ok(()) } else { Err(WrongLimits(limit)) };
        match self {
            Self::ManySubjects(limits) => {
                fine(limits.subjects_min >= 2, "subjects_min")?;
                fine(limits.factor_percent >= 100, "factor_percent")
            }
            Self::OffHours(limits) => {
                let hours = (0..24).contains(&limits.begin_h) && (limits.begin_h..=24).contains(&limits.end_h);
                fine(hours, "begin_h")?;
                fine(limits.subjects_min >= 2, "subjects_min")?;
                fine(limits.factor_percent >= 100, "factor_percent")
            }
            Self::ManyAgencies(limits) => {
                fine((1..=31 * 24).contains(&limits.window_h), "window_h")?;
                fine((2..=1_000).contains(&limits.agencies_min), "agencies_min")
            }
            Self::Guessing(limits) => {
                fine((1..=31 * 24).contains(&limits.window_h), "window_h")?;
                fine((2..=1_000).contains(&limits.wrong_min), "wrong_min")
            }
            Self::MismatchRate(limits) => {
                fine(limits.lookups_min >= 2, "lookups_min")?;
                fine(limits.sigma_units_min > 0.0, "sigma_units_min")?;
                fine(limits.change_percent_min >= 0.0, "change_percent_min")?;
                fine((2..=365).contains(&limits.baseline_days), "baseline_days")?;
                fine(
                    (2..=limits.baseline_days).contains(&limits.learning_days),
                    "learning_days",
                )
            }
            Self::NoApplication(limits) => {
                fine((1..=90).contains(&limits.after_days), "after_days")?;
                fine(limits.matters_min >= 1, "matters_min")?;
                fine(limits.sigma_units_min >= 0.0, "sigma_units_min")?;
                fine(limits.change_percent_min >= 0.0, "change_percent_min")
            }
            Self::Unresolved(limits) => fine((1..=3_650).contains(&limits.after_days), "after_days"),
            Self::PaperDemanded(limits) => fine(limits.lookups_min >= 1, "lookups_min"),
            Self::Overdue | Self::BuiltIn => Ok(()),
        }
    }
}

/// One rule of the file.
#[derive(Clone, Debug)]
pub struct Rule {
    /// Names it: in alerts, metrics and the ledger.
    pub id: String,
    /// Its class.
    pub class: RuleClass,
    /// What it looks for.
    pub kind: RuleKind,
    /// Whether it raises alerts.
    pub mode: RuleMode,
    /// How soon a person should look.
    pub severity: AlertSeverity,
    /// Where it applies.
    pub scope: RuleScope,
    /// What it is about, for people.
    pub title: BilingualLabel,
    /// What to do about it.
    pub remedy: BilingualLabel,
}
