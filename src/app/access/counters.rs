//! What is counted of grants and agencies in memory; it outlives the compiled table.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use crate::foundation::{quota::MismatchRoom, usage::UsageCounter};
use heyan_domain::budget::AskerTally;
use heyan_ports::{access::GrantUsage, guesses::RightSubjects};

/// Counters of daily ceilings, and tallies of agencies; they outlive the table.
#[derive(Default)]
pub struct CeilingCounters {
    grants: Mutex<HashMap<Box<str>, Arc<UsageCounter>, ahash::RandomState>>,
    askers: Mutex<HashMap<u32, Arc<AskerTally>, ahash::RandomState>>,
    rooms: Mutex<HashMap<u32, Arc<MismatchRoom>, ahash::RandomState>>,
}

impl CeilingCounters {
    pub(super) fn of(&self, grant: &str) -> Arc<UsageCounter> {
        let mut counters = self.grants.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(counters.entry(grant.into()).or_default())
    }

    /// The tally of an agency, by its number in the ledger.
    pub fn asker(&self, agency: u32) -> Arc<AskerTally> {
        let mut askers = self.askers.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(askers.entry(agency).or_default())
    }

    pub(super) fn room(&self, agency: u32) -> Arc<MismatchRoom> {
        let mut rooms = self.rooms.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(rooms.entry(agency).or_default())
    }

    /// Takes over the numbers of right subjects that the store holds.
    pub fn restore_right(&self, right: &[RightSubjects], today: i32) {
        for row in right {
            self.asker(row.agency).restore_right(row.day, row.subjects, today);
        }
    }

    /// The right subjects that were counted since the last call, for the store.
    pub fn drain_right(&self) -> Vec<RightSubjects> {
        let askers = self.askers.lock().unwrap_or_else(PoisonError::into_inner);
        let drained = askers.iter().flat_map(|(agency, asker)| {
            let drained = asker.drain_right().into_iter();
            drained.map(|(day, subjects)| RightSubjects {
                agency: *agency,
                day,
                subjects,
            })
        });
        drained.collect()
    }

    /// Takes over the counts that the store holds.
    pub fn restore(&self, usage: &[GrantUsage]) {
        for used in usage {
            self.of(&used.grant).restore(used.day, used.used);
        }
    }

    /// What was counted since the last call, for the store.
    pub fn drain(&self) -> Vec<GrantUsage> {
        let counters = self.grants.lock().unwrap_or_else(PoisonError::into_inner);
        let drained = counters.iter().filter_map(|(grant, counter)| {
            counter.drain().map(|(day, used)| GrantUsage {
                grant: grant.to_string(),
                day,
                used,
            })
        });
        drained.collect()
    }
}
