//! Settings of the guess budget.

use serde::{Deserialize, Serialize};

/// Budget of guesses.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GuessSettings {
    /// In 24 hours.
    pub units_24_h_max: u32,
    /// In 30 days.
    pub units_30_days_max: u32,
    /// Of them for agencies with a confirmed matter, in 24 hours.
    pub reserved_units_24_h: u32,
    /// The same in 30 days.
    pub reserved_units_30_days: u32,
    /// Of one agency in 24 hours.
    pub agency_units_24_h_max: u32,
    /// Of one agency in 30 days.
    pub agency_units_30_days_max: u32,
    /// Of a field with a list of codes.
    pub code_units_max: u32,
    /// Of such a field by one agency.
    pub agency_code_units_max: u32,
    /// Of one predicate.
    pub predicate_units: u8,
    /// Of predicates.
    pub predicate_units_max: u32,
    /// Subjects that one agency may be wrong about in a day.
    pub agency_subjects_24_h_max: u32,
    /// The same in 30 days.
    pub agency_subjects_30_days_max: u32,
    /// More of them for each hundred that it was right about.
    pub agency_subjects_percent: u32,
    /// Subjects that one agency may lock in a day.
    pub agency_locks_24_h_max: u32,
}
